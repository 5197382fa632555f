"""The approximate blurs as Numba compiles them: both passes blur lines in place of each other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench.backends.numba.feedback import BACK, FORWARD, feed_back, slide_box, weigh_lines
from blurbench.backends.numba.kernels import extend_lines, load_tile
from blurbench.backends.numba.shares import Turns, compiled, shares
from blurbench.backends.numba.vectors import LINE_BYTES, copy_line, store_line, turn

Array = NDArray[Any]
Room = tuple[Array, Array, Array]
GENERATED_BY = "48b9936ceb0fb89c"  # the hash of vectors, feedback, kernels, atomics and shares


@compiled
def run_terms(terms: Any, lines: Array, count: int, step: int, before: Array, made: Array) -> None:
    """Filter lines by a sum of terms, there and back; see `Terms`."""
    for way in range(2):
        along = step * LINE_BYTES if way == 0 else -step * LINE_BYTES
        end = 0 if way == 0 else (count - 1) * step * LINE_BYTES
        start, target = lines.ctypes.data + end, made.ctypes.data + end
        for i in range(FORWARD - 1):
            source = terms.inputs[i]
            if source < 0:
                before[i] = terms.cval
            else:
                line = before.ctypes.data + i * LINE_BYTES
                copy_line(before, before, start + source * along, line, 0)
        for i in range(terms.counts.shape[1]):
            state = FORWARD - 1 + i
            before[state] = terms.constants[way, i]
            weights, number = terms.weights[way, i], terms.counts[way, i]
            line = before.ctypes.data + state * LINE_BYTES
            weigh_lines(weights, number, start, along, line)
        factors, number = terms.factors[way], terms.counts.shape[1] // BACK
        feed_back(factors, number, before.ctypes.data, (start, along, count, target), way)


@compiled
def run_boxes(boxes: Any, lines: Array, count: int, step: int, made: Array) -> Array:
    """Average lines in several passes; see `Boxes`. Gives the one of both that holds the result."""
    pad = len(boxes.columns) // 2
    for done in range(boxes.passes):
        if done == 0 or boxes.anew:
            extend_lines(lines, boxes.columns, count * step, boxes.cval)
        margin = 0 if boxes.anew else (boxes.passes - 1 - done) * (boxes.radius + 1)
        for first in range(step):
            offset = (pad - margin * step + first) * LINE_BYTES
            slide_box(
                boxes.weights,
                boxes.radius,
                lines.ctypes.data + offset,
                step * LINE_BYTES,
                count + 2 * margin,
                made.ctypes.data + offset,
            )
        lines, made = made, lines
    return lines


@compiled
def blur_lines(how: Any, room: Room, count: int) -> Array:
    """Blur `count` samples of interleaved lines, that begin at `pad`; gives the result."""
    terms, boxes, boxed, step = how
    lines, before, made = room
    if boxed:
        blurred: Array = run_boxes(boxes, lines, count, step, made)
        return blurred
    for start in range(len(boxes.columns) // 2, len(boxes.columns) // 2 + step):
        run_terms(terms, lines[start:], count, step, before, made[start:])
    return made


@compiled
def columns(turns: Turns, how: Any, room: Room, image: Array, out: Array) -> None:
    """Blur the columns of an image that are taken, a line of them at once.

    Args:
        how: see `How`.
        room: lines, what comes before them, and lines for the result.
    """
    lines, sources = room[0], np.arange(len(image))
    pad, side = len(how[1].columns) // 2, lines.shape[1]
    for _, first, last in shares(turns, 1, out.shape[1]):
        for left in range(first, last, side):
            load_tile(image, sources, left, 0.0, lines[pad:])
            blurred = blur_lines(how, room, len(sources))
            for y in range(len(sources)):
                if left + side <= out.shape[1]:
                    line = blurred.ctypes.data + (pad + y) * LINE_BYTES
                    target = out.ctypes.data + y * out.strides[0] + left * out.itemsize
                    store_line(blurred, out, line, target)
                else:
                    for x in range(out.shape[1] - left):
                        out[y, left + x] = blurred[pad + y, x]


@compiled
def rows(
    turns: Turns, how: Any, room: Room, squares: tuple[Array, Array], image: Array, out: Array
) -> None:
    """Blur the rows that are taken, turned so that neighbours lie below each other.

    Args:
        how, room: as of `columns`.
        squares: room for a square of floats, and for one of the result.
    """
    lines, (square, corner) = room[0], squares
    pad, side, values = len(how[1].columns) // 2, lines.shape[1], out.shape[1]
    for _, top, bottom in shares(turns, 1, len(out)):
        for y in range(top, bottom, side):
            height = min(side, bottom - y)
            sources = np.arange(y, y + height)
            for left in range(0, values, side):
                load_tile(image, sources, left, 0.0, square)
                target = lines.ctypes.data + (pad + left) * LINE_BYTES
                turn(square, lines, square.ctypes.data, target, LINE_BYTES)
            blurred = blur_lines(how, room, values // how[3])
            for left in range(0, values, side):
                source = blurred.ctypes.data + (pad + left) * LINE_BYTES
                if height == side and left + side <= values:
                    target = out.ctypes.data + y * out.strides[0] + left * out.itemsize
                    turn(square, out, source, target, out.strides[0])
                else:
                    turn(square, corner, source, corner.ctypes.data, corner.strides[0])
                    for i in range(height):
                        for j in range(min(side, values - left)):
                            out[y + i, left + j] = corner[i, j]
