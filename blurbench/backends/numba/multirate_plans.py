"""The plan of the multirate blur: its matrices as cells, and columns shared out to threads."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from blurbench.backends.numba.plans import LINE_BYTES, OUTPUTS
from blurbench.backends.numba.separable_plans import streams_past
from blurbench.backends.numba.team import Blur, current
from blurbench.border import source_index
from blurbench.methods import approximate
from blurbench.methods.multirate import METHOD, small_count, small_radius
from blurbench.plan import Plan, empty
from blurbench.problem import Problem
from blurbench.splines import Detour, Entries

THREADED = 2**19  # values of an image, from which other threads pay
MEETS = 5  # see cells.py
ROWS = 16  # of a cell, at most: more than a processor can foresee the reads of
PARTS, TILE = 16, 2**21  # of a tile, what is read of a row at a time; and its bytes, at most
Array = NDArray[Any]


class Cells(NamedTuple):
    """Rows that meet the same lines.

    Attributes:
        first, height: the rows of each cell.
        start: of their weights.
        meets: `(cells, MEETS)`, the lines; no two of a cell are the same.
        weights: `(rows, MEETS)`.
    """

    first: Array
    height: Array
    start: Array
    meets: Array
    weights: Array


class Way(NamedTuple):
    """The way of a line over a small one; see `Detour`.

    Attributes:
        taps: from the centre on.
        beside: where what lies before and after the small line comes from; -1 for `cval`.
        level: what small lines begin with, as their part of what lies beside the line.
    """

    down: Cells
    up: Cells
    taps: Array
    beside: Array
    cval: float
    level: Array


class TileRoom(NamedTuple):
    """Where a thread works.

    Attributes:
        tile: `(parts, lines, side)`: small lines of as many columns as a line has floats.
        made: `(lines, side)`, those of one part, blurred.
        square: `(side, side)`.
        band: rows of the result, as wide as a tile.
        meets: addresses of the lines of a cell.
    """

    tile: Array
    made: Array
    square: Array
    band: Array
    meets: Array


def cells_of(row: Array, line: Array, weight: Array, dtype: Any, spare: int | None = None) -> Cells:
    """The cells of a matrix's entries, sorted by row and line.

    Args:
        spare: the first of MEETS lines that a row may meet without weight; None where it may meet
            one line twice.
    """
    place = np.arange(len(row)) - np.searchsorted(row, row)
    # A row that meets more lines than a cell has is in several.
    _, begin, number = np.unique(
        row * len(row) + place // MEETS, return_index=True, return_inverse=True
    )
    others = np.arange(spare, spare + MEETS) if spare is not None else line[begin, None]
    meets = np.array(np.broadcast_to(others, (len(begin), MEETS)))
    weights = np.zeros(meets.shape, dtype)
    meets[number, place % MEETS], weights[number, place % MEETS] = line, weight
    rows = row[begin]
    alike = (meets[1:] == meets[:-1]).all(axis=1) & (rows[1:] == rows[:-1] + 1)
    run = np.concatenate([[0], np.flatnonzero(~alike) + 1])
    inside = np.arange(len(rows)) - run[np.searchsorted(run, np.arange(len(rows)), "right") - 1]
    start = np.flatnonzero(inside % ROWS == 0)
    height = np.diff(np.append(start, len(rows)))
    return Cells(rows[start], height, start, meets[start], weights)


def way_of(problem: Problem, n: int) -> Way:
    """The way of lines of `n` samples."""
    border, dtype = problem.border, problem.work_dtype
    detour = Detour.over(n, border, problem.kernel.sigma, approximate.ORDERS[METHOD])
    radius, count = len(detour.taps) // 2, detour.across.shape[0]
    beside = np.concatenate([np.arange(-radius, 0), np.arange(count, count + radius)])
    level = np.zeros(count, dtype)
    if border == "constant" and problem.cval:
        level[:] = problem.cval * (1 - np.bincount(detour.down.row, detour.down.weight, count))
    return Way(
        _down(detour.down, radius, dtype),
        cells_of(detour.up.row, detour.up.column, detour.up.weight, dtype),
        detour.taps[radius:].astype(dtype),
        source_index(beside, count, border),
        float(problem.cval),
        level,
    )


def _down(entries: Entries, pad: int, dtype: Any) -> Cells:
    order = np.lexsort((entries.row, entries.column))
    row, line, weight = entries.column[order], entries.row[order], entries.weight[order]
    return cells_of(row, line + pad, weight, dtype, entries.shape[0] + 2 * pad + OUTPUTS)


class NumbaMultiratePlan(Plan):
    """Columns to small lines, which are turned and blurred along the rows, and back to columns."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(np, problem)
        dtype = problem.work_dtype
        self._side = LINE_BYTES // dtype.itemsize
        self._ways = [way_of(problem, n) for n in problem.shape[:2]]
        count = -(-len(self._ways[0].level) // self._side) * self._side
        self._values = max(problem.width * problem.channels, self._side)
        self._turned = self._zeros(self._values, count)
        self._rows = self._turned[: problem.width * problem.channels].reshape(problem.width, -1)
        longest = max(len(way.level) + len(way.beside) for way in self._ways)
        lines = -(-longest // self._side) * self._side + OUTPUTS + MEETS
        parts = -(-max(self._values, self._rows.shape[1]) // self._side)
        threads = _threads(problem, parts)
        self._parts = min(-(-parts // threads), _most_parts(lines))
        self._rooms = [self._room(lines) for _ in range(threads)]
        self._streams = streams_past(problem)

    def _room(self, lines: int) -> TileRoom:
        band = np.zeros((ROWS, self._parts * self._side), self.problem.dtype)
        self.nbytes += band.nbytes
        return TileRoom(
            self._zeros(self._parts, lines, self._side),
            self._zeros(lines, self._side),
            self._zeros(self._side, self._side),
            band,
            np.empty(MEETS, np.int64),
        )

    def _zeros(self, *shape: int) -> Array:
        array: Array = self._hold(empty(np, shape, self.problem.work_dtype))
        array[...] = 0
        return array

    def _run(self, image: Any, out: Any) -> None:
        from blurbench.backends.numba import multirate_kernels as kernels

        (down, across), turned = self._ways, self._turned
        width, height = self.problem.width * self.problem.channels, self.problem.height
        given = np.ascontiguousarray(image).reshape(height, width)
        in_place = width == self._values and out.flags.c_contiguous
        made = out.reshape(given.shape) if in_place else np.empty((height, self._values), out.dtype)
        if width < self._values:  # narrower than a line: amid columns that no one asks for
            given = np.pad(given, ((0, 0), (0, self._values - width)))

        rooms, rows, streams = self._rooms, self._rows, self._streams
        self._share(lambda turns, i: kernels.shrink(turns, down, rooms[i], given, turned), given)
        self._share(lambda turns, i: kernels.along(turns, across, rooms[i], rows), rows)
        self._share(
            lambda turns, i: kernels.grow(turns, down, rooms[i], streams, turned, made), made
        )
        if not in_place:
            out[...] = made[:, :width].reshape(out.shape)

    def _share(self, blur: Blur, columns: Array) -> None:
        """Let `blur` take tiles of columns, in whichever thread is free."""
        parts = -(-columns.shape[1] // self._side)
        step = max(1, min(self._parts, parts // len(self._rooms)))
        current.team.run(blur, step, min(len(self._rooms), -(-parts // step)))


def _threads(problem: Problem, parts: int) -> int:
    return min(problem.threads, parts) if math.prod(problem.shape) >= THREADED else 1


def _most_parts(lines: int) -> int:
    return max(1, min(PARTS, TILE // (lines * LINE_BYTES)))


def work_bytes(problem: Problem) -> int:
    """The small lines of the image, each thread's tile, and an image that is too narrow, wider."""
    side = LINE_BYTES // problem.work_dtype.itemsize
    rows = small_count(problem, problem.height) + side
    lines = (
        OUTPUTS
        + MEETS
        + max(
            small_count(problem, n) + side + 2 * small_radius(problem, n) for n in problem.shape[:2]
        )
    )
    row = problem.width * problem.channels
    values, across = max(row, side), rows * problem.channels
    parts = -(-max(values, across) // side)
    threads = _threads(problem, parts)
    # Of fewer lines than are reckoned with there may be more parts, up to what a tile may take.
    at_once = min(-(-parts // threads), PARTS)
    tile = min(at_once * lines, max(lines, TILE // LINE_BYTES))
    band = ROWS * at_once
    tiles = threads * (tile + lines + side + band) * LINE_BYTES
    wider = 2 * problem.height * values * problem.dtype.itemsize if row < side else 0
    return rows * values * problem.work_dtype.itemsize + tiles + wider
