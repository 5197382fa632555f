"""Whether a GPU pays, in a comparison: end to end, with the data there, and from where on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from blurbench.records.gpu_pays import gpu_pays
from blurbench.records.summary import Key, Row
from blurbench.report.answer import answer_lines, sentence

KEY = {"image": "photo.png", "height": 1000, "width": 1000, "channels": 1, "size": 15}
MORE = {"sigma": 2.6, "border": "reflect", "cval": 0.0, "dtype": "float32", "cache": "hot"}
KINDS = {"cuda": "gpu", "metal": "gpu", "wgpu": "software"}  # backends that are on no CPU


def row(name: str, milliseconds: float, **there: float) -> Row:
    """A row of a race that `numba:separable`, of 10 ms, leads.

    Args:
        there: milliseconds of scopes of the device.
    """
    backend, method = name.split(":")
    key = Key(implementation=name, threads=2, **KEY, **MORE)
    found = Row(key, backend, method, "ours", True, kind=KINDS.get(backend, "cpu"))
    for scope, own in {"end_to_end": milliseconds, **there}.items():
        found.set_times(scope, [own / 1000] * 9, 0.05)
    found.ratio_to_fastest = milliseconds / 10
    found.ratio_ci95_low, found.ratio_ci95_high = milliseconds / 10.1, milliseconds / 9.9
    found.verdict = {"software": "software"}.get(found.kind, "slower")
    if milliseconds == 10:
        found.verdict = "fastest"
    return found


CPU = row("numba:separable", 10)


def lines(*others: Row) -> list[str]:
    return answer_lines([CPU, *others])


def told(found: Sequence[str], begins: str) -> str:
    (line,) = [one for one in found if one.startswith(begins)]
    return line


def test_without_a_gpu_nothing_is_said_of_one() -> None:
    assert lines(row("scipy:separable", 20)) == []


def test_a_gpu_is_held_against_the_best_cpu_end_to_end() -> None:
    found = lines(row("cuda:separable", 40, compute=2), row("cuda:direct", 90, compute=8))
    assert told(found, "GPU") == (
        "GPU does not pay end to end: cuda:separable takes 4.00x numba:separable's time."
    )


def test_with_the_data_there_the_break_even_is_a_number_of_blurs() -> None:
    found = lines(row("cuda:separable", 40, compute=2))
    assert told(found, "With the data there") == (
        "With the data there cuda:separable takes 0.200x, paying from 5 blurs on."
    )


def test_what_is_not_sure_of_the_number_of_blurs_is_told() -> None:
    found = lines(row("cuda:separable", 400, compute=2))
    assert told(found, "With the data there").endswith(", paying from 50 to 51 blurs on.")


def test_with_the_data_there_it_may_pay_at_once() -> None:
    found = lines(row("cuda:separable", 4, compute=2))
    assert told(found, "With the data there").endswith(", paying from the first blur on.")


def test_with_the_data_there_it_may_never_pay() -> None:
    found = lines(row("cuda:separable", 40, compute=11))
    assert told(found, "With the data there").endswith(
        "takes 1.10x, paying for no number of blurs."
    )


def test_where_launching_takes_longer_than_computing_it_is_what_a_blur_takes() -> None:
    found = lines(row("cuda:separable", 40, compute=1, launch=5))
    assert told(found, "With").startswith("With the data there cuda:separable takes 0.500x,")


def test_a_gpu_that_was_timed_there_and_back_alone_is_not_said_to_compute() -> None:
    found = lines(row("cuda:separable", 40))
    assert [one.partition(" ")[0] for one in found] == ["GPU", "No"]


def test_of_a_gpu_that_does_not_pay_the_least_image_is_told_on_which_it_could() -> None:
    found = lines(row("cuda:separable", 40, compute=2))
    assert told(found, "No image") == (
        "No image below 4 MP pays; beyond see sweep --image-sizes 1024,2048,8192."
    )


def test_of_a_gpu_that_pays_it_is_told_between_which_images_it_begins_to() -> None:
    found = lines(row("cuda:separable", 4, compute=2, launch=0.1))
    assert told(found, "It begins") == (
        "It begins to pay at 0.016 MP to 0.4 MP (see sweep --image-sizes 64,256,1024)."
    )


def test_of_a_gpu_that_pays_it_is_told_how_many_images_pay_for_its_start() -> None:
    gpu = row("cuda:separable", 4, compute=2)
    gpu.setup_s, gpu.first_call_s = 0.05, 0.02  # 66 ms more than an image, of which each saves 6
    at_once = row("numba:separable", 10)
    at_once.first_call_s = 0.01
    (line, *_) = answer_lines([at_once, gpu])
    assert line == (
        "GPU pays end to end: cuda:separable takes 0.400x numba:separable's time; "
        "11 images pay for its set-up and first call."
    )


@pytest.mark.parametrize("milliseconds", [4, 40])
def test_each_sentence_is_a_line_of_80_columns(milliseconds: float) -> None:
    found = lines(row("metal:separable", milliseconds, compute=2, launch=0.1))
    assert all(len(line) <= 80 for line in found)


# Software is no GPU.


SOFTWARE = (
    row("wgpu:separable", 4, compute=2),
    row("wgpu:fft", 5, compute=3),
)


def test_software_is_in_no_sentence_on_a_gpu() -> None:
    assert gpu_pays([CPU, *SOFTWARE]) is None
    assert lines(*SOFTWARE) == []


@pytest.mark.parametrize("rows", [SOFTWARE, (CPU, *SOFTWARE)], ids=["alone", "beside a CPU"])
def test_software_is_in_no_sentence_on_fft(rows: Sequence[Row]) -> None:
    assert not any("FFT" in line for line in answer_lines(rows))


def test_software_is_named_with_its_mark() -> None:
    alone = row("wgpu:separable", 10)
    assert sentence([alone], 0.03).startswith("wgpu:separable (software) took ")


# For other programs.


def document(*rows: Row) -> dict[str, Any]:
    found = gpu_pays(rows)
    assert found is not None
    return found.as_dict()


def test_other_programs_read_the_same() -> None:
    found = document(CPU, row("cuda:separable", 40, compute=2))
    assert (found["cpu"], found["gpu"], found["ratio"]) == ("numba:separable", "cuda:separable", 4)
    assert (found["on_device"], found["on_device_ratio"]) == ("cuda:separable", pytest.approx(0.2))
    assert found["pays_from_blurs"] == 5
    assert found["pays_from_pixels_least"] == pytest.approx(3.96e6, rel=0.001)


def test_what_was_not_timed_on_the_device_is_missing_there() -> None:
    found = document(CPU, row("cuda:separable", 40))
    assert (found["on_device"], found["pays_from_blurs"]) == (None, None)
