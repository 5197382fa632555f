"""The tables of the page: whatever a chart shows stands in one of them, as in `summary.csv`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from blurbench.analysis.claims import CLAIMS, held_against
from blurbench.analysis.crossing import find_crossovers
from blurbench.names import FFT
from blurbench.records.findings import Findings
from blurbench.records.journal import Log
from blurbench.records.scopes import RANKING_SCOPE
from blurbench.records.summary import columns
from blurbench.report.crossover import HELD, NOT_COMPARABLE
from blurbench.report.groups import bests_of, payoff_of
from blurbench.report.sweep import by_image

CELLS, WINNERS, CROSSOVERS, SAMPLES = "cells", "winners", "crossovers", "samples"
BEST_OF, PAYOFF, PAYS_FROM = "best_of", "payoff", "pays_from"
OF_CELLS = ("run", "picture", BEST_OF, PAYOFF, PAYS_FROM)  # ours, before those of `summary.csv`
CLAIMED, MEASURED = "claimed", "measured"


@dataclass(frozen=True)
class DataTable:
    """Rows of plain values.

    Attributes:
        columns: their names; all begin with `run`, a number from 1.
    """

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]

    def values(self, column: str, run: int | None = None) -> list[Any]:
        """A column, of one run or of all."""
        place = self.columns.index(column)
        return [row[place] for row in self.rows if run in (None, row[0])]

    def entries(self, run: int) -> list[dict[str, Any]]:
        """The rows of a run, by column."""
        own = (row for row in self.rows if row[0] == run)
        return [dict(zip(self.columns, row, strict=True)) for row in own]

    def document(self) -> dict[str, Any]:
        """The table column by column, as the page holds it: most hold few different values."""
        packed = [_packed(values) for values in zip(*self.rows, strict=True)]
        return {"columns": self.columns, "count": len(self.rows), "packed": packed}


Tables = dict[str, DataTable]  # by name


def _packed(values: Sequence[Any]) -> dict[str, Any]:
    """All values; or the different ones and, unless there is but one, the place of each."""
    places = {value: place for place, value in enumerate(dict.fromkeys(values))}
    if 1 < len(places) < len(values) / 3:
        return {"values": list(places), "places": [places[value] for value in values]}
    return {"values": list(places) if len(places) == 1 else values}


def tables_of(logs: Sequence[Log]) -> Tables:
    """All tables, by name."""
    return {
        CELLS: DataTable((*OF_CELLS, *columns()), list(_each(logs, _cells))),
        WINNERS: DataTable(
            (
                *("run", "picture", "size", "fastest", "end_to_end_median_s"),
                *("next", "ratio_of_next", "ratio_ci95_low", "ratio_ci95_high", "proven"),
            ),
            list(_each(logs, _winners)),
        ),
        CROSSOVERS: DataTable(
            (
                *("run", "picture", "kind", "label", "what", "from_size", "to_size"),
                *("says", "held"),
            ),
            list(_each(logs, _crossovers)),
        ),
        SAMPLES: DataTable(
            ("run", "number", "picture", "size", "implementation", "seconds", "round", "process"),
            list(_each(logs, _samples)),
        ),
    }


def _each(logs: Sequence[Log], make: Any) -> Iterator[tuple[Any, ...]]:
    for number, log in enumerate(logs, 1):
        for row in make(log):
            yield (number, *row)


def _cells(log: Log) -> Iterator[tuple[Any, ...]]:
    """The rows of `summary.csv`, with the group that a row is the best of at its size.

    The row of the FFT that is the first to pay says so, and from which size on by estimate.
    """
    for picture, points in by_image(log):
        payoff = payoff_of(points)
        for findings in points:
            size, bests = findings.point.size, bests_of(findings)
            groups = {row.name: group for group, row in bests.items()}
            for row in findings.rows():
                group = groups.get(row.name)
                pays = payoff is not None and (group, size) == (FFT, payoff.first)
                told = (payoff.text, payoff.size) if payoff is not None and pays else (None, None)
                yield (picture, group, *told, *row.as_dict().values())


def _winners(log: Log) -> Iterator[tuple[Any, ...]]:
    for picture, points in by_image(log):
        for findings in points:
            lead = findings.lead()
            if lead is None:
                continue
            ratio, second = lead.ratio, lead.second
            yield (
                picture,
                findings.point.size,
                lead.first.name,
                lead.first.end_to_end_median_s,
                second.name if second else None,
                ratio.value if second else None,
                ratio.low,
                ratio.high,
                lead.proven,
            )


def _crossovers(log: Log) -> Iterator[tuple[Any, ...]]:
    """What was found, what others claim of the same kernel sizes, and whether that held.

    Changes of the same pair share their label.
    """
    for picture, points in by_image(log):
        crossovers = find_crossovers(points)
        for one in crossovers:
            scope = "" if one.scope == RANKING_SCOPE else f" ({one.scope})"
            whats = [
                f"{one.name(change.faster_before)} → {one.name(change.faster_after)}{scope}"
                for change in one.ordering.changes
            ]
            for what, change in zip(whats, one.ordering.changes, strict=True):
                label = what if len(whats) == 1 else f"{whats[0]}, {len(whats)} changes"
                bracket = change.last_size_before, change.first_size_after
                yield (picture, MEASURED, label, what, *bracket, one.sentence, None)
        for claim, entry in zip(CLAIMS, held_against(crossovers), strict=True):
            what = f"{claim.text}: {claim.compares}"
            here = [f"{HELD[one['held']]}: {one['found']}" for one in entry["here"]]
            says, held = f"{what} ({claim.source})", "; ".join(here) or NOT_COMPARABLE
            yield (picture, CLAIMED, what, what, *(claim.sizes or (None, None)), says, held)


def _samples(log: Log) -> Iterator[tuple[Any, ...]]:
    """The samples of the ranking scope, in the order in which they were taken."""
    taken = sorted(_taken(by_image(log)), key=lambda row: row[0])
    for number, (_, *row) in enumerate(taken, 1):
        yield (number, *row)


def _taken(images: Iterable[tuple[str, Sequence[Findings]]]) -> Iterator[tuple[Any, ...]]:
    for picture, points in images:
        for findings in points:
            for process, one in findings.samples():
                seconds = one.elapsed_s / one.loops
                yield (
                    one.started_at,
                    picture,
                    findings.point.size,
                    one.contender,
                    seconds,
                    one.round,
                    process,
                )
