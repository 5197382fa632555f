"""The one judge: what complete rounds prove, who leads, and in which words.

In every round the contenders stand among samples of one reference and of its double, the control.
The ratios to the reference hold all at once; whoever turns out to be the fastest, the ratios to it
follow from these, so that no choice made from the data costs any honesty.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from types import MappingProxyType

from blurbench.measure.process_scatter import widen_ratio
from blurbench.measure.stats import Estimate, estimate_median, estimate_ratio

CONTROL = "control"

# Verdicts. What is `here` is proven of this run; another may differ by the margin of `same`.
FASTEST, FASTEST_HERE, LIKELY = "fastest", "fastest here", "likely fastest"
TIED, SLOWER, SLOWER_HERE = "tied", "slower", "slower here"
FAR_SLOWER, UNCLEAR = "far slower", "unclear"
# Of those that are timed, and neither win nor lose.
APPROXIMATE, STAND_IN = UNRANKED = ("approximate", "software")
NOBODY: Mapping[str, str] = MappingProxyType({})

FAR_TIMES = 3.0  # as long as the fastest, whatever the few runs behind a time are off by
FEW_OFF = 3.0  # times by which a time of few runs may be off


@dataclass(frozen=True)
class Rules:
    """How a race is run and judged.

    Attributes:
        pilot: rounds that only pick the reference.
        same: ratios within 1/(1+same)..1+same count as the same speed; identical code differs
            by as much from process to process, so no less is called slower.
        alpha: probability of any false interval in the whole race.
        comparisons: over how many the error rate is split; None is one a contender.
        most: rounds after which a contender is measured no more; None goes on while there is time.
        sample_s: least duration of a sample, reached by inner loops where the time allows.
        keep: times the best of its side; what is slower does not race. None lets all race.
        tolerance: error, as a share of the largest value, up to which an approximation competes;
            None lets none.
    """

    pilot: int = 5
    same: float = 0.03
    alpha: float = 0.05
    comparisons: int | None = None
    most: int | None = None
    sample_s: float = 0.02
    keep: float | None = None
    tolerance: float | None = None

    def share(self, contenders: int) -> float:
        """The error rate of one comparison, over all looks."""
        return self.alpha / (self.comparisons or contenders)


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

    def rates(self, names: Collection[str], rules: Rules) -> dict[str, float]:
        """The error rate of each one's comparison with the reference, and of the control's.

        Half of it is for those of the pilot, which are likely to be near.
        """
        if rules.comparisons is not None:
            return dict.fromkeys([*names, CONTROL], rules.share(0))
        near = [name for name in names if any(name in one for one in self.pilot)] or list(names)
        far = [name for name in names if name not in near]
        part = rules.alpha / (2 if far else 1)
        # The reference is held against nobody; the control is.
        return {
            **dict.fromkeys([*near, CONTROL], part / len(near)),
            **{name: part / len(far) for name in far},
        }


NOTHING = Estimate(math.nan, None, None)


@dataclass(frozen=True)
class Standing:
    """How a contender did; times in seconds a call, ratios to the leader."""

    rounds: int
    time: Estimate
    min_s: float
    ratio: Estimate
    verdict: str


@dataclass(frozen=True)
class Result:
    """What a race found.

    Attributes:
        reference: whom all were measured against: the best of the pilot.
        leader: who took the shortest, and to whom all ratios are; its verdict says how sure that
            is.
        standings: by name, without the control; the leader first, then by ratio.
        control: how often as long the reference's double took, or None if no round was completed.
        control_rounds: how many had it.
        control_passed: whether it was not proven to differ by more than the margin of `same`: as
            much as that plan and layout may do to identical code.
        rounds: completed.
        interrupted: whether it was ended from the keyboard.
    """

    reference: str
    leader: str
    standings: dict[str, Standing]
    control: Estimate | None
    control_rounds: int
    control_passed: bool
    rounds: int
    interrupted: bool = False

    @property
    def noise_floor(self) -> float | None:
        """By how much identical code may seem to differ: the reach of the control's interval."""
        return _reach(self.control)


def _reach(control: Estimate | None) -> float | None:
    if control is None or control.low is None or control.high is None:
        return None
    return max(control.high, 1 / control.low) - 1


def may_lead(names: Iterable[str], unranked: Collection[str]) -> list[str]:
    """Who can be the fastest: the unranked only where there is nobody else."""
    names = list(names)
    return [name for name in names if name not in unranked] or names


