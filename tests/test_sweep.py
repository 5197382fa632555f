"""Sweeps of planted backends on a simulated clock: grids, budgets, who is left out, and resuming.

A run is killed by raising what no code catches, at every moment at which anything happens, and
continued from what its folder then holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from blurbench.backends.backend import Implementation
from blurbench.cli.main import cli
from blurbench.cli.types import Extents, Sizes
from blurbench.errors import InputError
from blurbench.image import Image, cover
from blurbench.kernel import GaussianKernel
from blurbench.measure.contest import Contender
from blurbench.measure.rounds import Rounds, Sample
from blurbench.problem import Problem
from blurbench.records.journal import Journal, Log, load
from blurbench.records.record import Record
from blurbench.records.summary import Row
from blurbench.study.listener import Listener
from blurbench.study.options import Options
from blurbench.study.question import Question
from blurbench.study.session import Session
from blurbench.study.source import ImageSource
from blurbench.study.sweep import finished, hopeless, sweep
from helpers.moments import Killed, Moments, Stoppable, doubled, samples_of
from helpers.planted import (
    SMALL,
    Behaviour,
    Planted,
    add_half,
    backend_of,
    failing_after,
    picture,
    planted,
    raising,
    then,
)
from helpers.simulated import Clock, FakeDevice, gpu_of


@pytest.fixture
def clock(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The simulated clock, by which the yardstick takes its time too."""

    def make_yardstick() -> Contender:
        def measure(loops: int) -> float:
            clock.now += 0.001 * loops
            return 0.001 * loops

        return Contender("yardstick", measure, 0.001)

    monkeypatch.setattr("blurbench.study.point.races.make_yardstick", make_yardstick)
    return clock


def asking(
    *sizes: int,
    image: Image = SMALL,
    extents: Sequence[tuple[int, int]] = (),
    study: str = "sweep",
    **given: Any,
) -> Question:
    """A question about planted backends."""
    options = Options(**{"backends": ("fake",), "threads": 1, "seed": 1, "budget": 60.0, **given})
    kernels = tuple(GaussianKernel.from_size(size) for size in sizes)
    return Question(study, (ImageSource(),), (image,), kernels, options, tuple(extents))


def run_in_memory(question: Question, listener: Listener | None = None) -> Log:
    """The log of a whole sweep."""
    session = Session(question.options)
    log = Log(question.describe(session, [], question.options.rules))
    for process in range(1, question.options.processes + 1):
        assert sweep(question, session, log, listener, process)
    return log


def attempt(question: Question, folder: Path, moments: Moments | None = None) -> str:
    """Begin or go on, to the end or until killed; how it ended."""
    moments = moments or Moments()
    session = Session(question.options)
    if (folder / "run.json").exists():
        journal = Stoppable.reopen(folder)
    else:
        run = question.describe(session, [], question.options.rules)
        journal = Stoppable.create(folder, run)
    assert isinstance(journal, Stoppable)
    journal.moments = moments
    try:
        for process in range(1, question.options.processes + 1):
            if not sweep(question, session, journal, moments, process):
                journal.finish()
                return "interrupted"
    except Killed:
        return "killed"
    finally:
        journal.close()
    journal.finish()
    return "done"


def by_place(log: Log) -> dict[tuple[int, str], Row]:
    """The rows by kernel size and method."""
    return {(row.key.size, row.method): row for row in log.rows()}


def outcome(log: Log) -> dict[tuple[int, int, str], tuple[Any, ...]]:
    """What a run says of each cell, apart from times.

    Of rounds, those that were asked for: the reference also runs in the rounds of others.
    """
    most = log.run.rules.most
    return {
        (row.key.width, row.key.size, row.name): (
            row.status,
            row.rounds if most is None else min(row.rounds, most),
            row.end_to_end_median_s is not None,
            row.compute_median_s is not None,
            row.upload_median_s is not None,
            row.max_abs_error is not None,
        )
        for row in log.rows()
    }


# Grids, as they are written on the command line.


