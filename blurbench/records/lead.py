"""Who leads among the rows of a point, and how the best of one kind does against another's."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from blurbench.measure.judge import FASTEST, FASTEST_HERE, LIKELY, TIED, UNCLEAR
from blurbench.measure.stats import Estimate, rebased
from blurbench.records.summary import Row

CLAIMS = (FASTEST, FASTEST_HERE, TIED, LIKELY)  # the verdicts on whoever leads


@dataclass(frozen=True)
class Lead:
    """The fastest of a point, how sure that is, who comes next, and its time over the first's.

    Attributes:
        second: the first of those that may be as fast, if there are any; else the runner-up.
        claim: the verdict on the first: `fastest`, `fastest here`, `tied` or `likely fastest`.
    """

    first: Row
    second: Row | None
    ratio: Estimate
    claim: str

    @property
    def proven(self) -> bool:
        """Whether nobody who can run is faster."""
        return self.claim in (FASTEST, FASTEST_HERE)


def lead_of(rows: Iterable[Row]) -> Lead | None:
    """The lead among the rows of one point; None where nothing that may win is timed."""
    ranked = ranked_rows(rows)
    if not ranked:
        return None
    first, *others = ranked
    claim = first.verdict or UNCLEAR
    rivals = [row for row in others if row.verdict == (TIED if claim == TIED else UNCLEAR)]
    second = next(iter(rivals + others), None)
    ratio = Estimate(1.0, None, None) if second is None else ratio_to_leader(second)
    return Lead(first, second, ratio, claim)


def ranked_rows(rows: Iterable[Row]) -> list[Row]:
    """Those that may win and have a time, the leader first."""
    return [row for row in rows_by_ratio(rows) if row.may_win]


def rows_by_ratio(rows: Iterable[Row]) -> list[Row]:
    """Those that have a ratio to the leader, the leader first."""
    timed = (row for row in rows if row.ratio_to_fastest is not None)
    return sorted(timed, key=lambda row: (row.verdict not in CLAIMS, row.ratio_to_fastest or 0.0))


def ratio_to_leader(row: Row) -> Estimate:
    """The time of a row over the leader's; its own is 1."""
    if row.verdict in CLAIMS:
        return Estimate(1.0, 1.0, 1.0)
    return Estimate(row.ratio_to_fastest or math.nan, row.ratio_ci95_low, row.ratio_ci95_high)


def ratio_between(first: Row, second: Row) -> Estimate:
    """The time of the second over that of the first, by way of the leader."""
    return rebased(ratio_to_leader(second), ratio_to_leader(first))


def best_of(rows: Sequence[Row], belongs: Callable[[Row], bool]) -> Row | None:
    """The fastest of a kind."""
    return next((row for row in ranked_rows(rows) if belongs(row)), None)
