"""The blur in the frequency domain, each pass one kernel: the plan over `fft.cu`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench.backends.cuda.compiler import Kernel, Toolkit
from blurbench.backends.cuda.plan import CudaPlan, address
from blurbench.kernel import GaussianKernel
from blurbench.names import DTYPES
from blurbench.problem import Problem

HELD = 16  # samples of a thread, as in fft.cu
LENGTHS = (256, 512, 1024, 2048, 4096)  # that fft.cu can transform
MOST_SAMPLES = LENGTHS[-1]  # of a block, so that they fit 48 KiB of shared memory
LARGEST = 3073  # taps: a quarter of the longest stretch is left as result
WITHOUT_FLOAT64 = tuple(dtype for dtype in DTYPES if dtype != "float64")  # it works in float32
SECTOR = 4  # pairs of float32 side by side that memory moves at once
NARROW = 0.15  # more time, for each halving of the columns that a block takes below a sector


@dataclass(frozen=True)
class Stretch:
    """How the lines of one pass are cut: into stretches of `length`, `pairs` of lines a block."""

    length: int
    pairs: int

    def count(self, extent: int, radius: int) -> int:
        """Stretches that cover a line of `extent` samples."""
        return math.ceil(extent / (self.length - 2 * radius))

    def cost(self, extent: int, radius: int) -> float:
        """What a line takes, about: `L*log2(L)` for each of its stretches."""
        return self.count(extent, radius) * self.length * math.log2(self.length)

    @property
    def threads(self) -> int:
        return self.pairs * self.length // HELD


def stretch_for(problem: Problem, axis: int) -> Stretch:
    """The cheapest cut of the lines along an axis, for up to `LARGEST` taps.

    The costs follow counts of instructions, not measured times.
    """
    extent, radius = problem.shape[axis], problem.kernel.radius
    able = [
        Stretch(length, _pairs(length, problem, axis)) for length in LENGTHS if length > 2 * radius
    ]
    return min(able, key=lambda one: one.cost(extent, radius) * _narrowness(one, axis))


def _pairs(length: int, problem: Problem, axis: int) -> int:
    """As many as fit a block; of rows, whole pixels where one fits."""
    most, channels = MOST_SAMPLES // length, problem.channels
    return most if axis == 0 or channels > most else most // channels * channels


def _narrowness(stretch: Stretch, axis: int) -> float:
    """How many times as long a pass takes whose blocks use a part of what memory moves."""
    halvings = math.log2(SECTOR / stretch.pairs) if axis == 0 else 0
    return 1 + NARROW * max(0, halvings)


def operations(problem: Problem) -> float:
    """Multiply-adds that one image takes, about: `L*log2(L)` a transform of L real samples.

    Of up to `LARGEST` taps.
    """
    height, width, radius = problem.height, problem.width, problem.kernel.radius
    down = width * stretch_for(problem, 0).cost(height, radius)
    along = height * stretch_for(problem, 1).cost(width, radius)
    return problem.channels * 2.0 * (down + along)


def fourier_bytes(problem: Problem) -> int:
    """The image between the two passes."""
    return problem.height * problem.width * problem.channels * problem.work_dtype.itemsize


def turns(length: int) -> NDArray[np.complex64]:
    """What samples are turned by after the first step, and after the second.

    Row q of each table, one for each sample of a thread, is `exp(-2*pi*i*q*t/m)`, t from 0 to
    m/16 - 1; m is the length, and then a 16th of it.
    """
    sample = np.arange(HELD)[:, None]
    tables = [
        np.exp(-2j * np.pi * (sample * np.arange(m // HELD)) / m).ravel()
        for m in (length, length // HELD)
    ]
    return np.concatenate(tables).astype(np.complex64)


def spectrum_of(kernel: GaussianKernel, length: int) -> NDArray[Any]:
    """The taps' spectrum over `length`, divided by it, in the order in which `fft.cu` takes it.

    Samples 16*t to 16*t + 15 are thread t's; in memory, groups of 4 of all threads take turns.
    Real where the taps are symmetric: float32, else complex64. Shape `(length,)`.
    """
    last = length // HELD**2
    position = np.arange(length)
    first, second, third = position // (HELD * last), position // last % HELD, position % last
    response = kernel.response(length)[first + HELD * second + HELD**2 * third] / length
    mixed = response.reshape(length // HELD, HELD // 4, 4).transpose(1, 0, 2)
    return np.ravel(mixed).astype(np.complex64 if kernel.even else np.float32)


class FourierPlan(CudaPlan):
    """Rows and then columns, each by transforms of stretches in shared memory."""

    def __init__(self, toolkit: Toolkit, problem: Problem) -> None:
        super().__init__(toolkit, problem)
        work = problem.work_dtype
        self._between = self._hold(toolkit.xp.empty(problem.shape, dtype=work.name))
        self._passes = [
            self._pass(toolkit, 1, problem.dtype, work),
            self._pass(toolkit, 0, work, problem.dtype),
        ]

    def _pass(
        self, toolkit: Toolkit, axis: int, given: Any, made: Any
    ) -> tuple[Kernel, tuple[int, ...], tuple[int, ...], tuple[Any, ...]]:
        """The kernel, its grid and block, and its arguments after the two images."""
        problem = self.problem
        radius, extent = problem.kernel.radius, problem.shape[axis]
        stretch = stretch_for(problem, axis)
        kernel = toolkit.kernel("fft", **macros(problem, axis, given, made))
        row = problem.width * problem.channels
        lines, together = (row, 1) if axis == 0 else (problem.height, problem.channels)
        groups = math.ceil(math.ceil(lines / 2) * together / stretch.pairs)
        numbers = (np.int32(number) for number in (extent, radius, groups, lines, together))
        arguments = (
            self._sources(extent, radius),
            self._put(turns(stretch.length)),
            self._put(spectrum_of(problem.kernel, stretch.length)),
            *numbers,
            np.int64(row),
        )
        return kernel, (groups * stretch.count(extent, radius),), (stretch.threads,), arguments

    def _launch(self, image: Any, out: Any) -> None:
        images = image, self._between, out
        for number, (kernel, grid, block, arguments) in enumerate(self._passes):
            given, made = images[number : number + 2]
            paired = self._paired(given, made)
            kernel(grid, block, (given, made, *arguments, paired, self._outside))

    def _paired(self, *arrays: Any) -> np.int32:
        """Whether 2 values of every row can be moved at once, from its first on."""
        row = self.problem.width * self.problem.channels
        whole = row % 2 == 0 and all(address(one) % (2 * one.itemsize) == 0 for one in arrays)
        return np.int32(whole)


def macros(problem: Problem, axis: int, given: Any, made: Any) -> dict[str, object]:
    """What `fft.cu` is compiled with for the pass along an axis, by the types of its images."""
    stretch = stretch_for(problem, axis)
    return {
        "INPUT": given,
        "OUTPUT": made,
        "LENGTH": stretch.length,
        "LINES": stretch.pairs,
        "COLUMNS": int(axis == 0),
        "SIDE_BY_SIDE": int(axis == 0 or problem.channels > 1),
        "EVEN": int(problem.kernel.even),
    }