def sizes_of(text: str) -> tuple[int, ...]:
    found = Sizes().convert(text, None, None)
    assert isinstance(found, tuple)
    return found


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("3:9:2", (3, 5, 7, 9)),
        ("3:101:2", tuple(range(3, 102, 2))),
        ("3:10:2", (3, 5, 7, 9)),
        ("5:5:2", (5,)),
        ("5:7:100", (5,)),
        ("3,5,9", (3, 5, 9)),
        ("9,3,5,3", (3, 5, 9)),
        (" 3, 5", (3, 5)),
        ("7", (7,)),
        ("3:11:x1.3", (3, 5, 7, 9, 11)),
        ("3:3:x2", (3,)),
        ("4:10:x2", (5, 9)),
        ("3:255:x1000", (3, 255)),
    ],
)
def test_a_grid_of_sizes_is_read(text: str, sizes: tuple[int, ...]) -> None:
    assert sizes_of(text) == sizes


@pytest.mark.parametrize("factor", ["1.001", "1.1", "1.3", "2", "7.5"])
def test_a_geometric_grid_is_odd_and_rises_from_one_end_to_the_other(factor: str) -> None:
    sizes = sizes_of(f"3:255:x{factor}")
    assert (sizes[0], sizes[-1]) == (3, 255)
    assert all(size % 2 == 1 for size in sizes)
    assert list(sizes) == sorted(set(sizes))


def test_a_geometric_grid_is_as_near_to_its_factor_as_odd_sizes_allow() -> None:
    sizes = sizes_of("3:255:x1.3")
    exact = [3 * 1.3**n for n in range(40)]
    large = [size for size in sizes if 30 < size < 255]
    assert large
    assert all(min(abs(size - one) for one in exact) <= 1 for size in large)


@pytest.mark.parametrize(
    "text",
    [
        *("", "3:", ":", "3:9", "3:9:0", "3:9:-2", "9:3:2", "3:9:x1", "3:9:x0.5", "3:9:x"),
        *(
            "3:9:xnan",
            "3:9:xinf",
            "3,",
            ",3",
            "3;5",
            "a:b:c",
            "3:9:2:2",
            "3.5",
            "9:3:x2",
            "-3:9:x2",
        ),
        *("3:255:x1e308", "3:1000000000:2", f"3:{10**400}:x2"),
    ],
)
def test_a_grid_that_cannot_be_used_is_refused_in_one_line(text: str) -> None:
    done = CliRunner().invoke(cli, ["sweep", f"--sizes={text}"], standalone_mode=False)
    assert isinstance(done.exception, InputError)
    assert "--sizes" in str(done.exception)


@pytest.mark.parametrize("text", ["2", "3:9:3", "0", "-3", "3,4"])
def test_sizes_that_no_kernel_can_have_are_refused(text: str, tmp_path: Path) -> None:
    arguments = ["sweep", f"--sizes={text}", "--out", str(tmp_path / "run")]
    done = CliRunner().invoke(cli, arguments, standalone_mode=False)
    assert isinstance(done.exception, InputError)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("text", "extents"),
    [
        ("512", ((512, 512),)),
        ("512,1024,4096", ((512, 512), (1024, 1024), (4096, 4096))),
        ("64x48, 32", ((64, 48), (32, 32))),
        ("32,32x32", ((32, 32),)),
    ],
)
def test_image_sizes_are_read(text: str, extents: tuple[tuple[int, int], ...]) -> None:
    assert Extents().convert(text, None, None) == extents


@pytest.mark.parametrize("text", ["", "0", "5x", "x5", "5x5x5", "-3", "5,", "many", "3037000500"])
def test_image_sizes_that_cannot_be_used_are_refused_in_one_line(text: str, tmp_path: Path) -> None:
    arguments = ["sweep", f"--image-sizes={text}", "--out", str(tmp_path / "run")]
    done = CliRunner().invoke(cli, arguments, standalone_mode=False)
    assert isinstance(done.exception, InputError)
    assert not (tmp_path / "run").exists()


def test_an_image_is_tiled_or_cropped_to_its_extent() -> None:
    image = picture(5, 7, 3)
    large, small = cover(image, 20, 11), cover(image, 3, 2)
    assert large.pixels.shape == (11, 20, 3)
    assert small.pixels.shape == (2, 3, 3)
    assert set(np.unique(large.pixels)) == set(np.unique(image.pixels))


# What is measured.


