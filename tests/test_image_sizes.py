"""From how large an image on the GPU pays, of runs that cut an image to several sizes."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from blurbench.records.declared import Declared
from blurbench.records.journal import Log
from blurbench.report.image_sizes import image_size_lines
from blurbench.report.show import show_log
from blurbench.report.sweep import document, to_markdown
from helpers.made_runs import run_of

NAMES = ("numba:separable", "cuda:separable")
SIDES = (256, 512, 1024, 2048)


def kinds(**kind_of: str) -> Any:
    def declare(one: Declared) -> Declared:
        return replace(one, kind=kind_of.get(one.backend, "cpu"))

    return declare


def run(fixed_s: float, per_pixel_s: float, sides: tuple[int, ...] = SIDES, **more: Any) -> Log:
    """The CPU takes 10 ns a pixel, the GPU so much and so much a pixel, whatever the kernel."""

    def times(name: str, size: int, extent: tuple[int, int]) -> float:
        pixels = extent[0] * extent[1]
        return 1e-8 * pixels if name == NAMES[0] else fixed_s + per_pixel_s * pixels

    given = {"sizes": (3, 15), "declare": kinds(cuda="gpu"), **more}
    return run_of(NAMES, extents=tuple((side, side) for side in sides), times=times, **given)


def test_the_gpu_pays_from_the_image_where_it_overtakes() -> None:
    (line,) = image_size_lines(run(0.004, 1e-9))  # they meet at 444444 pixels
    assert line.startswith("End to end, at 3x3 to 15x15, the GPU pays from an image of about 0.4")
    assert line.endswith("(0.26 MP to 1 MP, proven).")


def test_it_may_pay_on_every_image() -> None:
    (line,) = image_size_lines(run(0.0, 1e-9))
    said = "the GPU pays on images of 0.066 MP and more."
    assert line == f"End to end, at 3x3 to 15x15, {said}"


def test_it_may_pay_on_none() -> None:
    (line,) = image_size_lines(run(0.0, 4e-8))
    assert line == (
        "End to end, at 3x3 to 15x15, the GPU does not pay on the images of 0.066 MP to 4.2 MP."
    )


def test_nothing_may_be_proven() -> None:
    (line,) = image_size_lines(run(0.0, 1e-8))
    assert "is not proven to pay on any of the images" in line


def test_kernel_sizes_with_another_answer_have_a_sentence_of_their_own() -> None:
    def times(name: str, size: int, extent: tuple[int, int]) -> float:
        pixels = extent[0] * extent[1]
        return 1e-8 * pixels * size if name == NAMES[0] else 0.01 + 1e-9 * pixels

    log = run_of(
        NAMES,
        sizes=(3, 101),
        extents=tuple((side, side) for side in SIDES),
        times=times,
        declare=kinds(cuda="gpu"),
    )
    first, second = image_size_lines(log)
    assert first.startswith("End to end, at 3x3, the GPU pays from")
    assert second == ("End to end, at 101x101, the GPU pays on images of 0.066 MP and more.")


@pytest.mark.parametrize(
    "log",
    [
        run(0.004, 1e-9, sides=(256,)),
        run(0.004, 1e-9, declare=kinds()),
        run(0.004, 1e-9, declare=kinds(cuda="software")),
    ],
    ids=["one image", "no GPU", "software"],
)
def test_of_one_image_or_without_a_gpu_there_is_nothing_to_say(log: Log) -> None:
    assert image_size_lines(log) == []
    assert document(log)["gpu_by_image_size"] == []


def test_other_programs_read_the_ratios_by_pixels() -> None:
    found = document(run(0.004, 1e-9))["gpu_by_image_size"]
    assert [one["size"] for one in found] == [3, 15]
    assert [ratio["pixels"] for ratio in found[0]["ratios"]] == [side * side for side in SIDES]
    faster = [ratio["faster"] for ratio in found[0]["ratios"]]
    assert faster == ["first", "first", "second", "second"]


def test_a_sweep_ends_in_it_on_the_terminal_and_in_markdown() -> None:
    log, stream = run(0.004, 1e-9), StringIO()
    show_log(Console(file=stream, width=1000), log)
    (line,) = image_size_lines(log)
    assert line in stream.getvalue()
    assert line in to_markdown(log)
