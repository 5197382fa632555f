"""Samples of one thing alone: calls repeated until a sample is long enough to be timed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

Stopwatch = Callable[[int], float]  # seconds that this many calls took together

SHORTEST_S = 1e-7  # no call is taken for shorter, whatever a coarse clock says


@dataclass(frozen=True)
class Timed:
    """`loops` calls took `elapsed_s` together."""

    loops: int
    elapsed_s: float


def shortest(watch: Stopwatch, tries: int, loops: int = 1) -> float:
    """Seconds of a call in the best of several samples: the machine may stall in one."""
    return min(watch(loops) for _ in range(tries)) / loops


def loops_for(least_s: float, call_s: float) -> int:
    """How many calls of `call_s` seconds make a sample of `least_s`; at least one."""
    return max(1, int(least_s / max(call_s, SHORTEST_S)))


def calibrated(watch: Stopwatch, least_s: float, tries: int = 1) -> int:
    """How many calls make a sample of `least_s` seconds, by the shortest of so many."""
    return loops_for(least_s, shortest(watch, tries))


def samples(watch: Stopwatch, loops: int, count: int) -> Iterator[Timed]:
    """So many samples of so many calls each, taken as they are asked for."""
    for _ in range(count):
        yield Timed(loops, watch(loops))
