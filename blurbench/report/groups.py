"""The best of each kind of blur, size by size, and from where on FFT pays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from blurbench.records import lead
from blurbench.records.findings import Declared, Findings
from blurbench.records.summary import Row
from blurbench.study.ordering import FIRST, outcome

DIRECT, SEPARABLE, FFT, GPU = "direct", "separable", "FFT", "GPU"
APPROXIMATE = "approximate"  # of which only what is near enough may win
GROUPS = (DIRECT, SEPARABLE, FFT, APPROXIMATE, GPU)
OF_METHODS = {
    "direct": DIRECT,
    **dict.fromkeys(lead.SEPARABLE, SEPARABLE),
    **dict.fromkeys(lead.TRANSFORMS, FFT),
    "box": APPROXIMATE,
    "extended_box": APPROXIMATE,
    "deriche": APPROXIMATE,
    "vyv": APPROXIMATE,
}


def groups_of(declared: Sequence[Declared]) -> dict[str, str]:
    """The group of each implementation that has one.

    Beside a CPU, a GPU is a group of its own; alone, its methods are told apart as a CPU's are.
    """
    beside = {one.kind for one in declared} > {"gpu"}
    groups = {
        one.name: GPU if beside and one.kind == "gpu" else OF_METHODS.get(one.method)
        for one in declared
    }
    return {name: group for name, group in groups.items() if group is not None}


def bests_of(findings: Findings) -> dict[str, Row]:
    """Of each group the row with the least time among those that may win."""
    groups = groups_of(findings.declared)
    found: dict[str, Row] = {}
    for row in findings.rows():
        group = groups.get(row.name)
        if group is None or not row.may_win or row.end_to_end_median_s is None:
            continue
        if group not in found or _time(row) < _time(found[group]):
            found[group] = row
    return {group: found[group] for group in GROUPS if group in found}


def _time(row: Row) -> float:
    return row.end_to_end_median_s or 0.0


@dataclass(frozen=True)
class Payoff:
    """Where the best FFT is faster than the best separable blur, by their medians.

    Attributes:
        first, last: sizes of the last stretch where it is; None where there is none.
        proven: whether it is proven faster at the first of them.
        largest: at which both were measured.
    """

    first: int | None
    last: int | None
    proven: bool
    largest: int

    @property
    def text(self) -> str:
        """For a mark in a picture."""
        if self.first is None:
            return f"FFT does not pay up to {self.largest}"
        end = "" if self.last == self.largest else f" to {self.last}"
        return f"FFT pays from {self.first}{end}{'' if self.proven else ' (not proven)'}"


def payoff_of(points: Sequence[Findings]) -> Payoff | None:
    """Of one image, from its points in order of size; None where the two never met."""
    met = [
        (one, bests[SEPARABLE], bests[FFT])
        for one in points
        if {SEPARABLE, FFT} <= (bests := bests_of(one)).keys()
    ]
    if not met:
        return None
    largest = met[-1][0].point.size
    stretches = [
        list(stretch)
        for pays, stretch in groupby(met, key=lambda one: _time(one[2]) < _time(one[1]))
        if pays
    ]
    if not stretches:
        return Payoff(None, None, False, largest)
    findings, separable, fft = stretches[-1][0]
    proven = _is_proven(findings, separable, fft, findings.rules.share(len(points)))
    return Payoff(findings.point.size, stretches[-1][-1][0].point.size, proven, largest)


def _is_proven(findings: Findings, separable: Row, fft: Row, share: float) -> bool:
    """Whether FFT is the faster beyond the margin, paired within rounds."""
    race = findings.race()
    ratio = findings.rounds().ratio(separable.name, fft.name, share)
    return (
        race is not None
        and race.control_passed
        and math.isfinite(ratio.value)
        and outcome(ratio, findings.rules.same) == FIRST
    )
