"""How an image is cut into tiles that fit in memory, and what each must read."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from blurbench.errors import InputError

CHUNK = 512  # pixels; a tile's side is a multiple, so that no two tiles share a stored chunk
MOST_CHUNKS = 16  # along a tile's side; beyond, the overlap hardly shrinks

Spans = tuple[slice, ...]


@dataclass(frozen=True)
class Tile:
    """One tile of the result, and the window that it is computed from.

    Attributes:
        rows, columns: what to read of the image, one part after the other (`wrap` may take two).
        inside: where the tile lies in the window.
        target: where it lies in the image.
    """

    rows: Spans
    columns: Spans
    inside: tuple[slice, slice]
    target: tuple[slice, slice]


@dataclass(frozen=True)
class Tiling:
    """An image in square tiles, of which all windows have one shape, so that one plan serves all.

    A window is its tile and `radius` pixels around it. At a side of the image it is moved inward
    until it ends there: the plan's own border then lies where the image's does, and wherever else
    a window ends, at least `radius` real pixels lie between that end and the tile. Under `wrap`
    they are read from the other side.

    Attributes:
        shape: height and width of the image.
        radius, border: of the blur.
        side: of a tile, in pixels; tiles at the lower and right side may be smaller.
        threads: tiles that are blurred at the same time.
    """

    shape: tuple[int, int]
    radius: int
    border: str
    side: int
    threads: int = 1

    @property
    def tile(self) -> tuple[int, int]:
        """Height and width of a full tile."""
        height, width = (min(self.side, n) for n in self.shape)
        return height, width

    @property
    def window(self) -> tuple[int, int]:
        """Height and width of every window."""
        height, width = (
            min(n, along + 2 * self.radius) for n, along in zip(self.shape, self.tile, strict=True)
        )
        return height, width

    @property
    def count(self) -> int:
        """Number of tiles."""
        down, along = (-(-n // self.side) for n in self.shape)
        return down * along

    def bands(self) -> Iterator[list[Tile]]:
        """The tiles, row by row."""
        lines = (self._line(n, length) for n, length in zip(self.shape, self.window, strict=True))
        down, along = (list(line) for line in lines)
        for rows, in_rows, to_rows in down:
            yield [
                Tile(rows, columns, (in_rows, in_columns), (to_rows, to_columns))
                for columns, in_columns, to_columns in along
            ]

    def _line(self, n: int, length: int) -> Iterator[tuple[Spans, slice, slice]]:
        """Along one axis: what to read, where the tile lies in it, and where in the image."""
        for start in range(0, n, self.side):
            stop = min(n, start + self.side)
            if self.border == "wrap" and length < n:
                first = (start - self.radius) % n
                spans = _around(first, length, n)
                offset = self.radius
            else:
                first = min(max(0, start - self.radius), n - length)
                spans = (slice(first, first + length),)
                offset = start - first
            yield spans, slice(offset, offset + stop - start), slice(start, stop)


def _around(first: int, length: int, n: int) -> Spans:
    """`length` of the `n` samples of a circle."""
    beyond = first + length - n
    return (slice(first, n), slice(0, beyond)) if beyond > 0 else (slice(first, n + beyond),)


def square_tilings(
    shape: tuple[int, int], radius: int, border: str, threads: Iterable[int], chunk: int = CHUNK
) -> list[Tiling]:
    """The tilings to choose from.

    Args:
        shape: height and width of the image.
        radius, border: of the blur.
        threads: the numbers of tiles at a time, in each process.
        chunk: what a tile's side is a multiple of, in pixels.
    """
    most = min(MOST_CHUNKS, -(-max(shape) // chunk))
    sides = range(chunk, most * chunk + 1, chunk)
    return [
        Tiling(shape, radius, border, side, count)
        for side, count in itertools.product(sides, threads)
    ]


def choose_tiling(
    choices: Sequence[Tiling],
    memory: int,
    needed: Callable[[Tiling], int],
    cost: Callable[[Tiling], float],
) -> Tiling:
    """The cheapest tiling that fits.

    Args:
        memory: bytes, of each process.
        needed: bytes that a process takes with a tiling.
        cost: of all tiles, in whatever unit.

    Raises:
        InputError: not even the smallest tile fits; how much would do.
    """
    fitting = [one for one in choices if needed(one) <= memory]
    if not fitting:
        enough = math.ceil(min(map(needed, choices)) / 2**20)
        raise InputError(
            f"memory {memory / 2**20:.0f} MiB is too small for one tile: give {enough}MiB or more"
        )
    return min(fitting, key=cost)
