"""Who is measured at a size where a crossover is sought, and who has no question left there."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from blurbench.analysis.crossing import Crossover, find_crossovers
from blurbench.analysis.next_size import uncertainty
from blurbench.analysis.opponents import MULTIRATE, RECURSIVE
from blurbench.analysis.ordering import FIRST, outcome
from blurbench.measure.stats import FIRST_LOOK
from blurbench.names import DIRECT, FFT, SEPARABLE
from blurbench.records.declared import Declared
from blurbench.records.findings import Findings
from blurbench.records.kinds import KINDS
from blurbench.records.scopes import RANKING_SCOPE

UNCERTAIN_SHARE = 0.3  # of the greatest uncertainty: who has less is not measured
SETTLED = "left out: nothing is in question at this size"
BEHIND = "left out: at smaller sizes it fell ever further behind"
TOO_DEAR = "left out: at a smaller size not even a race of its own fitted the time"


def left_out(points: Sequence[Findings], size: int, seconds: float) -> dict[str, str]:
    """Who need not be measured at a size for which there is so much time, and why.

    Whoever may be the best at the nearest sizes, of all or of its kind of method, always is;
    but who is the best of its kind alone is not where its kind falls ever further behind.
    """
    others = [one for one in points if one.point.size != size]
    too_dear = {name for one in others if one.point.size < size for name in _too_dear(one, seconds)}
    known = find_crossovers(others)
    if not known:
        return dict.fromkeys(too_dear, TOO_DEAR)
    names = {name for one in known for name in one.members}
    smaller = find_crossovers([one for one in others if one.point.size < size])
    behind = _outpaced(smaller)
    overall, of_their_kind = _best_near(others, size)
    staying = overall | (of_their_kind - behind)
    return {
        **dict.fromkeys(names - _asked(known, size) - staying, SETTLED),
        **dict.fromkeys(behind - staying, BEHIND),
        **dict.fromkeys(too_dear, TOO_DEAR),
    }


def _too_dear(findings: Findings, seconds: float) -> Iterator[str]:
    """Who was left out here, grows with the kernel, and takes too long for a race."""
    for row in findings.rows():
        once_s = row.predicted_s or row.first_call_s or 0.0
        grows = row.group in (DIRECT, SEPARABLE)
        if row.status == "over_budget" and grows and once_s * FIRST_LOOK > seconds:
            yield row.name


def _outpaced(crossovers: Sequence[Crossover]) -> set[str]:
    """Who falls ever further behind in one of its pairs, and is in question in no other."""
    pairs = [one for one in crossovers if len(one.members) == 2]
    losers = {one.first for one in pairs if one.ordering.outpaced}
    still = {name for one in pairs if not one.ordering.outpaced for name in one.members}
    return losers - still


def _asked(crossovers: Sequence[Crossover], size: int) -> set[str]:
    """The members of the pairs that a size tells most of; of groups the best stay anyway."""
    weights = [uncertainty(one.ordering, size) for one in crossovers]
    return {
        name
        for one, weight in zip(crossovers, weights, strict=True)
        if weight >= UNCERTAIN_SHARE * max(weights) and {one.first, one.second} == one.members
        for name in one.members
    }


def _best_near(points: Sequence[Findings], size: int) -> tuple[set[str], set[str]]:
    """Who may be the best at the nearest smaller and larger size: of all, and of its methods."""
    smaller = max((one.point.size for one in points if one.point.size < size), default=None)
    larger = min((one.point.size for one in points if one.point.size > size), default=None)
    near = [one for one in points if one.point.size in (smaller, larger)]
    overall = {name for one in near for group in _devices(one) for name in _may_be_best(one, group)}
    kinds = {name for one in near for group in _methods(one) for name in _may_be_best(one, group)}
    return overall, kinds


def _devices(findings: Findings) -> Iterator[list[Declared]]:
    for kind in KINDS:
        yield [one for one in findings.declared if one.kind == kind]


def _methods(findings: Findings) -> Iterator[list[Declared]]:
    for device in _devices(findings):
        for group in (DIRECT, SEPARABLE, FFT):
            yield [one for one in device if one.group == group]
        for methods in (RECURSIVE, MULTIRATE):
            yield [one for one in device if one.method in methods]


def _may_be_best(findings: Findings, group: Collection[Declared]) -> set[str]:
    """The fastest of a group, and whoever is not proven slower."""
    rounds, rules = findings.rounds(), findings.rules
    competing = set(findings.racers(RANKING_SCOPE)) - findings.approximate
    raced = [one.name for one in group if one.name in competing and rounds.times(one.name)]
    share = rules.share(len(findings.declared))
    best = min(raced, key=lambda name: rounds.ratio(name, raced[0], share).value, default="")
    return {
        name
        for name in raced
        if name == best or outcome(rounds.ratio(name, best, share), rules.same) != FIRST
    }
