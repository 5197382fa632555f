"""Two 1-D passes as matrix products: BLAS multiplies more, and faster than any loop over taps.

The blur of `block` neighbouring samples is a banded Toeplitz matrix times these samples and the
`radius` on each side of them. That is `size + block - 1` multiply-adds a sample in place of
`size`.
"""

from __future__ import annotations

from typing import Any

from blurbench.border import Margins
from blurbench.methods.parallel import run_in_threads, split_evenly
from blurbench.methods.windows import Windows
from blurbench.plan import Plan, empty, store
from blurbench.problem import Problem

BLOCK = 32  # samples made by one product: fewer call more often, more multiply more zeros
# A product sums so many terms at most: longer sums in float32 leave the exactness contract, and
# larger products OpenBLAS (from 64**3 multiply-adds) would share out among threads of its own.
TERMS = 128


def operations(problem: Problem, block: int = BLOCK) -> float:
    """Multiply-adds that one image takes, those with zeros included."""
    pixels = problem.height * problem.width * problem.channels
    return 2.0 * pixels * (problem.kernel.size + block - 1)


def work_bytes(problem: Problem, block: int = BLOCK) -> int:
    """Memory of a plan and its call: the image between the passes, the matrices, some strips."""
    margins, width = 2 * problem.kernel.radius, problem.width + block
    between = (problem.height + margins) * width * problem.channels
    matrices = 2 * (block + margins) * block
    strips = problem.threads * block * (margins + 8 * width)
    return (between + matrices + strips) * problem.work_dtype.itemsize


class BandedPlan(Plan):
    """Blurs along all rows, then down all columns, in strips of `block` rows of one channel.

    Between the passes a channel lies in blocks of `block` columns, so that each product reads
    and writes what lies together.

    Args:
        windows: of the namespace; views of the lines, where it has such.
        threads: that share the strips.
    """

    def __init__(
        self, xp: Any, problem: Problem, windows: Windows, block: int = BLOCK, threads: int = 1
    ) -> None:
        super().__init__(xp, problem)
        radius, (height, width) = problem.kernel.radius, problem.shape[:2]
        rows, columns = min(block, height), min(block, width)
        blocks = -(-width // columns)
        dtype = getattr(xp, problem.work_dtype.name)
        taps = xp.astype(xp.asarray(problem.kernel.taps), dtype)
        self._windows, self._rows, self._columns = windows, rows, columns
        self._along = self._hold(toeplitz(xp, taps, columns))
        self._down = self._hold(xp.permute_dims(toeplitz(xp, taps, rows), (1, 0)))
        self._above_below = Margins(xp, height, radius, problem.border, problem.cval)
        self._left_right = Margins(xp, width, radius, problem.border, problem.cval)

        def hold_zeros(*shape: int) -> Any:
            array = self._hold(empty(xp, shape, dtype))
            array[...] = 0
            return array

        self._between = [
            hold_zeros(blocks, height + 2 * radius, columns) for _ in range(problem.channels)
        ]
        # Each thread has the tops of its strips and a buffer for one of them.
        self._shares = [
            (tops, hold_zeros(rows, blocks * columns + 2 * radius))
            for tops in split_evenly(range(0, height, rows), threads)
        ]

    def _run(self, image: Any, out: Any) -> None:
        run_in_threads(lambda share: self._blur_rows(image, *share), self._shares)
        for between in self._between:
            self._above_below.fill(between, axis=1)
        run_in_threads(lambda share: self._blur_columns(share[0], out), self._shares)

    def _blur_rows(self, image: Any, tops: range, strip: Any) -> None:
        width, radius = self.problem.width, self.problem.kernel.radius
        for top in tops:
            lines = strip[: min(self._rows, self.problem.height - top), :]
            rows = slice(top, top + lines.shape[0])
            for plane, between in zip(planes(image), self._between, strict=True):
                lines[:, radius : radius + width] = self._xp.astype(
                    plane[rows, :], lines.dtype, copy=False
                )
                self._left_right.fill(lines[:, : width + 2 * radius], axis=1)
                pieces = self._windows(lines, self._columns + 2 * radius, self._columns)
                between[:, top + radius : rows.stop + radius, :] = product(
                    self._xp, pieces, self._along
                )

    def _blur_columns(self, tops: range, out: Any) -> None:
        (height, width), radius = self.problem.shape[:2], self.problem.kernel.radius
        for top in tops:
            n = min(self._rows, height - top)
            down = self._down[:n, : n + 2 * radius]
            for between, plane in zip(self._between, planes(out), strict=True):
                blurred = product(self._xp, down, between[:, top : top + n + 2 * radius, :])
                lines = self._xp.reshape(self._xp.permute_dims(blurred, (1, 0, 2)), (n, -1))
                store(self._xp, lines[:, :width], plane[top : top + n, :])


def product(xp: Any, a: Any, b: Any) -> Any:
    """The matrix product, summed in parts of `TERMS`."""
    terms = a.shape[-1]
    first, *others = (slice(n, min(n + TERMS, terms)) for n in range(0, terms, TERMS))
    total = xp.matmul(a[..., first], b[..., first, :])
    for part in others:
        total += xp.matmul(a[..., part], b[..., part, :])
    return total


def planes(image: Any) -> list[Any]:
    """The channels of an image, each `(H, W)`."""
    if image.ndim == 2:
        return [image]
    return [image[:, :, channel] for channel in range(image.shape[2])]


def toeplitz(xp: Any, taps: Any, n: int) -> Any:
    """Column i holds the taps from row i on: `(n + size - 1, n)`."""
    size = taps.shape[0]
    matrix = xp.zeros((n + size - 1, n), dtype=taps.dtype)
    for column in range(n):
        matrix[column : column + size, column] = taps
    return matrix
