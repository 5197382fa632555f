"""Where the faster of two changes: brackets between kernel sizes, and which to measure next."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from blurbench.measure.judge import verdict_beyond
from blurbench.measure.stats import Estimate, estimate_median
from blurbench.records.findings import RANKING_SCOPE, Findings
from blurbench.records.summary import Key, Row
from blurbench.study.opponents import FASTEST_GPU, Side, pairs_of, sides_of

COARSE = 2.2  # between neighbours of the first grid
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
    """

    ratios: Mapping[int, Estimate]
    same: float

    @cached_property
    def outcomes(self) -> dict[int, str]:
        """`first`, `second` or `undecided`, in order of size."""
        return {size: outcome(self.ratios[size], self.same) for size in sorted(self.ratios)}

    @cached_property
    def changes(self) -> list[Change]:
        """Every change in order of size; sizes that prove nothing lie inside the brackets."""
        proven = [(size, one) for size, one in self.outcomes.items() if one != UNDECIDED]
        return [
            Change(before, after, size, next_size)
            for (size, before), (next_size, after) in pairwise(proven)
            if before != after
        ]

    @property
    def always_faster(self) -> str | None:
        """Who is faster wherever anything is proven; None where there are changes."""
        if self.changes:
            return None
        proven = set(self.outcomes.values()) - {UNDECIDED}
        return proven.pop() if proven else UNDECIDED

    def next_size(self, tried: Collection[int]) -> tuple[float, int]:
        """How uncertain the answer is, and the size that tells most of it; 0 where none is left.

        The gaps between neighbouring sizes are weighed by their width; most where the order
        changes, proven or not, and else the more the nearer the ratio is to 1.
        """
        best = (0.0, 0)
        for a, b in pairwise(self.outcomes):
            between = [size for size in range(a + 2, b, 2) if size not in tried]
            if between:
                middle = min(between, key=lambda size: abs(math.log(size * size / (a * b))))
                best = max(best, (self._uncertainty(a, b), middle))
        return best

    def uncertainty(self, size: int) -> float:
        """Of the gap in which a size lies; none outside of all gaps."""
        gaps = (gap for gap in pairwise(self.outcomes) if gap[0] < size < gap[1])
        return max((self._uncertainty(*gap) for gap in gaps), default=0.0)

    def _uncertainty(self, a: int, b: int) -> float:
        logs = [math.log(self.ratios[size].value) for size in (a, b)]
        if logs[0] * logs[1] < 0:
            return 10 * math.log(b / a)
        return math.log(b / a) / (1 + 10 * min(map(abs, logs)))

    @property
    def outpaced(self) -> bool:
        """Whether the first falls ever further behind: at the two largest sizes, by far."""
        last = list(self.outcomes)[-2:]
        if [self.outcomes[size] for size in last] != [SECOND, SECOND]:
            return False
        earlier, later = (self.ratios[size].value for size in last)
        return later < earlier < 1 / OUTPACED