def test_every_size_on_every_extent_has_a_row_of_every_implementation(plant, clock: Clock) -> None:
    plant(backend_of(planted("one", clock.takes(0.002)), planted("two", clock.takes(0.004))))
    log = run_in_memory(asking(3, 5, extents=[(16, 16), (20, 8)], rounds=2))
    places = [(row.key.width, row.key.height, row.key.size, row.method) for row in log.rows()]
    assert sorted(places) == sorted(
        (width, height, size, method)
        for width, height in [(16, 16), (20, 8)]
        for size in (3, 5)
        for method in ("one", "two")
    )


def test_the_listener_is_told_of_every_point(plant, clock: Clock) -> None:
    plant(backend_of(planted("one", clock.takes(0.002))))
    moments = Moments()
    run_in_memory(asking(3, 5, extents=[(16, 16), (20, 8)], rounds=1), moments)
    assert moments.told == [
        (0, 4, "3x3 on 16x16"),
        (1, 4, "5x5 on 16x16"),
        (2, 4, "3x3 on 20x8"),
        (3, 4, "5x5 on 20x8"),
    ]


def test_a_budget_of_a_sweep_is_kept(plant, clock: Clock) -> None:
    noisy = [planted(name, clock.takes(0.004, noise=0.3)) for name in ("one", "two")]
    plant(backend_of(*noisy))
    began = clock.now
    run_in_memory(asking(3, 5, 7, 9, budget=8.0))
    assert clock.now - began <= 8.0 + 0.4


def test_compiling_takes_no_time_from_the_point_that_it_falls_on(plant, clock: Clock) -> None:
    compiled: set[bool] = set()

    def prepare(problem: Problem) -> Planted:
        large = problem.width >= 16  # for which other code is made

        def compile_first(blur: Any, image: Any, out: Any) -> None:
            clock.now += 0.0 if large in compiled else 4.0
            compiled.add(large)
            clock.takes(0.004)(blur, image, out)

        return Planted(problem, compile_first)

    lazy = replace(planted("lazy", prepare=prepare), compiles=True)
    plant(backend_of(lazy, planted("other", clock.takes(0.006))))
    began = clock.now
    log = run_in_memory(asking(3, 5, 7, budget=21.0))
    first = next(iter(log.points.values()))
    assert {row.verdict for row in first.rows()} == {"fastest", "slower"}
    assert clock.now - began <= 21.0 + 0.4


def test_what_a_point_does_not_use_of_the_budget_goes_to_the_others(plant, clock: Clock) -> None:
    plant(backend_of(planted("one", clock.takes(0.002))))
    moments = Moments()
    run_in_memory(asking(3, 5, 7, budget=30.0, rounds=1), moments)
    assert moments.budgets == sorted(moments.budgets)
    assert moments.budgets[-1] > 25


def test_a_larger_image_has_more_of_the_budget(plant, clock: Clock) -> None:
    plant(backend_of(planted("one", clock.takes(0.002))))
    moments = Moments()
    run_in_memory(asking(3, extents=[(64, 64), (2048, 1024)], budget=30.0, rounds=1), moments)
    assert moments.budgets[0] < 14


def test_without_a_budget_every_point_has_five_seconds(plant, clock: Clock) -> None:
    plant(backend_of(planted("one", clock.takes(0.002))))
    moments = Moments()
    run_in_memory(asking(3, 5, budget=None, rounds=1), moments)
    assert moments.budgets == [5.0, 5.0]


def test_a_budget_that_is_used_up_leaves_rows_that_say_so(plant, clock: Clock) -> None:
    plant(backend_of(planted("one", clock.takes(3.0)), planted("two", clock.takes(3.0))))
    rows = run_in_memory(asking(3, 5, 7, budget=2.0)).rows()
    said = Counter((row.key.size, row.status) for row in rows)
    assert said == dict.fromkeys([(size, "over_budget") for size in (3, 5, 7)], 2)
    assert all(row.reason for row in rows)


# Who does not race: what is far from the best of its origin.


def sided(clock: Clock, **seconds: float) -> tuple[Implementation, ...]:
    """Implementations by method; those that are called `peer...` are libraries."""
    return tuple(
        replace(planted(name, clock.takes(took)), origin="library")
        if name.startswith("peer")
        else planted(name, clock.takes(took))
        for name, took in seconds.items()
    )


def kept(plant, clock: Clock, keep: float | None, **seconds: float) -> dict[str, Row]:
    plant(backend_of(*sided(clock, **seconds)))
    return {row.method: row for row in run_in_memory(asking(3, keep=keep)).rows()}


