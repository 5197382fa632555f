"""The dense sum: the plan over `direct.cu`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from blurbench.backends.cuda.compiler import Toolkit
from blurbench.backends.cuda.plan import CudaPlan, together
from blurbench.plan import Problem

LANES, ROWS, COLUMNS = 32, 8, 128  # of a block; as in direct.cu


def direct_bytes(problem: Problem) -> int:
    """The dense taps."""
    return problem.kernel.size**2 * problem.work_dtype.itemsize


class DirectPlan(CudaPlan):
    """The dense sum."""

    def __init__(self, toolkit: Toolkit, problem: Problem) -> None:
        super().__init__(toolkit, problem)
        height, width, channels = problem.height, problem.width, problem.channels
        radius, work = problem.kernel.radius, problem.work_dtype
        whole = together(problem)
        self._tables = (
            self._sources(height, radius),
            self._sources(width, radius),
            self._put(problem.kernel.dense().astype(work)),
        )
        self._numbers = tuple(np.int32(number) for number in (height, width, channels, radius))
        self._together = whole
        self._grid = (
            math.ceil(height / ROWS),
            math.ceil(width / COLUMNS),
            1 if whole else channels,
        )
        self._kernel = toolkit.kernel(
            "direct",
            INPUT=problem.dtype,
            OUTPUT=problem.dtype,
            WORK=work,
            CHANNELS=channels if whole else 1,
        )

    def _launch(self, image: Any, out: Any) -> None:
        aligned = self._aligned(out) if self._together else np.int32(0)
        arguments = image, out, *self._tables, *self._numbers, aligned, self._outside
        self._kernel(self._grid, (LANES, ROWS), arguments)
