"""Two 1-D passes as matrix products, one product for all rows and one for all columns.

As in `blurbench.methods.banded`, `block` neighbouring samples are blurred by a banded matrix.
Along the rows all blocks of columns are multiplied at once, each with its margins a view of the
lines; down the columns all tiles of rows, which are views alike.
"""

from __future__ import annotations

from typing import Any

from blurbench.border import Margins
from blurbench.methods.banded import TERMS, toeplitz
from blurbench.methods.whole.device_library import Library
from blurbench.methods.whole.frame import Frame, passing_bytes
from blurbench.plan import PlanePlan, store
from blurbench.problem import Problem

BLOCK = 128  # samples made by one product: as many as keep a multiprocessor busy


def work_bytes(problem: Problem) -> int:
    """Memory of a plan and its call: a channel before, between and after the passes; matrices."""
    margins = 2 * problem.kernel.radius
    rows, columns = min(BLOCK, problem.height), min(BLOCK, problem.width)
    height, width = _whole(problem.height, rows), _whole(problem.width, columns)
    lines = problem.height * (width + margins)
    matrices = (rows + margins) * rows + (columns + margins) * columns
    samples = lines + (height + margins) * width + height * width + matrices
    return samples * problem.work_dtype.itemsize + passing_bytes(problem)


class WholeBandedPlan(PlanePlan):
    """Blurs along all rows of a channel, then down all its columns."""

    def __init__(self, library: Library, problem: Problem) -> None:
        xp = library.xp
        super().__init__(xp, problem)
        self._library = library
        radius, (height, width) = problem.kernel.radius, problem.shape[:2]
        dtype = getattr(xp, problem.work_dtype.name)
        self._rows, self._columns = rows, columns = min(BLOCK, height), min(BLOCK, width)
        tall, wide = _whole(height, rows), _whole(width, columns)
        self._lines = Frame(xp, problem, (height, wide + 2 * radius), (0, radius))
        self._hold(self._lines.array)
        shape = tall + 2 * radius, wide // columns, columns
        self._between = self._hold(xp.zeros(shape, dtype=dtype))
        self._above_below = Margins(xp, height, radius, problem.border, problem.cval)
        self._blurred = self._hold(xp.empty((tall // rows, rows, wide), dtype=dtype))
        taps = xp.astype(xp.asarray(problem.kernel.taps), dtype)
        self._along = self._hold(toeplitz(xp, taps, columns))
        self._down = self._hold(_toeplitz_rows(xp, taps, rows))

    def _plane(self, image: Any, out: Any) -> None:
        (height, width), radius = self.problem.shape[:2], self.problem.kernel.radius
        xp, windows = self._xp, self._library.windows
        lines = self._lines.fill(image)
        pieces = windows(lines, self._columns + 2 * radius, self._columns)
        inner = self._between[radius : radius + height, :, :]
        self._multiply(pieces, self._along, xp.permute_dims(inner, (1, 0, 2)))
        between = xp.reshape(self._between, (self._between.shape[0], -1))
        self._above_below.fill(between, axis=0)
        pieces = windows(xp.permute_dims(between, (1, 0)), self._rows + 2 * radius, self._rows)
        self._multiply(self._down, xp.permute_dims(pieces, (0, 2, 1)), self._blurred)
        blurred = xp.reshape(self._blurred, (-1, self._blurred.shape[2]))
        store(xp, blurred[:height, :width], out)

    def _multiply(self, a: Any, b: Any, out: Any) -> None:
        """The matrix products, each sum in parts of `TERMS`."""
        for first in range(0, a.shape[-1], TERMS):
            part = slice(first, min(first + TERMS, a.shape[-1]))
            self._library.product(a[..., part], b[..., part, :], out, add=first > 0)


def _whole(n: int, block: int) -> int:
    """Samples of as many whole blocks as hold `n`."""
    return -(-n // block) * block


def _toeplitz_rows(xp: Any, taps: Any, n: int) -> Any:
    """Row i holds the taps from column i on: `(n, n + size - 1)`."""
    size = taps.shape[0]
    matrix = xp.zeros((n, n + size - 1), dtype=taps.dtype)
    for row in range(n):
        matrix[row, row : row + size] = taps
    return matrix
