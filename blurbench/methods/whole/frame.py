"""One channel amid its border."""

from __future__ import annotations

from typing import Any

from blurbench.border import Margins
from blurbench.problem import Problem


def passing_bytes(problem: Problem) -> int:
    """Memory that comes and goes with one channel: copies of a margin; of integers, as they round.

    Rounded, then clipped, an integer result is there as float twice.
    """
    height, width = problem.height, problem.width
    margin = problem.kernel.radius * (max(height, width) + 2 * problem.kernel.radius)
    rounded = 0 if problem.dtype.kind == "f" else 2 * height * width
    return max(margin, rounded) * problem.work_dtype.itemsize


class Frame:
    """A buffer in the work type that holds one channel after another amid its border.

    Args:
        shape: of the buffer, `(rows, columns)`; what exceeds the margins stays 0.
        margins: rows above and columns left of the channel, and as many after it.

    Attributes:
        array: the buffer.
        inner: where the channel lies in it.
    """

    def __init__(
        self, xp: Any, problem: Problem, shape: tuple[int, int], margins: tuple[int, int]
    ) -> None:
        top, left = margins
        height, width = problem.shape[:2]
        self._xp = xp
        self.array = xp.zeros(shape, dtype=getattr(xp, problem.work_dtype.name))
        self.inner = (slice(top, top + height), slice(left, left + width))
        self._above_below = Margins(xp, height, top, problem.border, problem.cval)
        self._left_right = Margins(xp, width, left, problem.border, problem.cval)

    def fill(self, channel: Any, level: Any = None) -> Any:
        """The buffer, now with this channel `(H, W)` and its border, all less `level`."""
        rows, columns = self.inner
        lines = self.array[rows, :]
        samples = self._xp.astype(channel, lines.dtype, copy=False)
        lines[:, columns] = samples if level is None else samples - level
        self._left_right.fill(lines, axis=1, level=level)
        self._above_below.fill(self.array, axis=0, level=level)
        return self.array
