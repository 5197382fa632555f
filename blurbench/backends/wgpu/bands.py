"""Bands of rows: how an image that is larger than a binding comes before a kernel in parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from blurbench.border import OUTSIDE, source_index
from blurbench.errors import InputError
from blurbench.problem import Problem

BINDING = "max-storage-buffer-binding-size"
ALIGNMENT = "min-storage-buffer-offset-alignment"
ROWS = 8  # of a tile: bands end at whole ones
FOUR = 4  # rows, columns or taps that a kernel takes at a time, the last of them perhaps in vain
WORD = 4  # bytes
NOWHERE = np.uint32(0xFFFFFFFF)  # as OUTSIDE in prelude.wgsl


@dataclass(frozen=True)
class Window:
    """Whole words of a buffer, and how many values of them come before the first that counts."""

    offset: int
    size: int
    first: int


@dataclass(frozen=True)
class Band:
    """Rows of the result, and the rows of the image that they are made of.

    Attributes:
        top, height: the rows of the result.
        sources: the parts of the image that are needed; more than one are gathered, end to end.
        rows: uint32, for each row from the kernel's radius above the band to as much below: where
            it begins in the gathered parts, in values, or `NOWHERE`.
        result: where the band's part of the result lies.
    """

    top: int
    height: int
    sources: tuple[Window, ...]
    rows: NDArray[np.uint32]
    result: Window


def bands(problem: Problem, limits: dict[str, int], most_rows: int) -> list[Band]:
    """The fewest bands, of `most_rows` at most, that a device of these limits takes.

    Raises:
        InputError: not even `ROWS` rows and those under the kernel fit into a binding.
    """
    each = min(most_rows, _rows_that_fit(problem, limits[BINDING], limits[ALIGNMENT]))
    return [
        _band(problem, top, min(each, problem.height - top), limits)
        for top in range(0, problem.height, each)
    ]


def _rows_that_fit(problem: Problem, binding: int, alignment: int) -> int:
    """Rows of a band, a multiple of `ROWS`."""
    values = problem.width * problem.channels
    row = values * problem.dtype.itemsize
    room = binding - 2 * alignment
    fit = [room // row, room // (values * problem.work_dtype.itemsize)]
    if problem.image_bytes > room:
        fit.append(room // row - 2 * problem.kernel.radius)
    whole = min(fit) // ROWS * ROWS
    if whole >= ROWS:
        return whole
    raise InputError(
        f"{ROWS} rows of {row} bytes and those under {problem.kernel.size} taps do not fit into "
        f"this adapter's {binding} bytes: use a smaller kernel, a narrower image or another backend"
    )


def _band(problem: Problem, top: int, height: int, limits: dict[str, int]) -> Band:
    radius, values = problem.kernel.radius, problem.width * problem.channels
    whole = -(-height // ROWS) * ROWS
    # A tile may reach further down than the band: it takes what is there already.
    below = -(-2 * radius // FOUR) * FOUR - radius
    positions = np.arange(top - radius, top + whole + below).clip(None, top + height - 1 + radius)
    sources = source_index(positions, problem.height, problem.border)
    needed = np.unique(sources[sources != OUTSIDE])
    first, last = int(needed[0]), int(needed[-1])
    parts = [(first, last)]
    if _window(problem, first, last, limits[ALIGNMENT]).size > limits[BINDING]:
        parts = list(_runs(needed))
    alignment = limits[ALIGNMENT] if len(parts) == 1 else WORD
    windows = tuple(_window(problem, *part, alignment) for part in parts)
    rows = np.full(len(sources), NOWHERE, np.uint32)
    before = 0
    for (first, last), window in zip(parts, windows, strict=True):
        inside = (sources >= first) & (sources <= last)
        rows[inside] = before + window.first + (sources[inside] - first) * values
        before += window.size // problem.dtype.itemsize
    result = _window(problem, top, top + height - 1, limits[ALIGNMENT])
    return Band(top, height, windows, rows, result)


def _window(problem: Problem, first: int, last: int, alignment: int) -> Window:
    """The rows from `first` to `last`, from an aligned byte on, in whole words."""
    itemsize = problem.dtype.itemsize
    row = problem.width * problem.channels * itemsize
    begin = first * row // alignment * alignment
    end = -(-(last + 1) * row // WORD) * WORD
    return Window(begin, end - begin, (first * row - begin) // itemsize)


def _runs(numbers: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """First and last of each run of neighbours among sorted numbers."""
    for run in np.split(numbers, np.flatnonzero(np.diff(numbers) > 1) + 1):
        yield int(run[0]), int(run[-1])
