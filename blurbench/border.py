"""What lies outside the image: one truth, output index to source index."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench.errors import InputError
from blurbench.kernel import as_number
from blurbench.names import BORDERS as BORDERS
from blurbench.synonyms import BORDER

OUTSIDE = -1  # the source of a sample that the constant border supplies


def check_border(border: str, cval: float = 0.0) -> None:
    """Raise InputError unless the border is one of `BORDERS` and its value is finite."""
    if border not in BORDERS:
        raise BORDER.unknown(border, BORDERS)
    value = as_number(cval, "border value")
    if not math.isfinite(value):
        raise InputError(f"border value {value!r} is not usable: give a finite number")


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
    row, offsets = np.arange(len(positions)), np.arange(-radius, radius + 1)
    if len(positions) < len(taps):
        for line, position in zip(matrix, positions, strict=True):
            np.add.at(line, source_index(position + offsets, n, border), taps)
    else:
        for offset, tap in zip(offsets, taps, strict=True):
            # One source a row: += by fancy index adds each tap once.
            matrix[row, source_index(positions + offset, n, border)] += tap
    return matrix[:, :n], matrix[:, n]


def sums_before(
    taps: Sequence[float], count: int, n: int, border: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """`blur_matrix` at the `count` positions before a line, that next to it first."""
    return blur_matrix(np.asarray(taps), -1 - np.arange(count), n, border)


class Margins:
    """The `radius` samples before and after a line of `n`, prepared to be filled in place.

    Serves every namespace `xp` with `take`; the index arrays live where `xp` puts them.
    """

    def __init__(self, xp: Any, n: int, radius: int, border: str, cval: float) -> None:
        self._xp, self._cval = xp, float(cval)
        self._margins = [slice(0, radius), slice(radius + n, n + 2 * radius)] if radius else []
        self._sources: list[tuple[slice, Any]] = []
        if border != "constant":
            self._sources = [
                self._taken(
                    source_index(np.arange(one.start, one.stop) - radius, n, border), radius
                )
                for one in self._margins
            ]

    def _taken(self, sources: NDArray[np.int64], radius: int) -> tuple[slice, Any]:
        """The shortest part of the line that holds the sources, and where they are in it.

        NumPy's `take` copies all of a part that does not lie together in memory.
        """
        start, stop = int(sources.min()), int(sources.max()) + 1
        return slice(radius + start, radius + stop), self._xp.asarray(sources - start)

    def fill(self, line: Any, axis: int, level: Any = None) -> None:
        """Fill the margins of `line` along `axis`, whose samples start at `radius`.

        `level` is what its samples are less, if they are.
        """
        lead = (slice(None),) * axis
        if not self._sources:
            outside = self._cval if level is None else self._cval - level
            for margin in self._margins:
                line[(*lead, margin, ...)] = outside
        for margin, (part, places) in zip(self._margins, self._sources, strict=False):
            line[(*lead, margin, ...)] = self._xp.take(line[(*lead, part, ...)], places, axis=axis)
