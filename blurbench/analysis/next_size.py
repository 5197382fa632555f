"""Which kernel size to measure next where a crossover is sought, and how much is in question."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from blurbench.analysis.ordering import UNDECIDED, Ordering
from blurbench.analysis.place import Place, places_of, window

COARSE = 2.2  # between neighbours of the first grid
CROSSING = 10.0  # times as much is in question where the order changes


@dataclass(frozen=True)
class _Doubt:
    """How uncertain the answer is, and the untried sizes that tell most of it, the best first."""

    weight: float
    least: float
    most: float
    sizes: Sequence[int]


def next_size(ordering: Ordering, tried: Collection[int]) -> tuple[float, int]:
    """How uncertain the answer is, and the size that tells most of it; 0 where none is left.

    A gap between two sizes that prove opposite things is halved. Once a size within proves
    nothing, its neighbours tell more: then the window around the change is filled, the emptiest
    place first. Of the other gaps, the wider and the nearer to 1 come first.
    """
    doubts = _doubts(ordering, tried)
    return max(((one.weight, one.sizes[0]) for one in doubts if one.sizes), default=(0.0, 0))


def uncertainty(ordering: Ordering, size: int) -> float:
    """Of what a size tells; none if it was measured, or lies outside of all gaps and windows."""
    if size in ordering.outcomes:
        return 0.0
    doubts = _doubts(ordering, ordering.outcomes)
    return max((one.weight for one in doubts if one.least <= size <= one.most), default=0.0)


def _doubts(ordering: Ordering, tried: Collection[int]) -> Iterator[_Doubt]:
    known = ordering.outcomes
    changes = [one for one in places_of(ordering) if one.bracket is not None]
    for a, b in pairwise(known):
        untried = [size for size in range(a + 2, b, 2) if size not in tried]
        halves = sorted(untried, key=lambda size: abs(math.log(size * size / (a * b))))
        if UNDECIDED not in (known[a], known[b]) and known[a] != known[b]:
            yield _Doubt(CROSSING * math.log(b / a), a, b, halves)
        elif not any(one.holds(a, b) for one in changes):
            yield _Doubt(_nearness(ordering, a, b), a, b, halves)
    for place in changes:
        yield from _filling(ordering, place, tried)


def _nearness(ordering: Ordering, a: int, b: int) -> float:
    """How much a gap may hide in which no change is proven."""
    logs = [math.log(ordering.ratios[size].value) for size in (a, b)]
    if logs[0] * logs[1] < 0:
        return CROSSING * math.log(b / a)
    return math.log(b / a) / (1 + 10 * min(map(abs, logs)))


def _filling(ordering: Ordering, place: Place, tried: Collection[int]) -> Iterator[_Doubt]:
    """The sizes of a window, those first that are furthest from any that was measured."""
    low, high = place.bracket or (0, 0)
    if high - low <= 2:
        return
    measured = list(ordering.outcomes)
    least, most = window(place.size)
    least, most = max(least, measured[0]), min(most, measured[-1])
    within = [size for size in range(measured[0], measured[-1], 2) if least <= size <= most]

    def loneliness(size: int) -> float:
        return min(abs(math.log(size / one)) for one in {*measured, *tried})

    untried = sorted(set(within) - {*measured, *tried}, key=lambda size: (-loneliness(size), size))
    yield _Doubt(CROSSING * math.log(high / low), least, most, untried)


def coarse_sizes(smallest: int, largest: int) -> list[int]:
    """Odd sizes from one to the other, each about 2.2 times the one before."""
    sizes = [smallest]
    while sizes[-1] < largest:
        sizes.append(min(largest, max(sizes[-1] + 2, odd_near(sizes[-1] * COARSE))))
    return sizes


def odd_near(value: float) -> int:
    """The odd number nearest to a value; the larger of two."""
    return 2 * math.floor(value / 2) + 1