def judge(
    rounds: Rounds,
    names: Sequence[str],
    reference: str,
    rules: Rules,
    unranked: Mapping[str, str] = NOBODY,
    few: Mapping[str, float] | None = None,
) -> Result:
    """Who leads after these rounds, how sure that is, and how each of the names stands.

    A verdict takes more than the control is off by: twice as much, where the control failed.

    Args:
        unranked: the verdict of each that is timed and neither wins nor loses.
        few: seconds a call of those that did not race, from a run or a prediction; they have no
            standing, but the leader's verdict takes them in.
    """
    rates, count = rounds.rates(names, rules), rounds.count(CONTROL)
    control = rounds.ratio(CONTROL, reference, rates[CONTROL])
    trusted = verdict_beyond(control, rules.same) not in ("slower", "faster")
    alone, both = (replace(rounds, reference=one) for one in (None, reference))

    def ratio_of(name: str) -> Estimate:
        """Without the samples of a control that failed, where enough is left."""
        without = NOTHING if trusted else alone.ratio(name, reference, rates[name])
        return both.ratio(name, reference, rates[name]) if without.low is None else without

    ratios = {name: ratio_of(name) for name in names}
    leaders = [name for name in may_lead(names, unranked) if math.isfinite(ratios[name].value)]
    leader = min(leaders or [reference], key=lambda name: ratios[name].value)
    margin = rules.same
    if not trusted:
        margin = max(margin, 2 * (_reach(control) or 0.0))
    best = rounds.times(leader)

    def standing(name: str) -> Standing:
        own = rounds.times(name)
        if not own:
            return Standing(0, NOTHING, math.nan, NOTHING, UNCLEAR)
        ratio = rebased(ratios[name], ratios[leader]) if name != leader else Estimate(1, None, None)
        verdict = verdict_on(ratio, margin, trusted)
        if verdict == UNCLEAR and ratio.low is None and is_far(median(own), best):
            verdict = FAR_SLOWER
        if name in unranked:
            verdict = unranked[name]
        time = estimate_median(own, rules.alpha)
        return Standing(rounds.count(name), time, min(own), ratio, verdict)

    found = {name: standing(name) for name in names}
    others = [found[name].verdict for name in found if name not in (leader, *unranked)]
    others += [FAR_SLOWER if is_far(seconds, best) else UNCLEAR for seconds in (few or {}).values()]
    if leader not in unranked:
        found[leader] = replace(found[leader], verdict=verdict_on_leader(others))
    ordered = sorted(found, key=lambda name: (name != leader, _last_if_nan(found[name].ratio)))
    return Result(
        reference,
        leader,
        {name: found[name] for name in ordered},
        control if count else None,
        count,
        trusted,
        len(rounds.measured),
    )


def _last_if_nan(ratio: Estimate) -> float:
    return ratio.value if math.isfinite(ratio.value) else math.inf


def is_far(seconds: float, best: Sequence[float]) -> bool:
    """Whether a time of few runs is far beyond the best's, whatever it may be off by."""
    return bool(best) and seconds / FEW_OFF >= FAR_TIMES * median(best)


def rebased(ratio: Estimate, leader: Estimate) -> Estimate:
    """The ratio of one to the leader, from both of theirs to the reference."""
    value = ratio.value / leader.value
    if ratio.low is None or ratio.high is None or leader.low is None or leader.high is None:
        return Estimate(value, None, None)
    return Estimate(value, ratio.low / leader.high, ratio.high / leader.low)


def verdict_on(ratio: Estimate, margin: float, trusted: bool = True) -> str:
    """What an interval of the ratio to the leader says.

    Args:
        margin: that a difference has to exceed.
        trusted: whether smaller ones mean anything.
    """
    if ratio.low is None or ratio.high is None:
        return UNCLEAR
    if ratio.low > 1 + margin:
        return SLOWER
    if trusted and 1 / (1 + margin) <= ratio.low and ratio.high <= 1 + margin:
        return TIED
    if trusted and ratio.low > 1:
        return SLOWER_HERE
    return UNCLEAR


def verdict_on_leader(others: Iterable[str]) -> str:
    """How sure a leader is, given the verdicts on all others."""
    found = set(others) - {SLOWER, FAR_SLOWER}
    if not found:
        return FASTEST
    if found == {SLOWER_HERE}:
        return FASTEST_HERE
    return TIED if found <= {SLOWER_HERE, TIED} else LIKELY


def verdict_beyond(ratio: Estimate, same: float) -> str:
    """`slower` or `faster` only where the whole interval is beyond the margin."""
    if ratio.low is None or ratio.high is None:
        return "undecided"
    if ratio.low > 1 + same:
        return "slower"
    if ratio.high < 1 / (1 + same):
        return "faster"
    is_same = 1 / (1 + same) <= ratio.low and ratio.high <= 1 + same
    return "same" if is_same else "undecided"