@dataclass(frozen=True)
class Crossover:
    """What was found of two implementations.

    Attributes:
        members: the implementations behind the two, one each or the groups that they are from.
        ordering: which is faster at the sizes that were measured.
        pays_off: size and number of images after which the second's set-up and first call are
            paid for; None where it is faster nowhere.
    """

    first: str
    second: str
    members: frozenset[str]
    scope: str
    point: Key
    threads: int
    ordering: Ordering
    pays_off: tuple[int, int] | None

    @property
    def sizes(self) -> list[int]:
        """That were measured, in order."""
        return list(self.ordering.outcomes)

    def name(self, which: str) -> str:
        """The implementation behind `first` or `second`."""
        return self.first if which == FIRST else self.second

    @property
    def answer(self) -> str:
        """Where the faster changes, in words."""
        ordering = self.ordering
        if ordering.always_faster == UNDECIDED:
            return f"{self.first} or {self.second}: nothing is proven"
        if ordering.always_faster is not None:
            other = SECOND if ordering.always_faster == FIRST else FIRST
            proven = [size for size, one in ordering.outcomes.items() if one != UNDECIDED]
            winner, loser = self.name(ordering.always_faster), self.name(other)
            text = f"{winner} is faster than {loser} {_stretch(proven)}"
            gaps = [str(size) for size in self.sizes if proven[0] < size < proven[-1]]
            gaps = [size for size in gaps if int(size) not in proven]
            return f"{text}, not proven at {', '.join(gaps)}" if gaps else text
        return ", ".join(
            f"{self.name(one.faster_after)} overtakes {self.name(one.faster_before)} "
            f"between {one.last_size_before} and {one.first_size_after}"
            for one in ordering.changes
        )

    @property
    def sentence(self) -> str:
        """One sentence that a person can quote; it names its scope."""
        return f"{self.answer} ({self.point.width}x{self.point.height}, {self.reach})."

    @property
    def reach(self) -> str:
        """The scope, and the sizes behind the answer."""
        scope = self.scope.replace("_", " ")
        if len(self.sizes) == 1:
            return f"{scope}; measured at {self.sizes[0]}"
        return f"{scope}; {len(self.sizes)} sizes measured {_stretch(self.sizes)}"

    def as_dict(self) -> dict[str, Any]:
        """As other programs read it."""
        point = self.point
        return {
            "first": self.first,
            "second": self.second,
            "scope": self.scope,
            "height": point.height,
            "width": point.width,
            "channels": point.channels,
            "dtype": point.dtype,
            "border": point.border,
            "threads": self.threads,
            "changes": [asdict(change) for change in self.ordering.changes],
            "always_faster": self.ordering.always_faster,
            "sizes_measured": self.sizes,
            "ratios": [
                {
                    "size": size,
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


def find_crossovers(points: Sequence[Findings]) -> list[Crossover]:
    """The crossovers of one image, from all its points.

    The intervals share an error rate of 5 % for each pair over looks and sizes.
    """
    if not points:
        return []
    declared = points[0].declared
    rows = {one.point.size: {row.name: row for row in one.rows()} for one in points}
    on_device = {one.name for one in declared if one.kind == "gpu"}
    found = []
    for pair in pairs_of(declared):
        scopes = _scopes(set(pair) <= on_device)
        found += [_of_pair(points, rows, scope, *pair) for scope in scopes]
    for sides in sides_of(declared):
        scopes = _scopes(sides[1].name == FASTEST_GPU)
        found += [_across(points, rows, scope, *sides) for scope in scopes]
    return [one for one in found if one.sizes]


def _scopes(with_device: bool) -> tuple[str, ...]:
    """In which to compare; where a device is in it, without transfers, too."""
    return ("compute", RANKING_SCOPE) if with_device else (RANKING_SCOPE,)


def _of_pair(
    points: Sequence[Findings],
    rows: Mapping[int, Mapping[str, Row]],
    scope: str,
    first: str,
    second: str,
) -> Crossover:
    """One implementation against another, paired within the rounds of the scope's own race."""
    rules = points[0].rules
    share = rules.share(len(points))
    ratios = {}
    for findings in points:
        if not {first, second} <= set(findings.racers(scope)) - findings.approximate:
            continue
        race = findings.race(scope)
        ratio = findings.rounds(scope).ratio(second, first, share)
        if math.isfinite(ratio.value) and race is not None:
            if not race.control_passed:
                ratio = Estimate(ratio.value, None, None)
            ratios[findings.point.size] = ratio
    ordering = Ordering(ratios, rules.same)
    chosen = {size: (rows[size][first], rows[size][second]) for size in ratios}
    return Crossover(
        first,
        second,
        frozenset({first, second}),
        scope,
        points[0].point,
        points[0].threads,
        ordering,
        _pays_off(chosen, ordering.outcomes, scope),
    )


def _across(
    points: Sequence[Findings],
    rows: Mapping[int, Mapping[str, Row]],
    scope: str,
    one_side: Side,
    other_side: Side,
) -> Crossover:
    """The fastest of one side against the fastest of the other, chosen anew at each size."""
    rules = points[0].rules
    share = rules.share(len(points))
    ratios, chosen = {}, {}
    for findings in points:
        competing = [row for row in rows[findings.point.size].values() if row.may_win]
        timed = [row for row in competing if getattr(row, f"{scope}_median_s") is not None]
        sides = [
            [row for row in timed if row.name in side.members] for side in (one_side, other_side)
        ]
        races = [findings.race(), findings.race(scope)]
        trusted = all(race is None or race.control_passed for race in races)
        if not all(sides):
            continue
        one, other = (
            min(side, key=lambda row: getattr(row, f"{scope}_median_s")) for side in sides
        )
        chosen[findings.point.size] = (one, other)
        if scope == RANKING_SCOPE:
            ratio = findings.rounds().ratio(other.name, one.name, share)
        else:
            # On the device they race among themselves, so the ratio is not paired.
            ratio = _unpaired(
                findings.rounds(scope).times(other.name), findings.rounds().times(one.name), share
            )
        if math.isfinite(ratio.value):
            known = ratio if trusted else Estimate(ratio.value, None, None)
            ratios[findings.point.size] = known
    ordering = Ordering(ratios, rules.same)
    return Crossover(
        one_side.name,
        other_side.name,
        one_side.members | other_side.members,
        scope,
        points[0].point,
        points[0].threads,
        ordering,
        _pays_off(chosen, ordering.outcomes, scope),
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
        first, second = chosen[size]
        begin_s = [(row.setup_s or 0.0) + (row.first_call_s or 0.0) for row in (first, second)]
        per_image_s = [getattr(row, f"{scope}_median_s") for row in (first, second)]
        # The first call blurs an image already.
        extra_s = (begin_s[1] - per_image_s[1]) - (begin_s[0] - per_image_s[0])
        gain_s = per_image_s[0] - per_image_s[1]
        if gain_s > 0:
            return size, max(1, math.ceil(extra_s / gain_s))
    return None


def coarse_sizes(smallest: int, largest: int) -> list[int]:
    """Odd sizes from one to the other, each about 2.2 times the one before."""
    sizes = [smallest]
    while sizes[-1] < largest:
        sizes.append(min(largest, max(sizes[-1] + 2, odd_near(sizes[-1] * COARSE))))
    return sizes


def odd_near(value: float) -> int:
    """The odd number nearest to a value; the larger of two."""
    return 2 * math.floor(value / 2) + 1
