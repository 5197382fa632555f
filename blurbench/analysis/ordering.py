"""Which of two is faster, size by size, as each size proves it by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

from blurbench.analysis.pooling import Level
from blurbench.measure.judge import verdict_beyond
from blurbench.measure.stats import Estimate

OUTPACED = 3.0  # times as long as the other
FIRST, SECOND, UNDECIDED = "first", "second", "undecided"


@dataclass(frozen=True)
class Change:
    """The faster of two changes between two sizes; both ends are proven."""

    faster_before: str
    faster_after: str
    last_size_before: int
    first_size_after: int


def outcome(ratio: Estimate, same: float) -> str:
    """Which is proven faster, beyond the margin, given the time of the second over the first's."""
    return {"slower": FIRST, "faster": SECOND}.get(verdict_beyond(ratio, same), UNDECIDED)


@dataclass(frozen=True)
class Ordering:
    """Which of two is faster, size by size.

    Attributes:
        ratios: time of the second over that of the first, by size.
        same: margin within which a ratio proves nothing.
        levels: what a fit through several sizes needs, by size; none where rounds were not paired.
    """

    ratios: Mapping[int, Estimate]
    same: float
    levels: Mapping[int, Level] = field(default_factory=dict)

    @cached_property
    def outcomes(self) -> dict[int, str]:
        """`first`, `second` or `undecided`, in order of size."""
        return {size: outcome(self.ratios[size], self.same) for size in sorted(self.ratios)}

    @cached_property
    def proven(self) -> dict[int, str]:
        """The outcomes without those that are undecided."""
        return {size: one for size, one in self.outcomes.items() if one != UNDECIDED}

    @cached_property
    def changes(self) -> list[Change]:
        """Every change in order of size; sizes that prove nothing lie inside the brackets."""
        return [
            Change(before, after, size, next_size)
            for (size, before), (next_size, after) in pairwise(self.proven.items())
            if before != after
        ]

    @property
    def always_faster(self) -> str | None:
        """Who is faster wherever anything is proven; None where there are changes."""
        if self.changes:
            return None
        return next(iter(self.proven.values()), UNDECIDED)

    @property
    def outpaced(self) -> bool:
        """Whether the first falls ever further behind: at the two largest sizes, by far."""
        last = list(self.outcomes)[-2:]
        if [self.outcomes[size] for size in last] != [SECOND, SECOND]:
            return False
        earlier, later = (self.ratios[size].value for size in last)
        return later < earlier < 1 / OUTPACED
