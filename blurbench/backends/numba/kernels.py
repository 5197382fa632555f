"""The blurs as Numba compiles them, for a range of rows; compiled code is kept on disk."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from blurbench.backends.numba.sums import OUTPUTS, TOGETHER, sum_both, sum_dense, sum_lines
from blurbench.backends.numba.vectors import AHEAD, LINE_BYTES, copy_line, turn

Array = NDArray[Any]
# Taps; of all rows, and of those above and below the image, where they come from, -1 for cval; of
# the columns beside a row, see `fill_margins`; channels; and cval.
Tables = tuple[Array, Array, Array, int, float]
# Numba keeps compiled code for as long as this very file stays the same, whatever it is made from.
GENERATED_BY = "fe69c193b3215acd"  # the hash of vectors.py and sums.py

compiled = njit(nogil=True, cache=True, error_model="numpy")


@compiled
def fill_margins(line: Array, columns: Array, cval: float) -> None:
    """Fill what lies beside a line, whose own values begin after half of the `columns`.

    Args:
        columns: where the values before and then those after come from; -1 for `cval`.
    """
    pad = len(columns) // 2
    after = len(line) - pad
    for i in range(pad):
        source = columns[i]
        line[i] = line[pad + source] if source >= 0 else cval
        source = columns[pad + i]
        line[after + i] = line[pad + source] if source >= 0 else cval


@compiled
def load_row(image: Array, source: int, columns: Array, cval: float, line: Array) -> None:
    """Convert a row of the image to floats, with what lies beside it; -1 for `cval` alone."""
    pad = len(columns) // 2
    width = image.shape[1]
    for x in range(width):
        line[pad + x] = image[source, x] if source >= 0 else cval
    fill_margins(line[: width + 2 * pad], columns, cval)


@compiled
def store_row(line: Array, out: Array, y: int, highest: int) -> None:
    """Write a row of the result; up to `highest`, and rounded, where that is an integer's."""
    width = out.shape[1]
    if highest > 0:
        for x in range(width):
            out[y, x] = min(max(np.rint(line[x]), 0), highest)
    else:
        for x in range(width):
            out[y, x] = line[x]


@compiled
def load_tile(image: Array, sources: Array, left: int, cval: float, tile: Array) -> None:
    """Convert some columns of rows of the image to floats; those beyond the last are left.

    Args:
        sources: of the rows; -1 for `cval`.
    """
    count = min(tile.shape[1], image.shape[1] - left)
    start = image.ctypes.data + left * image.itemsize
    for i in range(len(sources)):
        source = sources[i]
        if source < 0:
            tile[i] = cval
        elif count == tile.shape[1]:
            line = tile.ctypes.data + i * LINE_BYTES
            ahead = AHEAD * image.itemsize
            copy_line(image, tile, start + source * image.strides[0], line, ahead)
        else:
            for x in range(count):
                tile[i, x] = image[source, left + x]


@compiled
def extend_lines(lines: Array, columns: Array, values: int, cval: float) -> None:
    """Fill the lines before and after those of a row's `values`; see `fill_margins`."""
    pad, start = len(columns) // 2, lines.ctypes.data
    for i in range(2 * pad):
        line, source = i if i < pad else values + i, columns[i]
        if source < 0:
            lines[line] = cval
        else:
            there = start + (pad + source) * LINE_BYTES
            copy_line(lines, lines, there, start + line * LINE_BYTES, 0)


@compiled
def separable(
    tables: Tables,
    room: tuple[Array, Array, Array, Array],
    image: Array,
    out: Array,
    top: int,
    bottom: int,
) -> None:
    """Blur rows `top` to `bottom`, in strips of as many rows as a line has floats.

    Both passes sum whole lines: columns are summed where they lie, then turned, so that what lay
    beside each other lies below each other, summed again and turned back.

    Args:
        tables: taps from the centre on.
        room: a tile for the rows that a strip's sums look at; turned, a line for each value of a
            row of a strip, and for those beside it; a square of sums for each channel; and a
            corner, a square of the result.
        image, out: `(H, W * channels)`.
    """
    taps, sources, columns, channels, cval = tables
    tile, turned, sums, corner = room
    radius, side = len(taps) - 1, tile.shape[1]
    pad, values = len(columns) // 2, out.shape[1]
    for y in range(top, bottom, side):
        rows = min(side, bottom - y)
        looked_at = sources[y : y + rows + 2 * radius]
        for left in range(0, values, side):
            load_tile(image, looked_at, left, cval, tile)
            for i in range(0, rows, OUTPUTS):
                centre = tile.ctypes.data + (radius + i) * LINE_BYTES
                sum_lines(taps, radius, centre, LINE_BYTES, sums.ctypes.data + i * LINE_BYTES)
            line = turned.ctypes.data + (pad + left) * LINE_BYTES
            turn(sums, turned, sums.ctypes.data, line, LINE_BYTES)
        extend_lines(turned, columns, values, cval)
        for left in range(0, values, side * channels):
            for i in range(0, min(side * channels, values - left), OUTPUTS * channels):
                for channel in range(i, i + channels):
                    centre = turned.ctypes.data + (pad + left + channel) * LINE_BYTES
                    target = sums.ctypes.data + channel * LINE_BYTES
                    sum_lines(taps, radius, centre, channels * LINE_BYTES, target)
            for square in range(channels):
                x, source = left + square * side, sums.ctypes.data + square * side * LINE_BYTES
                if rows == side and x + side <= values:
                    target = out.ctypes.data + y * out.strides[0] + x * out.itemsize
                    turn(sums, out, source, target, out.strides[0])
                elif x < values:
                    turn(sums, corner, source, corner.ctypes.data, corner.strides[0])
                    for i in range(rows):
                        for j in range(min(side, values - x)):
                            out[y + i, x + j] = corner[i, j]


