"""How long the samples of a race are, and what they take."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from blurbench.measure.contest import Contender
from blurbench.measure.judge import Rules
from blurbench.measure.rounds import Rounds
from blurbench.measure.stats import FIRST_LOOK


class Lengths:
    """Calls and seconds of a sample, by what the latest rounds took.

    Args:
        by_name: the contenders; may grow.
        sample_s: the usual length of a sample.
    """

    def __init__(self, by_name: Mapping[str, Contender], rounds: Rounds, sample_s: float) -> None:
        self._by_name, self._rounds, self._sample_s = by_name, rounds, sample_s

    def loops(self, name: str, share: float = 1.0) -> int:
        """The calls of a sample that has a `share` of the usual length."""
        return max(1, math.ceil(share * self._sample_s / self._by_name[name].call_s))

    def seconds(self, names: Iterable[str], share: float = 1.0) -> float:
        """What a sample of each takes, about, where it has a `share` of the usual length."""
        return sum(
            (self._cost(name) + self._by_name[name].launch_s) * self.loops(name, share)
            + self._by_name[name].untimed_s
            for name in names
        )

    def _cost(self, name: str) -> float:
        rounds = (*self._rounds.measured[-3:], *self._rounds.pilot)
        known = [seconds for one in rounds for seconds in one.get(name, ())]
        return median(known) if known else self._by_name[name].cost_s


def sample_seconds(contenders: Sequence[Contender], rules: Rules, seconds: float) -> float:
    """The length of a sample: `rules.sample_s`, or what the first look has time for."""
    share = seconds / (rules.pilot + FIRST_LOOK)
    sample_s = rules.sample_s
    while True:
        loops = [max(1, math.ceil(sample_s / one.call_s)) for one in contenders]
        costs = [
            number * one.call_s + one.untimed_s
            for number, one in zip(loops, contenders, strict=True)
        ]
        # The control is the reference's double; it costs no more than the dearest of them.
        if sum(costs) + max(costs) <= share or max(loops) <= 1:
            return sample_s
        sample_s /= 2
