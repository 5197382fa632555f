"""Which blur to use at which kernel size: the leads of all sizes, drawn together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from blurbench.measure.judge import SLOWER_HERE, TIED, UNCLEAR
from blurbench.records.findings import Findings
from blurbench.records.lead import CLAIMS


@dataclass(frozen=True)
class Spell:
    """Neighbouring sizes with the same advice.

    Attributes:
        unproven: those of the sizes where another may be as fast.
    """

    name: str
    sizes: tuple[int, ...]
    unproven: tuple[int, ...]

    def as_text(self, first: bool, last: bool) -> str:
        """`use NAME from 3x3 to 15x15`, and how sure that is."""
        low, high = (f"{size}x{size}" for size in (self.sizes[0], self.sizes[-1]))
        where = f"from {low} to {high}" if len(self.sizes) > 1 else f"at {low}"
        if first and not last:
            where = f"up to {high}"
        elif last and not first:
            where = f"from {low} on"
        doubt = ""
        if self.unproven:
            count, total = len(self.unproven), len(self.sizes)
            doubt = f" ({count} of {total} sizes not proven)" if total > 1 else " (not proven)"
        return f"use {self.name} {where}{doubt}"


@dataclass(frozen=True)
class _Size:
    """One kernel size: who leads, and who may be as fast, as people read their names."""

    size: int
    name: str
    proven: bool
    possible: frozenset[str]


def advise(points: Sequence[Findings]) -> list[Spell]:
    """The advice for one image, from its points in order of size; sizes without times are left out.

    Where nothing is proven, whoever is the answer at neighbouring sizes, proven or more of them, is
    it here too, unless proven slower: an island of one unproven size is no advice.
    """
    sizes = [one for points_of in points if (one := _size(points_of)) is not None]
    spells = [list(own) for _, own in groupby(sizes, key=lambda one: one.name)]
    names = [own[0].name for own in spells]
    for number, own in enumerate(spells):
        if any(one.proven for one in own):
            continue
        for neighbour in (number - 1, number + 1):
            if not 0 <= neighbour < len(spells):
                continue
            other = spells[neighbour]
            weighs_more = len(other) > len(own) or any(one.proven for one in other)
            if weighs_more and all(names[neighbour] in one.possible for one in own):
                names[number] = names[neighbour]
                break
    advised = [(name, one) for name, own in zip(names, spells, strict=True) for one in own]
    return [
        Spell(
            name,
            tuple(one.size for _, one in own),
            tuple(one.size for _, one in own if not (one.proven and one.name == name)),
        )
        for name, own in ((name, list(own)) for name, own in groupby(advised, lambda pair: pair[0]))
    ]


def _size(findings: Findings) -> _Size | None:
    lead = findings.lead()
    if lead is None:
        return None
    possible = frozenset(
        row.label for row in findings.rows() if row.verdict in (*CLAIMS, TIED, UNCLEAR, SLOWER_HERE)
    )
    return _Size(findings.point.size, lead.first.label, lead.proven, possible)


def advice_text(points: Sequence[Findings]) -> str:
    """All spells of one image in one sentence, without its end."""
    spells = advise(points)
    if not spells:
        return "nothing could be ranked"
    last = len(spells) - 1
    return "; ".join(one.as_text(n == 0, n == last) for n, one in enumerate(spells))
