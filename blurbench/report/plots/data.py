"""What a picture of runs shows, without saying how: curves, brackets, ratios, winners."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from blurbench.analysis.crossing import Crossover, find_crossovers
from blurbench.analysis.ordering import Change
from blurbench.measure.judge import UNRANKED
from blurbench.measure.stats import Estimate
from blurbench.records.findings import Findings
from blurbench.records.journal import Log
from blurbench.records.kinds import marked
from blurbench.records.lead import Lead
from blurbench.records.roofline import ARITHMETIC, BANDWIDTH
from blurbench.records.rows import FAR, ONCE
from blurbench.records.scopes import RANKING_SCOPE
from blurbench.records.summary import Row
from blurbench.report.groups import GROUPS, Payoff, bests_of, groups_of, payoff_of
from blurbench.report.ranges import ranges_text
from blurbench.report.sweep import by_image

MOST_EXTENTS = 4  # drawn side by side; the map of winners has all of them
MOST_BRACKETS = 4
CEILINGS = (BANDWIDTH, ARITHMETIC)
SEPARABLE, FFT = "separable", "fft"


@dataclass(frozen=True)
class Mark:
    """One implementation at one kernel size; times in seconds.

    Attributes:
        raced: False where it was measured once, outside any race.
        barred: why it must not win, as `wrong` or `implausible`; None where it may.
        shares: of the copy bandwidth and of the multiply-add rate, where measured, by ceiling.
        bound: what holds it back, end to end; None where that is not known.
    """

    size: int
    time: Estimate
    raced: bool
    barred: str | None
    shares: dict[str, float]
    bound: str | None


@dataclass(frozen=True)
class Curve:
    """One implementation over the kernel sizes, in order.

    Attributes:
        label: its name as people read it.
    """

    name: str
    label: str
    backend: str
    method: str
    marks: tuple[Mark, ...]

    @property
    def joined(self) -> list[Mark]:
        """The marks that a line may join."""
        return [mark for mark in self.marks if mark.barred is None]

    def reaching(self, ceiling: str) -> list[Mark]:
        """The marks of which the share of a ceiling is known and believed."""
        return [mark for mark in self.joined if ceiling in mark.shares]


@dataclass(frozen=True)
class Best:
    """The best of a group over the kernel sizes, chosen anew at each.

    Attributes:
        names: of the best implementation, mark by mark.
    """

    group: str
    marks: tuple[Mark, ...]
    names: tuple[str, ...]

    @property
    def label(self) -> str:
        """The group, and who is its best at the largest size."""
        return f"{self.group}: {self.names[-1]}"

    @property
    def changes(self) -> str:
        """`FFT: a from 3 to 15, b at 31`; empty where one is the best everywhere."""
        if len(set(self.names)) == 1:
            return ""
        sizes = (mark.size for mark in self.marks)
        return f"{self.group}: {ranges_text(zip(self.names, sizes, strict=True))}"


@dataclass(frozen=True)
class Bracket:
    """The changes between two implementations, to be drawn in one line.

    Attributes:
        kind: of what both run on, where they are of one backend; else empty.
    """

    first: str
    second: str
    kind: str
    changes: tuple[Change, ...]

    @property
    def pair(self) -> str:
        """`scipy: separable → fft`; the arrow points to who is faster later."""
        backends, methods = zip(*(name.split(":", 1) for name in self._in_order), strict=True)
        if backends[0] == backends[1]:
            return f"{marked(backends[0], self.kind)}: {methods[0]} → {methods[1]}"
        return " → ".join(self._in_order)

    @property
    def _in_order(self) -> list[str]:
        names = [self.first, self.second]
        return names if self.changes[0].faster_before == "first" else names[::-1]

    @property
    def sizes(self) -> str:
        """`23 to 31`, or several of them."""
        return ", ".join(
            f"{one.last_size_before} to {one.first_size_after}" for one in self.changes
        )


@dataclass(frozen=True)
class Column:
    """One image of one run: what is drawn one below the other.

    Attributes:
        scope: what its times, brackets and ratios are of.
    """

    log: Log
    extent: str
    points: Sequence[Findings]
    scope: str = RANKING_SCOPE

    @property
    def is_single(self) -> bool:
        """Whether the run has but one kernel size."""
        return len({one.point.size for one in self.log.points.values()}) == 1

    @cached_property
    def without_transfers(self) -> Column | None:
        """The column in the scope `compute`; None where nothing had to be carried to a device."""
        devices = [one for one in self.log.run.declared if one.kind != "cpu"]
        found = replace(self, scope="compute")
        raced = {curve.name for curve in found.curves}
        return found if any(one.name in raced for one in devices) else None

    @cached_property
    def rows(self) -> list[list[Row]]:
        """The rows of each point."""
        return [one.rows() for one in self.points]

    @cached_property
    def curves(self) -> list[Curve]:
        """The curves of all that have a time, in the order in which they were declared."""
        found: dict[str, list[Mark]] = {one.name: [] for one in self.log.run.declared}
        for point, rows in zip(self.points, self.rows, strict=True):
            for row in rows:
                if getattr(row, f"{self.scope}_median_s") is not None:
                    found[row.name].append(_mark(point.point.size, row, self.scope))
        return [
            Curve(one.name, one.label, one.backend, one.method, tuple(found[one.name]))
            for one in self.log.run.declared
            if found[one.name]
        ]

    @cached_property
    def bests(self) -> list[Best]:
        """The best of each group, end to end."""
        found: dict[str, list[tuple[Mark, str]]] = {group: [] for group in GROUPS}
        for point in self.points:
            for group, row in bests_of(point).items():
                found[group].append((_mark(point.point.size, row, RANKING_SCOPE), row.label))
        return [Best(group, *zip(*own, strict=True)) for group, own in found.items() if own]

    @cached_property
    def unrepresented(self) -> list[Curve]:
        """The curves whose group has no best."""
        groups = groups_of(self.log.run.declared)
        there = {best.group for best in self.bests}
        return [curve for curve in self.curves if groups.get(curve.name) not in there]

    @cached_property
    def unranked(self) -> dict[str, str]:
        """The verdict of those that somewhere neither win nor lose."""
        return {
            row.name: row.verdict
            for rows in self.rows
            for row in rows
            if row.verdict is not None and row.verdict in UNRANKED
        }

    def label_of(self, backend: str) -> str:
        """A backend as people read it."""
        kinds = {one.backend: one.kind for one in self.log.run.declared}
        return marked(backend, kinds[backend])

    @cached_property
    def payoff(self) -> Payoff | None:
        """Where FFT pays on this image."""
        return payoff_of(self.points)

    def reaching(self, ceiling: str) -> list[Curve]:
        """The curves of which the share of a ceiling is known at some size."""
        return [curve for curve in self.curves if curve.reaching(ceiling)]

    @cached_property
    def crossovers(self) -> list[Crossover]:
        return [one for one in find_crossovers(self.points) if one.scope == self.scope]

    @cached_property
    def brackets(self) -> list[Bracket]:
        """Separable and FFT first; others only while there is room, in order of size."""
        ordered = sorted(self.crossovers, key=lambda one: not _is_main(one))
        found = [
            Bracket(
                one.first, one.second, one.kinds.get(one.first, ""), tuple(one.ordering.changes)
            )
            for one in ordered
            if one.ordering.changes
        ]
        main = sum(_is_main(one) for one in self.crossovers if one.ordering.changes)
        chosen = found[: max(main, MOST_BRACKETS)]
        return sorted(chosen, key=lambda one: -one.changes[0].last_size_before)

    @cached_property
    def ratios(self) -> dict[str, dict[int, Estimate]]:
        """Time of separable over time of FFT, paired within rounds, by backend and size."""
        return {
            one.first.rpartition(":")[0]: {
                size: _inverse(ratio) for size, ratio in sorted(one.ordering.ratios.items())
            }
            for one in self.crossovers
            if _is_main(one)
        }


def _mark(size: int, row: Row, scope: str) -> Mark:
    median, low, high = (
        getattr(row, f"{scope}_{figure}_s") for figure in ("median", "ci95_low", "ci95_high")
    )
    shares = zip(CEILINGS, (row.copy_bandwidth_fraction, row.multiply_add_fraction), strict=True)
    return Mark(
        size,
        Estimate(median, low, high),
        row.reason not in (ONCE, FAR),
        None if row.status == "ok" else row.status,
        {ceiling: share for ceiling, share in shares if share},  # a logarithmic axis has no 0
        row.end_to_end_bound,
    )


def _is_main(one: Crossover) -> bool:
    methods = [name.rpartition(":")[2] for name in (one.first, one.second)]
    return methods == [SEPARABLE, FFT]


def _inverse(ratio: Estimate) -> Estimate:
    low, high = (None if end is None else 1 / end for end in (ratio.high, ratio.low))
    return Estimate(1 / ratio.value, low, high)


def has_times(log: Log) -> bool:
    """Whether there is anything to draw."""
    return any(row.end_to_end_median_s is not None for row in log.rows())


def columns_of(logs: Sequence[Log]) -> list[Column]:
    """One run: its images, spread over all of them. Several: one each, the same where possible."""
    every = [[Column(log, *one) for one in by_image(log)] for log in logs]
    every = [[one for one in columns if one.curves] for columns in every]
    if len(logs) == 1:
        return spread(every[0], MOST_EXTENTS)
    common = set.intersection(*({one.extent for one in columns} for columns in every))
    chosen = [[one for one in columns if one.extent in common] or columns for columns in every]
    return [columns[-1] for columns in chosen]


def spread(columns: list[Column], most: int) -> list[Column]:
    """At most so many of the columns, the first and the last among them."""
    if len(columns) <= most:
        return columns
    return [columns[round(n * (len(columns) - 1) / (most - 1))] for n in range(most)]


@dataclass(frozen=True)
class Territory:
    """Neighbouring kernel sizes with the same winner, at one image size.

    Attributes:
        first, last: numbers of the kernel sizes among those of the map.
        label: the name as people read it.
        proven: whether it is proven faster than the next.
    """

    row: int
    first: int
    last: int
    name: str
    label: str
    proven: bool


@dataclass(frozen=True)
class WinnerMap:
    """The fastest over kernel size and image size; rows from the smallest image."""

    sizes: list[int]
    extents: list[str]
    territories: list[Territory]


def winner_map(log: Log) -> WinnerMap | None:
    """None where there are not several images and several kernel sizes."""
    images = by_image(log)
    sizes = sorted({one.point.size for one in log.points.values()})
    if len(images) < 2 or len(sizes) < 2:
        return None
    found = []
    for row, (_, points) in enumerate(images):
        cells = {sizes.index(one.point.size): one.lead() for one in points}
        found += _merged(row, cells.items())
    return WinnerMap(sizes, [extent for extent, _ in images], found)


def _merged(row: int, cells: Iterable[tuple[int, Lead | None]]) -> list[Territory]:
    found: list[Territory] = []
    for number, lead in cells:
        if lead is None:
            continue
        new = Territory(row, number, number, lead.first.name, lead.first.label, lead.proven)
        if found and found[-1] == replace(new, first=found[-1].first, last=number - 1):
            new = replace(new, first=found.pop().first)
        found.append(new)
    return found
