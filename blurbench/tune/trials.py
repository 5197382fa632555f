"""Trials: on each problem those that may be the fastest are timed side by side.

The rounds are a race's, without a verdict: what is wanted is the time of each, not who wins.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from statistics import median

import numpy as np

from blurbench import host
from blurbench.choice.auto import keeps_contract
from blurbench.errors import InputError, lacks_memory, text_of
from blurbench.measure.contest import Contender, ContenderError
from blurbench.measure.sampling import SHORTEST_S, Stopwatch
from blurbench.measure.side_by_side import side_by_side
from blurbench.problem import Problem
from blurbench.tune.candidates import Candidate
from blurbench.tune.expectation import Expectations
from blurbench.tune.fitting import Timing

NOT_TRIED, TIMED_ONCE = 8.0, 3.0  # times the fastest of a place, as expected; as it turned out
ROUNDS, SAMPLE_S = 5, 0.0015
SHARE = 0.05  # of the time left, that a candidate may take to be timed once
COMPILING_S = 8.0


@dataclass(frozen=True)
class Tried:
    """A candidate that was called once, and what its second call took."""

    candidate: Candidate
    watch: Stopwatch
    once_s: float

    @property
    def contender(self) -> Contender:
        """Of a race."""
        return Contender(self.candidate.name, self.watch, max(self.once_s, SHORTEST_S))


class Trials:
    """Times candidates on problem after problem.

    Args:
        seconds: after which nothing is begun any more, on the clock `now`.

    Attributes:
        timings: what was found.
        expectations: what is expected of a call, by them.
        left_out: why an implementation takes part no more, by name; its timings are gone.
    """

    def __init__(
        self,
        candidates: Sequence[Candidate],
        rng: random.Random,
        seconds: float = math.inf,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.timings: list[Timing] = []
        self.left_out: dict[str, str] = {}
        self.expectations = Expectations()
        self._candidates, self._rng, self._now = list(candidates), rng, now
        self._ends = now() + seconds
        self._checked: set[tuple[str, str]] = set()

    def run(self, problem: Problem) -> list[Timing]:
        """Time, round by round, those that may be the fastest; the others once or not at all."""
        tried = self._try(problem)
        times = self._race(tried)
        found = []
        for each in tried:
            one, place = each.candidate.implementation, each.candidate.place
            if one.name not in self.left_out:
                seconds = times.get(each.candidate.name, each.once_s)
                found.append(Timing(one, place, problem, seconds))
                self.expectations.add(found[-1])
        self.timings += found
        return found

    @property
    def _left_s(self) -> float:
        return self._ends - self._now()

    def _try(self, problem: Problem) -> list[Tried]:
        """Call those that are worth it."""
        pixels = np.random.default_rng(0).uniform(0, 255, problem.shape).astype(problem.dtype)
        tried = []
        for each in self._likely(problem):
            if not self._fits(each, problem):
                continue
            with self._excused(each):
                self._check(each, problem)
                call = each.call(each.implementation.prepare(problem), pixels)
                call()  # whatever the first call takes longer is not what is asked for
                watch = partial(each.clock.measure, call)
                tried.append(Tried(each, watch, watch(1)))
        return tried

    def _race(self, tried: Sequence[Tried]) -> dict[str, float]:
        """Seconds a call of those who are near the fastest of their place, by name."""
        best: dict[str, float] = {}
        for each in tried:
            place = each.candidate.place
            best[place] = min(each.once_s, best.get(place, math.inf))
        near = [each for each in tried if each.once_s <= TIMED_ONCE * best[each.candidate.place]]
        while near and sum(max(each.once_s, SAMPLE_S) for each in near) <= self._left_s:
            try:
                rounds = side_by_side(
                    [each.contender for each in near],
                    ROUNDS,
                    self._rng,
                    sample_s=SAMPLE_S,
                    seconds=self._left_s,
                    now=self._now,
                )
            except ContenderError as failure:
                (broken,) = (each for each in near if each.candidate.name == failure.name)
                near.remove(broken)
                with self._excused(broken.candidate):
                    raise failure.error from None
            else:
                return {name: median(each[name][0] for each in rounds) for name in rounds[0]}
        return {}

    def _likely(self, problem: Problem) -> list[Candidate]:
        """Those that can do it and are not expected to be hopeless."""
        able = [each for each in self._candidates if _is_able(each, problem)]
        expected = {
            each: self.expectations.expect(each.implementation, each.place, problem)
            for each in able
        }
        best = {
            place: min(
                (
                    expected[each].most
                    for each in able
                    if each.place == place and expected[each].least
                ),
                default=math.inf,
            )
            for place in {each.place for each in able}
        }
        return [
            each
            for each in able
            if expected[each].least <= max(NOT_TRIED * best[each.place], SAMPLE_S)
        ]

    def _fits(self, each: Candidate, problem: Problem) -> bool:
        """Whether the time that is left allows two calls, and to compile what they need."""
        one, place, left_s = each.implementation, each.place, self._left_s
        calls_s = 2 * self.expectations.expect(one, place, problem).most
        new = not self.expectations.knows(one, place, problem.dtype.name)
        compiling_s = COMPILING_S if new and each.compiles else 0.0
        return calls_s <= SHARE * left_s and compiling_s + calls_s <= left_s

    def _check(self, each: Candidate, problem: Problem) -> None:
        """Hold a small result in that dtype against a reference, once."""
        key = each.implementation.name, problem.dtype.name
        if key not in self._checked:
            each.check_result(problem)
            self._checked.add(key)

    @contextmanager
    def _excused(self, each: Candidate) -> Iterator[None]:
        """Leave out what breaks; what this problem alone is too much for stays."""
        try:
            yield
        except Exception as error:
            if isinstance(error, InputError) or lacks_memory(error):
                return
            name = each.implementation.name
            self.left_out[name] = text_of(error)
            self._candidates = [
                other for other in self._candidates if other.implementation.name != name
            ]
            self.timings = [one for one in self.timings if one.implementation.name != name]


def _is_able(each: Candidate, problem: Problem) -> bool:
    try:
        each.implementation.check(problem)
    except InputError:
        return False
    free = host.available_memory() or math.inf
    return (
        keeps_contract(each.implementation, problem.dtype.name)
        and each.implementation.work_bytes(problem) + 3 * problem.image_bytes < free
    )
