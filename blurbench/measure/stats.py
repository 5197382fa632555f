"""Medians and exact intervals: of single series, and of ratios that are looked at again and again.

A ratio is measured in rounds. In each round one sample of a contender stands among `k` samples of
its reference, in shuffled order. If the two differ by nothing but a factor, the number of the `k`
log-ratios above the logarithm of that factor is uniform on 0..k, whatever the pace of the machine
does, because the order was drawn by lot. Over the rounds these numbers add up to a walk whose
distribution is known exactly; the interval holds the factors under which the walk is not too far
out. k = 1 is the sign test (Dixon and Mood 1946).

Looking again and again is paid for: of the error rate, `spent(n)` may be used up by the n-th round
(Lan and DeMets 1983), and the walks that were out at an earlier look are followed no further.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

AUTOCORRELATED = 0.2  # above this lag-1 correlation, neighbours no longer count as independent
CLEAR = 2.0  # standard deviations from 1 beyond which autocorrelation cannot move a median
EARLY = 2.0  # rounds by which nothing of the error rate is spent
FIRST_LOOK = 8  # rounds after which a difference can be proven


@dataclass(frozen=True)
class Estimate:
    """A median with its interval; `low` and `high` are None where too few values stand behind."""

    value: float
    low: float | None
    high: float | None

    @property
    def inverse(self) -> Estimate:
        """Of the ratio the other way round."""
        low, high = (None if end is None else 1 / end for end in (self.high, self.low))
        return Estimate(1 / self.value, low, high)


def rebased(ratio: Estimate, leader: Estimate) -> Estimate:
    """The ratio of one to the leader, from both of theirs to the reference."""
    value = ratio.value / leader.value
    if ratio.low is None or ratio.high is None or leader.low is None or leader.high is None:
        return Estimate(value, None, None)
    return Estimate(value, ratio.low / leader.high, ratio.high / leader.low)


def is_look(rounds: int) -> bool:
    """Whether verdicts are sought after so many rounds: 4, 6, 8, 11, 16, ..., by the root of 2."""
    steps = round(2 * math.log2(rounds)) if rounds else 0
    return steps >= 4 and rounds == round(2 ** (steps / 2))


def spent(rounds: int) -> float:
    """The share of the error rate that may be used up by then; any rising function would do."""
    return max(0.0, 1 - math.sqrt(EARLY / rounds))


def estimate_ratio(logs: Sequence[Sequence[float]], alpha: float) -> Estimate:
    """The median ratio of a contender to its reference, and an interval.

    Args:
        logs: the logarithms of the ratios, round by round in the order of their taking.
        alpha: probability that the interval misses the true ratio at any look at all.

    Where the ratio may be 1 and neighbouring rounds are correlated, the interval is as wide as that
    of the fewer rounds that count as independent: an implementation of its own rhythm is no
    exchangeable one.
    """
    ordered = sorted(itertools.chain.from_iterable(logs))
    value = math.exp(median(ordered))
    rank = walk_rank(tuple(map(len, logs)), alpha)
    if rank is not None:
        rank = _rank_of_correlated(logs, ordered, rank)
    if rank is None:
        return Estimate(value, None, None)
    return Estimate(value, math.exp(ordered[rank]), math.exp(ordered[-1 - rank]))


def _rank_of_correlated(
    logs: Sequence[Sequence[float]], ordered: Sequence[float], rank: int
) -> int | None:
    """The rank, less as neighbouring rounds are correlated and the interval comes near to 1."""
    middle = median(ordered)
    spread = 1.4826 * median(abs(value - middle) for value in ordered)
    if max(ordered[rank], -ordered[-1 - rank]) > CLEAR * spread:
        return rank
    correlation = max(0.0, lag1([math.fsum(each) / len(each) for each in logs]))
    half = len(ordered) / 2
    lower = math.floor(half - (half - rank) * math.sqrt((1 + correlation) / (1 - correlation)))
    return lower if lower >= 0 else None


@functools.lru_cache(maxsize=4096)
def walk_rank(samples: tuple[int, ...], alpha: float) -> int | None:
    """How many of the ordered log-ratios lie outside the interval, on each side.

    Args:
        samples: of the reference, in each round.
        alpha: error rate over all looks, of which the last is now.

    None where even the whole range would be wrong too often.
    """
    walks, used = [1.0], 0.0  # probabilities of the sums, of walks that were never out
    rank = -1
    for n, k in enumerate(samples, 1):
        # Sums over windows of k + 1, as differences of running sums.
        sums = [0.0, *itertools.accumulate(walks)]
        above, below = sums[1:] + sums[-1:] * k, [0.0] * k + sums[:-1]
        walks = [(high - low) / (k + 1) for high, low in zip(above, below, strict=True)]
        if n == len(samples) or is_look(n):
            rank, tail = -1, 0.0
            for probability in walks[: len(walks) // 2]:
                if used + tail + 2 * probability > alpha * spent(n):
                    break
                rank, tail = rank + 1, tail + 2 * probability
            used += tail
            walks[: rank + 1] = walks[len(walks) - rank - 1 :] = [0.0] * (rank + 1)
    return rank if rank >= 0 else None


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
        if 2 * tail / 2**n > alpha:
            break
        rank = r
    return rank if rank >= 0 else None


def decorrelate(values: Sequence[float], fewest: int) -> list[float]:
    """The values, or medians of blocks just long enough that these are not autocorrelated.

    Blocks grow while at least `fewest` are left; correlation that outlasts them shows as a wide
    interval.
    """
    blocks = list(values)
    for length in range(2, len(values) // fewest + 1):
        if lag1(blocks) <= AUTOCORRELATED:
            break
        starts = range(0, len(values) - length + 1, length)
        blocks = [median(values[start : start + length]) for start in starts]
    return blocks


def lag1(values: Sequence[float]) -> float:
    """The correlation of neighbours: near 0 for independent values, at most 1."""
    mean = math.fsum(values) / len(values)
    deviations = [value - mean for value in values]
    power = math.fsum(d * d for d in deviations)
    if power == 0:
        return 0.0
    return math.fsum(a * b for a, b in itertools.pairwise(deviations)) / power
