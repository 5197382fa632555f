"""What complete rounds prove: ratios paired within rounds, and the verdicts that follow."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from blurbench.measure.stats import Estimate, estimate_median

CONTROL = "control"


@dataclass(frozen=True)
class Rules:
    """How a race is run and judged.

    Attributes:
        looks: numbers of rounds after which verdicts are sought; the last ends the race.
        pilot: rounds that only pick the reference.
        same: ratios within 1/(1+same)..1+same count as the same speed.
        alpha: probability of any false verdict in the whole race.
        comparisons: over how many the error rate is split; None is one a contender.
        sample_s: least duration of a sample, reached by inner loops where the time allows.
        keep: times the best of its side; what is slower does not race. None lets all race.
        tolerance: error, as a share of the largest value, up to which an approximation competes;
            None lets none.
    """

    looks: tuple[int, ...] = (16, 32, 64, 128)
    pilot: int = 3
    same: float = 0.03
    alpha: float = 0.05
    comparisons: int | None = None
    sample_s: float = 0.02
    keep: float | None = None
    tolerance: float | None = None

    def share(self, contenders: int) -> float:
        """The error rate of one comparison at one look."""
        return self.alpha / len(self.looks) / (self.comparisons or contenders)


def looks_within(rounds: int) -> tuple[int, ...]:
    """The usual looks, ending at `rounds`."""
    return (*(look for look in Rules.looks if look < rounds), rounds)


@dataclass(frozen=True)
class Sample:
    """One measurement. Rounds from 1 are measured; 0 and below are the pilot.

    A round is complete once all its `competitors` have been measured.
    """

    contender: str
    round: int
    position: int
    competitors: int
    loops: int
    elapsed_s: float
    started_at: float


Round = Mapping[str, float]  # seconds a call, by contender


@dataclass
class Rounds:
    """Complete rounds in the order of their taking, and the numbers that are in use.

    `lowest` and `highest` count torn rounds too, so that no number is given twice.
    """

    pilot: list[Round]
    measured: list[Round]
    lowest: int = 1
    highest: int = 0

    @classmethod
    def of(cls, samples: Iterable[Sample]) -> Rounds:
        """Gather samples; a round that lacks any of its competitors is left out."""
        found: dict[int, dict[str, float]] = {}
        expected: dict[int, int] = {}
        for sample in samples:
            found.setdefault(sample.round, {})[sample.contender] = sample.elapsed_s / sample.loops
            expected[sample.round] = sample.competitors
        complete = {n: times for n, times in found.items() if len(times) == expected[n]}
        return cls(
            [times for n, times in complete.items() if n <= 0],
            [times for n, times in complete.items() if n > 0],
            min(found, default=1),
            max([0, *found]),
        )

    @classmethod
    def joined(cls, parts: Sequence[Rounds]) -> Rounds:
        """The rounds of several processes, one after the other; the first had the pilot."""
        measured = [one for part in parts for one in part.measured]
        return cls(parts[0].pilot if parts else [], measured)

    def times(self, name: str) -> list[float]:
        """Seconds a call of a contender."""
        return [one[name] for one in self.measured if name in one]

    def ratio(self, first: str, second: str, share: float) -> Estimate:
        """The median ratio of two in the rounds that have both, missed with probability `share`."""
        logs = [
            math.log(one[first] / one[second])
            for one in self.measured
            if first in one and second in one
        ]
        if not logs:
            return _NOTHING
        found = estimate_median(logs, share)
        low, high = (None if end is None else math.exp(end) for end in (found.low, found.high))
        return Estimate(math.exp(found.value), low, high)

    def fastest_of_pilot(self, names: Iterable[str]) -> str | None:
        """The name with the lowest median in the pilot; None where no pilot round is complete."""
        medians = {
            name: median(one[name] for one in self.pilot)
            for name in names
            if self.pilot and all(name in one for one in self.pilot)
        }
        return min(medians, key=lambda name: medians[name], default=None)


_NOTHING = Estimate(math.nan, None, None)


@dataclass(frozen=True)
class Standing:
    """How a contender did; times in seconds a call, ratios to the reference."""

    rounds: int
    time: Estimate
    min_s: float
    ratio: Estimate
    verdict: str


@dataclass(frozen=True)
class Result:
    """What a race found.

    Attributes:
        reference: the contender with the lowest median of the pilot.
        standings: by name, without the control.
        control: the standing of the reference's double, or None if no round was completed.
        rounds: completed.
        interrupted: whether it was ended from the keyboard.
    """

    reference: str
    standings: dict[str, Standing]
    control: Standing | None
    rounds: int
    interrupted: bool = False

    @property
    def control_passed(self) -> bool:
        """Whether the control was not proven different from itself."""
        ratio = self.control.ratio if self.control else None
        if ratio is None or ratio.low is None or ratio.high is None:
            return True
        return ratio.low <= 1.0 <= ratio.high

    @property
    def noise_floor(self) -> float | None:
        """By how much identical code may seem to differ: the reach of the control's interval."""
        ratio = self.control.ratio if self.control else None
        if ratio is None or ratio.low is None or ratio.high is None:
            return None
        return max(ratio.high, 1 / ratio.low) - 1


def may_lead(names: Iterable[str], approximate: Collection[str]) -> list[str]:
    """Who can be the reference: the approximate only where there is nobody else."""
    names = list(names)
    return [name for name in names if name not in approximate] or names


def judge(
    rounds: Rounds,
    names: Sequence[str],
    reference: str,
    rules: Rules,
    approximate: Collection[str] = (),
) -> Result:
    """How each of the names stands against the reference after these rounds.

    The `approximate` do another thing: they are timed, and neither win nor lose.
    """
    share = rules.share(len(names))

    def standing(name: str) -> Standing:
        own = rounds.times(name)
        if not own:
            return Standing(0, _NOTHING, math.nan, _NOTHING, "undecided")
        ratio = rounds.ratio(name, reference, share)
        verdict = "fastest" if name == reference else verdict_on(ratio, rules.same)
        if name in approximate:
            verdict = "approximate"
        return Standing(len(own), estimate_median(own, rules.alpha), min(own), ratio, verdict)

    standings = {name: standing(name) for name in names}
    if any(one.verdict == "faster" for one in standings.values()):
        standings[reference] = replace(standings[reference], verdict="slower")
    control = standing(CONTROL)
    return Result(reference, standings, control if control.rounds else None, len(rounds.measured))


def verdict_on(ratio: Estimate, same: float) -> str:
    """`same` where the whole interval is within the margin, `slower` or `faster` beyond 1."""
    if ratio.low is None or ratio.high is None:
        return "undecided"
    if 1 / (1 + same) <= ratio.low and ratio.high <= 1 + same:
        return "same"
    if ratio.low > 1:
        return "slower"
    if ratio.high < 1:
        return "faster"
    return "undecided"


def verdict_beyond(ratio: Estimate, same: float) -> str:
    """`slower` or `faster` only where the whole interval is beyond the margin."""
    if ratio.low is None or ratio.high is None:
        return "undecided"
    if ratio.low > 1 + same:
        return "slower"
    if ratio.high < 1 / (1 + same):
        return "faster"
    verdict = verdict_on(ratio, same)
    return verdict if verdict == "same" else "undecided"
