"""Medians, exact intervals for them, and what autocorrelation does to both."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

AUTOCORRELATED = 0.2  # above this lag-1 correlation, neighbours no longer count as independent


@dataclass(frozen=True)
class Estimate:
    """A median with its interval; `low` and `high` are None where too few values stand behind."""

    value: float
    low: float | None
    high: float | None


def estimate_median(values: Sequence[float], alpha: float) -> Estimate:
    """The median and an interval that misses it with probability `alpha` at most.

    The interval is the exact one of the sign test, between two order statistics, and assumes
    nothing of the distribution. Values in the order of their taking that are autocorrelated by
    more than `AUTOCORRELATED` are first gathered into medians of blocks.
    """
    if not values:
        raise ValueError("no values")
    fewest = math.ceil(1 + math.log2(1 / alpha))  # values that have an interval: 2/2^n <= alpha
    ordered = sorted(decorrelate(values, fewest))
    rank = interval_rank(len(ordered), alpha)
    if rank is None:
        return Estimate(median(ordered), None, None)
    return Estimate(median(ordered), ordered[rank], ordered[-1 - rank])


@functools.lru_cache(maxsize=1024)
def interval_rank(n: int, alpha: float) -> int | None:
    """How many of `n` ordered values lie outside the interval, on each side.

    The largest r with `2 * P(Binomial(n, 1/2) <= r) <= alpha`; None where even r = 0 is too much.
    """
    tail, rank = 0, -1
    for r in range(n // 2):
        tail += math.comb(n, r)
        if 2 * tail > alpha * 2**n:
            break
        rank = r
    return rank if rank >= 0 else None


def decorrelate(values: Sequence[float], fewest: int) -> list[float]:
    """The values, or medians of blocks just long enough that these are not autocorrelated.

    Blocks grow while at least `fewest` are left; correlation that outlasts them shows as a wide
    interval. Where not even blocks of two leave so many, a single block is all there is.
    """
    blocks = list(values)
    if lag1(blocks) <= AUTOCORRELATED:
        return blocks
    blocks = [median(values)]
    for length in range(2, len(values) // fewest + 1):
        starts = range(0, len(values) - length + 1, length)
        blocks = [median(values[start : start + length]) for start in starts]
        if lag1(blocks) <= AUTOCORRELATED:
            break
    return blocks


def lag1(values: Sequence[float]) -> float:
    """The correlation of neighbours: near 0 for independent values, at most 1."""
    mean = math.fsum(values) / len(values)
    deviations = [value - mean for value in values]
    power = math.fsum(d * d for d in deviations)
    if power == 0:
        return 0.0
    return math.fsum(a * b for a, b in itertools.pairwise(deviations)) / power
