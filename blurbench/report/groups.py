"""The best of each kind of blur, size by size, and from where on FFT pays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from blurbench.analysis.crossing import Crossover, find_crossovers
from blurbench.analysis.ordering import SECOND
from blurbench.analysis.verdicts import separable_to_fft
from blurbench.names import APPROXIMATE, DIRECT, FFT, SEPARABLE
from blurbench.records import lead
from blurbench.records.declared import Declared
from blurbench.records.findings import Findings
from blurbench.records.summary import Row

GPU = "GPU"
GROUPS = (DIRECT, SEPARABLE, FFT, APPROXIMATE, GPU)


def groups_of(declared: Sequence[Declared]) -> dict[str, str]:
    """The group of each implementation that has one.

    Beside others, a GPU is a group of its own, and software that stands in for one is in none;
    alone, its methods are told apart as a CPU's are.
    """
    alone = len({one.kind for one in declared}) == 1
    beside = {"gpu": GPU, "software": None}

    def group(one: Declared) -> str | None:
        return one.group if alone else beside.get(one.kind, one.group)

    groups = {one.name: group(one) for one in declared}
    return {name: group for name, group in groups.items() if group is not None}


def bests_of(findings: Findings) -> dict[str, Row]:
    """The row of each group that ranks first among those that may win and ran."""
    groups = groups_of(findings.declared)
    ranked = [row for row in lead.ranked_rows(findings.rows()) if row.end_to_end_median_s]
    found = {groups[row.name]: row for row in reversed(ranked) if row.name in groups}
    return {group: found[group] for group in GROUPS if group in found}


@dataclass(frozen=True)
class Payoff:
    """Where the best FFT overtakes the best separable blur, as the crossovers of a run say it.

    Attributes:
        size: from which it is faster, by the best estimate; None where it is not.
        first: of the sizes measured, the first of these; None where there is none.
        last: up to which it stays faster, by the best estimate; None to the end.
        proven: whether both ends of that estimate are.
    """

    size: float | None
    first: int | None
    last: float | None
    proven: bool

    @property
    def text(self) -> str:
        """The payoff in words, as they stand beside its mark in a picture."""
        if self.size is None:
            return "FFT not ahead at any size compared"
        about = "" if self.size == self.first else "about "
        end = "" if self.last is None else f" to about {self.last:.0f}"
        return f"FFT pays from {about}{self.size:.0f}{end}{'' if self.proven else ' (not proven)'}"


def payoff_of(points: Sequence[Findings]) -> Payoff | None:
    """Where FFT pays on one image, whose points are in order of size; None without a race."""
    one = separable_to_fft(find_crossovers(points))
    if one is None:
        return None
    ups = [place for place in one.places if place.faster_after == SECOND]
    if not ups:
        return _from_the_start(one)
    last_up = ups[-1]
    downs = [place for place in one.places if place.size > last_up.size]
    first = next((size for size in one.sizes if size >= last_up.size), one.sizes[-1])
    down = downs[0].size if downs else None
    return Payoff(last_up.size, first, down, last_up.bracket is not None)


def _from_the_start(one: Crossover) -> Payoff:
    """The payoff of an FFT that overtakes at no size: it pays from the smallest on, or nowhere."""
    ordering, smallest = one.ordering, one.sizes[0]
    if all(ratio.value < 1 for ratio in ordering.ratios.values()):
        return Payoff(smallest, smallest, None, ordering.always_faster == SECOND)
    if ordering.ratios[smallest].value < 1 and one.places:
        overtaken = one.places[0]
        return Payoff(smallest, smallest, overtaken.size, overtaken.bracket is not None)
    return Payoff(None, None, None, False)
