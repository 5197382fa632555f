"""Samples gathered into rounds, and what those of two contenders tell of their ratio."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median

from blurbench.measure.process_scatter import widen_ratio
from blurbench.measure.stats import Estimate, estimate_ratio, rebased

CONTROL = "control"
NOTHING = Estimate(math.nan, None, None)


@dataclass(frozen=True)
class Sample:
    """One measurement. Rounds from 1 are measured; 0 and below are the pilot.

    A round is complete once it has as many samples as `competitors` says.
    """

    contender: str
    round: int
    position: int
    competitors: int
    loops: int
    elapsed_s: float
    started_at: float


Round = Mapping[str, Sequence[float]]  # seconds a call, by contender


@dataclass
class Rounds:
    """Complete rounds in the order of their taking, and the numbers that are in use.

    `lowest` and `highest` count torn rounds too, so that no number is given twice. The samples of
    the control count as the `reference`'s. `parts` are the rounds of several processes.
    """

    pilot: list[Round]
    measured: list[Round]
    lowest: int = 1
    highest: int = 0
    reference: str | None = None
    parts: list[Rounds] = field(default_factory=list)

    @classmethod
    def of(cls, samples: Iterable[Sample], reference: str | None = None) -> Rounds:
        """Gather samples; a round that lacks any of its own is left out."""
        found: dict[int, dict[str, list[float]]] = {}
        missing: dict[int, int] = {}
        for sample in samples:
            times = found.setdefault(sample.round, {})
            times.setdefault(sample.contender, []).append(sample.elapsed_s / sample.loops)
            missing[sample.round] = missing.get(sample.round, sample.competitors) - 1
        complete = {number: times for number, times in found.items() if missing[number] == 0}
        return cls(
            [times for number, times in complete.items() if number <= 0],
            [times for number, times in complete.items() if number > 0],
            min(found, default=1),
            max([0, *found]),
            reference,
        )

    @classmethod
    def joined(cls, parts: Sequence[Rounds]) -> Rounds:
        """The rounds of several processes, one after the other; the first had the pilot."""
        measured = [one for part in parts for one in part.measured]
        pilot = parts[0].pilot if parts else []
        return cls(pilot, measured, parts=list(parts) if len(parts) > 1 else [])

    def times(self, name: str) -> list[float]:
        """Seconds a call of a contender."""
        return [seconds for one in self.measured for seconds in one.get(name, ())]

    def count(self, name: str) -> int:
        """The rounds that a contender has run in."""
        return sum(name in one for one in self.measured)

    def ratio(self, first: str, second: str, alpha: float) -> Estimate:
        """The median ratio of two in the rounds that have both.

        Where there are several samples of one of them in a round, all count. The interval covers
        what processes differ by.

        Args:
            alpha: probability that the interval misses, over all looks.
        """
        if first == second:
            return Estimate(1.0, 1.0, 1.0)
        if first == self.reference and second != CONTROL:
            found = self.ratio(second, first, alpha)
            return found if math.isnan(found.value) else found.inverse
        logs = []
        for one in self.measured:
            if first in one and second in one:
                others = [*one[second]]
                if second == self.reference and first != CONTROL:
                    others += one.get(CONTROL, ())
                # With several of the first there would be more to tell than rounds to tell it.
                logs.append([math.log(one[first][0] / other) for other in others])
        if CONTROL in (first, second):
            logs = [each[:1] for each in logs]
        if not logs:
            return NOTHING
        found = estimate_ratio(logs, alpha)
        if found.low is None and self.reference not in (None, first, second):
            return self._by_way_of(self.reference, first, second, alpha) or found
        parts = (replace(part, reference=self.reference) for part in self.parts)
        values = (part.ratio(first, second, alpha).value for part in parts)
        return widen_ratio(found, [value for value in values if math.isfinite(value)], alpha)

    def _by_way_of(self, reference: str, first: str, second: str, alpha: float) -> Estimate | None:
        """From the ratios of both to a third, which take fewer rounds; None where these are few."""
        one, other = (self.ratio(name, reference, alpha / 2) for name in (first, second))
        found = rebased(one, other)
        return None if found.low is None else found

    def fastest_of_pilot(self, names: Iterable[str]) -> str | None:
        """The name with the lowest median in the pilot; None where no pilot round is complete."""
        medians = {
            name: median(seconds for one in self.pilot for seconds in one[name])
            for name in names
            if self.pilot and all(name in one for one in self.pilot)
        }
        return min(medians, key=lambda name: medians[name], default=None)
