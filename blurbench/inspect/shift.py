"""What an even kernel does to a dot and to an edge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from blurbench.backends.registry import find_implementation
from blurbench.image import check_memory
from blurbench.kernel import GaussianKernel
from blurbench.problem import Problem

IMAGES = 16  # as large as the dot's that its blur holds at once, padding included


@dataclass(frozen=True)
class Shift:
    """Measured on blurred images.

    Attributes:
        dot_down, dot_right: pixels from a dot to the centroid of its blur.
        edge_right: pixels by which a vertical edge moved.
        dot_bias: largest difference from the blur by the odd kernel of one more tap and the same
            sigma, as a share of that one's peak.
        edge_bias: the same at the edge, as a share of its height.
    """

    dot_down: float
    dot_right: float
    edge_right: float
    dot_bias: float
    edge_bias: float


def measure_shift(kernel: GaussianKernel) -> Shift:
    """Blur a dot and an edge, in float64, far from any border.

    Raises:
        InputError: the image of the dot does not fit in memory.
    """
    odd = GaussianKernel(kernel.sigma, kernel.radius)
    n = 2 * kernel.radius + 3
    check_memory(f"a dot blurred at size {kernel.size}", IMAGES * 8 * n * n)
    centre = n // 2
    dot = np.zeros((n, n))
    dot[centre, centre] = 1
    edge = np.zeros((1, n))
    edge[:, centre:] = 1
    blurred_dot, fair_dot = _blur(dot, kernel), _blur(dot, odd)
    blurred_edge, fair_edge = _blur(edge, kernel), _blur(edge, odd)
    places = np.arange(n) - centre
    total = blurred_dot.sum()
    return Shift(
        dot_down=float(blurred_dot.sum(axis=1) @ places / total),
        dot_right=float(blurred_dot.sum(axis=0) @ places / total),
        edge_right=float(edge.sum() - blurred_edge.sum()),
        dot_bias=float(np.abs(blurred_dot - fair_dot).max() / fair_dot.max()),
        edge_bias=float(np.abs(blurred_edge - fair_edge).max()),
    )


def _blur(image: NDArray[np.float64], kernel: GaussianKernel) -> NDArray[np.float64]:
    problem = Problem(kernel, image.shape, image.dtype, "nearest")
    blurred: NDArray[np.float64] = find_implementation("scipy", "fft").prepare(problem)(image)
    return blurred