@compiled
def load_line(
    image: Array, source: int, first: int, columns: Array, cval: float, line: Array
) -> None:
    """Convert a row's values from `first` on to floats, and what lies beside; see `fill_margins`.

    Args:
        source: -1 for `cval` alone.
    """
    pad, values, side = len(columns) // 2, image.shape[1], LINE_BYTES // line.itemsize
    if source < 0:
        line[:] = cval
        return
    x, stop = max(first, 0), min(first + len(line), values)
    row, start = image.ctypes.data + source * image.strides[0], line.ctypes.data
    below = TOGETHER * image.strides[0]  # the row to be loaded next: often on a page of its own
    while x < stop:
        x = min(x, stop - side)
        target = start + (x - first) * line.itemsize
        copy_line(image, line, row + x * image.itemsize, target, below)
        x += side
    for x in range(first, 0):
        column = columns[pad + x]
        line[x - first] = image[source, column] if column >= 0 else cval
    for x in range(values, first + len(line)):
        column = columns[pad + x - values]
        line[x - first] = image[source, column] if column >= 0 else cval


@compiled
def separable_near(
    tables: Tables,
    room: tuple[Array, Array],
    ends: int,
    image: Array,
    out: Array,
    top: int,
    bottom: int,
) -> None:
    """The same for few taps, some rows at a time: what was summed along the last is in a ring.

    Args:
        room: lines for TOGETHER rows with their margins, and a ring for the sums along the rows
            that TOGETHER rows of the result look at.
        ends: values at either end of a row of floats that are blurred by way of `lines`, the others
            where they lie; 0 for all by way of it.
    """
    taps, sources, columns, channels, cval = tables
    lines, ring = room
    radius, item, step = len(taps) - 1, lines.itemsize, channels * lines.itemsize
    pad, values = len(columns) // 2, out.shape[1]
    rows = np.empty(2 * len(ring), np.int64)
    for i in range(len(rows)):
        rows[i] = ring.ctypes.data + i % len(ring) * ring.strides[0]
    centres, targets = np.empty(TOGETHER, np.int64), np.empty(TOGETHER, np.int64)
    last = bottom + 2 * radius - TOGETHER  # an odd row out is summed along twice
    for begin in range(top, last + TOGETHER, TOGETHER):
        row = min(begin, last)
        given = sources[row : row + TOGETHER]
        first = (row - top + TOGETHER) % len(ring)
        inner = ends if given.min() >= 0 else 0
        middle = (inner, inner and values - inner)
        for left, right in ((0, inner or values), middle, (values - inner, values)):
            count = right - left
            if count > 0:
                for i in range(TOGETHER):
                    y = max(row + i - 2 * radius, top)
                    targets[i] = out.ctypes.data + y * out.strides[0] + left * out.itemsize
                    if inner and left == inner:
                        centres[i] = image.ctypes.data + given[i] * image.strides[0] + left * item
                    else:
                        line = lines[i, : count + 2 * pad]
                        load_line(image, given[i], left - pad, columns, cval, line)
                        centres[i] = line.ctypes.data + pad * item
                along = centres.ctypes.data, step
                down = rows.ctypes.data + first * 8, left * item
                sum_both(taps, radius, along, down, out, (targets.ctypes.data, count))


@compiled
def direct(
    tables: Tables,
    room: tuple[Array, Array],
    highest: int,
    image: Array,
    out: Array,
    top: int,
    bottom: int,
) -> None:
    """The dense sum.

    Args:
        tables: all taps, row after row.
        room: a ring of the rows that a row of the result looks at, with their margins, and a row of
            sums.
        highest: see `store_row`.
    """
    taps, sources, columns, channels, cval = tables
    ring, made = room
    radius = len(ring) // 2
    item, pad, width = made.itemsize, len(columns) // 2, len(made)
    rows = np.empty(len(ring), np.int64)
    loaded = top
    for y in range(top, bottom):
        while loaded <= y + 2 * radius:
            load_row(image, sources[loaded], columns, cval, ring[loaded % len(ring)])
            loaded += 1
        for i in range(2 * radius + 1):
            rows[i] = ring.ctypes.data + (y + i) % len(ring) * ring.strides[0]
        centre = rows.ctypes.data + radius * 8
        sum_dense(taps, radius, (centre, pad * item, channels * item), made.ctypes.data, width)
        store_row(made, out, y, highest)
