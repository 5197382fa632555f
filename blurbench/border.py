"""What lies outside the image: one truth, output index to source index."""

from __future__ import annotations

import math
import numbers
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench.errors import InputError

BORDERS = ("reflect", "mirror", "nearest", "wrap", "constant")

OUTSIDE = -1  # the source of a sample that the constant border supplies


def check_border(border: str, cval: float = 0.0) -> None:
    """Raise InputError unless the border is one of `BORDERS` and its value is finite."""
    if border not in BORDERS:
        raise InputError(f"border {border!r} is unknown: use one of {', '.join(BORDERS)}")
    if not isinstance(cval, numbers.Real) or not math.isfinite(cval):
        raise InputError(f"border value {cval} is not usable: give a finite number")


def source_index(positions: NDArray[np.int64], n: int, border: str) -> NDArray[np.int64]:
    """Where the samples at `positions` of an endless line come from, on a line of `n` samples.

    Positions may lie any distance outside 0..n-1: `reflect` (dcba|abcd|dcba) and `mirror`
    (dcb|abcd|cba) fold as often as it takes. Under `constant` the outside is `OUTSIDE`.
    The names are those of scipy.ndimage.

    Returns int64 of the same shape.
    """
    check_border(border)
    if border == "wrap":
        return positions % n
    if border == "nearest":
        return np.clip(positions, 0, n - 1)
    if border == "constant":
        return np.where((positions >= 0) & (positions < n), positions, OUTSIDE)
    if border == "reflect":
        folded = positions % (2 * n)
        return np.minimum(folded, 2 * n - 1 - folded)
    period = max(2 * n - 2, 1)  # a line of one sample mirrors onto itself
    folded = positions % period
    return np.minimum(folded, period - folded)


def blur_matrix(
    taps: NDArray[np.float64], positions: NDArray[np.int64], n: int, border: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The 1-D blur at `positions` of a line of `n` samples as a matrix and a weight of cval.

    Returns float64 `(len(positions), n)` and `(len(positions),)`:
    `blurred[positions] = matrix @ line + outside * cval`.
    """
    radius = len(taps) // 2
    matrix = np.zeros((len(positions), n + 1))  # the last column collects the outside
    row = np.arange(len(positions))
    for offset, tap in zip(range(-radius, radius + 1), taps, strict=True):
        # One source a row: += by fancy index adds each tap once.
        matrix[row, source_index(positions + offset, n, border)] += tap
    return matrix[:, :n], matrix[:, n]


class Margins:
    """The `radius` samples before and after a line of `n`, prepared to be filled in place.

    Serves every namespace `xp` with `take`; the index arrays live where `xp` puts them.
    """

    def __init__(self, xp: Any, n: int, radius: int, border: str, cval: float) -> None:
        self._xp, self._n, self._radius, self._cval = xp, n, radius, float(cval)
        before = source_index(np.arange(-radius, 0), n, border)
        after = source_index(np.arange(n, n + radius), n, border)
        self._sources = None
        if border != "constant":
            self._sources = xp.asarray(before), xp.asarray(after)

    def fill(self, line: Any, axis: int) -> None:
        """Fill the margins of `line` along `axis`, whose samples start at `radius`."""
        if self._radius == 0:
            return
        r, n = self._radius, self._n
        inner, before, after = (
            (*(slice(None),) * axis, part, ...)
            for part in (slice(r, r + n), slice(0, r), slice(r + n, r + n + r))
        )
        if self._sources is None:
            line[before] = self._cval
            line[after] = self._cval
        else:
            line[before] = self._xp.take(line[inner], self._sources[0], axis=axis)
            line[after] = self._xp.take(line[inner], self._sources[1], axis=axis)
