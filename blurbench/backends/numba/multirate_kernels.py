"""The multirate blur as Numba compiles it: for some columns at a time, a line of them each.

A tile is `(parts, lines, side)`: of each part of so many columns, the small lines one below the
other, with room beside them for what the small blur looks at.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from blurbench.backends.numba.cells import MEETS, gather_rows, spread_lines
from blurbench.backends.numba.kernels import extend_lines
from blurbench.backends.numba.shares import compiled
from blurbench.backends.numba.sums import OUTPUTS, sum_lines
from blurbench.backends.numba.vectors import LINE_BYTES, copy_line, turn

Array = NDArray[Any]
GENERATED_BY = "bbc4776ece4e0c10"  # the hash of vectors, sums, cells, kernels, atomics and shares


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
def spread(cells: Any, rows: Array, left: int, parts: int, room: Any) -> None:
    """Write rows, from column `left` on, as sums of the small lines of `parts` of a tile."""
    for i in range(len(cells.first)):
        find_lines(cells, i, room.tile, room.meets)
        first = rows.ctypes.data + cells.first[i] * rows.strides[0] + left * rows.itemsize
        spread_lines(
            rows,
            room.tile,
            cells.weights.ctypes.data + cells.start[i] * cells.weights.strides[0],
            room.meets.ctypes.data,
            (first, rows.strides[0], cells.height[i]),
            (parts, room.tile.strides[0]),
        )


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


@compiled
def shrink(way: Any, image: Array, left: int, parts: int, room: Any, turned: Array) -> None:
    """Make small lines of some columns and lay them down as rows of `turned`; see `TileRoom`."""
    clear(way, room.tile, parts)
    gather(way.down, image, left, parts, room)
    side, made = room.tile.shape[2], room.made
    for part in range(parts):
        blur_small(way, room.tile[part], made)
        row = turned.ctypes.data + (left + part * side) * turned.strides[0]
        for i in range(0, len(way.level), side):
            source = made.ctypes.data + i * LINE_BYTES
            turn(made, turned, source, row + i * turned.itemsize, turned.strides[0])


@compiled
def along(way: Any, rows: Array, left: int, parts: int, room: Any) -> None:
    """Blur some columns in place, by way of small lines."""
    clear(way, room.tile, parts)
    gather(way.down, rows, left, parts, room)
    made = room.made
    for part in range(parts):
        blur_small(way, room.tile[part], made)
        target = room.tile[part].ctypes.data
        for i in range(0, len(way.level) * LINE_BYTES, LINE_BYTES):
            copy_line(made, room.tile, made.ctypes.data + i, target + i, 0)
    spread(way.up, rows, left, parts, room)


@compiled
def grow(way: Any, turned: Array, left: int, parts: int, room: Any, out: Array) -> None:
    """Make some columns of the result of the small lines in rows of `turned`."""
    side, square = room.tile.shape[2], room.square
    for part in range(parts):
        row = turned.ctypes.data + (left + part * side) * turned.strides[0]
        for i in range(0, len(way.level), side):
            for j in range(side):
                source = row + j * turned.strides[0] + i * turned.itemsize
                copy_line(turned, square, source, square.ctypes.data + j * LINE_BYTES, 0)
            target = room.tile[part].ctypes.data + i * LINE_BYTES
            turn(square, room.tile, square.ctypes.data, target, LINE_BYTES)
    spread(way.up, out, left, parts, room)
