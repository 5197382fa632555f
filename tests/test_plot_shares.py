"""The roofline panels of a picture: the shares of both ceilings, and the bound of each cell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations

import pytest

from blurbench.records.journal import Log
from blurbench.records.record import Record
from blurbench.records.summary import Key
from blurbench.report.plots.style import SMALL
from helpers.figures import cut, lines_named, overlapping, smallest_text, words
from helpers.made_runs import NAMES, SIZES, describe, run_of, usual

pytest.importorskip("matplotlib", reason="Matplotlib is missing: pip install '.[plot]'")

from matplotlib.axes import Axes

from blurbench.report.plots.data import columns_of
from blurbench.report.plots.figure import draw
from blurbench.report.plots.shares import MARKERS

TWO = ("numpy:separable", "numpy:fft")
COPY_S = 1e-4
RATE = 1e10  # multiply-adds a second
OF_COPY, OF_RATE = "share of the measured copy bandwidth", "share of the measured multiply-add rate"


def adds(size: int) -> float:
    """Multiply-adds of a call: beyond size 9 they weigh more than the copy."""
    return RATE * COPY_S * size / 10


def ceilings(log: Log, copy: bool = True, rate: bool = True) -> Iterator[Record]:
    """What an old run lacks: copies, the machine's rate and the work of each cell."""
    for key in list(log.points):
        point = replace(key, threads=2)
        if copy:
            yield Record(replace(point, implementation="copy"), "end_to_end", COPY_S)
        if rate:
            yield Record(
                replace(point, implementation="cpu:multiply_add"),
                "compute",
                1.0,
                multiply_adds=RATE,
            )
            for one in log.run.declared:
                own = replace(point, implementation=one.name)
                yield Record(own, "setup", 0.1, multiply_adds=adds(key.size))


def with_ceilings(log: Log, copy: bool = True, rate: bool = True) -> Log:
    for record in list(ceilings(log, copy, rate)):
        log.append(record)
    return log


def on_device() -> Log:
    """Three blurs on a GPU: one waits for the bus, one for the host, one for the memory."""
    waits = {"cuda:direct": (9e-3, 1e-5), "cuda:separable": (1e-4, 5e-3), "cuda:fft": (1e-4, 1e-5)}
    run = describe(list(waits), (3, 31), ((512, 512),), "photo.png")
    log = Log(replace(run, declared=tuple(replace(one, kind="gpu") for one in run.declared)))

    def tell(name: str, scope: str, seconds: float, multiply_adds: float | None = None) -> None:
        own = replace(key, implementation=name)
        log.append(Record(own, scope, seconds, multiply_adds=multiply_adds))

    for size in (3, 31):
        key = Key("", "i", 512, 512, 3, size, 1.0, "reflect", 0.0, "float32", 2, "hot")
        tell("cuda:copy", "compute", COPY_S)
        tell("gpu:multiply_add", "compute", 1.0, 1e13)
        for name, (transfer, launch) in waits.items():
            tell(name, "setup", 0.1, 1e6)
            tell(name, "end_to_end", 2e-2)
            tell(name, "compute", 1e-3)
            tell(name, "upload", transfer)
            tell(name, "download", transfer)
            tell(name, "launch", launch)
    return log


def panels(log: Log) -> tuple[Axes, Axes]:
    """Those of the copy and of the rate, below the times and the ratios."""
    found = draw([with_ceilings(log)], everything=True).axes
    return found[-2], found[-1]


def test_a_share_of_the_copy_is_the_time_of_the_copy_over_that_of_the_blur() -> None:
    (line,) = lines_named(panels(run_of(TWO))[0], "numpy:separable")
    expected = [COPY_S / usual("numpy:separable", n, (512, 512)) for n in SIZES]
    assert list(line.get_xdata()) == list(SIZES)
    assert list(line.get_ydata()) == pytest.approx(expected, rel=0.02)


def test_a_share_of_the_rate_is_the_work_over_the_time() -> None:
    (line,) = lines_named(panels(run_of(TWO))[1], "numpy:separable")
    expected = [adds(n) / RATE / usual("numpy:separable", n, (512, 512)) for n in SIZES]
    assert list(line.get_ydata()) == pytest.approx(expected, rel=0.02)


def test_both_panels_name_every_implementation_at_its_line() -> None:
    for axes in panels(run_of()):
        assert sorted(one.get_text() for one in axes.texts) == sorted(NAMES)


def test_the_shares_are_percent_on_a_logarithmic_axis_with_a_line_at_100() -> None:
    for axes in panels(run_of(TWO)):
        ticks = [one.get_text() for one in axes.get_yticklabels()]
        assert axes.get_yscale() == "log"
        assert "100 %" in ticks
        assert all(one.endswith(" %") for one in ticks)
        assert set(lines_named(axes, "ceiling")[0].get_ydata()) == {1}


