"""Samples of one thing alone, on a clock that only calls move."""

from __future__ import annotations

import pytest

from blurbench.measure.sampling import (
    SHORTEST_S,
    Timed,
    calibrated,
    loops_for,
    samples,
    shortest,
)


class Watch:
    """A stopwatch of a call that takes `seconds`, and longer as often as there are `stalls`."""

    def __init__(self, seconds: float, *stalls: float) -> None:
        self.seconds, self.stalls = seconds, list(stalls)
        self.loops: list[int] = []

    def __call__(self, loops: int) -> float:
        self.loops.append(loops)
        return loops * self.seconds + (self.stalls.pop(0) if self.stalls else 0.0)


def test_a_sample_has_as_many_calls_as_fill_it() -> None:
    assert calibrated(Watch(0.001), least_s=0.0055) == 5


def test_what_takes_longer_than_a_sample_is_called_once() -> None:
    assert calibrated(Watch(1.0), least_s=0.005) == 1


@pytest.mark.parametrize(("tries", "loops"), [(1, 2), (2, 5), (3, 10)])
def test_the_shortest_of_several_tries_tells_what_a_call_takes(tries: int, loops: int) -> None:
    assert calibrated(Watch(0.5, 2.0, 0.5), least_s=5.0, tries=tries) == loops


def test_a_stall_in_one_sample_is_not_taken_for_the_time_of_a_call() -> None:
    watch = Watch(0.5, 0.0, 100.0, 8.0)
    assert shortest(watch, tries=3, loops=4) == 0.5
    assert watch.loops == [4, 4, 4]


def test_a_clock_that_is_too_coarse_to_tell_makes_no_sample_endless() -> None:
    assert calibrated(Watch(0.0), least_s=0.005) == loops_for(0.005, SHORTEST_S) == 50_000


def test_samples_have_the_same_number_of_calls() -> None:
    assert list(samples(Watch(0.25), loops=8, count=3)) == [Timed(8, 2.0)] * 3


def test_no_sample_is_taken_before_it_is_asked_for() -> None:
    watch = Watch(0.25)
    next(samples(watch, loops=8, count=3))
    assert watch.loops == [8]


@pytest.mark.parametrize("count", [0, -2])
def test_where_there_are_enough_samples_none_is_taken(count: int) -> None:
    assert list(samples(Watch(0.25), loops=8, count=count)) == []
