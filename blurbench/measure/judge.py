"""The one judge: what complete rounds prove, who leads, and in which words.

In every round the contenders stand among samples of one reference and of its double, the control.
The ratios to the reference hold all at once; whoever turns out to be the fastest, the ratios to it
follow from these, so that no choice made from the data costs any honesty.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from types import MappingProxyType

from blurbench.measure.rounds import CONTROL, NOTHING, Rounds
from blurbench.measure.stats import Estimate, estimate_median, rebased

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
class Standing:
    """How a contender did; times in seconds a call, ratios to the leader."""

    rounds: int
    time: Estimate
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


def rates_of(rounds: Rounds, names: Collection[str], rules: Rules) -> dict[str, float]:
    """The error rate of each one's comparison with the reference, and of the control's.

    Half of it is for those of the pilot, which are likely to be near.
    """
    if rules.comparisons is not None:
        return dict.fromkeys([*names, CONTROL], rules.share(0))
    near = [name for name in names if any(name in one for one in rounds.pilot)] or list(names)
    far = [name for name in names if name not in near]
    part = rules.alpha / (2 if far else 1)
    # The reference is held against nobody; the control is.
    return {
        **dict.fromkeys([*near, CONTROL], part / len(near)),
        **{name: part / len(far) for name in far},
    }


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
    rates, count = rates_of(rounds, names, rules), rounds.count(CONTROL)
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
            return Standing(0, NOTHING, NOTHING, UNCLEAR)
        ratio = rebased(ratios[name], ratios[leader]) if name != leader else Estimate(1, None, None)
        verdict = verdict_on(ratio, margin, trusted)
        if verdict == UNCLEAR and ratio.low is None and is_far(median(own), best):
            verdict = FAR_SLOWER
        if name in unranked:
            verdict = unranked[name]
        time = estimate_median(own, rules.alpha)
        return Standing(rounds.count(name), time, ratio, verdict)

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
