"""Crossovers: where the faster of two changes, from what was measured."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from blurbench.analysis.opponents import FASTEST_GPU, FASTEST_SOFTWARE, Side, pairs_of, sides_of
from blurbench.analysis.ordering import FIRST, SECOND, UNDECIDED, Change, Ordering
from blurbench.analysis.place import Place, places_of
from blurbench.analysis.pooling import Level, level_of
from blurbench.measure.stats import Estimate, estimate_median
from blurbench.records.break_even import images_until_paid
from blurbench.records.findings import Findings
from blurbench.records.kinds import SOFTWARE, marked
from blurbench.records.lead import rows_by_ratio
from blurbench.records.scopes import RANKING_SCOPE
from blurbench.records.summary import Key, Row


@dataclass(frozen=True)
class Crossover:
    """What was found of two implementations.

    Attributes:
        members: the implementations behind the two, one each or the groups that they are from.
        kinds: of what the two run on, by name; of groups, none.
        ordering: which is faster at the sizes that were measured.
        asked: the sizes of the question, in order.
        chosen: the two that were held against each other, by size.
        paired: whether the ratios were taken within rounds.
        pays_off: size and number of images after which the second's set-up and first call are
            paid for; None where it is faster nowhere.
    """

    first: str
    second: str
    members: frozenset[str]
    kinds: Mapping[str, str]
    scope: str
    point: Key
    threads: int
    ordering: Ordering
    asked: tuple[int, ...]
    chosen: Mapping[int, tuple[str, str]]
    paired: bool
    pays_off: tuple[int, int] | None

    @property
    def sizes(self) -> list[int]:
        """That were measured, in order."""
        return list(self.ordering.outcomes)

    @cached_property
    def places(self) -> list[Place]:
        """The best estimate of where the faster changes, one for each proven change.

        Where none is proven, of a change that the ratios suggest.
        """
        return places_of(self.ordering)

    @property
    def reaches_both_ends(self) -> bool:
        """Whether the smallest and the largest size of the question were measured and proven."""
        return {self.asked[0], self.asked[-1]} <= self.ordering.proven.keys()

    def name(self, which: str) -> str:
        """The implementation behind `first` or `second`, as people read it."""
        name = self.first if which == FIRST else self.second
        return marked(name, self.kinds.get(name, ""))

    @property
    def on_software(self) -> bool:
        """Whether software stands in for a GPU in it."""
        return self.second == FASTEST_SOFTWARE or SOFTWARE in self.kinds.values()

    @property
    def answer(self) -> str:
        """Where the faster changes, in words."""
        if self.ordering.changes:
            overtaken = zip(self.ordering.changes, self.places, strict=True)
            return ", ".join(self._overtaking(*one) for one in overtaken)
        said = self._throughout()
        return ", ".join([said, *(self._suggested(place) for place in self.places)])

    def _overtaking(self, change: Change, place: Place) -> str:
        """The pointwise bracket, and what its neighbours add."""
        return (
            f"{self.name(change.faster_after)} overtakes {self.name(change.faster_before)} "
            f"between {change.last_size_before} and {change.first_size_after} ({place.words})"
        )

    def _throughout(self) -> str:
        ordering = self.ordering
        if ordering.always_faster in (UNDECIDED, None):
            return f"{self.name(FIRST)} or {self.name(SECOND)}: nothing is proven"
        other = SECOND if ordering.always_faster == FIRST else FIRST
        winner, loser = self.name(ordering.always_faster or FIRST), self.name(other)
        proven = list(ordering.proven)
        text = f"{winner} is faster than {loser} {_stretch(proven)}"
        gaps = [size for size in self.sizes if proven[0] < size < proven[-1]]
        unproven = [str(size) for size in gaps if size not in ordering.proven]
        return f"{text}, not proven at {', '.join(unproven)}" if unproven else text

    def _suggested(self, place: Place) -> str:
        return f"{self.name(place.faster_after)} may overtake at {place.words}"

    @property
    def sentence(self) -> str:
        """One sentence that a person can quote; it names its scope."""
        return f"{self.answer} ({self.point.width}x{self.point.height}, {self.reach})."

    @property
    def reach(self) -> str:
        """The scope, and the sizes behind the answer."""
        scope = self.scope.replace("_", " ") + ("" if self.paired else ", not paired")
        if len(self.sizes) == 1:
            return f"{scope}; measured at {self.sizes[0]}"
        count = str(len(self.sizes))
        if len(self.sizes) < len(self.asked):
            count += f" of {len(self.asked)}"
        return f"{scope}; {count} sizes measured {_stretch(self.sizes)}"

    def as_dict(self) -> dict[str, Any]:
        """As other programs read it."""
        point = self.point
        return {
            "first": self.first,
            "second": self.second,
            "kinds": dict(self.kinds),
            "scope": self.scope,
            "paired": self.paired,
            "height": point.height,
            "width": point.width,
            "channels": point.channels,
            "dtype": point.dtype,
            "border": point.border,
            "threads": self.threads,
            "changes": [asdict(change) for change in self.ordering.changes],
            "estimates": [asdict(place) for place in self.places],
            "always_faster": self.ordering.always_faster,
            "proven_at_both_ends": self.reaches_both_ends,
            "sizes_asked": len(self.asked),
            "sizes_measured": self.sizes,
            "ratios": [
                {
                    "size": size,
                    "first": self.chosen[size][0],
                    "second": self.chosen[size][1],
                    "ratio": ratio.value,
                    "ratio_ci95_low": ratio.low,
                    "ratio_ci95_high": ratio.high,
                    "faster": self.ordering.outcomes[size],
                }
                for size, ratio in sorted(self.ordering.ratios.items())
            ],
            "pays_off_at_size": self.pays_off and self.pays_off[0],
            "pays_off_after_images": self.pays_off and self.pays_off[1],
            "sentence": self.sentence,
        }


def _stretch(sizes: Sequence[int]) -> str:
    return f"at {sizes[0]}" if len(sizes) == 1 else f"from {sizes[0]} to {sizes[-1]}"


def find_crossovers(
    points: Sequence[Findings], asked: Sequence[int] | None = None
) -> list[Crossover]:
    """The crossovers of one image, from all its points.

    The level of 95 % speaks of each pair by itself: of its ratios and brackets at all looks and
    sizes together, and of each estimate alone. It is not shared among the pairs of a table.

    Args:
        asked: the sizes of the question; by default those of the points.
    """
    if not points:
        return []
    declared = points[0].declared
    rows = {one.point.size: {row.name: row for row in one.rows()} for one in points}
    sizes = tuple(sorted(asked or rows))
    on_device = {one.name for one in declared if one.kind != "cpu"}
    share = points[0].rules.share(len(points))
    found = []
    for pair in pairs_of(declared):
        members = [Side(name, frozenset({name})) for name in pair]
        for scope in _scopes(set(pair) <= on_device):
            racing = [one for one in points if _race_together(one, scope, pair)]
            duels = [_duel(one, scope, pair, share) for one in racing]
            found.append(_crossover(points, rows, scope, members, duels, sizes))
    for sides in sides_of(declared):
        for scope in _scopes(sides[1].name in (FASTEST_GPU, FASTEST_SOFTWARE)):
            fastest = [(one, _fastest(one, rows[one.point.size], scope, sides)) for one in points]
            duels = [_duel(one, scope, names, share) for one, names in fastest if names]
            found.append(_crossover(points, rows, scope, sides, duels, sizes))
    return [one for one in found if one.sizes]


def _scopes(with_device: bool) -> tuple[str, ...]:
    """In which to compare; where a device is in it, without transfers, too."""
    return ("compute", RANKING_SCOPE) if with_device else (RANKING_SCOPE,)


@dataclass(frozen=True)
class _Duel:
    """Two implementations at one size: the time of the second over that of the first."""

    size: int
    names: tuple[str, str]
    ratio: Estimate
    level: Level | None
    paired: bool


def _race_together(findings: Findings, scope: str, pair: tuple[str, str]) -> bool:
    return set(pair) <= set(findings.racers(scope)) - findings.approximate


def _fastest(
    findings: Findings, rows: Mapping[str, Row], scope: str, sides: Sequence[Side]
) -> tuple[str, str] | None:
    """Of those of either side that raced; None where a side has none."""
    approximate = findings.approximate
    racing = (name for name in findings.racers(RANKING_SCOPE) if name not in approximate)
    ordered = rows_by_ratio(rows[name] for name in racing)
    if scope != RANKING_SCOPE:  # of which there is no race of all
        timed = [row for row in ordered if row.compute_median_s is not None]
        ordered = sorted(timed, key=lambda row: row.compute_median_s or 0.0)
    one, other = (
        next((row.name for row in ordered if row.name in side.members), "") for side in sides
    )
    return (one, other) if one and other else None


def _duel(findings: Findings, scope: str, names: tuple[str, str], share: float) -> _Duel:
    """Paired within rounds where both race in that scope; a failed control proves nothing."""
    first, second = names
    paired = {first, second} <= set(findings.racers(scope))
    rounds = findings.rounds(scope)
    if paired:
        ratio, level = rounds.ratio(second, first, share), level_of(rounds.measured, second, first)
        races = [findings.race(scope)]
    else:
        # The CPU is not on the device, where the GPU's race among themselves.
        first_rounds = findings.rounds(RANKING_SCOPE)
        ratio, level = _unpaired(rounds.times(second), first_rounds.times(first), share), None
        races = [findings.race(scope), findings.race(RANKING_SCOPE)]
    if not all(race is None or race.control_passed for race in races):
        ratio, level = Estimate(ratio.value, None, None), None
    return _Duel(findings.point.size, names, ratio, level, paired)


def _crossover(
    points: Sequence[Findings],
    rows: Mapping[int, Mapping[str, Row]],
    scope: str,
    sides: Sequence[Side],
    duels: Sequence[_Duel],
    asked: tuple[int, ...],
) -> Crossover:
    known = {one.size: one for one in duels if math.isfinite(one.ratio.value)}
    ordering = Ordering(
        {size: one.ratio for size, one in known.items()},
        points[0].rules.same,
        {size: one.level for size, one in known.items() if one.level is not None},
    )
    chosen = {size: one.names for size, one in known.items()}
    fought = {size: (rows[size][one], rows[size][other]) for size, (one, other) in chosen.items()}
    first, second = sides
    kinds = {one.name: one.kind for one in points[0].declared}
    return Crossover(
        first.name,
        second.name,
        first.members | second.members,
        {one.name: kinds[one.name] for one in sides if one.name in kinds},
        scope,
        points[0].point,
        points[0].threads,
        ordering,
        asked,
        chosen,
        all(one.paired for one in known.values()),
        _pays_off(fought, ordering.outcomes, scope),
    )


def _unpaired(above: Sequence[float], below: Sequence[float], share: float) -> Estimate:
    """The ratio of two medians, its interval from those of both."""
    if not above or not below:
        return Estimate(math.nan, None, None)
    a, b = (estimate_median(times, share / 2) for times in (above, below))
    if a.low is None or a.high is None or b.low is None or b.high is None:
        return Estimate(a.value / b.value, None, None)
    return Estimate(a.value / b.value, a.low / b.high, a.high / b.low)


def _pays_off(
    chosen: Mapping[int, tuple[Row, Row]], outcomes: Mapping[int, str], scope: str
) -> tuple[int, int] | None:
    """The smallest size where the second is faster, and the images that pay for its beginning."""
    for size in sorted(outcomes):
        if outcomes[size] != SECOND:
            continue
        images = images_until_paid(*chosen[size], scope)
        if images is not None:
            return size, images
    return None
