"""Two 1-D passes: down the columns, then along the rows, a strip of rows at a time."""

from __future__ import annotations

from typing import Any

from blurbench.border import Margins
from blurbench.plan import Plan, empty, store
from blurbench.problem import Problem

STRIP_BYTES = 2**17  # both passes over so much stay in the cache


def operations(problem: Problem) -> float:
    """Multiply-adds that one image takes."""
    pixels = problem.height * problem.width * problem.channels
    return 2.0 * pixels * problem.kernel.size


def work_bytes(problem: Problem, strip_bytes: int = STRIP_BYTES) -> int:
    """Memory of a plan and its call: the image with margins above and below, a strip and its sums.

    The sums of a strip are five at most: of its columns, while those of its rows are made, rounded
    and clipped. At other times there is a copy of a margin, or of the whole image where its type
    is not that of the arithmetic.
    """
    radius, (height, width) = problem.kernel.radius, problem.shape[:2]
    rows = strip_rows(problem, strip_bytes)
    held = (height + 2 * radius) * width + rows * (width + 2 * radius)
    margin = 3 * rows * width + radius * max(rows, width)
    converted = 0 if problem.dtype == problem.work_dtype else height * width
    samples = held + max(5 * rows * width, margin, converted)
    return samples * problem.channels * problem.work_dtype.itemsize


def strip_rows(problem: Problem, strip_bytes: int) -> int:
    """Rows of a strip: as many as fit, but one at least."""
    row_bytes = problem.width * problem.channels * problem.work_dtype.itemsize
    return min(problem.height, max(1, strip_bytes // row_bytes))


class SeparablePlan(Plan):
    """Filters strips small enough (`strip_bytes`) that both passes stay in the cache."""

    def __init__(self, xp: Any, problem: Problem, strip_bytes: int = STRIP_BYTES) -> None:
        super().__init__(xp, problem)
        radius = problem.kernel.radius
        height, width, *channels = problem.shape
        self._rows = strip_rows(problem, strip_bytes)
        self._taps = [float(tap) for tap in problem.kernel.taps[: radius + 1]]
        dtype = getattr(xp, problem.work_dtype.name)
        self._tall = self._hold(empty(xp, (height + 2 * radius, width, *channels), dtype))
        self._wide = self._hold(empty(xp, (self._rows, width + 2 * radius, *channels), dtype))
        self._above_below = Margins(xp, height, radius, problem.border, problem.cval)
        self._left_right = Margins(xp, width, radius, problem.border, problem.cval)

    def _run(self, image: Any, out: Any) -> None:
        (height, width), radius = self.problem.shape[:2], self.problem.kernel.radius
        self._tall[radius : radius + height, ...] = self._xp.astype(
            image, self._tall.dtype, copy=False
        )
        self._above_below.fill(self._tall, axis=0)
        for top in range(0, height, self._rows):
            rows = min(self._rows, height - top)
            strip = weighted_sum(self._tall[top : top + rows + 2 * radius, ...], self._taps, 0)
            wide = self._wide[:rows, ...]
            wide[:, radius : radius + width, ...] = strip
            self._left_right.fill(wide, axis=1)
            store(self._xp, weighted_sum(wide, self._taps, 1), out[top : top + rows, ...])


def weighted_sum(line: Any, taps: list[float], axis: int) -> Any:
    """Slide symmetric taps along `axis` (0 or 1) of a padded array; the result lost the margins.

    `taps` is the first half with the centre last. Mirrored samples are added before they are
    multiplied, and the sum starts at the smallest taps, which keeps its float32 error small.
    """
    radius = len(taps) - 1
    n = line.shape[axis] - 2 * radius

    def shifted(offset: int) -> Any:
        return line[(*(slice(None),) * axis, slice(offset, offset + n), ...)]

    if radius == 0:
        return shifted(0) * taps[0]
    total = shifted(0) + shifted(2 * radius)
    total *= taps[0]
    for offset in range(1, radius):
        pair = shifted(offset) + shifted(2 * radius - offset)
        pair *= taps[offset]
        total += pair
    total += shifted(radius) * taps[radius]
    return total
