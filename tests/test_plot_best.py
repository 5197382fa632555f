"""The first panel of a picture, and all that is drawn unless more is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from blurbench.records.declared import Declared
from blurbench.records.journal import Log
from helpers.figures import cut, lines_named, overlapping, smallest_text, words
from helpers.made_runs import HOSTILE, NAMES, SECONDS, SIZES, run_of

pytest.importorskip("matplotlib", reason="Matplotlib is missing: pip install '.[plot]'")

from matplotlib.figure import Figure

from blurbench.report.palette import GROUPS, METHODS
from blurbench.report.plots.best import PAYOFF
from blurbench.report.plots.data import Column, columns_of
from blurbench.report.plots.figure import draw
from blurbench.report.plots.style import SMALL

APPROXIMATIONS = ("numpy:box", "numba:deriche")


@pytest.fixture(scope="module")
def sweep() -> Figure:
    return draw([run_of()])


def column_of(log: Log) -> Column:
    (found,) = columns_of([log])
    return found


def test_the_best_of_each_group_is_thick_and_in_the_colour_of_its_method(sweep: Figure) -> None:
    for group, method in (("direct", "direct"), ("separable", "separable"), ("FFT", "fft")):
        (line,) = lines_named(sweep.axes[0], group)
        assert line.get_color() == METHODS[method]
        assert line.get_linewidth() > 2


def test_every_implementation_is_a_thin_grey_line(sweep: Figure) -> None:
    lines = [lines_named(sweep.axes[0], name) for name in NAMES]
    assert [len(one) for one in lines] == [1] * len(NAMES)
    assert {(line.get_color(), line.get_linewidth()) for (line,) in lines} == {("#c2c2c2", 1.0)}


def test_the_line_of_a_group_has_the_least_of_its_times() -> None:
    (separable,) = [one for one in column_of(run_of()).bests if one.group == "separable"]
    expected = [SECONDS["separable"] * size for size in SIZES]
    assert [mark.size for mark in separable.marks] == list(SIZES)
    assert [mark.time.value for mark in separable.marks] == pytest.approx(expected, rel=0.02)


def test_a_line_is_named_after_its_group_and_its_best(sweep: Figure) -> None:
    written = words(sweep)
    for label in ("direct: numpy:direct", "separable: numpy:separable", "FFT: numpy:fft"):
        assert label in written


def test_who_is_the_best_where_stands_below_if_that_changes() -> None:
    def alternating(name: str, size: int, extent: tuple[int, int]) -> float:
        return 1e-3 if name.startswith("numpy") == (size < 9) else 2e-3

    figure = draw([run_of(("numpy:fft", "scipy:dct"), (3, 5, 9), times=alternating)])
    assert "The best FFT: numpy:fft from 3 to 5, scipy:dct at 9." in words(figure)


def test_a_line_marks_the_size_from_which_on_fft_pays(sweep: Figure) -> None:
    (line,) = lines_named(sweep.axes[0], PAYOFF)
    assert list(line.get_xdata()) == pytest.approx([27.9, 27.9], abs=0.01)
    assert "FFT pays from about 28" in words(sweep)


def test_where_fft_never_pays_a_note_says_so() -> None:
    figure = draw([run_of(("numpy:separable", "numpy:fft"), (3, 5, 9))])
    assert lines_named(figure.axes[0], PAYOFF) == []
    assert "FFT not ahead at any size compared" in words(figure)


def test_without_fft_nothing_is_said_of_it() -> None:
    figure = draw([run_of(("numpy:direct", "numpy:separable"))])
    assert lines_named(figure.axes[0], PAYOFF) == []
    assert "FFT" not in words(figure)


def test_a_gpu_beside_a_cpu_is_a_line_of_its_own() -> None:
    def on_device(one: Declared) -> Declared:
        return replace(one, kind="gpu" if one.backend == "scipy" else "cpu")

    (line,) = lines_named(draw([run_of(declare=on_device)]).axes[0], "GPU")
    assert line.get_color() == GROUPS["GPU"]


def test_approximations_are_dashed_and_named_and_never_the_best() -> None:
    def inexact(one: Declared) -> Declared:
        return replace(one, exact=one.name not in APPROXIMATIONS)

    log = run_of(("numpy:separable", *APPROXIMATIONS), declare=inexact)
    figure = draw([log])
    assert [one.group for one in column_of(log).bests] == ["separable"]
    for name in APPROXIMATIONS:
        assert lines_named(figure.axes[0], name)[0].get_linestyle() == "--"
        assert name in words(figure)
    assert "Dashed: approximate" in words(figure)


def test_only_the_first_panel_is_drawn_of_one_image(sweep: Figure) -> None:
    assert len(sweep.axes) == 1


def test_of_several_images_the_map_of_winners_is_drawn_too() -> None:
    figure = draw([run_of(extents=((128, 128), (512, 512)))])
    assert len(figure.axes) == 3
    assert [one.get_text() for one in figure.axes[-1].get_yticklabels()] == ["128x128", "512x512"]


def one_method() -> list[Log]:
    return [run_of(("numpy:separable",))]


def no_fft() -> list[Log]:
    return [run_of(("numpy:direct", "numpy:separable"))]


def usual_run() -> list[Log]:
    return [run_of()]


def images() -> list[Log]:
    return [run_of(extents=((128, 128), (256, 256), (512, 512)))]


def beside() -> list[Log]:
    names = [f"{HOSTILE}:separable", f"{HOSTILE}:fft", "a:$x"]
    return [run_of(), run_of(names, path=HOSTILE), run_of(sizes=(15,), path=HOSTILE)]


def many() -> list[Log]:
    """Most of them of methods that have no group."""
    return [run_of([f"{b}:new{n}" for b in ("numpy", "scipy") for n in range(12)], (3, 31))]


def all_equal() -> list[Log]:
    return [run_of(times=lambda name, size, extent: 1e-3)]


@pytest.mark.parametrize("logs", [usual_run, one_method, no_fft, images, beside, many, all_equal])
def test_it_can_be_read(logs: Callable[[], list[Log]]) -> None:
    figure = draw(logs())
    assert cut(figure) == []
    assert overlapping(figure) == []
    assert smallest_text(figure) >= SMALL
