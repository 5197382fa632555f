"""The multirate blur in four products: both axes to few samples, and back.

On a device a product with a matrix that is mostly zeros takes less time than the launches that a
loop over its bands would take.
"""

from __future__ import annotations

from typing import Any

from blurbench.methods.approximate import ORDERS
from blurbench.methods.multirate import METHOD, small_count
from blurbench.plan import Plan, store
from blurbench.problem import Problem
from blurbench.splines import Detour


def work_bytes(problem: Problem) -> int:
    """Memory of a plan and its call: the matrices, both ways; the image before and after each.

    Rounded, then clipped, an integer result is there as float twice more.
    """
    height, width, channels = problem.height, problem.width, problem.channels
    rows, columns = (small_count(problem, n) for n in (height, width))
    matrices = 2 * (rows * height + columns * width)
    images = 2 if problem.dtype.kind == "f" else 4
    between = images * height * width + (height + rows) * columns + rows * width
    return (matrices + between * channels) * problem.work_dtype.itemsize


class WholeMultiratePlan(Plan):
    """Blurs columns and rows of all channels, each by way of a small line."""

    def __init__(self, xp: Any, problem: Problem) -> None:
        super().__init__(xp, problem)
        dtype = getattr(xp, problem.work_dtype.name)
        self._down, self._up = [], []
        for n in problem.shape[:2]:
            detour = Detour.over(n, problem.border, problem.kernel.sigma, ORDERS[METHOD])
            down = detour.across.dense() @ detour.down.dense()
            self._down.append(self._hold(xp.astype(xp.asarray(down), dtype)))
            self._up.append(self._hold(xp.astype(xp.asarray(detour.up.dense()), dtype)))
        self._level = problem.cval if problem.border == "constant" else 0.0

    def _run(self, image: Any, out: Any) -> None:
        if image.ndim == 2:
            image, out = image[..., None], out[..., None]
        xp = self._xp
        (down, along), (up, back) = self._down, self._up
        planes = xp.astype(xp.permute_dims(image, (2, 0, 1)), down.dtype, copy=False)
        if self._level:  # beside which there is nothing
            planes = planes - self._level
        small = xp.matmul(xp.matmul(down, planes), xp.permute_dims(along, (1, 0)))
        made = xp.matmul(xp.matmul(up, small), xp.permute_dims(back, (1, 0)))
        if self._level:
            made += self._level
        store(xp, xp.permute_dims(made, (1, 2, 0)), out)