def test_what_is_far_from_the_best_of_its_origin_keeps_one_figure(plant, clock: Clock) -> None:
    found = kept(plant, clock, 3.0, a=0.001, b=0.002, c=0.005, peer_a=0.01, peer_b=0.04)
    assert {name for name, row in found.items() if row.rounds == 1} == {"c", "peer_b"}
    assert all(row.status == "ok" for row in found.values())
    assert found["c"].end_to_end_median_s == pytest.approx(0.005, rel=0.1)
    assert "far from the best of its side" in str(found["c"].reason)


def test_what_is_far_is_called_cold_and_warm_and_no_more(plant, clock: Clock) -> None:
    image, calls = picture(256, 256), Counter[str]()

    def counted(name: str, seconds: float) -> Behaviour:
        def count(blur: Any, pixels: Any, out: Any) -> None:
            whole = pixels.size == image.pixels.size
            calls[name] += whole
            cold = 2 if whole and calls[name] == 1 else 1
            clock.takes(cold * seconds)(blur, pixels, out)  # on a SMALL image

        return count

    plant(backend_of(*(planted(name, counted(name, s)) for name, s in (("a", 1e-5), ("b", 8e-4)))))
    found = {row.method: row for row in run_in_memory(asking(3, image=image, keep=3.0)).rows()}
    assert calls["b"] == 2
    scale = image.pixels.size / SMALL.pixels.size
    assert found["b"].end_to_end_median_s == pytest.approx(8e-4 * scale, rel=0.1)


def test_the_best_of_either_origin_race_each_other(plant, clock: Clock) -> None:
    found = kept(plant, clock, 3.0, a=0.001, peer_a=0.01, peer_b=0.04)
    assert min(found[name].rounds for name in ("a", "peer_a")) >= 4
    assert found["peer_a"].verdict == "slower"


def test_all_race_where_nothing_is_said(plant, clock: Clock) -> None:
    found = kept(plant, clock, None, a=0.001, c=0.005, peer_a=0.01, peer_b=0.04)
    assert all(row.rounds >= 4 for row in found.values())


def test_what_must_not_win_is_the_best_of_no_origin(plant, clock: Clock) -> None:
    wrong = planted("wrong", then(clock.takes(0.0001), add_half))
    plant(backend_of(*sided(clock, a=0.001, b=0.002), wrong))
    found = {row.method: row for row in run_in_memory(asking(3, keep=3.0)).rows()}
    assert found["wrong"].status == "wrong"
    assert min(found[name].rounds for name in ("a", "b")) >= 4


def test_time_is_not_spent_on_rounds_of_what_is_far(plant, clock: Clock) -> None:
    began = clock.now
    kept(plant, clock, 3.0, a=0.001, peer_a=0.002, peer_b=1.0)
    assert clock.now - began < 10


def test_the_best_of_either_origin_race_before_the_second_of_one(plant, clock: Clock) -> None:
    plant(backend_of(*sided(clock, a=0.11, b=0.13, peer_a=0.2)))
    found = {row.method: row for row in run_in_memory(asking(3, keep=3.0, budget=9.0)).rows()}
    assert min(found[name].rounds for name in ("a", "peer_a")) >= 4
    assert found["b"].rounds == 1


def test_a_pilot_of_what_is_expected_to_be_far_takes_no_time_from_the_race(
    plant, clock: Clock
) -> None:
    called = 0

    def slow_at_first(blur: Any, image: Any, out: Any) -> None:
        nonlocal called
        whole = image.size == SMALL.pixels.size
        called += whole
        clock.takes(6.0 if whole and called == 1 else 1.5)(blur, image, out)

    far = planted("far", slow_at_first)
    plant(backend_of(*sided(clock, a=0.12, peer_a=0.12), far))
    found = {row.method: row for row in run_in_memory(asking(3, keep=3.0, budget=9.0)).rows()}
    assert (found["far"].status, called) == ("over_budget", 0)
    assert min(found[name].rounds for name in ("a", "peer_a")) >= 4


# Who is left out.


def growing(clock: Clock, seconds: Callable[[int], float]) -> Behaviour:
    """A right blur whose time depends on the kernel's size."""

    def behave(blur: Any, image: Any, out: Any) -> None:
        clock.takes(seconds(blur.problem.kernel.size), noise=0.001)(blur, image, out)

    return behave


