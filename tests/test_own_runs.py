"""A person's own blur in runs: its row, its place in the answer, and how a run goes on with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from blurbench.backends.own_blur import own_blurs
from blurbench.image import Image, read_image
from blurbench.kernel import GaussianKernel
from blurbench.report.answer import answer_lines, code_line, native_line
from blurbench.study.compare import compare
from blurbench.study.options import Options
from helpers.command import BRIEF, QUICK, Ran, measure_briefly, run
from helpers.pictures import noise, save
from helpers.process import work_in
from helpers.written import Written

MINE = """
import numpy as np
from scipy.ndimage import correlate1d

def blur(image, taps):
    return correlate1d(correlate1d(image, taps, axis=0), taps, axis=1)

def separable(image, taps):
    return np.zeros_like(image)

def large(image, taps):
    assert image.shape[0] >= len(taps), image.shape
    return blur(image, taps)

def broken(image, taps):
    return image.nothing
"""
CARD = ("--crop", "40x30", "--quiet")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work_in(tmp_path, monkeypatch)
    measure_briefly(monkeypatch)
    Path("mine.py").write_text(MINE)


def raced(*names: str, options: tuple[str, ...] = QUICK) -> Ran:
    """A comparison with functions of `mine.py`."""
    given = [word for name in names for word in ("--with", f"mine.py:{name}")]
    return run("compare", *CARD, *options, *given)


def rows_of(ran: Ran) -> dict[str, dict[str, object]]:
    return {row["implementation"]: row for row in json.loads(ran.out)["implementations"]}


# Rows.


def test_rows_say_whose_they_are_and_what_is_wrong_with_them() -> None:
    ran = raced("blur", "separable", "broken", options=(*QUICK, "--json", "-"))
    rows = rows_of(ran)
    told = {name: (row["origin"], row["status"]) for name, row in rows.items()}
    assert told == {
        "numpy:separable": ("ours", "ok"),
        "mine:blur": ("yours", "ok"),
        "mine:separable": ("yours", "wrong"),
        "mine:broken": ("yours", "failed"),
    }
    assert ran.code == 1
    assert str(rows["mine:broken"]["reason"]).endswith("has no attribute 'nothing' (mine.py:16)")
    assert str(rows["mine:separable"]["reason"]).endswith(
        "is allowed; separable has no parameter border, and reflect was asked"
    )


def test_multiply_adds_of_unknown_code_are_not_told() -> None:
    rows = rows_of(raced("blur", options=(*QUICK, "--json", "-")))
    assert rows["numpy:separable"]["multiply_adds"]
    assert rows["mine:blur"]["multiply_adds"] is None


def test_the_difference_of_separable_and_direct_is_not_that_of_a_namesake() -> None:
    direct = ("--backend", "numpy", "--method", "direct,separable")
    Path("mine.py").write_text(MINE + "\nseparable = lambda i, t: blur(i, t) + np.float32(1.7e-4)")
    ran = raced("separable", options=(*BRIEF, *direct, "--json", "-"))
    rows = rows_of(ran)
    told = json.loads(ran.out)["separable_direct_max_abs_difference"]
    assert (rows["mine:separable"]["status"], told < 1.3e-4) == ("ok", True)


def test_it_is_not_tried_on_images_smaller_than_the_kernel() -> None:
    ran = raced("large", options=(*QUICK[:-6], "--size", "21", *QUICK[-4:]))
    assert (ran.code, "\nmine:large" in ran.out) == (0, True)


def test_a_wrong_result_under_another_border_names_the_missing_parameter() -> None:
    ran = raced("blur", options=(*QUICK, "--border", "wrap"))
    assert "blur has no parameter border, and wrap was asked" in " ".join(ran.out.split())


def test_verify_tries_ones_own_alone() -> None:
    ran = run("verify", "--quick", "--border", "reflect", "--with", "mine.py:blur")
    assert "mine:blur       float32" in ran.out
    assert "numpy" not in ran.out


def test_python_code_gives_functions_as_they_are() -> None:
    def soft(image: object, taps: object) -> object:
        return image

    options = Options(("numpy",), ("separable",), rounds=1, budget=1.0, own=own_blurs([soft]))
    image = Image("dots", np.eye(20, dtype=np.float32))
    rows = compare(image, GaussianKernel.from_size(3), options).rows
    assert [row.name for row in rows] == ["numpy:separable", "test_own_runs:soft"]
    assert rows[1].status == "wrong"


# Its place in the answer.


def won(times: Mapping[str, float]) -> Written:
    return Written(*times).race(5, times)


@pytest.mark.parametrize("channels", [3, 4])
def test_its_blurred_image_is_saved_as_that_of_all_others(channels: int) -> None:
    save("photo.png", noise(24, 32, channels))
    ran = run("compare", "photo.png", *QUICK, "--quiet", "--with", "mine.py:blur", "--save", "soft")
    assert ran.code == 0, ran.err
    ones, ours = (read_image(f"soft/{name}.png") for name in ("mine-blur", "numpy-separable"))
    np.testing.assert_allclose(ones.pixels.astype(int), ours.pixels.astype(int), atol=1)


def test_no_saved_image_takes_the_place_of_the_one_that_is_given() -> None:
    save("mine-blur.png", noise(24, 32, 3))
    ran = run("compare", "mine-blur.png", *QUICK, "--with", "mine.py:blur", "--save", ".")
    assert ran.code == 2
    assert "--save . would replace the image mine-blur.png" in ran.err


def test_where_it_wins_the_answer_names_it_and_its_taps() -> None:
    rows = won({"mine:blur": 0.001, "opencv:separable": 0.0012}).log.rows()
    assert code_line(rows) == (
        "mine.blur  # yours, with blurbench.GaussianKernel.from_size(size=5).taps"
    )
    library = native_line([replace(row, key=replace(row.key, sigma=1.1)) for row in rows])
    assert str(library).startswith("cv2.")


def test_no_sentence_on_fft_counts_it_whatever_it_is_called() -> None:
    times = {"mine:fft": 0.001, "numpy:separable": 0.002, "numpy:fft": 0.004}
    (line,) = answer_lines(won(times).log.rows())
    assert line.startswith("FFT does not pay at 5x5: its best, numpy:fft,")


# How a run goes on.


def test_a_run_is_shown_without_the_file() -> None:
    ran = raced("blur", options=(*QUICK, "--out", "run"))
    Path("mine.py").unlink()
    assert "\nmine:blur" in run("show", "run").out
    assert ran.code == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (MINE + "#", "own blur mine.py:blur has changed since the run began: restore it, or begin"),
        (None, "own blur mine.py:blur: there is no file "),
    ],
)
def test_a_run_does_not_go_on_with_another_file(text: str | None, said: str) -> None:
    run(
        "sweep",
        *CARD,
        *QUICK[:4],
        *QUICK[6:],
        "--sizes",
        "3",
        "--with",
        "mine.py:blur",
        "--out",
        "run",
    )
    Path("mine.py").unlink()
    if text is not None:
        Path("mine.py").write_text(text)
    ended = run("sweep", "--resume", "run")
    assert (ended.code, ended.err[: len(said) + 7]) == (2, f"Error: {said}")


def test_a_run_goes_on_from_another_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    options = (*CARD, *QUICK[:4], *QUICK[6:], "--sizes", "3")
    run("sweep", *options, "--with", "mine.py:blur", "--out", "run")
    place = Path("run").absolute()
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    assert run("sweep", "--resume", place).code == 0


@pytest.mark.rest("processes")
def test_other_processes_load_the_file_as_well() -> None:
    ran = raced("blur", options=(*QUICK, "--processes", "2", "--json", "-"))
    assert rows_of(ran)["mine:blur"]["processes"] == 2
