"""Plans over the compiled kernels: tables, room to work in, and rows shared out to threads."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench.border import source_index
from blurbench.methods.shares import do_all, split_evenly
from blurbench.plan import Plan, Problem, empty

LANES = 16  # float32 in a vector: see vectors.py
STRIP = 32  # rows summed before their neighbours are: few enough for the second cache
TILE_BYTES = 2**15  # of all the rows that a sum looks at: for the first cache
THREADED = 4e6  # multiply-adds from which waking other threads pays


def separable_bytes(problem: Problem) -> int:
    """Room for each thread's strip, and for the rows that are converted for it."""
    rows = 2 * STRIP + 2 * problem.kernel.radius + 1
    width = (problem.width + 2 * problem.kernel.radius) * problem.channels + LANES
    return problem.threads * rows * width * problem.work_dtype.itemsize


def direct_bytes(problem: Problem) -> int:
    """Room for the rows that each thread looks at, and the dense taps."""
    width = (problem.width + 2 * problem.kernel.radius) * problem.channels + LANES
    rows = problem.kernel.size + 1
    items = problem.threads * rows * width + problem.kernel.size**2
    return items * problem.work_dtype.itemsize


class _NumbaPlan(Plan):
    """What the plans share: the border's tables, and a range of rows for each thread."""

    def __init__(self, problem: Problem, operations: float) -> None:
        super().__init__(np, problem)
        height, width, channels = problem.height, problem.width, problem.channels
        radius = problem.kernel.radius
        self._values = width * channels
        around = np.arange(-radius, height + radius)
        self._sources = source_index(around, height, problem.border)
        beside = np.concatenate([np.arange(-radius, 0), np.arange(width, width + radius)])
        columns = source_index(beside, width, problem.border)[:, None]
        inside = columns * channels + np.arange(channels)
        self._columns = np.where(columns >= 0, inside, -1).ravel()
        threads = problem.threads if operations >= THREADED else 1
        self._parts = split_evenly(range(height), threads)
        self._highest = 0 if problem.dtype.kind == "f" else int(np.iinfo(problem.dtype).max)

    def _rows_of(self, part: int) -> tuple[int, int]:
        """The first row of a part, and the first beyond it."""
        rows = self._parts[part]
        return rows.start, rows.stop

    def _room(self, *shape: int) -> list[NDArray[Any]]:
        """An array of floats for each thread."""
        arrays = [empty(np, shape, self.problem.work_dtype) for _ in self._parts]
        for array in arrays:
            array[...] = 0
        self.nbytes += sum(array.nbytes for array in arrays)
        return arrays

    def _wide(self) -> int:
        """Values of a row, as many as a vector has at least."""
        return max(self._values, LANES)

    def _run(self, image: Any, out: Any) -> None:
        rows = (self.problem.height, self._values)
        given = np.ascontiguousarray(image).reshape(rows)
        made = out.reshape(rows) if out.flags.c_contiguous else np.empty(rows, out.dtype)
        do_all(self._blur(given, made), range(len(self._parts)))
        if not out.flags.c_contiguous:
            out[...] = made.reshape(out.shape)

    def _blur(self, image: Any, out: Any) -> Callable[[int], None]:
        """What blurs part number `n` of the rows."""
        raise NotImplementedError


class SeparablePlan(_NumbaPlan):
    """Both passes, strip by strip, so that what the first made is still in the cache."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem, 2.0 * math.prod(problem.shape) * problem.kernel.size)
        radius, work = problem.kernel.radius, problem.work_dtype
        self._taps = problem.kernel.taps[radius:].astype(work)
        self._in_place = problem.dtype == work and self._values >= LANES
        tile = TILE_BYTES // work.itemsize // problem.kernel.size
        self._tile = max(64, tile // 64 * 64)
        wide, pad = self._wide(), radius * problem.channels
        self._lines = self._room(STRIP, wide + 2 * pad)
        if self._in_place:
            self._outside = np.full(self._values, problem.cval, work)
        else:
            self._ring = self._room(STRIP + 2 * radius, wide)
            self._made = self._room(wide)

    def _blur(self, image: Any, out: Any) -> Callable[[int], None]:
        from blurbench.backends.numba import kernels

        problem = self.problem
        border = self._columns, problem.channels, problem.cval
        if self._in_place:
            rows = image.ctypes.data + self._sources * image.strides[0]
            rows[self._sources < 0] = self._outside.ctypes.data
            return lambda part: kernels.separable_floats(
                self._taps, rows, *border, self._lines[part], self._tile, out, *self._rows_of(part)
            )
        return lambda part: kernels.separable_converted(
            self._taps,
            image,
            self._sources,
            *border,
            self._ring[part],
            self._lines[part],
            self._made[part],
            self._tile,
            out,
            self._highest,
            *self._rows_of(part),
        )


class DirectPlan(_NumbaPlan):
    """The dense sum, row by row, over a ring of rows with their margins."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem, float(math.prod(problem.shape)) * problem.kernel.size**2)
        size, work = 2 * problem.kernel.radius + 1, problem.work_dtype
        self._taps = problem.kernel.dense().astype(work).ravel()
        pad = problem.kernel.radius * problem.channels
        self._ring = self._room(size, self._wide() + 2 * pad)
        self._made = self._room(self._wide())

    def _blur(self, image: Any, out: Any) -> Callable[[int], None]:
        from blurbench.backends.numba import kernels

        problem = self.problem
        return lambda part: kernels.direct_converted(
            self._taps,
            problem.kernel.radius,
            image,
            self._sources,
            self._columns,
            problem.channels,
            problem.cval,
            self._ring[part],
            self._made[part],
            out,
            self._highest,
            *self._rows_of(part),
        )
