"""How figures of processes are held against each other: by groups, or in pairs of neighbours."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from scipy.stats import mannwhitneyu

from blurbench.measure.pairs import signed_rank

Figures = Sequence[float]
Sides = tuple[Figures, Figures]  # of before, or there; and of now, or here


@dataclass(frozen=True)
class Proof:
    """An exact test of whether figures are larger than others.

    Attributes:
        probability: of figures so much larger than the others, were they alike.
        least: that probability where all that so many figures a side can say is said.
        change: by what factor the first are larger.
        unit: what stands behind a figure.
        sides: to what more processes are to be given.
    """

    probability: Callable[[Figures, Figures], float]
    least: Callable[[int], float]
    change: Callable[[Figures, Figures], float]
    unit: str
    sides: str

    def enough(self, share: float, fewest: int) -> int:
        """Figures a side, `fewest` or more, that can be as unlikely as that."""
        count = fewest
        while self.least(count) > share:
            count += 1
        return count


def _rank_sum(figures: Figures, others: Figures) -> float:
    found = mannwhitneyu(figures, others, alternative="greater", method="exact")
    return float(found.pvalue)


def _log_ratios(figures: Figures, others: Figures) -> list[float]:
    return [math.log(one / other) for one, other in zip(figures, others, strict=True)]


GROUPS = Proof(
    probability=_rank_sum,
    least=lambda count: 1 / math.comb(2 * count, count),
    change=lambda figures, others: median(figures) / median(others),
    unit="processes",
    sides="this run and to the baseline",
)
PAIRS = Proof(
    probability=lambda figures, others: signed_rank(_log_ratios(figures, others)),
    least=lambda count: 1 / 2**count,
    change=lambda figures, others: math.exp(median(_log_ratios(figures, others))),
    unit="pairs of processes",
    sides="both sides",
)


def steadier(choices: Sequence[Sides], margin: float) -> Sides:
    """Of several pairs of figures for one thing, those whose ratios are nearest to the margin.

    The choice looks at how far each ratio lies from it and never to which side, so that the
    signs, which alone decide, are as much due to chance as before.
    """

    def scatter(sides: Sides) -> float:
        then, now = sides
        return sum(abs(one - math.log1p(margin)) for one in _log_ratios(now, then))

    return min(choices, key=scatter)
