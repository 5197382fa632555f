"""Plans over the compiled pipelines: the border's tables, and strips shared out to threads."""

from __future__ import annotations

import math
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench.backends.halide.pipelines import BLOCK, TOGETHER, VECTORS, compiled
from blurbench.backends.halide.specialisation import UNROLLED, Specialisation
from blurbench.border import source_index
from blurbench.forks import Home
from blurbench.plan import Plan
from blurbench.problem import Problem

LANES = 16  # values in the longest vector
WORTH_SHARING = 200_000  # multiply-adds of an image from which waking other threads pays

# Of Halide's threads: a fork has none of them, and takes one alone.
home = Home("halide")


class HalidePlan(Plan):
    """Ten lines of Halide, scheduled by hand and compiled at the first call of a kind.

    As many shares of strips are made as the problem has threads, so that no more work at the same
    time; Halide itself keeps one for each CPU, or HL_NUM_THREADS.
    """

    def __init__(self, problem: Problem, method: str) -> None:
        super().__init__(np, problem)
        self._hl = import_module("halide")
        kernel, channels = problem.kernel, problem.channels
        self._rows = (problem.height, problem.width * channels)
        taps = _taps(problem, method)
        self._kind = Specialisation(
            method,
            len(kernel.taps) if len(kernel.taps) <= UNROLLED else 0,
            problem.dtype.name,
            problem.border == "constant",
            self._rows[1] >= VECTORS * LANES,
            parallel=False,
        )
        strips = -(-problem.height // self._kind.rows)
        pays = math.prod(problem.shape) * taps.size >= WORTH_SHARING
        self._threads = min(problem.threads, strips) if pays else 1
        tables = (taps, *_sources(problem))
        self.nbytes = sum(table.nbytes for table in tables)
        self._given = (
            *(self._hl.Buffer(table) for table in tables),
            *(problem.cval, kernel.radius, channels, -(-strips // self._threads)),
        )

    def _run(self, image: Any, out: Any) -> None:
        alone = self._threads == 1 or home.is_elsewhere
        code = compiled(self._kind._replace(parallel=not alone))
        # Halide refuses memory that must not be written to, even where it only reads.
        given = np.require(image, requirements=("C", "A", "W")).reshape(self._rows)
        made = out if out.flags.carray else np.empty(out.shape, out.dtype)
        code(self._hl.Buffer(given), *self._given, self._hl.Buffer(made.reshape(self._rows)))
        if made is not out:
            out[...] = made


def _taps(problem: Problem, method: str) -> NDArray[Any]:
    """Those of one axis, or all; in a loop, rows of whole blocks."""
    kernel = problem.kernel
    taps = kernel.dense() if method == "direct" else kernel.taps
    if len(kernel.taps) > UNROLLED:
        none = [(0, 0)] * (taps.ndim - 1)
        taps = np.pad(taps, [*none, (0, -len(kernel.taps) % BLOCK)])
    return np.array(taps, problem.work_dtype, order="C")


def _sources(problem: Problem) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Of the rows and those around; of the values before a row and those after; -1 for `cval`."""
    (height, width), radius = problem.shape[:2], problem.kernel.radius
    rows = source_index(np.arange(-radius, height + radius), height, problem.border)
    beside = np.concatenate([np.arange(-radius, 0), np.arange(width, width + radius)])
    columns = source_index(beside, width, problem.border)[:, None]
    values = columns * problem.channels + np.arange(problem.channels)
    values = np.where(columns >= 0, values, -1).ravel()
    return rows.astype(np.int32), (values if radius else np.zeros(1)).astype(np.int32)


def work_bytes(problem: Problem, method: str) -> int:
    """Tables, and for each thread a strip with its margins and what was summed down of it."""
    reach, item = 2 * problem.kernel.radius + BLOCK, problem.work_dtype.itemsize
    height, width = problem.shape[:2]
    taps = (reach + 1) ** 2 if method == "direct" else reach + 1
    tables = taps * item + 4 * (height + reach + reach * problem.channels)
    values = (width + reach) * problem.channels + 2 * VECTORS * LANES
    strip = (2 * 32 + reach + TOGETHER) * values
    return tables + problem.threads * strip * item