def test_what_has_become_hopeless_is_left_out_at_larger_sizes(plant, clock: Clock) -> None:
    plant(
        backend_of(
            planted("steady", growing(clock, lambda size: 0.001)),
            planted("growing", growing(clock, lambda size: 0.0005 * size**2)),
        )
    )
    found = by_place(run_in_memory(asking(3, 5, 7, 9, 11)))
    assert [found[size, "growing"].status for size in (3, 5, 7, 9, 11)] == [
        *("ok", "ok", "ok", "over_budget", "over_budget")
    ]
    assert "at 7x7 it took 24.5 times as long" in found[9, "growing"].reason


def test_a_slow_spell_of_the_fastest_leaves_nobody_out(plant, clock: Clock) -> None:
    plant(
        backend_of(
            planted("spelled", growing(clock, lambda size: 0.002 if size == 5 else 0.001)),
            planted("constant", growing(clock, lambda size: 0.012)),
        )
    )
    found = by_place(run_in_memory(asking(3, 5, 7, 9, 11)))
    assert {found[size, "constant"].status for size in (3, 5, 7, 9, 11)} == {"ok"}


def test_what_is_left_out_was_never_called_there(plant, clock: Clock) -> None:
    seen: list[int] = []
    grow = growing(clock, lambda size: 0.0005 * size**2)

    def note(blur: Any, image: Any, out: Any) -> None:
        seen.append(blur.problem.kernel.size)
        grow(blur, image, out)

    plant(
        backend_of(planted("steady", growing(clock, lambda size: 0.001)), planted("growing", note))
    )
    run_in_memory(asking(3, 5, 7, 9))
    assert set(seen) == {3, 5, 7}


def test_what_is_slow_but_catches_up_stays(plant, clock: Clock) -> None:
    plant(
        backend_of(
            planted("growing", growing(clock, lambda size: 0.0001 * size)),
            planted("constant", growing(clock, lambda size: 0.02)),
        )
    )
    found = by_place(run_in_memory(asking(3, 5, 7, 9, rounds=16)))
    assert {found[size, "constant"].status for size in (3, 5, 7, 9)} == {"ok"}


def test_who_is_left_out_on_one_extent_is_measured_on_the_next(plant, clock: Clock) -> None:
    plant(
        backend_of(
            planted("steady", growing(clock, lambda size: 0.001)),
            planted("growing", growing(clock, lambda size: 0.0005 * size**2)),
        )
    )
    log = run_in_memory(asking(3, 5, 7, extents=[(16, 16), (8, 8)], rounds=16))
    statuses = {
        (row.key.width, row.key.size): row.status for row in log.rows() if row.method == "growing"
    }
    assert statuses[8, 3] == statuses[8, 5] == "ok"


def test_nobody_is_left_out_at_the_smallest_size() -> None:
    assert hopeless([]) == {}


def test_what_one_process_has_measured_is_not_left_out_by_the_next(plant, clock: Clock) -> None:
    """What is hopeless by more samples must not take back what fewer let in."""
    process, calls = 1, 0

    def seconds(size: int) -> float:
        nonlocal calls
        calls += 1
        if size == 5:
            return 0.0285 if process == 1 and calls % 3 == 0 else 0.033
        return 0.0009 * size**2

    plant(
        backend_of(
            planted("steady", growing(clock, lambda size: 0.003)),
            planted("growing", growing(clock, seconds)),
        )
    )
    question = asking(3, 5, 7, processes=2, rounds=16)
    session = Session(question.options)
    log = Log(question.describe(session, [], question.options.rules))
    statuses = []
    for process in (1, 2):
        assert sweep(question, session, log, process=process)
        statuses.append(by_place(log)[7, "growing"].status)
    assert statuses == ["ok", "ok"]


# Resuming: killed at every moment, and continued.


def one_moment_in(quick: int, whole: int) -> pytest.MarkDecorator:
    """Stop at one moment in so many; the quick run takes fewer of them than the whole one."""
    closer = pytest.param(whole, marks=pytest.mark.rest("moments"))
    return pytest.mark.parametrize("step", [quick, closer])


