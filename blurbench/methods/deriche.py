"""Deriche's filters: half a Gaussian as a sum of exponentials, and its mirror image.

R. Deriche, "Recursively implementing the Gaussian and its derivatives", INRIA 1893, 1993, with the
coefficients of P. Getreuer, "A survey of Gaussian convolution algorithms", Image Processing On Line
3, 2013: about `sum(alpha * exp(-rate * m / sigma)) / (sigma * sqrt(2 * pi))`, m from 0 on. The sum
of the taps is not exactly 1, and is left as it is.
"""

from __future__ import annotations

import cmath
import math

from blurbench.methods.recursive import Term

# (alpha, rate) by order; of those that are complex the conjugate belongs to it.
COEFFICIENTS: dict[int, tuple[tuple[complex, complex], ...]] = {
    2: ((0.48145 + 0.971j, 1.26 + 0.8448j),),
    3: ((-0.44645 + 0.5105j, 1.512 + 1.475j), (1.898, 1.556)),
    4: ((0.84 + 1.8675j, 1.783 + 0.6318j), (-0.34015 - 0.1299j, 1.723 + 1.997j)),
}


def deriche(sigma: float, order: int) -> list[Term]:
    """The terms of the kernel."""
    scale = sigma * math.sqrt(2 * math.pi)
    return [Term(alpha / scale, cmath.exp(-rate / sigma)) for alpha, rate in COEFFICIENTS[order]]
