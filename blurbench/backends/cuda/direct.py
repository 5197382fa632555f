"""The dense sum: the plan over `direct.cu`."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np

from blurbench.backends.cuda.compiler import Toolkit
from blurbench.backends.cuda.plan import CudaPlan, together
from blurbench.problem import Problem

LANES, ROWS, COLUMNS = 32, 8, 128  # of a block; as in direct.cu
MOST_ALONG = 65_535  # blocks of a grid along y and z

# Multiply-adds in one launch for each multiprocessor. A display's driver stops a kernel after 2 s;
# the slowest cards that can run this do 4e10 a second in float32 and 3e9 in float64. Fast ones are
# busy for milliseconds, beside which a launch costs nothing.
IN_ONE_LAUNCH = {"float32": 2**33, "float64": 2**30}


def direct_bytes(problem: Problem) -> int:
    """The dense taps."""
    return problem.kernel.size**2 * problem.work_dtype.itemsize


def launches(problem: Problem, processors: int) -> list[tuple[range, range, range]]:
    """The tiles of each launch: down, across, and through the channels.

    Args:
        processors: multiprocessors of the device.
    """
    groups = 1 if together(problem) else problem.channels
    down, across = math.ceil(problem.height / ROWS), math.ceil(problem.width / COLUMNS)
    a_tile = ROWS * COLUMNS * (problem.channels // groups) * problem.kernel.size**2
    most = max(1, processors * IN_ONE_LAUNCH[problem.work_dtype.name] // a_tile)
    wide = min(across, most, MOST_ALONG)
    deep = min(groups, max(1, most // wide), MOST_ALONG)
    long = max(1, most // (wide * deep))
    return list(product(parts(down, long), parts(across, wide), parts(groups, deep)))


def parts(n: int, most: int) -> list[range]:
    """The numbers below n, so many at a time."""
    return [range(start, min(start + most, n)) for start in range(0, n, most)]


class CudaDirectPlan(CudaPlan):
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
        self._launches = launches(problem, toolkit.processors)
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
        for tiles in self._launches:
            grid, starts = tuple(map(len, tiles)), (np.int32(one.start) for one in tiles)
            self._kernel(grid, (LANES, ROWS), (*arguments, *starts))
