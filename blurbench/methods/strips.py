"""Blurs of lines: down the columns, then along the rows, a strip of neighbours at a time.

A strip stays in the cache, and threads share the strips.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

from blurbench.methods.parallel import run_in_threads
from blurbench.plan import Plan, empty, store
from blurbench.problem import Problem

STRIP = 2**17  # samples of a strip: half a MiB in float32
FACTORS_BYTES = 64  # of a sample of a line, while its factors are worked out
LEAST = 2**16  # samples of an image for each thread; waking one costs as much as blurring half
SPARSE = 8  # every so many rows and columns tell the level of an image

ALL = slice(None)
Index = tuple[slice, slice, slice]


class Pass(Protocol):
    """The blur of columns, given as arrays `(H, w, C)`, or of rows, given as `(C, h, W)`.

    So its lines lie along the first axis or the last, and those of one channel together. It leaves
    them alone, and may give the result in the same memory at every call.

    Attributes:
        nbytes: memory that it holds.
    """

    nbytes: int

    def __call__(self, lines: Any) -> Any: ...


class StripsPlan(Plan):
    """Blurs columns, then rows, of all channels at once.

    Args:
        make_pass: makes the pass along axis 0 or 1, given how many lines a channel come at most.
        dtype: name of the type of the arithmetic.
        levelled: whether the lines are blurred about the level of the image, which the blur keeps;
            a transform would round every sample to the level's size.
    """

    def __init__(
        self,
        xp: Any,
        problem: Problem,
        make_pass: Callable[[int, int], Pass],
        dtype: str,
        *,
        levelled: bool = False,
    ) -> None:
        super().__init__(xp, problem)
        self._float, self._levelled = getattr(xp, dtype), levelled
        shape = (problem.height, problem.width, problem.channels)
        lines = [_lines(problem, axis) for axis in (0, 1)]
        self._parts = [
            [(ALL, slice(n, n + step), ALL) for n in range(0, count, step)]
            for count, step in zip(shape[1::-1], lines, strict=True)
        ]
        threads = threads_for(problem)
        self._passes = [[make_pass(axis, lines[axis]) for axis in (0, 1)] for _ in range(threads)]
        self.nbytes = sum(one.nbytes for passes in self._passes for one in passes)
        self._middle = None  # the result has room for it
        if problem.dtype.name != dtype:
            self._middle = empty(xp, shape, self._float)
            self.nbytes += math.prod(shape) * (8 if dtype == "float64" else 4)

    def _run(self, image: Any, out: Any) -> None:
        if image.ndim == 2:
            image, out = image[..., None], out[..., None]
        middle = out if self._middle is None else self._middle
        level = level_of(self._xp, image, self._float) if self._levelled else None
        self._blur(0, image, middle, level)
        channels_first = (2, 0, 1)
        middle, out = (self._xp.permute_dims(one, channels_first) for one in (middle, out))
        self._blur(1, middle, out, level)

    def _blur(self, axis: int, source: Any, target: Any, level: Any) -> None:
        parts = iter(self._parts[axis])

        def work(thread: int) -> None:
            blur = self._passes[thread][axis]
            for part in parts:
                lines = self._xp.astype(source[part], self._float, copy=False)
                if axis == 0 and level is not None:
                    lines = lines - level
                blurred = blur(lines)
                if axis == 1 and level is not None:
                    blurred += level
                store(self._xp, blurred, target[part])

        run_in_threads(work, range(min(len(self._passes), len(self._parts[axis]))))


def level_of(xp: Any, image: Any, dtype: Any) -> Any:
    """The mean of some of the samples, as an array of one in a float type."""
    # Summed in one order, however the image lies in memory.
    some = xp.reshape(image[::SPARSE, ::SPARSE, ...], (-1,))
    return xp.mean(xp.astype(some, dtype))


def threads_for(problem: Problem) -> int:
    """How many threads are worth waking."""
    return max(1, min(problem.threads, math.prod(problem.shape) // LEAST))


def _lines(problem: Problem, axis: int) -> int:
    """Lines that make a strip, such that all threads have as many."""
    length, across = problem.shape[axis], problem.shape[1 - axis]
    strips = -(-across * length * problem.channels // STRIP)
    return -(-across // (-(-strips // problem.threads) * problem.threads))


def strip_shape(problem: Problem, axis: int, length: int, lines: int) -> tuple[int, int, int]:
    """Of an array for so many lines of a length, as a pass along an axis has them."""
    return (length, lines, problem.channels) if axis == 0 else (problem.channels, lines, length)


def along(axis: int) -> int:
    """The axis of such arrays that lines lie along."""
    return 0 if axis == 0 else 2


def across(xp: Any, line: Any, axis: int) -> Any:
    """A line as an array that broadcasts over such arrays."""
    return xp.reshape(xp.asarray(line), (-1, 1, 1) if axis == 0 else (1, 1, -1))


def within(axis: int, where: slice) -> Index:
    """The index of parts of all lines."""
    return (where, ALL, ALL) if axis == 0 else (ALL, ALL, where)


def work_bytes(problem: Problem, itemsize: int, lengths: tuple[int, int], arrays: int) -> int:
    """Memory of a plan: the image between the passes, each thread's arrays as a strip, factors.

    Args:
        lengths: samples of a column and of a row, their margins included.
        arrays: of float that each pass of a thread holds or makes.
    """
    strips = sum(_lines(problem, axis) * length for axis, length in enumerate(lengths))
    middle = problem.height * problem.width
    samples = middle + threads_for(problem) * arrays * strips
    return samples * problem.channels * itemsize + FACTORS_BYTES * sum(lengths)
