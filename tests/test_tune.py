"""Tuning: who is timed and how often, and what the fit makes of the times."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import numpy as np
import pytest

from blurbench.backends.registry import find_backend, find_implementation
from blurbench.choice.auto import HOST
from blurbench.choice.model import TERMS, terms_of
from blurbench.kernel import GaussianKernel
from blurbench.plan import Problem
from blurbench.study.fit import FEWEST, Timing, costs_of, fit
from blurbench.study.tune import (
    DTYPES,
    HOPELESS,
    MOST_SAMPLES,
    ROUNDS,
    SAMPLE_S,
    Contender,
    problems,
    race,
)

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


def contenders(*seconds: float) -> list[Contender]:
    return [
        Contender(
            find_implementation(*name.split(":")),
            find_backend(name.split(":")[0]),
            HOST,
            Fixed(taken),
        )
        for name, taken in zip(NAMES, seconds, strict=True)
    ]


def race_of(*seconds: float, known: Any = ()) -> tuple[dict[str, float], dict[str, list[int]]]:
    """Seconds, and loops of each sample, by name."""
    racers = contenders(*seconds)
    found = race(problem(), racers, known, random.Random(1))
    loops = {one.one.name: one.clock.loops for one in racers}  # type: ignore[attr-defined]
    return {one.implementation.name: one.seconds for one in found}, loops


def test_those_that_may_be_the_fastest_are_timed_in_rounds_the_others_once() -> None:
    seconds, loops = race_of(1e-3, 2e-3, 4e-3)
    assert seconds == pytest.approx({NAMES[0]: 1e-3, NAMES[1]: 2e-3, NAMES[2]: 4e-3})
    assert [len(loops[name]) for name in NAMES] == [1 + ROUNDS, 1 + ROUNDS, 1]


def test_short_calls_are_repeated() -> None:
    _, loops = race_of(1e-5, 1e-5, 1e-5)
    assert loops[NAMES[0]][1:] == [round(SAMPLE_S / 1e-5)] * ROUNDS


def test_what_is_expected_to_be_hopeless_is_not_tried() -> None:
    larger = replace(problem(), shape=(8, 8))
    known = [
        Timing(find_implementation(*name.split(":")), HOST, larger, taken)
        for name, taken in zip(NAMES, (1e-3, 2e-3, 4 * HOPELESS), strict=True)
    ]
    assert set(race_of(1e-3, 2e-3, 4e-3, known=known)[0]) == {NAMES[0], NAMES[1]}


def test_what_another_dtype_took_says_nothing() -> None:
    known = [
        Timing(find_implementation(*name.split(":")), HOST, problem(dtype="float64"), taken)
        for name, taken in zip(NAMES, (1e-3, 2e-3, 4 * HOPELESS), strict=True)
    ]
    assert set(race_of(1e-3, 2e-3, 4e-3, known=known)[0]) == set(NAMES)


def test_problems_are_spread_over_what_people_blur() -> None:
    some = list(islice(problems(random.Random(5)), 400))
    assert Counter(one.dtype.name for one in some) == dict.fromkeys(DTYPES, 100)
    assert {one.channels for one in some} == {1, 3}
    assert all(np.prod(one.shape) <= MOST_SAMPLES for one in some)
    sides = [side for one in some for side in one.shape[:2]]
    assert (min(sides) < 80, max(sides) > 3000) == (True, True)
    assert all(one.kernel.size % 2 for one in some)


def timings(noise: float = 0.0, outliers: int = 0, number: int = 60) -> list[Timing]:
    """Of one implementation, after figures that are known."""
    rng, found = np.random.default_rng(2), []
    one = find_implementation("scipy", "separable")
    for place, given in enumerate(islice(problems(random.Random(6), ("float32",)), number)):
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
