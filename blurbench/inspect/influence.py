"""How much each pixel of an image counts in the blurred image: what borders do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from blurbench.border import BORDERS, OUTSIDE, source_index
from blurbench.kernel import GaussianKernel


@dataclass(frozen=True)
class Influence:
    """The sum of a pixel's weights over all blurred pixels, under one border; 1 is fair.

    It is the adjoint of the blur applied to an image of ones: the column sums of its matrix.
    """

    border: str
    centre: float
    edge: float
    corner: float


def influences(kernel: GaussianKernel) -> list[Influence]:
    """Under every border, on an image so large that its centre is out of the borders' reach.

    An even kernel treats opposite edges differently: told are the upper left corner and the left
    edge.
    """
    found = []
    for border in BORDERS:
        line = line_influence(kernel, side(kernel), border)
        first, middle = float(line[0]), float(line[len(line) // 2])
        found.append(Influence(border, middle * middle, first * middle, first * first))
    return found


def side(kernel: GaussianKernel) -> int:
    """The side of that image."""
    return 4 * kernel.radius + 1


def line_influence(kernel: GaussianKernel, n: int, border: str) -> NDArray[np.float64]:
    """Of each sample on a line of `n`; in an image the rows' and the columns' multiply.

    On the endless line a sample counts as much as all the taps that reach it from an output; what
    lies outside counts for the sample that the border takes it from. Shape `(n,)`.
    """
    radius = kernel.radius
    positions = np.arange(-radius, n + radius)
    reached = np.concatenate([[0.0], np.cumsum(kernel.taps)])
    last = np.minimum(positions + radius + 1, len(kernel.taps))
    first = np.maximum(positions + radius + 1 - n, 0)
    sources = source_index(positions, n, border)
    inside = sources != OUTSIDE
    total = np.zeros(n)
    np.add.at(total, sources[inside], (reached[last] - reached[first])[inside])
    return total
