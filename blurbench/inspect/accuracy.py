"""How far from a Gaussian the approximations are, whatever the image.

The measure of P. Getreuer, "A survey of Gaussian convolution algorithms", Image Processing On Line
3, 2013, section 5: on lines of 400 samples that fold at their ends, the largest error that any
image of values from -1 to 1 can show, which is the largest sum of a row of |reference - method|.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import scipy.special
from numpy.typing import NDArray

from blurbench.border import blur_matrix
from blurbench.errors import InputError
from blurbench.kernel import GaussianKernel
from blurbench.methods.approximate import ALL_ORDERS, SMALLEST_SIGMA, lines_of
from blurbench.methods.recursive import Outside
from blurbench.synonyms import METHOD

SAMPLES, BORDER = 400, "reflect"
FIR = "fir"  # the plain sum over a kernel that is cut where its tail is below a tolerance
TOLERANCES = (1e-2, 1e-4, 1e-6)
REFERENCE_TOLERANCE = 1e-15
METHODS = (*ALL_ORDERS, FIR)


@dataclass(frozen=True)
class Accuracy:
    """The error of a method of an order; of `fir` at a tolerance.

    Attributes:
        operator_norm_error: from the largest value of a line to the largest error.
    """

    method: str
    order: int | None
    tolerance: float | None
    sigma: float
    operator_norm_error: float

    def as_dict(self) -> dict[str, Any]:
        """The figure by column name."""
        return asdict(self)


COLUMNS = tuple(Accuracy.__dataclass_fields__)


def measure_accuracy(sigmas: Sequence[float], methods: Sequence[str] = ()) -> list[Accuracy]:
    """The errors of the named methods, or of all, at each sigma.

    Raises:
        InputError: a method is unknown, or a sigma is not from 0.5 to a size that can be held.
    """
    for name in methods:
        if name not in METHODS:
            raise METHOD.unknown(name, METHODS)
    found = []
    for sigma in sigmas:
        if not sigma >= SMALLEST_SIGMA:
            raise InputError(f"sigma {sigma:g} is out of range: give {SMALLEST_SIGMA:g} or more")
        reference = _fir(sigma, REFERENCE_TOLERANCE)
        for method in methods or METHODS:
            tolerances = TOLERANCES if method == FIR else (None,)
            for order in ALL_ORDERS.get(method, (None,)):
                for tolerance in tolerances:
                    matrix = _matrix(method, order, tolerance, sigma)
                    error = float(np.abs(matrix - reference).sum(axis=1).max())
                    found.append(Accuracy(method, order, tolerance, sigma, error))
    return found


def _matrix(
    method: str, order: int | None, tolerance: float | None, sigma: float
) -> NDArray[np.float64]:
    """What a method does to lines, column by column to an impulse."""
    if order is None:
        assert tolerance is not None
        return _fir(sigma, tolerance)
    outside = Outside(BORDER, 0.0)
    matrix: NDArray[np.float64] = lines_of(np, method, order, sigma, SAMPLES, outside)(
        np.eye(SAMPLES)
    )
    return matrix


def fir_radius(sigma: float, tolerance: float) -> int:
    """Beyond which the two tails hold less than `tolerance` of a Gaussian."""
    reach = math.sqrt(2) * sigma * float(scipy.special.erfcinv(tolerance / 2))
    return math.ceil(reach)


@functools.lru_cache(maxsize=8)
def _fir(sigma: float, tolerance: float) -> NDArray[np.float64]:
    kernel = GaussianKernel.from_sigma(sigma, radius=fir_radius(sigma, tolerance))
    return blur_matrix(kernel.taps, np.arange(SAMPLES), SAMPLES, BORDER)[0]