def kill_everywhere(question: Question, folder: Path, step: int) -> None:
    """Kill at one moment in `step`, go on, and hold the result against the undisturbed run."""
    whole = Moments()
    assert attempt(question, folder / "whole", whole) == "done"
    expected = outcome(load(folder / "whole"))
    wrong: dict[int, Any] = {}
    for moment in range(1, whole.count + 1, step):
        place = folder / str(moment)
        assert attempt(question, place, Moments(moment)) == "killed"
        kept = (place / "samples.csv").read_bytes()
        assert attempt(question, place) == "done"
        again = load(place)
        found = outcome(again)
        faults = {key: (found.get(key), one) for key, one in expected.items() if found[key] != one}
        if not (place / "samples.csv").read_bytes().startswith(kept):
            faults["lost samples"] = None
        if doubled(place):
            faults["doubled samples"] = doubled(place)
        if again.summary() != (place / "summary.csv").read_bytes().decode():
            faults["another summary"] = None
        if not all(finished(question, again, one + 1) for one in range(question.options.processes)):
            faults["unfinished"] = None
        if faults:
            wrong[moment] = faults
    assert wrong == {}


@one_moment_in(quick=17, whole=3)
def test_a_sweep_goes_on_from_any_moment(plant, clock: Clock, tmp_path: Path, step: int) -> None:
    plant(backend_of(planted("quick", clock.takes(0.004)), planted("slow", clock.takes(0.006))))
    kill_everywhere(asking(3, 5, rounds=3), tmp_path, step)


@one_moment_in(quick=4, whole=1)
def test_a_sweep_of_one_implementation_and_one_round_goes_on_from_any_moment(
    plant, clock: Clock, tmp_path: Path, step: int
) -> None:
    plant(backend_of(planted("only", clock.takes(0.004))))
    kill_everywhere(asking(3, rounds=1), tmp_path, step)


@one_moment_in(quick=7, whole=1)
def test_a_sweep_with_rows_that_do_not_win_goes_on_from_any_moment(
    plant, clock: Clock, tmp_path: Path, step: int
) -> None:
    plant(
        backend_of(
            planted("good", clock.takes(0.004)),
            planted("bad", then(clock.takes(0.002), add_half)),
            planted("broken", raising(RuntimeError("no"))),
            planted("dear", clock.takes(500.0)),
        )
    )
    kill_everywhere(asking(3, rounds=2), tmp_path, step)


@one_moment_in(quick=13, whole=5)
def test_a_sweep_in_two_processes_goes_on_from_any_moment(
    plant, clock: Clock, tmp_path: Path, step: int
) -> None:
    plant(
        backend_of(
            planted("good", clock.takes(0.004)),
            planted("bad", then(clock.takes(0.002), add_half)),
        )
    )
    kill_everywhere(asking(3, rounds=2, processes=2), tmp_path, step)


@one_moment_in(quick=61, whole=11)
def test_a_sweep_of_a_gpu_goes_on_from_any_moment(
    plant, clock: Clock, device: FakeDevice, tmp_path: Path, step: int
) -> None:
    plant(
        backend_of(planted("host", clock.takes(0.006))),
        gpu_of(device, quick=device.takes(0.002), slow=device.takes(0.010)),
    )
    kill_everywhere(asking(3, backends=("fake", "gpu"), rounds=2), tmp_path, step)


@pytest.mark.parametrize("pilot_round", [-2, -1, 0])
def test_a_run_killed_in_its_pilot_counts_all_its_later_rounds(
    plant, clock: Clock, tmp_path: Path, pilot_round: int
) -> None:
    plant(backend_of(planted("quick", clock.takes(0.004)), planted("slow", clock.takes(0.006))))
    question = asking(3, rounds=4)

    class InPilot(Stoppable):
        def append(self, record: Record) -> None:
            super().append(record)
            if record.competitors and record.round == pilot_round:
                raise Killed

    session = Session(question.options)
    run = question.describe(session, [], question.options.rules)
    journal = InPilot.create(tmp_path / "run", run)
    journal.moments = Moments()
    with pytest.raises(Killed):
        sweep(question, session, journal)
    journal.close()
    attempt(question, tmp_path / "run")
    assert {row.rounds for row in load(tmp_path / "run").rows()} == {4}


@pytest.mark.parametrize("rounds", [[-2], [-2, -1], [-2, -1, 0], [1], [-2, -1, 0, 1, 2]])
def test_measured_rounds_are_numbered_from_one_whatever_was_taken_before(
    rounds: list[int],
) -> None:
    history = [Sample("one", number, 0, 2, 1, 0.5, 0.0) for number in rounds]
    assert Rounds.of(history).highest >= 0


