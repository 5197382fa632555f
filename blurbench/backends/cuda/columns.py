"""Two passes over the columns, each of which transposes: the plan over `columns.cu`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from blurbench.backends.cuda.compiler import Kernel, Toolkit
from blurbench.backends.cuda.plan import CudaPlan, together
from blurbench.problem import Problem

LANES, WARPS, OUTPUTS, FOLD = 32, 4, 16, 32768  # as in columns.cu


class ColumnsPlan(CudaPlan):
    """Two passes over the columns, each of which transposes."""

    def __init__(self, toolkit: Toolkit, problem: Problem) -> None:
        super().__init__(toolkit, problem)
        height, width, channels = problem.height, problem.width, problem.channels
        radius, work = problem.kernel.radius, problem.work_dtype
        taps = np.zeros(2 * radius + 3 * OUTPUTS, work)
        taps[OUTPUTS - 1 : OUTPUTS + 2 * radius] = problem.kernel.taps
        self._taps = self._put(taps)
        self._between = self._hold(toolkit.xp.empty((width, height, channels), dtype=work.name))
        self._passes = [
            self._pass(toolkit, (height, width), problem.dtype, work),
            self._pass(toolkit, (width, height), work, problem.dtype),
        ]

    def _pass(
        self, toolkit: Toolkit, extent: tuple[int, int], given: Any, made: Any
    ) -> tuple[Kernel, tuple[int, int, int], tuple[Any, ...]]:
        """The kernel, its grid, and its arguments after the two images."""
        (height, width), radius = extent, self.problem.kernel.radius
        channels = self.problem.channels
        kernel = toolkit.kernel(
            "columns",
            INPUT=given,
            OUTPUT=made,
            WORK=self.problem.work_dtype,
            CHANNELS=channels if together(self.problem) else 0,
        )
        across, down = math.ceil(width * channels / LANES), math.ceil(height / (WARPS * OUTPUTS))
        grid = across, min(down, FOLD), math.ceil(down / FOLD)
        numbers = (np.int32(number) for number in (height, width, channels, radius))
        return kernel, grid, (self._sources(height, radius), self._taps, *numbers, self._outside)

    def _launch(self, image: Any, out: Any) -> None:
        images = image, self._between, out
        for number, (kernel, grid, arguments) in enumerate(self._passes):
            kernel(grid, (LANES, WARPS), (*images[number : number + 2], *arguments))
