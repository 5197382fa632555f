"""Several boxes one after the other, along lines that lie together.

A device's library sums along another axis by turning the array about before and after each sum.
Here it is turned once for the columns and once for the rows, as it gets its margins; and it gets
those of all passes at once.
"""

from __future__ import annotations

from typing import Any

from blurbench.border import Margins
from blurbench.methods.approximate import BOXES, ORDERS, check_sigma
from blurbench.methods.box import average
from blurbench.plan import Plan, store
from blurbench.problem import Problem


def work_bytes(problem: Problem, method: str) -> int:
    """Memory of a call: the image in float64, with margins, its sums and their differences."""
    one, passes = BOXES[method](problem.kernel.sigma, ORDERS[method]), ORDERS[method]
    margins = 2 * one.reach * passes
    height, width = problem.shape[:2]
    wide = max((height + margins) * width, height * (width + margins)) * problem.channels
    return 6 * wide * 8


class BoxPlan(Plan):
    """Blurs columns, then rows, of all channels at once; `method` is one of `BOXES`.

    Raises:
        InputError: it cannot do so small a sigma.
    """

    def __init__(self, xp: Any, problem: Problem, method: str) -> None:
        super().__init__(xp, problem)
        check_sigma(method, problem.kernel.sigma)
        self._passes = ORDERS[method]
        self._box = BOXES[method](problem.kernel.sigma, self._passes)
        self._reach = self._box.reach * self._passes
        self._margins = [
            Margins(xp, n, self._reach, problem.border, problem.cval) for n in problem.shape[:2]
        ]

    def _run(self, image: Any, out: Any) -> None:
        if image.ndim == 2:
            image, out = image[..., None], out[..., None]
        xp = self._xp
        columns = self._blur(xp.permute_dims(image, (2, 1, 0)), self._margins[0])
        rows = self._blur(xp.permute_dims(columns, (0, 2, 1)), self._margins[1])
        store(xp, xp.permute_dims(rows, (1, 2, 0)), out)

    def _blur(self, lines: Any, margins: Margins) -> Any:
        """Lines `(C, count, n)` blurred, in float64."""
        xp, (channels, count, n) = self._xp, lines.shape
        wide = xp.empty((channels, count, n + 2 * self._reach), dtype=xp.float64)
        wide[:, :, self._reach : self._reach + n] = xp.astype(lines, xp.float64, copy=False)
        margins.fill(wide, axis=2)
        for _ in range(self._passes):
            wide = average(xp, wide, self._box, axis=2)
        return wide
