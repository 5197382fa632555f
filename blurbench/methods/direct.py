"""The dense 2-D sum: every one of the size x size taps multiplies, and nothing is factored.

Each row of the kernel becomes a Toeplitz matrix that turns a few columns of the padded image,
with their neighbours, into that row's share of the same columns of the result. So the sum is
a matrix product for each kernel row, and the library's tuned product does the multiply-adds.
"""

from __future__ import annotations

from itertools import product
from typing import Any

from blurbench.border import Margins
from blurbench.methods.parallel import run_in_threads, split_evenly
from blurbench.plan import PlanePlan, empty, store
from blurbench.problem import Problem

COLUMNS = 32  # made by one product: fewer call more often, more multiply more zeros
# Larger products OpenBLAS would share out among threads of its own, which wait for each other at
# every one of them: on a busy machine that takes hundreds of times as long.
PRODUCT = 64**3  # multiply-adds


def operations(problem: Problem) -> float:
    """Multiply-adds that one image takes."""
    pixels = problem.height * problem.width * problem.channels
    return float(pixels) * problem.kernel.size**2


def work_bytes(problem: Problem) -> int:
    """Memory of a plan and its call: one padded channel, the Toeplitz matrices, each thread's sums.

    Before there are sums, a channel of another type than the arithmetic's is converted, and each
    margin is copied.
    """
    margin, columns = 2 * problem.kernel.radius, min(COLUMNS, problem.width)
    padded = (problem.height + margin) * (problem.width + margin)
    matrices = (problem.kernel.radius + 1) * (columns + margin) * columns
    rows = min(problem.height, rows_of_product(columns, problem.kernel.radius))
    # Two pairs of rows of the image, the last and the next, and four arrays of results.
    sums = problem.threads * rows * (2 * (columns + margin) + 4 * columns)
    converted = 0 if problem.dtype == problem.work_dtype else problem.height * problem.width
    copied = problem.kernel.radius * max(problem.height, problem.width + margin)
    return (padded + matrices + max(sums, converted, copied)) * problem.work_dtype.itemsize


def rows_of_product(columns: int, radius: int) -> int:
    """Rows of so many columns that one product makes."""
    return max(1, PRODUCT // (columns * (columns + 2 * radius)))


class DirectPlan(PlanePlan):
    """Works through one channel at a time, `COLUMNS` columns of it at a time.

    Args:
        threads: that share strips of rows, as high as one thread's product is large.
    """

    def __init__(self, xp: Any, problem: Problem, threads: int = 1) -> None:
        super().__init__(xp, problem)
        radius, (height, width) = problem.kernel.radius, problem.shape[:2]
        dtype = getattr(xp, problem.work_dtype.name)
        self._columns = min(COLUMNS, width)
        self._padded = self._hold(empty(xp, (height + 2 * radius, width + 2 * radius), dtype))
        self._above_below = Margins(xp, height, radius, problem.border, problem.cval)
        self._left_right = Margins(xp, width, radius, problem.border, problem.cval)
        taps = xp.astype(xp.asarray(problem.kernel.dense()), dtype)
        self._toeplitz = self._hold(toeplitz(xp, taps, self._columns))
        self._rows = rows_of_product(self._columns, radius)
        self._shares = split_evenly(range(0, height, self._rows), threads)

    def _plane(self, image: Any, out: Any) -> None:
        (height, width), radius = self.problem.shape[:2], self.problem.kernel.radius
        inner = self._padded[radius : radius + height, :]
        inner[:, radius : radius + width] = self._xp.astype(image, inner.dtype, copy=False)
        self._left_right.fill(inner, axis=1)
        self._above_below.fill(self._padded, axis=0)
        run_in_threads(lambda tops: self._blur_rows(tops, out), self._shares)

    def _blur_rows(self, tops: range, out: Any) -> None:
        (height, width), radius = self.problem.shape[:2], self.problem.kernel.radius
        for top, left in product(tops, range(0, width, self._columns)):
            rows = slice(top, min(top + self._rows, height))
            columns = slice(left, min(left + self._columns, width))
            slab = self._padded[
                rows.start : rows.stop + 2 * radius, columns.start : columns.stop + 2 * radius
            ]
            count = columns.stop - columns.start
            matrices = self._toeplitz[:, : count + 2 * radius, :count]
            store(self._xp, self._dense_sum(slab, matrices), out[rows, columns])

    def _dense_sum(self, slab: Any, matrices: Any) -> Any:
        """The sum over the kernel's rows; those that mirror each other share one product."""
        radius = self.problem.kernel.radius
        height = slab.shape[0] - 2 * radius
        total = self._xp.matmul(slab[radius : radius + height, :], matrices[radius, :, :])
        for row in range(radius):
            mirrored = 2 * radius - row
            pair = slab[row : row + height, :] + slab[mirrored : mirrored + height, :]
            total += self._xp.matmul(pair, matrices[row, :, :])
        return total


def toeplitz(xp: Any, taps: Any, columns: int) -> Any:
    """A matrix for each of the upper kernel rows, centre included.

    Column c of matrix i holds row i of `taps` from c on: `(radius + 1, columns + size - 1,
    columns)`.
    """
    size = taps.shape[1]
    upper = taps[: size // 2 + 1, :]
    matrices = xp.zeros((upper.shape[0], columns + size - 1, columns), dtype=taps.dtype)
    for column in range(columns):
        matrices[:, column : column + size, column] = upper
    return matrices
