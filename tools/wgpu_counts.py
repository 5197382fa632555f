"""What backend `wgpu` costs on paper; `make wgpu-counts` writes the tables of docs/gpu.md.

It asks no GPU. The counts follow from the launches that the plans make and from the loops of their
shaders; the times from the roofline's formula and from figures that makers publish.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from blurbench.backends.wgpu.bands import FOUR, ROWS
from blurbench.backends.wgpu.fft import turns_of
from blurbench.backends.wgpu.pipelines import MOST_THREADS
from blurbench.backends.wgpu.separable import stages
from blurbench.kernel import GaussianKernel
from blurbench.problem import Problem

DOCUMENT = Path(__file__).parents[1] / "docs" / "gpu.md"
BEGIN, END = "<!-- counts: made by make wgpu-counts -->\n", "<!-- end of counts -->\n"
SIDE = 4096
SHOWN = (3, 7, 15, 31, 63, 101, 127, 151, 255, 511)
METHODS, FIGURES = ("`separable`", "`fft`"), ("operations", "bytes")
SEARCHED = range(3, 1024, 2)
ITEM = 4  # bytes of a value

# Of a butterfly of 4 points: 16 additions, 3 complex products of 4 instructions each.
BUTTERFLY = 28
RESPONSE = 6  # of a value: a complex product that is added to a sum


@dataclass(frozen=True)
class ShaderCount:
    """What a value of the image takes.

    Attributes:
        operations: multiply-adds, additions and multiplications, margins included.
        nbytes: that launches read and write, as if caches held all that is read again.
    """

    operations: float
    nbytes: float


@dataclass(frozen=True)
class Adapter:
    """Figures that a maker publishes.

    Attributes:
        bandwidth: bytes a second, of all the memory.
        flops: of float32 a second; a multiply-add is two.
    """

    name: str
    bandwidth: float
    flops: float

    def least_seconds(self, count: ShaderCount) -> float:
        """What neither ceiling lets a value take less than: the formula of the roofline."""
        return max(count.nbytes / self.bandwidth, count.operations / (self.flops / 2))


ADAPTERS = (
    Adapter("Apple M2, 10 GPU cores", 100e9, 3.6e12),
    Adapter("Intel Iris Xe, 96 units at 1.3 GHz, LPDDR4x-4267", 68.3e9, 2.0e12),
    Adapter("AMD Radeon 780M, 12 units at 2.7 GHz, DDR5-5600", 89.6e9, 4.15e12),
)


def problem_of(size: int) -> Problem:
    """The image that the tables are about."""
    return Problem(GaussianKernel.from_size(size), (SIDE, SIDE), np.dtype(np.float32))


def separable_count(problem: Problem) -> ShaderCount:
    """Of a separable blur, as down.wgsl and strip.wgsl sum; see `WgpuSeparablePlan`."""
    launches = stages(problem, MOST_THREADS)
    radius, groups_of_rows = problem.kernel.radius, math.ceil(problem.height / ROWS)
    down, along = (2 * radius + 11) // FOUR, (2 * radius + 7) // FOUR  # fours of taps
    strips, strip = launches[-1].strips, launches[-1].strip
    columns = problem.width
    if len(launches) == 1:  # the columns under the margins of a strip are summed for each strip
        columns = strips * (strip + FOUR * along - FOUR)
    # Each four of taps meets four values for each of eight rows.
    sums = FOUR * ROWS * (columns * down + strips * strip * along) * groups_of_rows
    return ShaderCount(sums / (problem.height * problem.width), 2 * ITEM * len(launches))


def fft_count(problem: Problem) -> ShaderCount:
    """Of a Fourier blur, as fft.wgsl transforms; see `WgpuFFTPlan`."""
    points = FOUR * MOST_THREADS
    step, turns = turns_of(problem, points)
    passes = round(math.log(points, 4))
    each = MOST_THREADS * (passes * BUTTERFLY * (turns + 1) + FOUR * RESPONSE * turns)
    groups = 0
    for along, over in ((problem.height, problem.width), (problem.width, problem.height)):
        groups += math.ceil(over / 2) * math.ceil(along / (points - step + 1))
    return ShaderCount(each * groups / (problem.height * problem.width), 2 * ITEM * 2)


def crossing(adapter: Adapter) -> int | None:
    """The first size from which on `fft` takes no longer than `separable`, on paper."""
    slower = [
        size
        for size in SEARCHED
        if adapter.least_seconds(fft_count(problem_of(size)))
        > adapter.least_seconds(separable_count(problem_of(size)))
    ]
    beyond = max(slower, default=SEARCHED[0] - 2) + 2
    return beyond if beyond in SEARCHED else None


# The document.


def tables() -> str:
    """Both tables: counts by size, and what follows for each adapter."""
    return "".join((*_counts(), "\n", *_predictions()))


def _counts() -> Iterator[str]:
    yield _row(["taps", "launches", *(f"{what} {of}" for of in METHODS for what in FIGURES)])
    yield _row(["---:"] * 6)
    for size in SHOWN:
        problem = problem_of(size)
        both = separable_count(problem), fft_count(problem)
        figures = (text for one in both for text in (f"{one.operations:.0f}", f"{one.nbytes:.0f}"))
        yield _row([size, len(stages(problem, MOST_THREADS)), *figures])


def _predictions() -> Iterator[str]:
    heads = ["adapter", "GB/s", "TFLOPS", "operations a byte", "`fft` overtakes from about"]
    yield _row(heads)
    yield _row(["---", *(["---:"] * (len(heads) - 1))])
    for one in ADAPTERS:
        balance = one.flops / 2 / one.bandwidth
        figures = f"{one.bandwidth / 1e9:g}", f"{one.flops / 1e12:g}", f"{balance:.0f}"
        yield _row([one.name, *figures, f"{crossing(one)} taps"])


def _row(cells: Iterable[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |\n"


def written(text: str) -> str:
    """A document with the tables of today between its two marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{tables()}\n{END}{after}"


if __name__ == "__main__":
    DOCUMENT.write_text(written(DOCUMENT.read_text("utf-8")), "utf-8")
    print(f"Wrote {DOCUMENT}")
