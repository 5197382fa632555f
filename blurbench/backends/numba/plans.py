"""What the plans over compiled kernels share, and that of the dense sum."""

from __future__ import annotations

import functools
import math
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench.backends.numba.team import Blur, current
from blurbench.border import source_index
from blurbench.plan import Plan, empty
from blurbench.problem import Problem

LANES, LINE_BYTES = 16, 128  # float32 in a vector, and what is moved at once: see vectors.py
OUTPUTS = 4  # see sums.py
THREADED = 5e6  # taps and OVERHEAD of all sums from which other threads pay: some 40 us
OVERHEAD = 20  # of a sum, in taps
TURNS = 8  # of a thread: one that comes late, or is slow, leaves its rows to the others

Room = tuple[NDArray[Any], ...]


class NumbaPlan(Plan):
    """The border's tables, room for each thread, and rows for whichever thread is free."""

    def __init__(
        self, problem: Problem, taps: NDArray[np.float64], taps_of_a_sum: int, together: int
    ) -> None:
        """
        Args:
            taps: as compiled code takes them.
            together: rows that are best blurred at once.
        """
        super().__init__(np, problem)
        height, width, channels = problem.height, problem.width, problem.channels
        radius = problem.kernel.radius
        self._values = width * channels
        around = source_index(np.arange(-radius, height + radius), height, problem.border)
        beside = np.concatenate([np.arange(-radius, 0), np.arange(width, width + radius)])
        columns = source_index(beside, width, problem.border)[:, None]
        inside = columns * channels + np.arange(channels)
        self._tables = (  # see `Tables` of kernels.py
            taps.astype(problem.work_dtype),
            around,
            np.where(columns >= 0, inside, -1).ravel(),
            channels,
            float(problem.cval),
        )
        self._work = math.prod(problem.shape) * (taps_of_a_sum + OVERHEAD)
        self._strips, self._together = -(-height // together), together
        self._rooms: list[Room] = []
        self._shares: dict[int, tuple[int, int]] = {}
        self._share(1)

    def _share(self, images: int) -> tuple[int, int]:
        """How many threads blur so many images, and how many rows one takes at once."""
        if images not in self._shares:
            helped = images * self._work >= THREADED
            threads = min(self.problem.threads, images * self._strips) if helped else 1
            turns = TURNS * threads if threads > 1 else 1
            strips = max(1, self._strips * images // turns)
            self._shares[images] = threads, strips * self._together
            while len(self._rooms) < threads:
                self._rooms.append(self._room())
                self.nbytes += sum(array.nbytes for array in self._rooms[-1])
        return self._shares[images]

    def _room(self) -> Room:
        """What a thread works in."""
        raise NotImplementedError

    def _zeros(self, *shape: int) -> NDArray[Any]:
        array: NDArray[Any] = empty(np, shape, self.problem.work_dtype)
        array[...] = 0
        return array

    def _run(self, image: Any, out: Any) -> None:
        self._run_stack(image[None], out[None])

    def _run_stack(self, images: Any, out: Any) -> None:
        shape = (len(images), self.problem.height, self._values)
        given = np.ascontiguousarray(images).reshape(shape)
        whole = out.flags.c_contiguous
        made = out.reshape(shape) if whole else np.empty(shape, out.dtype)
        threads, rows = self._share(len(images))
        current.team.run(self._blur(given, made), rows, threads)
        if not whole:
            out[...] = made.reshape(out.shape)

    def _blur(self, images: Any, out: Any) -> Blur:
        """What blurs the rows that a thread takes."""
        raise NotImplementedError

    @functools.cached_property
    def _kernels(self) -> Any:
        """Their module, which takes long to import."""
        return import_module("blurbench.backends.numba.kernels")


def direct_bytes(problem: Problem) -> int:
    """Room for the rows that each thread looks at, and the dense taps."""
    width = (problem.width + 2 * problem.kernel.radius) * problem.channels + LANES
    rows = problem.kernel.size + 1
    items = problem.threads * rows * width + problem.kernel.size**2
    return items * problem.work_dtype.itemsize


class NumbaDirectPlan(NumbaPlan):
    """The dense sum, row by row, over a ring of rows with their margins."""

    def __init__(self, problem: Problem) -> None:
        self._size = 2 * problem.kernel.radius + 1
        taps = problem.kernel.dense().ravel()
        super().__init__(problem, taps, self._size**2, max(1, self._size // 2))
        self._highest = 0 if problem.dtype.kind == "f" else int(np.iinfo(problem.dtype).max)

    def _room(self) -> Room:
        pad, wide = self.problem.kernel.radius * self.problem.channels, max(self._values, LANES)
        return self._zeros(self._size, wide + 2 * pad), self._zeros(wide)

    def _blur(self, images: Any, out: Any) -> Blur:
        tables, rooms, highest = self._tables, self._rooms, self._highest
        direct = self._kernels.direct
        return lambda turns, thread: direct(turns, tables, rooms[thread], highest, images, out)
