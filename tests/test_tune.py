"""Tuning: who is timed and how often, and what the fit makes of the times."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
import pytest

from blurbench import host
from blurbench.backends.registry import find_backend, find_implementation
from blurbench.choice.auto import DEVICE, HOST
from blurbench.choice.model import TERMS, terms_of
from blurbench.errors import InputError
from blurbench.kernel import GaussianKernel
from blurbench.plan import Plan
from blurbench.problem import Problem
from blurbench.tune.candidates import Candidate
from blurbench.tune.expectation import GUESS_S
from blurbench.tune.fitting import FEWEST, Timing, costs_of, fit
from blurbench.tune.trials import COMPILING_S, NOT_TRIED, ROUNDS, SAMPLE_S, SHARE, Trials
from blurbench.tune.tuning import DTYPES, MOST_SAMPLES, problems

NAMES = ("scipy:separable", "scipy:fft", "numpy:separable")
FIGURES = (2e-5, 1e-8, 3e-10, 4e-10, 5e-11)


@dataclass(eq=False)
class Fixed:
    """A clock on which a call takes as long as it is told."""

    seconds: float
    loops: list[int] = field(default_factory=list)

    def measure(self, call: Any, loops: int) -> float:
        self.loops.append(loops)
        return self.seconds * loops


def problem(size: int = 5, shape: tuple[int, ...] = (16, 16), dtype: str = "float32") -> Problem:
    return Problem(GaussianKernel.from_size(size), shape, np.dtype(dtype))


def candidates(*seconds: float) -> list[Candidate]:
    return [
        Candidate(
            find_implementation(*name.split(":")),
            find_backend(name.split(":")[0]),
            HOST,
            Fixed(taken),
        )
        for name, taken in zip(NAMES, seconds, strict=True)
    ]


def trials_of(
    *taken: float, known: Sequence[Timing] = (), seconds: float = math.inf
) -> tuple[Trials, list[Candidate]]:
    tried = candidates(*taken)
    trials = Trials(tried, random.Random(1), seconds, lambda: 0.0)
    for timing in known:
        trials.expectations.add(timing)
    return trials, tried


def took(given: Problem, *seconds: float) -> list[Timing]:
    """What each of `NAMES` took before."""
    return [
        Timing(find_implementation(*name.split(":")), HOST, given, each)
        for name, each in zip(NAMES, seconds, strict=True)
    ]


def names_of(found: Iterable[Timing]) -> list[str]:
    return [one.implementation.name for one in found]


def test_those_that_may_be_the_fastest_are_timed_in_rounds_the_others_once() -> None:
    trials, tried = trials_of(1e-3, 2e-3, 4e-3)
    found = trials.run(problem())
    assert [one.seconds for one in found] == pytest.approx([1e-3, 2e-3, 4e-3])
    assert [len(each.clock.loops) for each in tried] == [1 + ROUNDS, 1 + ROUNDS, 1]


def test_short_calls_are_repeated() -> None:
    trials, tried = trials_of(1e-5, 1e-5, 1e-5)
    trials.run(problem())
    assert tried[0].clock.loops[1:] == [round(SAMPLE_S / 1e-5)] * ROUNDS


SLOW_ONE = (0.1, 0.2, 0.2 * NOT_TRIED)


def test_what_is_expected_to_be_hopeless_is_not_tried() -> None:
    known = [*took(problem(shape=(4, 4)), 1e-3, 1e-3, 1e-3), *took(problem(), *SLOW_ONE)]
    trials, _ = trials_of(*SLOW_ONE, known=known)
    assert names_of(trials.run(problem())) == list(NAMES[:2])


def test_what_is_short_is_tried_however_hopeless() -> None:
    known = [*took(problem(shape=(4, 4)), *(1e-7,) * 3), *took(problem(), 1e-6, 1e-6, SAMPLE_S)]
    trials, _ = trials_of(1e-6, 1e-6, SAMPLE_S, known=known)
    assert names_of(trials.run(problem())) == list(NAMES)


def test_overhead_on_a_small_image_makes_nobody_hopeless_on_a_large_one() -> None:
    known = took(problem(shape=(4, 4)), 1e-6, 1e-6, 1e-2)
    trials, _ = trials_of(1e-3, 1e-3, 1e-3, known=known)
    assert names_of(trials.run(problem(15, (256, 256)))) == list(NAMES)


def test_the_most_similar_problem_tells_what_is_expected() -> None:
    like, unlike = problem(15, (64, 64)), problem(3, (512, 512))
    known = [*took(unlike, *SLOW_ONE[::-1]), *took(problem(shape=(4, 4)), 1e-6, 1e-6, 1e-6)]
    trials, _ = trials_of(*SLOW_ONE, known=[*known, *took(like, *SLOW_ONE)])
    assert names_of(trials.run(problem(15, (64, 65)))) == list(NAMES[:2])


def test_another_dtype_or_number_of_threads_tells_where_nothing_else_does() -> None:
    small = took(problem(shape=(4, 4)), 1e-3, 1e-3, 1e-3)
    known = [*small, *took(problem(), *SLOW_ONE)]
    for other in (problem(dtype="float64"), replace(problem(), threads=2)):
        trials, _ = trials_of(*SLOW_ONE, known=known)
        assert names_of(trials.run(other)) == list(NAMES[:2])
        own = took(other, 0.1, 0.1, 0.1)
        trials, _ = trials_of(*SLOW_ONE, known=[*known, *own])
        assert names_of(trials.run(other)) == list(NAMES)


def test_a_fast_device_does_not_make_the_host_hopeless() -> None:
    on_host = candidates(0.1, 0.2, 0.2)
    there = replace(on_host[0], place=DEVICE, clock=Fixed(1e-4))
    trials = Trials([*on_host, there], random.Random(1))
    for _ in range(2):
        assert len(trials.run(problem())) == 4
    assert [len(each.clock.loops) for each in on_host] == [2 * (1 + ROUNDS)] * 3


def test_what_takes_much_of_the_time_left_is_not_tried() -> None:
    large = problem(101, (128, 128))
    needed = 2 * find_implementation("scipy", "separable").effort(large) * GUESS_S
    enough, too_little = 1.01 * needed / SHARE, 0.99 * needed / SHARE
    assert NAMES[0] in names_of(trials_of(*(1e-3,) * 3, seconds=enough)[0].run(large))
    assert NAMES[0] not in names_of(trials_of(*(1e-3,) * 3, seconds=too_little)[0].run(large))


def test_where_nothing_fits_nothing_is_timed() -> None:
    trials, tried = trials_of(1e-3, 1e-3, 1e-3, seconds=1e-9)
    assert trials.run(problem()) == []
    assert [each.clock.loops for each in tried] == [[], [], []]


def test_nothing_is_compiled_that_the_time_left_does_not_allow() -> None:
    for left, tried in ((COMPILING_S + 1, 3), (COMPILING_S - 1, 2)):
        compiled, *others = candidates(1e-3, 1e-3, 1e-3)
        compiled = replace(compiled, implementation=replace(compiled.implementation, compiles=True))
        trials = Trials([compiled, *others], random.Random(1), left, lambda: 0.0)
        assert len(trials.run(problem())) == tried


def test_no_round_begins_that_does_not_fit() -> None:
    trials, tried = trials_of(0.1, 0.1, 0.1, seconds=0.29)
    trials.run(problem())
    assert [len(each.clock.loops) for each in tried] == [1, 1, 1]


@dataclass(eq=False)
class Breaking(Fixed):
    """The same until it is asked for its fourth sample."""

    error: Exception = field(default_factory=lambda: RuntimeError("it broke"))

    def measure(self, call: Any, loops: int) -> float:
        if len(self.loops) == 3:
            raise self.error
        return super().measure(call, loops)


def test_what_breaks_in_the_rounds_is_left_out_and_the_others_begin_them_anew() -> None:
    first, *others = candidates(1e-3, 1e-3, 1e-3)
    trials = Trials([replace(first, clock=Breaking(1e-3)), *others], random.Random(1))
    assert names_of(trials.run(problem())) == list(NAMES[1:])
    assert trials.left_out == {NAMES[0]: "it broke"}
    assert [len(each.clock.loops) > ROUNDS for each in others] == [True, True]


def test_what_has_no_room_in_the_rounds_keeps_its_first_time() -> None:
    first, *others = candidates(1e-3, 1e-3, 1e-3)
    clock = Breaking(1e-3, error=MemoryError("no room"))
    trials = Trials([replace(first, clock=clock), *others], random.Random(1))
    assert names_of(trials.run(problem())) == list(NAMES)
    assert trials.left_out == {}


def trials_with_one_that(prepare: Callable[[Candidate, Problem], Plan]) -> Trials:
    """The first contender makes its plans so."""
    first, *others = candidates(1e-3, 1e-3, 1e-3)
    other = replace(
        first, implementation=replace(first.implementation, prepare=partial(prepare, first))
    )
    return Trials([other, *others], random.Random(1))


def raising(error: Exception) -> Callable[[Candidate, Problem], Plan]:
    """Raise it at size 7."""

    def prepare(candidate: Candidate, given: Problem) -> Plan:
        if given.kernel.size == 7:
            raise error
        return candidate.implementation.prepare(given)

    return prepare


def test_what_breaks_is_left_out_and_the_others_go_on() -> None:
    trials = trials_with_one_that(raising(RuntimeError("it broke")))
    assert names_of(trials.run(problem())) == list(NAMES)
    trials.run(problem(7))
    assert trials.left_out == {NAMES[0]: "it broke"}
    assert Counter(names_of(trials.timings)) == {NAMES[1]: 2, NAMES[2]: 2}
    assert names_of(trials.run(problem())) == list(NAMES[1:])


@pytest.mark.parametrize("error", [InputError("not this one"), MemoryError("no room")])
def test_what_cannot_do_one_problem_stays(error: Exception) -> None:
    trials = trials_with_one_that(raising(error))
    trials.run(problem())
    assert names_of(trials.run(problem(7))) == list(NAMES[1:])
    assert trials.left_out == {}
    assert NAMES[0] in names_of(trials.timings)


def test_what_computes_something_else_is_left_out() -> None:
    trials = trials_with_one_that(
        lambda candidate, given: candidate.implementation.prepare(replace(given, border="wrap"))
    )
    assert names_of(trials.run(problem())) == list(NAMES[1:])
    assert "float32 result is wrong by" in trials.left_out[NAMES[0]]


def test_an_approximation_may_differ() -> None:
    deriche = find_implementation("numpy", "deriche")
    candidate = Candidate(deriche, find_backend("numpy"), HOST, Fixed(1e-3))
    trials = Trials([candidate], random.Random(1))
    assert names_of(trials.run(problem())) == [deriche.name]


def test_problems_are_spread_over_what_people_blur() -> None:
    some = list(islice(problems(random.Random(5)), 400))
    assert Counter(one.dtype.name for one in some) == dict.fromkeys(DTYPES, 100)
    assert {one.channels for one in some} == {1, 3}
    assert all(np.prod(one.shape) <= MOST_SAMPLES for one in some)
    sides = [side for one in some for side in one.shape[:2]]
    assert (min(sides) < 80, max(sides) > 3000) == (True, True)
    assert all(one.kernel.size % 2 for one in some)


def test_some_problems_are_on_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "usable_cpus", lambda: 8)
    some = list(islice(problems(random.Random(5)), 400))
    counts = Counter((one.dtype.name, one.threads) for one in some)
    assert counts == {(dtype, n): each for dtype in DTYPES for n, each in ((1, 25), (8, 75))}
    assert {one.threads for one in islice(problems(random.Random(5), alone=False), 100)} == {8}


def timings(noise: float = 0.0, outliers: int = 0, number: int = 60) -> list[Timing]:
    """Of one implementation, after figures that are known."""
    rng, found = np.random.default_rng(2), []
    one = find_implementation("scipy", "separable")
    endless = problems(random.Random(6), ("float32",), alone=False)
    for place, given in enumerate(islice(endless, number)):
        terms = terms_of(
            one.method, given.height, given.width, given.channels, 4, given.kernel.size, 2**21
        )
        seconds = float(np.dot(FIGURES, terms)) * float(np.exp(noise * rng.standard_normal()))
        found.append(Timing(one, HOST, given, seconds * (5 if place < outliers else 1)))
    return found


def test_figures_come_out_of_times_that_follow_them() -> None:
    (cost,) = costs_of(timings(), 2**21)
    assert [cost[name] for name in TERMS] == pytest.approx(FIGURES, rel=1e-6)
    assert cost["median_deviation"] == pytest.approx(0, abs=1e-9)


def test_a_few_disturbed_times_change_little() -> None:
    (cost,) = costs_of(timings(noise=0.05, outliers=6), 2**21)
    own = problem(31, (1000, 1000))
    terms = terms_of("separable", 1000, 1000, 1, 4, own.kernel.size, 2**21)
    expected = np.dot([cost[name] for name in TERMS], terms)
    assert expected == pytest.approx(np.dot(FIGURES, terms), rel=0.1)


def test_no_figure_is_negative() -> None:
    rng = np.random.default_rng(3)
    figures = fit(rng.random((40, 5)) + 0.1, rng.random(40) + 0.1)
    assert (figures >= 0).all()


def test_what_was_timed_too_seldom_has_no_figures() -> None:
    assert costs_of(timings(number=FEWEST - 1), 2**21) == []


def test_what_follows_other_laws_than_the_model_has_no_figures() -> None:
    assert costs_of(timings(noise=2.0), 2**21) == []


def test_each_number_of_threads_has_figures_of_its_own() -> None:
    alone = [replace(one, problem=replace(one.problem, threads=1)) for one in timings()]
    all_cpus = [replace(one, problem=replace(one.problem, threads=8)) for one in timings()]
    assert [one["threads"] for one in costs_of([*alone, *all_cpus], 2**21)] == [1, 8]