def test_the_shape_of_a_marker_tells_the_bound() -> None:
    for axes in panels(run_of(TWO)):
        for bound, sizes in (("bandwidth", {3, 5, 9}), ("arithmetic", {15, 31, 63, 101})):
            marks = lines_named(axes, bound)
            assert {size for one in marks for size in one.get_xdata()} == sizes
            assert {one.get_marker() for one in marks} == {MARKERS[bound]}


def test_no_two_bounds_share_a_shape() -> None:
    assert all(a != b for a, b in combinations(MARKERS.values(), 2))


def test_the_key_has_the_bounds_that_are_there_and_no_others() -> None:
    figure = draw([with_ceilings(run_of(TWO, (3, 5)))], everything=True)
    legends = [axes.get_legend() for axes in figure.axes]
    (legend,) = [one for one in legends if one is not None]
    assert [one.get_text() for one in legend.get_texts()] == ["bandwidth"]


def test_on_a_device_the_launch_and_the_transfers_are_bounds_too() -> None:
    (column,) = columns_of([on_device()])
    bounds = {curve.name: {mark.bound for mark in curve.marks} for curve in column.curves}
    assert bounds == {
        "cuda:direct": {"transfer"},
        "cuda:separable": {"launch"},
        "cuda:fft": {"bandwidth"},
    }


def test_on_a_device_the_times_without_transfers_have_a_panel_of_their_own() -> None:
    figure = draw([on_device()], everything=True)
    carried, there = (lines_named(axes, "cuda:fft")[0].get_ydata() for axes in figure.axes[1:3])
    assert set(carried) == {2e-2}
    assert set(there) == {1e-3}
    assert "on its device already, without transfers" in words(figure)


def test_on_a_cpu_there_are_no_transfers_to_leave_out() -> None:
    (column,) = columns_of([run_of(TWO)])
    assert column.without_transfers is None
    assert "without transfers;" not in words(draw([run_of(TWO)], everything=True))


def test_an_old_run_has_no_such_panel() -> None:
    figure = draw([run_of(TWO)], everything=True)
    assert len(figure.axes) == 3
    assert "share" not in words(figure).lower()


@pytest.mark.parametrize(
    ("copy", "rate", "there", "missing"),
    [(True, False, OF_COPY, OF_RATE), (False, True, OF_RATE, OF_COPY)],
)
def test_a_ceiling_that_was_not_measured_has_no_panel(
    copy: bool, rate: bool, there: str, missing: str
) -> None:
    figure = draw([with_ceilings(run_of(TWO), copy, rate)], everything=True)
    assert len(figure.axes) == 4
    assert there in words(figure)
    assert missing not in words(figure)
    assert figure.axes[-1].get_legend() is None


def test_what_must_not_win_has_no_share() -> None:
    log = with_ceilings(run_of(TWO, apart={("numpy:fft", 31): "implausible"}))
    (column,) = columns_of([log])
    (curve,) = [one for one in column.reaching("bandwidth") if one.name == "numpy:fft"]
    assert [mark.size for mark in curve.reaching("bandwidth")] == [3, 5, 9, 15, 63, 101]


def test_a_share_of_nothing_is_not_drawn() -> None:
    log = run_of(TWO)
    for key in list(log.points):
        own = replace(key, implementation="numpy:fft", threads=2)
        log.append(Record(own, "setup", 0.1, multiply_adds=0.0))
    (column,) = columns_of([with_ceilings(log)])
    assert [curve.name for curve in column.reaching("arithmetic")] == ["numpy:separable"]


def test_beside_an_old_run_only_the_new_one_has_shares() -> None:
    figure = draw([run_of(TWO), with_ceilings(run_of(TWO))], everything=True)
    places = [axes.get_position() for axes in figure.axes]
    lefts = [round(one.x0, 3) for one in places]
    assert len(places) == 8
    assert lefts[-2:] == [max(lefts)] * 2


def test_one_kernel_size_has_no_such_panel_and_no_word_of_it() -> None:
    figure = draw([with_ceilings(run_of(TWO, (15,)))], everything=True)
    assert len(figure.axes) == 1
    assert "share" not in words(figure).lower()


def many() -> list[Log]:
    backends = ("numpy", "scipy", "numba", "opencv", "cupy", "cupyx", "third")
    names = [f"{b}:{m}" for b in backends for m in ("direct", "separable", "fft")]
    return [with_ceilings(run_of(names, (3, 9, 31)))]


def images() -> list[Log]:
    return [with_ceilings(run_of(extents=((128, 128), (256, 256), (512, 512))))]


def beside() -> list[Log]:
    """The heading has but one narrow column at the right."""
    return [run_of(TWO), run_of(TWO, (15,)), with_ceilings(run_of(TWO))]


def device() -> list[Log]:
    return [run_of(TWO, (15,)), on_device()]


@pytest.mark.parametrize("logs", [many, images, beside, device])
def test_it_can_be_read(logs: Callable[[], list[Log]]) -> None:
    figure = draw(logs(), everything=True)
    assert cut(figure) == []
    assert overlapping(figure) == []
    assert smallest_text(figure) >= SMALL >= 8
