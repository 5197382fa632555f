"""The same blur as several smaller ones in a row."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import reduce

import scipy.signal

from blurbench.inspect.fidelity import distance
from blurbench.kernel import MIN_SIGMA, GaussianKernel, standard_deviation

COUNTS = (2, 3, 4)


@dataclass(frozen=True)
class Cascade:
    """`count` blurs in a row, each of sigma / sqrt(count) and cut at as many of its sigmas.

    Attributes:
        sigma, size: of each.
        effective_sigma: of all of them together.
        cost: their taps together over those of the one blur.
        distance: from the one blur: the sum of the absolute differences of their taps.
    """

    count: int
    sigma: float
    size: int
    effective_sigma: float
    cost: float
    distance: float


def cascades(kernel: GaussianKernel) -> list[Cascade]:
    """In place of one blur by an odd kernel; variances of blurs in a row add up."""
    found = []
    for count in COUNTS:
        sigma = kernel.sigma / math.sqrt(count)
        if sigma < MIN_SIGMA:
            break
        small = GaussianKernel(sigma, math.ceil(kernel.radius / math.sqrt(count)))
        together = reduce(scipy.signal.convolve, [small.taps] * count)
        found.append(
            Cascade(
                count=count,
                sigma=small.sigma,
                size=small.size,
                effective_sigma=standard_deviation(together),
                cost=count * small.size / kernel.size,
                distance=distance(together, kernel.taps),
            )
        )
    return found
