"""An image with its margins, for libraries that do not know a border."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench.border import Margins
from blurbench.plan import empty
from blurbench.problem import Problem


class Padded:
    """A buffer in the work type that holds one image after another amid its border.

    Args:
        shape: of the buffer, `(rows, columns[, channels])`; what exceeds the margins stays 0.
        margins: rows above and columns left of the image, and as many after it.

    Attributes:
        array: the buffer.
        inner: where the image lies in it.
    """

    def __init__(self, problem: Problem, shape: tuple[int, ...], margins: tuple[int, int]) -> None:
        top, left = margins
        height, width = problem.height, problem.width
        self.array: NDArray[Any] = empty(np, shape, problem.work_dtype)
        self.array[...] = 0
        self.inner = (slice(top, top + height), slice(left, left + width))
        self._above_below = Margins(np, height, top, problem.border, problem.cval)
        self._left_right = Margins(np, width, left, problem.border, problem.cval)

    @classmethod
    def around(cls, problem: Problem) -> Padded:
        """The whole image with a margin of the radius on every side."""
        radius = problem.kernel.radius
        rows, columns = problem.height + 2 * radius, problem.width + 2 * radius
        return cls(problem, (rows, columns, *problem.shape[2:]), (radius, radius))

    def fill(self, image: Any) -> NDArray[Any]:
        """The buffer, now with this image and its border."""
        rows = self.array[self.inner[0]]
        rows[:, self.inner[1]] = image
        self._left_right.fill(rows, axis=1)
        self._above_below.fill(self.array, axis=0)
        return self.array
