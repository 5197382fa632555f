"""The blurs as Numba compiles them, for a range of rows; compiled code is kept on disk."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench.backends.numba.shares import Turns, compiled, shares
from blurbench.backends.numba.sums import (
    OUTPUTS,
    TOGETHER,
    sum_along,
    sum_dense,
    sum_down,
    sum_lines,
)
from blurbench.backends.numba.vectors import (
    AHEAD,
    CACHE_LINE,
    LINE_BYTES,
    copy_bytes,
    copy_line,
    stream_bytes,
    turn,
)

Array = NDArray[Any]
# Taps; of all rows, and of those above and below the image, where they come from, -1 for cval; of
# the columns beside a row, see `fill_margins`; channels; and cval.
Tables = tuple[Array, Array, Array, int, float]
ALIKE, AWAY = 4096, 1152  # bytes; see `beginning`
# Numba keeps compiled code for as long as this very file stays the same, whatever it is made from.
GENERATED_BY = "4f3ed26fdbfd27e7"  # the hash of vectors, sums, atomics and shares


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
            copy_line(image, tile, start + source * image.strides[0], line, AHEAD)
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
    turns: Turns,
    tables: Tables,
    room: tuple[Array, Array, Array, Array],
    run: int,
    streams: bool,
    images: Array,
    blurred: Array,
) -> None:
    """Blur the rows that are taken, in strips of as many as a line has floats.

    Both passes sum whole lines: columns are summed where they lie, then turned, so that what lay
    beside each other lies below each other, summed again and turned back.

    Args:
        tables: taps from the centre on.
        room: a tile for the rows that a strip's sums look at; turned, a line for each value of a
            row of a strip, and for those beside it; a square of sums for each channel; and the
            strip's rows of the result, for some squares of them.
        run: values of a row that are written at once; 0 for squares where they are whole.
        streams: whether such runs are written past the caches.
        images, blurred: `(N, H, W * channels)`.
    """
    taps, sources, columns, channels, cval = tables
    tile, turned, sums, made = room
    radius, side = len(taps) - 1, tile.shape[1]
    pad, values = len(columns) // 2, images.shape[2]
    for number, top, bottom in shares(turns, len(images), images.shape[1]):
        image, out = images[number], blurred[number]
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
            begun = 0
            for left in range(0, values, side * channels):
                for i in range(0, min(side * channels, values - left), OUTPUTS * channels):
                    for channel in range(i, i + channels):
                        centre = turned.ctypes.data + (pad + left + channel) * LINE_BYTES
                        target = sums.ctypes.data + channel * LINE_BYTES
                        sum_lines(taps, radius, centre, channels * LINE_BYTES, target)
                for square in range(channels):
                    x, source = left + square * side, sums.ctypes.data + square * side * LINE_BYTES
                    end = min(x + side, values)
                    if run == 0 and rows == side and x + side == end:
                        target = out.ctypes.data + y * out.strides[0] + x * out.itemsize
                        turn(sums, out, source, target, out.strides[0])
                        begun = end
                    elif x < end:
                        target = made.ctypes.data + (x - begun) * made.itemsize
                        turn(sums, made, source, target, made.strides[0])
                        if end == values or end - begun >= run:
                            for i in range(rows):
                                source = made.ctypes.data + i * made.strides[0]
                                target = out.ctypes.data + (y + i) * out.strides[0]
                                target += begun * out.itemsize
                                if streams:
                                    stream_bytes(source, target, (end - begun) * out.itemsize)
                                else:
                                    copy_bytes(source, target, (end - begun) * out.itemsize)
                            begun = end


@compiled
def separable_near(
    turns: Turns,
    tables: Tables,
    room: tuple[Array, Array, Array],
    streams: bool,
    images: Array,
    blurred: Array,
) -> None:
    """The same for few taps: down the columns of some rows at a time, then along these.

    Args:
        room: lines for TOGETHER rows of sums, with their margins; and of the image's type a row
            of `cval`, and one for the result.
        streams: as for `separable`, of all that is written.
    """
    taps, sources, columns, channels, cval = tables
    lines, blank, made = room
    radius, item = len(taps) - 1, lines.itemsize
    pad, values = len(columns) // 2, images.shape[2]
    rows = np.empty(2 * radius + 2 * TOGETHER, np.int64)
    for number, top, bottom in shares(turns, len(images), images.shape[1]):
        image, out = images[number], blurred[number]
        for begin in range(top, bottom, TOGETHER):
            y = max(min(begin, bottom - TOGETHER), top)  # the last may be summed twice
            for i in range(len(rows)):
                source = sources[min(y + i, len(sources) - 1)]
                place = image.ctypes.data + source * image.strides[0]
                rows[i] = place if source >= 0 else blank.ctypes.data
            written = made.ctypes.data if streams else out.ctypes.data + y * out.strides[0]
            begins = beginning(lines, pad, rows[radius], written)
            line, apart = lines.ctypes.data + begins * item, lines.strides[0]
            sum_down(taps, radius, image, rows.ctypes.data, (line, apart), values)
            for k in range(pad):
                before, after = columns[k], columns[pad + k]
                left, right = begins - pad + k, begins + values + k
                for i in range(TOGETHER):
                    lines[i, left] = lines[i, begins + before] if before >= 0 else cval
                    lines[i, right] = lines[i, begins + after] if after >= 0 else cval
            for i in range(min(TOGETHER, bottom - y)):
                target = out.ctypes.data + (y + i) * out.strides[0]
                along = made.ctypes.data if streams else target
                wanted = rows[2 * radius + TOGETHER + i] if streams else 0
                there = along, values, wanted
                sum_along(taps, radius, line + i * apart, channels * item, out, there)
                if streams:
                    stream_bytes(along, target, made.nbytes)


@compiled
def beginning(lines: Array, pad: int, read: int, written: int) -> int:
    """Where in `lines` sums begin, made of what lies at `read`; those of them go to `written`.

    A processor takes a value for one that was just stored if the last twelve bits of their
    addresses are equal, and waits. So sums lie some way behind what is read, and not right before
    what is written.
    """
    first = (lines.ctypes.data + pad * lines.itemsize + CACHE_LINE - 1) // CACHE_LINE * CACHE_LINE
    ahead = (read + AWAY - first) % ALIKE
    if (written - first - ahead) % ALIKE < AWAY:
        ahead = (ahead + AWAY) % ALIKE
    place: int = first + ahead // CACHE_LINE * CACHE_LINE - lines.ctypes.data
    return place // lines.itemsize


@compiled
def direct(
    turns: Turns,
    tables: Tables,
    room: tuple[Array, Array],
    highest: int,
    images: Array,
    blurred: Array,
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
    for number, top, bottom in shares(turns, len(images), images.shape[1]):
        image, out = images[number], blurred[number]
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
