"""What pairs prove: the exact signed-rank test."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence


def signed_rank(differences: Sequence[float]) -> float:
    """The probability of differences so far above 0, were the sign of each left to chance.

    Wilcoxon's test (1945), exact also where differences are equal: of all ways to sign the ranks
    of the absolute differences, the share whose positive ranks sum to as much. What is 0 says
    nothing and is left out.
    """
    told = [one for one in differences if one]
    sizes = sorted(map(abs, told))
    # Twice the ranks, so that those which equal differences share are whole numbers.
    ranks = [bisect_left(sizes, abs(one)) + bisect_right(sizes, abs(one)) + 1 for one in told]
    ways = Counter({0: 1})
    for rank in ranks:
        ways += Counter({total + rank: number for total, number in ways.items()})
    reached = sum(rank for rank, one in zip(ranks, told, strict=True) if one > 0)
    return sum(number for total, number in ways.items() if total >= reached) / 2.0 ** len(told)