def test_a_wrong_row_has_its_time_after_a_resume_too(plant, clock: Clock, tmp_path: Path) -> None:
    bad = planted("bad", then(clock.takes(0.002), add_half))
    plant(backend_of(bad, planted("good", clock.takes(0.004))))
    question = asking(3, rounds=2)

    class InRace(Listener):
        def rounds(self, done: int, left_s: float) -> None:
            raise Killed

    session = Session(question.options)
    run = question.describe(session, [], question.options.rules)
    journal = Journal.create(tmp_path / "run", run)
    with pytest.raises(Killed):
        sweep(question, session, journal, InRace())
    journal.close()
    attempt(question, tmp_path / "run")
    row = by_place(load(tmp_path / "run"))[3, "bad"]
    assert (row.status, row.rounds) == ("wrong", 1)
    assert row.end_to_end_median_s is not None


def test_a_wrong_row_is_measured_once_in_every_process(plant, clock: Clock) -> None:
    bad = planted("bad", then(clock.takes(0.002), add_half))
    plant(backend_of(bad, planted("good", clock.takes(0.004))))
    row = by_place(run_in_memory(asking(3, rounds=2, processes=2)))[3, "bad"]
    assert (row.status, row.rounds, row.processes) == ("wrong", 2, 2)


def test_what_has_raced_is_not_over_budget_after_a_resume(
    plant, clock: Clock, tmp_path: Path
) -> None:
    """On a machine that is busy when it goes on, an estimate takes longer than at first."""
    hold = {"seconds": 0.0}

    def tried_slowly(behave: Behaviour) -> Behaviour:
        def slow(blur: Any, image: Any, out: Any) -> None:
            behave(blur, image, out)
            clock.now += hold["seconds"]

        return slow

    quick = planted("quick", tried_slowly(clock.takes(0.004)))
    dearer = replace(
        planted("slow", tried_slowly(clock.takes(0.003))),
        multiply_adds=lambda problem: 2.0 * problem.height * problem.width,
    )
    plant(backend_of(quick, dearer))
    question = asking(3, budget=8.0)

    class InRace(Listener):
        def rounds(self, done: int, left_s: float) -> None:
            if done == 4:
                raise Killed

    class Awake(Listener):
        def stage(self, text: str) -> None:
            hold["seconds"] = 3.0 if text == "estimating fake:quick" else 0.0

    session = Session(question.options)
    run = question.describe(session, [], question.options.rules)
    journal = Journal.create(tmp_path / "run", run)
    with pytest.raises(Killed):
        sweep(question, session, journal, InRace())
    journal.close()
    journal = Journal.reopen(tmp_path / "run")
    assert sweep(question, session, journal, Awake())
    journal.close()
    rows = load(tmp_path / "run").rows()
    assert {row.method: row.status for row in rows} == {"quick": "ok", "slow": "ok"}
    assert all(row.rounds >= 4 for row in rows)


def test_a_finished_run_measures_nothing_when_it_goes_on(
    plant, clock: Clock, tmp_path: Path
) -> None:
    plant(backend_of(planted("one", clock.takes(0.004)), planted("two", clock.takes(0.006))))
    question = asking(3, 5, rounds=2)
    attempt(question, tmp_path / "run")
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    attempt(question, tmp_path / "run")
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before


def test_a_run_that_is_killed_again_and_again_comes_to_its_end(
    plant, clock: Clock, tmp_path: Path
) -> None:
    plant(backend_of(planted("one", clock.takes(0.004)), planted("two", clock.takes(0.006))))
    question = asking(3, 5, rounds=3)
    attempts = 0
    while attempt(question, tmp_path / "run", Moments(40)) == "killed":
        attempts += 1
        assert attempts < 30
    assert attempts >= 2
    assert doubled(tmp_path / "run") == []
    assert {row.rounds for row in load(tmp_path / "run").rows()} == {3}


def test_the_budget_counts_what_was_measured_in_all_attempts(
    plant, clock: Clock, tmp_path: Path
) -> None:
    noisy = [planted(name, clock.takes(0.02, noise=0.3)) for name in ("one", "two")]
    plant(backend_of(*noisy))
    question = asking(3, 5, budget=10.0)
    for moment in (150, 120, 90):
        assert attempt(question, tmp_path / "run", Moments(moment)) == "killed"
    assert attempt(question, tmp_path / "run") == "done"
    assert sum(float(row["elapsed_s"]) for row in samples_of(tmp_path / "run")) <= 10.0 + 0.5


