"""The dense 2-D sum of a whole channel: a matrix product for each two rows of the kernel.

As in `blurbench.methods.direct`, each row of the kernel is a Toeplitz matrix that makes a block of
columns. All blocks are multiplied at once, and added to what the rows before have made. So there
are as many launches as rows; fewer would take copies of the image side by side, with a row of the
kernel in each.
"""

from __future__ import annotations

from typing import Any

from blurbench.methods.direct import toeplitz
from blurbench.methods.whole.device_library import Library
from blurbench.methods.whole.frame import Frame, passing_bytes
from blurbench.plan import PlanePlan, store
from blurbench.problem import Problem

COLUMNS = 32  # made by one product: more multiply more zeros, fewer read the image more often


def slowdown(problem: Problem) -> float:
    """Multiply-adds with those by zeros, two rows of the kernel being one, for each of the sum."""
    size, radius = problem.kernel.size, problem.kernel.radius
    return (radius + 1) * (_columns(problem) + 2 * radius) / size**2


def work_bytes(problem: Problem) -> int:
    """Memory of a plan and its call: a padded channel, two rows' sum, the result, the matrices."""
    margin, columns = 2 * problem.kernel.radius, _columns(problem)
    wide = -(-problem.width // columns) * columns
    padded = (problem.height + margin) * (wide + margin)
    pair, blurred = problem.height * (wide + margin), problem.height * wide
    matrices = (problem.kernel.radius + 1) * (columns + margin) * columns
    held = (padded + pair + blurred + matrices) * problem.work_dtype.itemsize
    return held + passing_bytes(problem)


class WholeDirectPlan(PlanePlan):
    """Adds up a channel, row by row of the kernel; rows that mirror each other are one."""

    def __init__(self, library: Library, problem: Problem) -> None:
        xp = library.xp
        super().__init__(xp, problem)
        self._library = library
        radius, (height, width) = problem.kernel.radius, problem.shape[:2]
        dtype = getattr(xp, problem.work_dtype.name)
        self._columns = _columns(problem)
        blocks = -(-width // self._columns)
        shape = height + 2 * radius, blocks * self._columns + 2 * radius
        self._frame = Frame(xp, problem, shape, (radius, radius))
        self._hold(self._frame.array)
        taps = xp.astype(xp.asarray(problem.kernel.dense()), dtype)
        self._matrices = self._hold(toeplitz(xp, taps, self._columns))
        self._blurred = self._hold(xp.empty((height, blocks, self._columns), dtype=dtype))

    def _plane(self, image: Any, out: Any) -> None:
        (height, width), radius = self.problem.shape[:2], self.problem.kernel.radius
        padded = self._frame.fill(image)
        for row in range(radius + 1):
            self._add(padded, row)
        store(self._xp, self._xp.reshape(self._blurred, (height, -1))[:, :width], out)

    def _add(self, padded: Any, row: int) -> None:
        """Add what a row of the kernel makes, and the one that mirrors it."""
        height, radius = self.problem.height, self.problem.kernel.radius
        lines, mirrored = padded[row : row + height, :], 2 * radius - row
        if row < radius:
            lines = lines + padded[mirrored : mirrored + height, :]
        pieces = self._library.windows(lines, self._columns + 2 * radius, self._columns)
        blurred = self._xp.permute_dims(self._blurred, (1, 0, 2))
        self._library.product(pieces, self._matrices[row, :, :], blurred, add=row > 0)


def _columns(problem: Problem) -> int:
    return min(COLUMNS, problem.width)
