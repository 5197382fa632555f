"""What a call is expected to take, by what calls took before.

A point asks `study.point.prediction`, which makes plans for crops of the image and calls them until
one takes long enough. On the problems of tuning that takes four times as long as the timings
themselves (14 implementations, 18 images of 64 to 800 pixels a side, in one run), so a budget
would reach a fifth of the problems.

It needs less, too. The problem that was timed before and is most like this one tells within a
factor what a call takes, and that settles who is worth trying: whoever is tried is timed anyway,
so a wrong expectation costs a call and no figure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import chain

from blurbench.backends.backend import Implementation
from blurbench.problem import Problem
from blurbench.tune.fitting import Timing

GUESS_S = 1e-9  # a multiply-add's worth of effort, of what was never called


@dataclass(frozen=True)
class Expectation:
    """Seconds of a call.

    Attributes:
        least: as if all that the shortest call took were overhead, which does not grow.
        most: as if everything grew with the effort.
    """

    least: float
    most: float


@dataclass(frozen=True)
class _Known:
    samples: float  # logarithms, as distances are ratios
    size: float
    effort: float
    seconds: float

    def distance(self, other: _Known) -> float:
        return abs(self.samples - other.samples) + abs(self.size - other.size)


class Expectations:
    """By what was timed, by implementation and place; then by dtype and number of threads."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], dict[tuple[str, int], list[_Known]]] = {}

    def add(self, timing: Timing) -> None:
        """Learn from a timing."""
        one, problem = timing.implementation, timing.problem
        places = self._known.setdefault((one.name, timing.place), {})
        known = places.setdefault((problem.dtype.name, problem.threads), [])
        known.append(_known(one, problem, timing.seconds))

    def knows(self, one: Implementation, place: str, dtype: str) -> bool:
        """Whether it was timed in this dtype."""
        return any(known == dtype for known, _ in self._known.get((one.name, place), {}))

    def expect(self, one: Implementation, place: str, problem: Problem) -> Expectation:
        """By the most similar problem, of another dtype or number of threads if it has to be."""
        new = _known(one, problem, math.nan)
        groups = self._known.get((one.name, place), {})
        known = groups.get((problem.dtype.name, problem.threads)) or [*chain(*groups.values())]
        if not known:
            return Expectation(0.0, GUESS_S * new.effort)
        near = min(known, key=new.distance)
        overhead = min(each.seconds for each in known)
        growth = new.effort / near.effort
        return Expectation(overhead + (near.seconds - overhead) * growth, near.seconds * growth)


def _known(one: Implementation, problem: Problem, seconds: float) -> _Known:
    samples = math.log(problem.height * problem.width * problem.channels)
    return _Known(samples, math.log(problem.kernel.size), one.effort(problem), seconds)
