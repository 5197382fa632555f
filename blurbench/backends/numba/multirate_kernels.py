"""The multirate blur as Numba compiles it: for some columns at a time, a line of them each.

A tile is `(parts, lines, side)`: of each part of so many columns, the small lines one below the
other, with room beside them for what the small blur looks at.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from numba import njit
from numpy.typing import NDArray

from blurbench.backends.numba.cells import MEETS, gather_rows, spread_lines
from blurbench.backends.numba.kernels import extend_lines
from blurbench.backends.numba.shares import Turns, compiled, shares
from blurbench.backends.numba.sums import OUTPUTS, sum_lines
from blurbench.backends.numba.vectors import LINE_BYTES, copy_line, stream_bytes, turn

Array = NDArray[Any]
GENERATED_BY = "40694a42ff5a326f"  # the hash of vectors, sums, cells, kernels, atomics and shares


@compiled
def find_lines(cells: Any, number: int, tile: Array, meets: Array) -> None:
    """Note where the lines of a cell are in the first part of a tile."""
    for k in range(MEETS):
        meets[k] = tile.ctypes.data + cells.meets[number, k] * LINE_BYTES


@compiled
def gather(cells: Any, rows: Array, left: int, parts: int, room: Any) -> None:
    """Add rows, from column `left` on, to the small lines of `parts` of a tile."""
    for i in range(len(cells.first)):
        find_lines(cells, i, room.tile, room.meets)
        first = rows.ctypes.data + cells.first[i] * rows.strides[0] + left * rows.itemsize
        gather_rows(
            rows,
            room.tile,
            cells.weights.ctypes.data + cells.start[i] * cells.weights.strides[0],
            room.meets.ctypes.data,
            (first, rows.strides[0], cells.height[i]),
            (parts, room.tile.strides[0]),
        )


@compiled
def spread(cells: Any, rows: Array, left: int, parts: int, room: Any, streams: bool) -> None:
    """Write rows, from column `left` on, as sums of the small lines of `parts` of a tile."""
    band, length = room.band, parts * room.tile.shape[2] * rows.itemsize
    for i in range(len(cells.first)):
        find_lines(cells, i, room.tile, room.meets)
        first = rows.ctypes.data + cells.first[i] * rows.strides[0] + left * rows.itemsize
        target = (first, rows.strides[0])
        made = (band.ctypes.data, band.strides[0]) if streams else target
        spread_lines(
            rows,
            room.tile,
            cells.weights.ctypes.data + cells.start[i] * cells.weights.strides[0],
            room.meets.ctypes.data,
            (*made, cells.height[i]),
            (parts, room.tile.strides[0]),
        )
        if streams:
            for k in range(cells.height[i]):
                stream_bytes(made[0] + k * made[1], target[0] + k * target[1], length)


@compiled
def clear(way: Any, tile: Array, parts: int) -> None:
    """Begin small lines with their part of what lies beside the image."""
    pad = len(way.beside) // 2
    for part in range(parts):
        for i in range(len(way.level)):
            tile[part, pad + i] = way.level[i]


@compiled
def blur_small(way: Any, lines: Array, made: Array) -> None:
    """Blur small lines, that begin after half of `beside`, into `made`, from its first on."""
    pad, count = len(way.beside) // 2, len(way.level)
    extend_lines(lines, way.beside, count, way.cval)
    radius = len(way.taps) - 1
    for i in range(0, count, OUTPUTS):
        centre = lines.ctypes.data + (pad + i) * LINE_BYTES
        sum_lines(way.taps, radius, centre, LINE_BYTES, made.ctypes.data + i * LINE_BYTES)


@njit(nogil=True, error_model="numpy")  # see `shares`
def tiles(turns: Turns, values: int, side: int) -> Iterator[tuple[int, int]]:
    """Take columns while there are some: the first, and how many parts of a tile they fill.

    The last may overlap those before, so that it is whole.
    """
    for _, first, end in shares(turns, 1, (values + side - 1) // side):
        parts = min(end, values // side) - first
        if parts > 0:
            yield first * side, parts
        if end * side > values:
            yield values - side, 1


@compiled
def shrink(turns: Turns, way: Any, room: Any, image: Array, turned: Array) -> None:
    """Make small lines of the columns and lay them down as rows of `turned`."""
    side, made = room.tile.shape[2], room.made
    for left, parts in tiles(turns, image.shape[1], side):
        clear(way, room.tile, parts)
        gather(way.down, image, left, parts, room)
        for part in range(parts):
            blur_small(way, room.tile[part], made)
            row = turned.ctypes.data + (left + part * side) * turned.strides[0]
            for i in range(0, len(way.level), side):
                source = made.ctypes.data + i * LINE_BYTES
                turn(made, turned, source, row + i * turned.itemsize, turned.strides[0])


@compiled
def along(turns: Turns, way: Any, room: Any, rows: Array) -> None:
    """Blur the columns, whole tiles of them, in place, by way of small lines."""
    made = room.made
    for left, parts in tiles(turns, rows.shape[1], room.tile.shape[2]):
        clear(way, room.tile, parts)
        gather(way.down, rows, left, parts, room)
        for part in range(parts):
            blur_small(way, room.tile[part], made)
            target = room.tile[part].ctypes.data
            for i in range(0, len(way.level) * LINE_BYTES, LINE_BYTES):
                copy_line(made, room.tile, made.ctypes.data + i, target + i, 0)
        spread(way.up, rows, left, parts, room, False)


@compiled
def grow(turns: Turns, way: Any, room: Any, streams: bool, turned: Array, out: Array) -> None:
    """Make the columns of the result of the small lines in rows of `turned`.

    Args:
        streams: whether the result is written past the caches.
    """
    side, square = room.tile.shape[2], room.square
    for left, parts in tiles(turns, out.shape[1], side):
        for part in range(parts):
            row = turned.ctypes.data + (left + part * side) * turned.strides[0]
            for i in range(0, len(way.level), side):
                for j in range(side):
                    source = row + j * turned.strides[0] + i * turned.itemsize
                    copy_line(turned, square, source, square.ctypes.data + j * LINE_BYTES, 0)
                target = room.tile[part].ctypes.data + i * LINE_BYTES
                turn(square, room.tile, square.ctypes.data, target, LINE_BYTES)
        spread(way.up, out, left, parts, room, streams)
