"""Plans over the compiled kernels: tables, room to work in, and rows shared out to threads."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench.border import source_index
from blurbench.methods.parallel import run_in_threads, split_evenly
from blurbench.plan import Plan, empty
from blurbench.problem import Problem

LANES = 16  # float32 in a vector: see vectors.py
LINE_BYTES = 128  # the same
OUTPUTS, TOGETHER = 4, 2  # see sums.py
LONG = 1024
THREADED = 1.2e7  # taps and OVERHEAD of all sums from which waking other threads pays
OVERHEAD = 20  # of a sum, in taps
# Bytes of image and result that stay at hand, and above which memory holds up what moves more;
# the largest radius of a plan for few taps up to each, where vectors are long. Cache: 32 MiB.
CACHED, NEAR_CACHED = 2**23, 3
BEYOND, NEAR_BETWEEN = 3 * 2**23, 6
APART = 4096  # bytes, or a multiple: a column of rows so far apart crowds one place of the cache
TURNS = 4  # of a thread: one that wakes late leaves its rows to the others

Blur = Callable[[int, int, int], None]


class _NumbaPlan(Plan):
    """What the plans share: the border's tables, and rows for whichever thread is free."""

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
        strips = range(-(-height // together))
        pays = math.prod(problem.shape) * (taps_of_a_sum + OVERHEAD) >= THREADED
        self._threads = min(problem.threads, len(strips)) if pays else 1
        turns = TURNS * self._threads if self._threads > 1 else 1
        self._shares = [
            (share.start * together, min(share.stop * together, height))
            for share in split_evenly(strips, turns)
        ]

    def _room(self, *shapes: tuple[int, int]) -> list[tuple[NDArray[Any], ...]]:
        """Arrays of floats for each thread."""
        return [tuple(self._zeros(shape) for shape in shapes) for _ in range(self._threads)]

    def _zeros(self, shape: tuple[int, int]) -> NDArray[Any]:
        array: NDArray[Any] = empty(np, shape, self.problem.work_dtype)
        array[...] = 0
        self.nbytes += array.nbytes
        return array

    def _run(self, image: Any, out: Any) -> None:
        rows = (self.problem.height, self._values)
        given = np.ascontiguousarray(image).reshape(rows)
        made = out.reshape(rows) if out.flags.c_contiguous else np.empty(rows, out.dtype)
        blur, shares = self._blur(given, made), iter(self._shares)

        def work(thread: int) -> None:
            for top, bottom in shares:
                blur(thread, top, bottom)

        run_in_threads(work, range(self._threads))
        if not out.flags.c_contiguous:
            out[...] = made.reshape(out.shape)

    def _blur(self, image: Any, out: Any) -> Blur:
        """What blurs rows from a first to before a last, in the room of a thread."""
        raise NotImplementedError


def prepare_separable(problem: Problem) -> Plan:
    """The plan for two passes that suits the kernel."""
    return _NearPlan(problem) if _is_near(problem) else _LinesPlan(problem)


def separable_bytes(problem: Problem) -> int:
    """Room for each thread."""
    if _is_near(problem):
        lines, ring = _near_room(problem)
        items = math.prod(lines) + math.prod(ring)
        return problem.threads * items * problem.work_dtype.itemsize
    corner = _side(problem) ** 2 * problem.dtype.itemsize
    return problem.threads * (sum(_lines(problem)) * LINE_BYTES + corner)


def _side(problem: Problem) -> int:
    """Values of a line, and rows of a strip."""
    return LINE_BYTES // problem.work_dtype.itemsize


def _is_near(problem: Problem) -> bool:
    values = problem.width * problem.channels
    wide = values >= _side(problem)
    return wide and 1 <= problem.kernel.radius <= _nearest(problem) and not _clips(problem)


def _clips(problem: Problem) -> bool:
    """Whether sums may lie beyond the integers: they do not where all that is summed is within."""
    if problem.dtype.kind == "f" or problem.border != "constant":
        return False
    return not 0 <= problem.cval <= np.iinfo(problem.dtype).max


def _nearest(problem: Problem) -> int:
    """The largest radius of a plan for few taps.

    Lines take fewer instructions, but move all pixels once more, and write many rows at a time.
    """
    near, vectors_are_long = _nearest_of_processor()
    if not vectors_are_long:
        return near
    moved = 2 * problem.image_bytes
    crowded = problem.image_bytes // problem.height % APART == 0
    if moved <= CACHED and not crowded:
        return NEAR_CACHED
    return near if moved > BEYOND and problem.dtype.kind == "f" else NEAR_BETWEEN


@functools.cache
def _nearest_of_processor() -> tuple[int, bool]:
    """The largest radius of which there is code, and whether lines win earlier."""
    try:
        sums = import_module("blurbench.backends.numba.sums")
    except ImportError:
        return 0, False  # without Numba there is no plan, but still an estimate of its memory
    return int(sums.NEAR), sums.VECTOR_BYTES == 64


def _near_room(problem: Problem) -> tuple[tuple[int, int], tuple[int, int]]:
    """Of lines with their margins, and of a ring."""
    values = problem.width * problem.channels
    # An odd number of cache lines: the ring's rows do not lie one above the other there.
    ring = (problem.kernel.size - 1 + TOGETHER, (values // LANES // 2 * 2 + 3) * LANES)
    return (TOGETHER, values + 2 * problem.kernel.radius * problem.channels), ring


class _NearPlan(_NumbaPlan):
    """Few taps: both passes at once, two rows at a time."""

    def __init__(self, problem: Problem) -> None:
        kernel, side = problem.kernel, _side(problem)
        super().__init__(problem, kernel.taps[kernel.radius :], 2 * kernel.size, 2 * side)
        self._rooms = self._room(*_near_room(problem))
        ends = -(-kernel.radius * problem.channels // side) * side
        in_place = problem.dtype.kind == "f" and self._values >= max(LONG, 4 * ends)
        self._ends = ends if in_place else 0

    def _blur(self, image: Any, out: Any) -> Blur:
        from blurbench.backends.numba import kernels

        return lambda thread, top, bottom: kernels.separable_near(
            self._tables, self._rooms[thread], self._ends, image, out, top, bottom
        )


class _LinesPlan(_NumbaPlan):
    """Any number of taps: strip by strip, so that what the first pass made is still at hand."""

    def __init__(self, problem: Problem) -> None:
        kernel, side = problem.kernel, _side(problem)
        super().__init__(problem, kernel.taps[kernel.radius :], 2 * kernel.size, side)
        rooms = self._room(*((lines, side) for lines in _lines(problem)))
        self._rooms = [(*room, np.empty((side, side), problem.dtype)) for room in rooms]
        self.nbytes += sum(corner.nbytes for *_, corner in self._rooms)

    def _blur(self, image: Any, out: Any) -> Blur:
        from blurbench.backends.numba import kernels

        return lambda thread, top, bottom: kernels.separable(
            self._tables, self._rooms[thread], image, out, top, bottom
        )


def _lines(problem: Problem) -> tuple[int, int, int]:
    """Of a strip's rows with those around, turned with those beside it, and of sums."""
    side, channels, radius = _side(problem), problem.channels, problem.kernel.radius
    turned = (-(-problem.width // side) * side + 2 * radius + OUTPUTS) * channels
    return side + 2 * radius + OUTPUTS, turned, side * channels


def direct_bytes(problem: Problem) -> int:
    """Room for the rows that each thread looks at, and the dense taps."""
    width = (problem.width + 2 * problem.kernel.radius) * problem.channels + LANES
    rows = problem.kernel.size + 1
    items = problem.threads * rows * width + problem.kernel.size**2
    return items * problem.work_dtype.itemsize


class NumbaDirectPlan(_NumbaPlan):
    """The dense sum, row by row, over a ring of rows with their margins."""

    def __init__(self, problem: Problem) -> None:
        size = 2 * problem.kernel.radius + 1
        super().__init__(problem, problem.kernel.dense().ravel(), size**2, max(1, size // 2))
        pad, wide = problem.kernel.radius * problem.channels, max(self._values, LANES)
        self._rooms = [
            (ring, made[0]) for ring, made in self._room((size, wide + 2 * pad), (1, wide))
        ]
        self._highest = 0 if problem.dtype.kind == "f" else int(np.iinfo(problem.dtype).max)

    def _blur(self, image: Any, out: Any) -> Blur:
        from blurbench.backends.numba import kernels

        return lambda thread, top, bottom: kernels.direct(
            self._tables, self._rooms[thread], self._highest, image, out, top, bottom
        )
