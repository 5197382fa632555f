"""Heats: on each problem those that may be the fastest are timed side by side."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from blurbench import host
from blurbench.choice.auto import keeps_contract
from blurbench.errors import InputError, lacks_memory, text_of
from blurbench.measure.schedule import shuffled_rounds
from blurbench.problem import Problem
from blurbench.tune.contender import PlacedImplementation
from blurbench.tune.expectation import Pace
from blurbench.tune.fitting import Timing

HOPELESS, SLOW = 8.0, 3.0  # times the fastest of a place: not tried, if expected; timed once
ROUNDS, SAMPLE_S = 5, 0.002
SHARE = 0.05  # of the time left, that a contender may take to be timed once
COMPILING_S = 8.0


class Heats:
    """Times contenders on problem after problem.

    Attributes:
        timings: what was found.
        pace: what is expected of a call, by them.
        left_out: why an implementation takes part no more, by name; its timings are gone.
    """

    def __init__(
        self,
        contenders: Sequence[PlacedImplementation],
        rng: random.Random,
        left: Callable[[], float] = lambda: math.inf,
    ) -> None:
        """Of these contenders, as long as seconds are `left`."""
        self.timings: list[Timing] = []
        self.left_out: dict[str, str] = {}
        self._contenders, self._rng, self._left = list(contenders), rng, left
        self.pace = Pace()
        self._checked: set[tuple[str, str]] = set()

    def run(self, problem: Problem) -> list[Timing]:
        """Time, round by round, those that may be the fastest; the others once or not at all."""
        calls, seconds = {}, {}
        pixels = np.random.default_rng(0).uniform(0, 255, problem.shape).astype(problem.dtype)
        for each in self._likely(problem):
            if not self._fits(each, problem):
                continue
            with self._excused(each):
                self._check(each, problem)
                call = each.call(each.one.prepare(problem), pixels)
                call()  # whatever the first call takes longer is not what is asked for
                seconds[each] = [each.clock.measure(call, 1)]
                calls[each] = call
        if not calls:
            return []
        best = {each.place: math.inf for each in calls}
        for each, (once,) in seconds.items():
            best[each.place] = min(best[each.place], once)
        loops = {place: max(1, round(SAMPLE_S / max(once, 1e-9))) for place, once in best.items()}
        racing = [each for each in calls if seconds[each][0] <= SLOW * best[each.place]]
        round_s = sum(loops[each.place] * seconds[each][0] for each in racing)
        for _, order in zip(range(ROUNDS), shuffled_rounds(len(racing), self._rng), strict=False):
            if round_s > self._left():
                break
            for each in (racing[place] for place in order):
                with self._excused(each):
                    repeated = each.clock.measure(calls[each], loops[each.place])
                    seconds[each].append(repeated / loops[each.place])
        found = [
            Timing(each.one, each.place, problem, statistics.median(times[1:] or times))
            for each, times in seconds.items()
            if each.one.name not in self.left_out
        ]
        for timing in found:
            self.pace.add(timing)
        self.timings += found
        return found

    def _likely(self, problem: Problem) -> list[PlacedImplementation]:
        """Those that can do it and are not expected to be hopeless."""
        able = [each for each in self._contenders if _is_able(each, problem)]
        expected = {each: self.pace.expect(each.one, each.place, problem) for each in able}
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
            if expected[each].least <= max(HOPELESS * best[each.place], SAMPLE_S)
        ]

    def _fits(self, each: PlacedImplementation, problem: Problem) -> bool:
        """Whether the time that is left allows two calls, and to compile what they need."""
        left, calls_s = self._left(), 2 * self.pace.expect(each.one, each.place, problem).most
        new = not self.pace.knows(each.one, each.place, problem.dtype.name)
        compiling_s = COMPILING_S if new and each.compiles else 0.0
        return calls_s <= SHARE * left and compiling_s + calls_s <= left

    def _check(self, each: PlacedImplementation, problem: Problem) -> None:
        """Hold a small result in that dtype against a reference, once."""
        key = each.one.name, problem.dtype.name
        if key not in self._checked:
            each.check_result(problem)
            self._checked.add(key)

    @contextmanager
    def _excused(self, each: PlacedImplementation) -> Iterator[None]:
        """Leave out what breaks; what this problem alone is too much for stays."""
        try:
            yield
        except Exception as error:
            if isinstance(error, InputError) or lacks_memory(error):
                return
            name = each.one.name
            self.left_out[name] = text_of(error)
            self._contenders = [other for other in self._contenders if other.one.name != name]
            self.timings = [one for one in self.timings if one.implementation.name != name]


def _is_able(each: PlacedImplementation, problem: Problem) -> bool:
    try:
        each.one.check(problem)
    except InputError:
        return False
    free = host.available_memory() or math.inf
    return (
        keeps_contract(each.one, problem.dtype.name)
        and each.one.work_bytes(problem) + 3 * problem.image_bytes < free
    )
