"""Both passes of the separable blur in one launch: the plan over `fused.cu`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from blurbench.backends.cuda.compiler import Toolkit
from blurbench.backends.cuda.plan import CudaPlan
from blurbench.backends.cuda.shapes import Shape, fused_macros
from blurbench.problem import Problem


class FusedPlan(CudaPlan):
    """Both passes in one launch."""

    def __init__(self, toolkit: Toolkit, problem: Problem, shape: Shape) -> None:
        super().__init__(toolkit, problem)
        height, width = problem.height, problem.width
        self._rows = self._sources(height, shape.radius)
        self._columns = self._sources(width, shape.pad)
        strip, tile = shape.strip(problem), shape.tile(problem, toolkit.processors)
        self._grid = math.ceil(width / strip), math.ceil(height / tile)
        self._block = (shape.threads,)
        self._numbers = tuple(np.int32(number) for number in (height, width, strip, tile))
        self._fills = np.int32(problem.border == "constant")
        # By value: the multiply-adds then take their taps from constant memory.
        self._taps = np.zeros((), [("at", np.float32, (shape.radius + 1,))])
        half = problem.kernel.taps[problem.kernel.radius :]
        self._taps["at"][: len(half)] = half
        self._kernel = toolkit.kernel("fused", **fused_macros(problem, shape))

    def _launch(self, image: Any, out: Any) -> None:
        tables = self._rows, self._columns
        aligned = self._aligned(image, out)
        border = self._fills, self._outside
        arguments = image, out, *tables, *self._numbers, aligned, *border, self._taps
        self._kernel(self._grid, self._block, arguments)
