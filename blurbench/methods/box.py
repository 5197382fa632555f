"""Several boxes one after the other: as many as there are passes, each a moving average.

Definitions as in P. Getreuer, "A survey of Gaussian convolution algorithms", Image Processing On
Line 3, 2013. The variances of the boxes add up to about sigma^2; those of extended boxes, whose
outermost samples weigh less, add up to it (P. Gwosdek et al., "Theoretical foundations of Gaussian
convolution by extended box filtering", SSVM 2011).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

PASSES = (3, 4, 5)


@dataclass(frozen=True)
class Box:
    """A symmetric moving average.

    Attributes:
        radius: of the samples that weigh `inner`.
        inner, outer: the weights of a sample; `outer` is that of the one next to them on each
            side, or 0.
    """

    radius: int
    inner: float
    outer: float = 0.0

    @property
    def reach(self) -> int:
        """Samples on each side that have a weight."""
        return self.radius + (1 if self.outer else 0)


def box(sigma: float, passes: int) -> Box:
    """The box whose passes come nearest below the variance; of radius 0 for a small sigma."""
    radius = int(0.5 * math.sqrt(12 * sigma**2 / passes + 1))
    return Box(radius, 1 / (2 * radius + 1))


def extended_box(sigma: float, passes: int) -> Box:
    """The box with fractional ends whose passes have the variance."""
    share = sigma**2 / passes
    radius = int(0.5 * math.sqrt(12 * share + 1) - 0.5)
    end = (2 * radius + 1) * (radius * (radius + 1) - 3 * share)
    end /= 6 * (share - (radius + 1) ** 2)
    inner = 1 / (2 * (end + radius) + 1)
    return Box(radius, inner, end * inner)


def average(xp: Any, lines: Any, one: Box, axis: int = 0) -> Any:
    """One pass along an axis of float64 lines, of `reach + n + reach` samples: `n` are left."""
    reach, sums = one.reach, xp.cumulative_sum(lines, axis=axis, include_initial=True)
    n = lines.shape[axis] - 2 * reach
    width, start = 2 * one.radius + 1, reach - one.radius

    def part(array: Any, first: int) -> Any:
        return array[(*(slice(None),) * axis, slice(first, first + n), ...)]

    blurred = one.inner * (part(sums, start + width) - part(sums, start))
    if one.outer:
        blurred += one.outer * (part(lines, 0) + part(lines, 2 * reach))
    return blurred
