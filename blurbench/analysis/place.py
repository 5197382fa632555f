"""Where the faster of two changes: the best estimate, and how sure it is."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from blurbench.analysis.ordering import FIRST, SECOND, Ordering
from blurbench.analysis.pooling import fit_line

FACTOR, STEPS = 1.35, 5  # a window reaches that far from its middle: times its size, and at least
PASSES = 4  # of moving the window to where the line puts its middle


@dataclass(frozen=True)
class Place:
    """Where the faster of two changes.

    Attributes:
        faster_after: `first` or `second`, from there on.
        size: the best estimate.
        low, high: sizes that hold the change between them at 95 %; None where that end is not
            proven.
        pooled: how many sizes a line was laid through; 0 where two neighbours alone tell.
    """

    faster_after: str
    size: float
    low: int | None
    high: int | None
    pooled: int

    @property
    def bracket(self) -> tuple[int, int] | None:
        """Both ends; None where one is not proven."""
        return None if self.low is None or self.high is None else (self.low, self.high)

    @property
    def words(self) -> str:
        """`about 49, 43 to 57 at 95 % by 9 sizes together`."""
        about = f"about {self.size:.0f}"
        if self.bracket is None:
            end = f"beyond {self.low}" if self.high is None else f"by {self.high}"
            about += f", {end} at 95 %"
        elif self.pooled:
            about += f", {self.low} to {self.high} at 95 %"
        return about + (f" by {self.pooled} sizes together" if self.pooled else "")

    def holds(self, least: int, most: int) -> bool:
        """Whether a gap lies between the ends."""
        return self.bracket is not None and self.bracket[0] <= least and most <= self.bracket[1]


@dataclass(frozen=True)
class _Stretch:
    """The sizes among which the faster changes once, and the ends that are proven."""

    sizes: Sequence[int]
    low: int | None
    high: int | None
    sign: int  # of the logarithm of the ratio before the change


def places_of(ordering: Ordering) -> list[Place]:
    """A place for each proven change; where there is none, for one that the ratios suggest.

    The ends are those of the pointwise bracket, or nearer where a line through the sizes around
    proves it; a line that contradicts the bracket says nothing.
    """
    found = [_place(ordering, one) for one in _stretches(ordering)]
    return [one for one in found if one is not None]


def window(middle: float) -> tuple[float, float]:
    """The smallest and largest size that tell of a change at a size."""
    return min(middle / FACTOR, middle - STEPS), max(middle * FACTOR, middle + STEPS)


def _stretches(ordering: Ordering) -> Iterator[_Stretch]:
    sizes = list(ordering.outcomes)
    changes = ordering.changes
    for number, change in enumerate(changes):
        least = changes[number - 1].first_size_after if number else sizes[0]
        most = changes[number + 1].last_size_before if change is not changes[-1] else sizes[-1]
        yield _Stretch(
            [size for size in sizes if least <= size <= most],
            change.last_size_before,
            change.first_size_after,
            1 if change.faster_before == FIRST else -1,
        )
    if not changes:
        first, last = min(ordering.proven, default=None), max(ordering.proven, default=None)
        sign = -1 if ordering.always_faster == SECOND else 1
        yield _Stretch(sizes, last, None, sign)
        yield _Stretch(sizes, None, first, -sign)


def _place(ordering: Ordering, stretch: _Stretch) -> Place | None:
    middle = _rough(ordering, stretch)
    if middle is None:
        return None
    after = SECOND if stretch.sign > 0 else FIRST
    rough = Place(after, middle, stretch.low, stretch.high, 0)
    found = _pooled(ordering, stretch, rough)
    # Of what nothing is proven, noise alone makes changes.
    return found if (found.low, found.high) != (None, None) else None


def _rough(ordering: Ordering, stretch: _Stretch) -> float | None:
    """Between the two neighbours where a change agrees best with all ratios."""
    sizes = stretch.sizes
    logs = [stretch.sign * math.log(ordering.ratios[size].value) for size in sizes]

    def disagreement(count: int) -> float:
        """Of all ratios, if the change comes after so many sizes."""
        before, after = logs[:count], logs[count:]
        return math.fsum((*(max(0.0, -one) for one in before), *(max(0.0, one) for one in after)))

    beyond = [0] * (stretch.low is None) + [len(sizes)] * (stretch.high is None)
    within = [
        count
        for count, (before, after) in enumerate(pairwise(sizes), 1)
        if (stretch.low is None or before >= stretch.low)
        and (stretch.high is None or after <= stretch.high)
    ]
    count = min((*beyond, *within), key=disagreement, default=0)
    if count not in within:
        return None
    (before, after), rise, fall = sizes[count - 1 : count + 1], logs[count - 1], -logs[count]
    share = rise / (rise + fall) if rise > 0 and fall > 0 else 0.5
    return float(before * (after / before) ** share)


def _pooled(ordering: Ordering, stretch: _Stretch, rough: Place) -> Place:
    """The place by a line through the sizes around it; the rough one where no line tells more."""
    line, middle = None, rough.size
    for _ in range(PASSES):
        least, most = window(middle)
        around = [size for size in stretch.sizes if least <= size <= most]
        levels = {size: ordering.levels[size] for size in around if size in ordering.levels}
        line = fit_line(levels)
        if line is None or not least <= line.root <= most:
            return rough
        middle = line.root
    assert line is not None
    margin = math.log1p(ordering.same)
    seen = range(min(levels), max(levels) + 1, 2)
    before = [size for size in seen if stretch.sign * line.at(size) - line.reach(size) > margin]
    after = [size for size in seen if -stretch.sign * line.at(size) - line.reach(size) > margin]
    low = max((*_known(stretch.low), *before), default=None)
    high = min((*_known(stretch.high), *after), default=None)
    if (low or 0) >= (high or math.inf) or not (low or 0) <= middle <= (high or math.inf):
        return rough
    return Place(rough.faster_after, middle, low, high, len(levels))


def _known(size: int | None) -> list[int]:
    return [] if size is None else [size]
