"""The blurs as Numba compiles them, for a range of rows; compiled code is kept on disk."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from blurbench.backends.numba.vectors import sum_along, sum_dense, sum_down

Array = NDArray[Any]
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
def sum_rows(
    taps: Array, rows: Array, lines: Array, strip: int, pad: int, width: int, tile: int
) -> None:
    """The vertical sums of a strip, in tiles of columns whose rows stay in the cache.

    Args:
        rows: addresses of the strip's rows, and of the `radius` above and below it.
    """
    item, radius = lines.itemsize, len(taps) - 1
    left = 0
    while left < width:
        count = min(tile, width - left)
        if width - left - count < tile // 2:
            count = width - left  # rather a wide tile than a sliver
        for i in range(strip):
            centre = rows.ctypes.data + (radius + i) * 8
            target = lines.ctypes.data + i * lines.strides[0] + (pad + left) * item
            sum_down(taps, radius, centre, left * item, target, count)
        left += count


@compiled
def separable_floats(
    taps: Array,
    rows: Array,
    columns: Array,
    channels: int,
    cval: float,
    lines: Array,
    tile: int,
    out: Array,
    top: int,
    bottom: int,
) -> None:
    """Blur rows `top` to `bottom` of float images, read and written where they lie.

    Args:
        taps: from the centre on.
        rows: addresses of all rows, and of those above and below the image.
        columns: see `fill_margins`.
        lines: room for a strip of rows, with what lies beside them.
    """
    item, radius = out.itemsize, len(taps) - 1
    pad, width = len(columns) // 2, out.shape[1]
    for y in range(top, bottom, len(lines)):
        strip = min(len(lines), bottom - y)
        sum_rows(taps, rows[y : y + strip + 2 * radius], lines, strip, pad, width, tile)
        for i in range(strip):
            fill_margins(lines[i], columns, cval)
            centre = lines.ctypes.data + i * lines.strides[0] + pad * item
            target = out.ctypes.data + (y + i) * out.strides[0]
            sum_along(taps, radius, centre, channels * item, target, width)


@compiled
def separable_converted(
    taps: Array,
    image: Array,
    sources: Array,
    columns: Array,
    channels: int,
    cval: float,
    ring: Array,
    lines: Array,
    made: Array,
    tile: int,
    out: Array,
    highest: int,
    top: int,
    bottom: int,
) -> None:
    """The same, each row being converted to floats when it is first needed.

    Args:
        sources: of all rows, and of those above and below the image; -1 for `cval`.
        ring: room for the rows that a strip needs, at least as wide as a vector.
        made: room for a row of the result.
        highest: see `store_row`.
    """
    item, radius = made.itemsize, len(taps) - 1
    pad, width = len(columns) // 2, len(made)
    rows = np.empty(len(ring), np.int64)
    loaded = top
    for y in range(top, bottom, len(lines)):
        strip = min(len(lines), bottom - y)
        while loaded < y + strip + 2 * radius:
            load_row(image, sources[loaded], columns[:0], cval, ring[loaded % len(ring)])
            loaded += 1
        for i in range(strip + 2 * radius):
            rows[i] = ring.ctypes.data + (y + i) % len(ring) * ring.strides[0]
        sum_rows(taps, rows, lines, strip, pad, width, tile)
        for i in range(strip):
            fill_margins(lines[i, : image.shape[1] + 2 * pad], columns, cval)
            centre = lines.ctypes.data + i * lines.strides[0] + pad * item
            sum_along(taps, radius, centre, channels * item, made.ctypes.data, width)
            store_row(made, out, y + i, highest)


@compiled
def direct_converted(
    taps: Array,
    radius: int,
    image: Array,
    sources: Array,
    columns: Array,
    channels: int,
    cval: float,
    ring: Array,
    made: Array,
    out: Array,
    highest: int,
    top: int,
    bottom: int,
) -> None:
    """The dense sum; the arguments are those of `separable_converted`, the taps all of them."""
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
        target = made.ctypes.data
        sum_dense(taps, radius, centre, pad * item, channels * item, target, width)
        store_row(made, out, y, highest)