def test_a_record_torn_within_a_character_is_cut(plant, clock: Clock, tmp_path: Path) -> None:
    plant(backend_of(planted("one", clock.takes(0.004))))
    question = asking(3, image=replace(SMALL, name="größer, 写真.png"), rounds=2)
    attempt(question, tmp_path / "run", Moments(40))
    path = tmp_path / "run" / "samples.csv"
    whole = path.read_bytes()
    last = whole.splitlines(keepends=True)[-1]
    for torn in range(1, len(last)):
        path.write_bytes(whole + last[:torn])
        Journal.reopen(tmp_path / "run").close()
        assert path.read_bytes() == whole


@pytest.mark.parametrize("name", ["two\nlines.png", "caf\udce9.png", 'a "b".png', "\r.png", "=1+1"])
def test_a_run_on_an_image_of_any_name_goes_on(
    plant, clock: Clock, tmp_path: Path, name: str
) -> None:
    plant(backend_of(planted("one", clock.takes(0.004))))
    question = asking(3, 5, image=replace(SMALL, name=name), rounds=2)
    assert attempt(question, tmp_path / "run", Moments(50)) == "killed"
    assert attempt(question, tmp_path / "run") == "done"
    assert {row.rounds for row in load(tmp_path / "run").rows()} == {2}


@pytest.mark.parametrize("length", [1000, 200_000])
def test_a_long_reason_leaves_the_run_readable(
    plant, clock: Clock, tmp_path: Path, length: int
) -> None:
    talkative = planted("bad", raising(RuntimeError("x" * length)))
    plant(backend_of(talkative, planted("good", clock.takes(0.004))))
    attempt(asking(3, rounds=1), tmp_path / "run")
    assert by_place(load(tmp_path / "run"))[3, "bad"].status == "failed"


# What the run says while it is under way is what its folder says.


def summary_of(folder: Path) -> str:
    return (folder / "summary.csv").read_bytes().decode()


@one_moment_in(quick=11, whole=3)
def test_an_interrupted_sweep_has_the_summary_of_its_folder(
    plant, clock: Clock, tmp_path: Path, step: int
) -> None:
    """At whatever moment the keyboard interrupts."""
    plant(backend_of(planted("one", clock.takes(0.004)), planted("two", clock.takes(0.006))))
    question = asking(3, 5, rounds=2)
    whole = Moments()
    attempt(question, tmp_path / "whole", whole)
    differing = []
    for moment in range(2, whole.count + 1, step):
        folder = tmp_path / str(moment)
        try:
            attempt(question, folder, Moments(moment, KeyboardInterrupt()))
        except KeyboardInterrupt:
            continue  # the command line tells of these
        if summary_of(folder) != load(folder).summary():
            differing.append(moment)
    assert differing == []


def late_failure(clock: Clock) -> Behaviour:
    return failing_after(60, clock.takes(0.004), RuntimeError("worn out"))


def test_a_race_whose_reference_fails_is_told_the_same_by_its_folder(
    plant, clock: Clock, tmp_path: Path
) -> None:
    plant(
        backend_of(
            planted("bad", late_failure(clock)),
            planted("good", clock.takes(0.008)),
            planted("fair", clock.takes(0.012)),
        )
    )
    attempt(asking(3, 5, rounds=40), tmp_path / "run")
    log = load(tmp_path / "run")
    assert summary_of(tmp_path / "run") == log.summary()
    found = by_place(log)
    assert found[3, "bad"].status == "failed"
    assert found[3, "good"].verdict == "fastest"
    assert doubled(tmp_path / "run") == []


def test_a_race_whose_reference_fails_goes_on_when_killed_later(
    plant, clock: Clock, tmp_path: Path
) -> None:
    for moment in range(150, 330, 20):
        plant(backend_of(planted("bad", late_failure(clock)), planted("good", clock.takes(0.008))))
        question = asking(3, rounds=16)
        folder = tmp_path / str(moment)
        attempt(question, folder, Moments(moment))
        assert attempt(question, folder) == "done"
        assert doubled(folder) == []
        assert summary_of(folder) == load(folder).summary()
        assert by_place(load(folder))[3, "good"].rounds >= 8
