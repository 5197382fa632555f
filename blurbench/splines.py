"""A line by way of fewer samples: where they lie, and the matrices to them, among them and back.

Why this is a blur, and how near to one: `blurbench.methods.multirate`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from blurbench.border import OUTSIDE, source_index

SAMPLES_PER_SIGMA = 2.0  # of the small line, at least
BOUNDS = {4: 1e-3, 5: 1e-4, 7: 1e-5}  # of the error, by the order of the splines
ROWS = (12, 32)  # of a matrix that are multiplied at once: at least, at most
CUT = 0.01  # of the bound: what is left out of the small line's kernel
NEGLIGIBLE = 1e-18  # what is left of a weight that is 0 but for rounding
SPECTRUM = 1024  # samples of its spectrum, at least

Floats = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True)
class Entries:
    """A matrix of which most is zero.

    Attributes:
        shape: rows and columns.
        row, column, weight: of each entry, one for each place, row by row.
    """

    shape: tuple[int, int]
    row: Places
    column: Places
    weight: Floats

    @classmethod
    def summed(cls, shape: tuple[int, int], columns: Places, weights: Floats) -> Entries:
        """Of weights `(rows, count)` and their columns: those of one column are added up.

        What is of hardly any weight or of the column `OUTSIDE` is left out.
        """
        rows = np.broadcast_to(np.arange(shape[0])[:, None], columns.shape)
        kept = (columns != OUTSIDE) & (np.abs(weights) > NEGLIGIBLE)
        place = rows[kept] * shape[1] + columns[kept]
        places, number = np.unique(place, return_inverse=True)
        total = np.zeros(len(places))
        np.add.at(total, number, weights[kept])
        return cls(shape, places // shape[1], places % shape[1], total)

    def dense(self) -> Floats:
        """The matrix with all its zeros."""
        matrix = np.zeros(self.shape)
        matrix[self.row, self.column] = self.weight
        return matrix

    def blocks(self) -> Iterator[tuple[slice, slice | Places, Floats]]:
        """Some neighbouring rows at a time, the columns that they need, and their weights.

        As many as need about twice the columns that one needs: half of the weights are 0 then.
        """
        rows, columns = self.shape
        most = int(np.bincount(self.row).max())
        step = min(max(math.ceil(most * rows / columns), ROWS[0]), ROWS[1])
        for top in range(0, rows, step):
            bottom = min(top + step, rows)
            part = slice(*np.searchsorted(self.row, (top, bottom)))
            needed = np.unique(self.column[part])
            if not len(needed):  # rows of nothing: of any column nothing
                needed = np.zeros(1, np.int64)
            weights = np.zeros((bottom - top, len(needed)))
            place = np.searchsorted(needed, self.column[part])
            weights[self.row[part] - top, place] = self.weight[part]
            together = len(needed) == needed[-1] - needed[0] + 1
            yield (
                slice(top, bottom),
                slice(int(needed[0]), int(needed[-1]) + 1) if together else needed,
                weights,
            )


@dataclass(frozen=True)
class Grid:
    """Where the samples of a small line lie on a line of `n`.

    Where the border repeats the line, turned or not, it repeats the small line in the same way;
    the spacing is chosen so. Else the small line goes on beside the line.

    Attributes:
        first: place of the first of `count` samples, `spacing` apart.
    """

    first: float
    spacing: float
    count: int

    @classmethod
    def over(cls, n: int, border: str, spacing: float, beyond: int) -> Grid:
        """The grid of this spacing or a little less.

        Args:
            beyond: samples beside the line, on each side.
        """
        if border in ("reflect", "wrap"):
            count = math.ceil(n / spacing)
            return cls((n / count - 1) / 2, n / count, count)
        steps = math.ceil((n - 1) / spacing)
        if border == "mirror":
            return cls(0.0, (n - 1) / steps if steps else 1.0, steps + 1)
        return cls(-beyond * spacing, spacing, steps + 1 + 2 * beyond)


@dataclass(frozen=True)
class Detour:
    """The way of a line over a small one.

    Attributes:
        down: to the small line.
        taps: its blur there.
        across: the same as a matrix, with what lies beside it.
        up: back to the line.
    """

    down: Entries
    taps: Floats
    across: Entries
    up: Entries

    @classmethod
    def over(cls, n: int, border: str, sigma: float, order: int) -> Detour:
        """That of a line of `n` samples, by splines of an order of `BOUNDS`.

        Of so small a sigma that there are no samples to spare, each is kept: splines of order 1 are
        boxes, each of one sample.
        """
        cut = CUT * BOUNDS[order]
        spacing = spacing_for(sigma)
        if sigma / spacing < SAMPLES_PER_SIGMA:
            order = 1
        beyond = order // 2 + 1
        if border == "nearest":  # the small line ends where its blur sees no more of the line
            beyond += len(small_taps(sigma / spacing, order, cut)) // 2
        grid = Grid.over(n, border, spacing, beyond)
        taps = small_taps(sigma / grid.spacing, order, cut)
        reach = np.arange(len(taps)) - len(taps) // 2
        around = source_index(np.arange(grid.count)[:, None] + reach, grid.count, border)
        weights = np.broadcast_to(taps, around.shape)
        across = Entries.summed((grid.count, grid.count), around, weights)
        return cls(_down(grid, n, border, order), taps, across, _up(grid, n, border, order))


def _down(grid: Grid, n: int, border: str, order: int) -> Entries:
    centres = grid.first + grid.spacing * np.arange(grid.count)[:, None]
    reach = math.ceil(order * grid.spacing / 2)
    places = np.floor(centres).astype(np.int64) + np.arange(-reach, reach + 2)
    weights = spline((places - centres) / grid.spacing, order) / grid.spacing
    return Entries.summed((grid.count, n), source_index(places, n, border), weights)


def _up(grid: Grid, n: int, border: str, order: int) -> Entries:
    places = (np.arange(n)[:, None] - grid.first) / grid.spacing
    reach = order // 2
    samples = np.floor(places).astype(np.int64) + np.arange(-reach, reach + 2)
    weights = spline(places - samples, order)
    return Entries.summed((n, grid.count), source_index(samples, grid.count, border), weights)


def spacing_for(sigma: float) -> float:
    """How far apart the samples of a small line are, at most."""
    return max(1.0, sigma / SAMPLES_PER_SIGMA)


def spline(places: Floats, order: int) -> Floats:
    """The B-spline that is a box of width 1, centred, convolved `order` times with itself."""
    inside = np.abs(places)
    total = np.zeros_like(inside)
    for k in range(order // 2 + 1):  # the powers that begin beyond the centre are 0 from there on
        ahead = order / 2 - k - inside
        total += (-1) ** k * math.comb(order, k) * np.where(ahead > 0, ahead ** (order - 1), 0)
    return total / math.factorial(order - 1)


def small_taps(sigma: float, order: int, cut: float) -> Floats:
    """The kernel that, amid two splines, is a Gaussian, until less than `cut` of it is left.

    It is the sampled Gaussian without the blur of both splines, which is a sampled spline of twice
    the order; sigma is in samples of the small line.
    """
    length = max(SPECTRUM, 2 ** math.ceil(math.log2(32 * sigma)))
    offsets = np.fft.fftfreq(length, 1 / length)
    gaussian = np.exp(-0.5 * (offsets / sigma) ** 2) / (sigma * math.sqrt(2 * math.pi))
    both = np.fft.fft(spline(offsets, 2 * order)).real
    half = np.fft.ifft(np.fft.fft(gaussian).real / both).real[: length // 2]
    tails = 2 * np.cumsum(np.abs(half)[::-1])[::-1]
    radius = int(np.argmax(tails < cut)) - 1
    taps = np.concatenate([half[radius:0:-1], half[: radius + 1]])
    taps /= taps.sum()
    return taps
