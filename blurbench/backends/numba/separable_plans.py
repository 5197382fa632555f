"""Two passes, compiled: which kernel suits a problem, and the plans over both."""

from __future__ import annotations

import functools
import math
from importlib import import_module
from typing import Any

import numpy as np

from blurbench.backends.numba.plans import LANES, LINE_BYTES, OUTPUTS, NumbaPlan, Room
from blurbench.backends.numba.team import Blur
from blurbench.plan import Plan
from blurbench.problem import Problem

TOGETHER = 4  # see sums.py
# Bytes of image and result above which the result goes past the caches, which could not hold it
# until it is read; and the image is asked for some rows ahead.
BEYOND = 9 * 2**21
CACHE_LINE = 64  # bytes
APART = 4096  # bytes, or a multiple: a column of rows so far apart crowds one place of the cache
RUN = 32  # squares of the result that are written at once, there and where they go past the caches


def prepare_separable(problem: Problem) -> Plan:
    """The plan for two passes that suits the kernel."""
    return _NearPlan(problem) if _is_near(problem) else _LinesPlan(problem)


def separable_bytes(problem: Problem) -> int:
    """Room for each thread."""
    if _is_near(problem):
        rows = 2 * problem.width * problem.channels * problem.dtype.itemsize
        return problem.threads * (
            math.prod(_near_lines(problem)) * problem.work_dtype.itemsize + rows
        )
    made = math.prod(_made(problem)) * problem.dtype.itemsize
    return problem.threads * (sum(_lines(problem)) * LINE_BYTES + made)


def streams_past(problem: Problem) -> bool:
    """Whether the result is better written past the caches."""
    return 2 * problem.image_bytes > BEYOND


def _side(problem: Problem) -> int:
    """Values of a line, and rows of a strip."""
    return LINE_BYTES // problem.work_dtype.itemsize


def _is_near(problem: Problem) -> bool:
    values = problem.width * problem.channels
    wide = values >= _side(problem)
    return wide and 1 <= problem.kernel.radius <= _nearest() and _is_of_image(problem)


def _is_of_image(problem: Problem) -> bool:
    """Whether all that is summed is, with what lies outside, of the image's type: then sums do not
    lie beyond the integers, either."""
    if problem.dtype.kind == "f" or problem.border != "constant":
        return True
    return 0 <= problem.cval <= np.iinfo(problem.dtype).max and float(problem.cval).is_integer()


@functools.cache
def _nearest() -> int:
    """The largest radius of a plan for few taps."""
    try:
        sums = import_module("blurbench.backends.numba.sums")
    except ImportError:
        return 0  # without Numba there is no plan, but still an estimate of its memory
    return int(sums.NEAR)


def _near_lines(problem: Problem) -> tuple[int, int]:
    """Of lines with their margins, and room to begin anywhere in a page; see `beginning`."""
    values = (problem.width + 2 * problem.kernel.radius) * problem.channels
    values += (APART + CACHE_LINE) // problem.work_dtype.itemsize
    # An odd number of vectors: the lines do not lie one above the other in the cache.
    return TOGETHER, (values // LANES // 2 * 2 + 3) * LANES


class _NearPlan(NumbaPlan):
    """Few taps: both passes at once, some rows at a time."""

    def __init__(self, problem: Problem) -> None:
        kernel = problem.kernel
        super().__init__(problem, kernel.taps[kernel.radius :], 2 * kernel.size, TOGETHER)
        self._streams = streams_past(problem)

    def _room(self) -> Room:
        problem = self.problem
        cval = problem.cval if problem.border == "constant" else 0
        blank, made = (np.full(self._values, value, problem.dtype) for value in (cval, 0))
        return self._zeros(*_near_lines(problem)), blank, made

    def _blur(self, images: Any, out: Any) -> Blur:
        tables, rooms, streams = self._tables, self._rooms, self._streams
        separable = self._kernels.separable_near
        return lambda turns, thread: separable(turns, tables, rooms[thread], streams, images, out)


class _LinesPlan(NumbaPlan):
    """Any number of taps: strip by strip, so that what the first pass made is still at hand."""

    def __init__(self, problem: Problem) -> None:
        kernel = problem.kernel
        super().__init__(problem, kernel.taps[kernel.radius :], 2 * kernel.size, _side(problem))
        self._run_length, self._streams = _run_length(problem), streams_past(problem)

    def _room(self) -> Room:
        side = _side(self.problem)
        lines = (self._zeros(count, side) for count in _lines(self.problem))
        return *lines, np.zeros(_made(self.problem), self.problem.dtype)

    def _blur(self, images: Any, out: Any) -> Blur:
        tables, rooms, streams = self._tables, self._rooms, self._streams
        separable, run = self._kernels.separable, self._run_length
        return lambda turns, thread: separable(
            turns, tables, rooms[thread], run, streams, images, out
        )


def _lines(problem: Problem) -> tuple[int, int, int]:
    """Of a strip's rows with those around, turned with those beside it, and of sums."""
    side, channels, radius = _side(problem), problem.channels, problem.kernel.radius
    turned = (-(-problem.width // side) * side + 2 * radius + OUTPUTS) * channels
    return side + 2 * radius + OUTPUTS, turned, side * channels


def _run_length(problem: Problem) -> int:
    """Values of a row that are written at once; 0 for squares where they are whole."""
    crowded = problem.image_bytes // problem.height % APART == 0
    return RUN * _side(problem) if crowded or streams_past(problem) else 0


def _made(problem: Problem) -> tuple[int, int]:
    """Room for rows of the result; an odd number of squares, see `_near_lines`."""
    side = _side(problem)
    return side, _run_length(problem) + side
