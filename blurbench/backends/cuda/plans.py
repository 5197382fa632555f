"""Plans over the kernels: tables and taps on the device, and how the image is cut into blocks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench.backends.cuda.compiler import Kernel, Toolkit
from blurbench.border import source_index
from blurbench.plan import Plan, Problem

INTERLEAVED = (1, 3, 4)  # channels that the kernels are compiled for


@dataclass(frozen=True)
class Shape:
    """How `fused.cu` is compiled for radii up to `radius`.

    Attributes:
        values: that a thread sums vertically; each takes 2*radius registers.
        threads: of a block.
        rows: that a block finishes between two barriers.
        blocks: that a multiprocessor shall hold at once.
        ahead: steps by which rows are fetched before they are summed.
    """

    radius: int
    values: int
    threads: int
    rows: int
    blocks: int
    ahead: int = 1

    @property
    def pad(self) -> int:
        """Columns beside a strip."""
        return -(-self.radius // 4) * 4

    def strips(self, problem: Problem) -> int:
        """The fewest that cover the image's columns."""
        most = (self.threads * self.values // problem.channels - 2 * self.pad) // 4 * 4
        return math.ceil(problem.width / most)

    def rows_each(self, problem: Problem, processors: int) -> float:
        """Rows of a strip for each of the blocks that the device holds at once."""
        return problem.height / max(1, processors * self.blocks // self.strips(problem))


# By channels; the first whose radius reaches is taken. Chosen by the instructions that the machine
# code for sm_90 spends on a pixel of 4096x4096, halos included, where no register is spilled; not
# by measured times.
SMALL = (Shape(1, 4, 128, 8, 3), Shape(2, 4, 128, 8, 3), Shape(4, 4, 128, 8, 3))
SHAPES = {
    1: (
        *SMALL,
        Shape(6, 2, 256, 8, 2),
        Shape(8, 2, 256, 8, 2),
        Shape(12, 2, 384, 8, 1),
        Shape(15, 2, 384, 8, 1),
        Shape(24, 1, 512, 8, 1),
        Shape(32, 1, 512, 8, 1),
    ),
    3: (
        *SMALL,
        Shape(6, 2, 384, 8, 1),
        Shape(8, 4, 256, 4, 2),
        Shape(12, 2, 384, 8, 1),
        Shape(15, 4, 256, 4, 1),
        Shape(24, 2, 384, 8, 1),
        Shape(32, 2, 256, 8, 1),
    ),
    4: (
        *SMALL,
        Shape(6, 4, 256, 4, 2),
        Shape(8, 2, 256, 8, 2),
        Shape(12, 4, 256, 4, 1),
        Shape(15, 4, 256, 4, 1),
        Shape(24, 4, 256, 4, 1),
    ),
}
# For images so small that a block has hardly a row: what counts is how long one block takes. More
# threads have less to do each, and both steps that most blocks take are fetched at once.
QUICK = tuple(Shape(radius, 1, 256, 8, 2, ahead=2) for radius in (1, 2, 4, 8))
QUICK_BELOW = 4  # rows a block
MOST_VALUES = 2**28  # of a row: as many rows as a step takes lie within 32 bits
LEAST_TILE = 8  # rows: fewer are mostly spent on reaching the first sum

# As in columns.cu.
LANES, WARPS, OUTPUTS = 32, 4, 16
# As in direct.cu.
DIRECT_ROWS, DIRECT_COLUMNS = 8, 128


def shape_for(problem: Problem) -> Shape | None:
    """How the fused kernel is compiled for a problem; None where two passes are faster."""
    if not _together(problem):
        return None
    if problem.kernel.even:  # its taps are by distance from the centre
        return None
    if problem.width * problem.channels >= MOST_VALUES:
        return None
    shapes = SHAPES[problem.channels]
    return next((shape for shape in shapes if problem.kernel.radius <= shape.radius), None)


def quick_shape(problem: Problem, processors: int) -> Shape | None:
    """The shape for a small image on so many multiprocessors; None where it is no small one."""
    usual = shape_for(problem)
    if usual is None or usual.rows_each(problem, processors) >= QUICK_BELOW:
        return None
    return next((shape for shape in QUICK if problem.kernel.radius <= shape.radius), None)


def fused_macros(problem: Problem, shape: Shape) -> dict[str, object]:
    """What `fused.cu` is compiled with."""
    return {
        "INPUT": problem.dtype,
        "OUTPUT": problem.dtype,
        "CHANNELS": problem.channels,
        "RADIUS": shape.radius,
        "V": shape.values,
        "THREADS": shape.threads,
        "ROWS": shape.rows,
        "BLOCKS": shape.blocks,
        "AHEAD": shape.ahead,
    }


def _together(problem: Problem) -> bool:
    """Whether a kernel is compiled for so many channels at once."""
    return problem.channels in INTERLEAVED and problem.work_dtype == np.float32


def separable_plan(toolkit: Toolkit, problem: Problem) -> Plan:
    """The faster of the two separable plans."""
    shape = quick_shape(problem, toolkit.processors) or shape_for(problem)
    if shape is None:
        return ColumnsPlan(toolkit, problem)
    return FusedPlan(toolkit, problem, shape)


def separable_bytes(problem: Problem) -> int:
    """The transposed image between the two passes, where there are two."""
    if shape_for(problem) is not None:
        return 0
    return problem.height * problem.width * problem.channels * problem.work_dtype.itemsize


def direct_bytes(problem: Problem) -> int:
    """The dense taps."""
    return problem.kernel.size**2 * problem.work_dtype.itemsize


class _CudaPlan(Plan):
    """What the plans share: contiguous arrays for the kernels, and tables of the border."""

    def __init__(self, toolkit: Toolkit, problem: Problem) -> None:
        super().__init__(toolkit.xp, problem)
        self._outside = problem.work_dtype.type(problem.cval)

    def _run(self, image: Any, out: Any) -> None:
        image = self._xp.ascontiguousarray(image)
        if out.flags.c_contiguous:
            self._launch(image, out)
        else:
            result = self._xp.empty_like(image)
            self._launch(image, result)
            out[...] = result

    def _launch(self, image: Any, out: Any) -> None:
        raise NotImplementedError

    def _put(self, array: NDArray[Any]) -> Any:
        """A host array on the device, counted as this plan's own."""
        self.nbytes += array.nbytes
        return self._xp.asarray(array)

    def _sources(self, n: int, margin: int) -> Any:
        """int32 `(n + 2*margin,)`: the source of each sample of a line, its margins included."""
        positions = np.arange(-margin, n + margin)
        return self._put(source_index(positions, n, self.problem.border).astype(np.int32))

    def _aligned(self, *arrays: Any) -> np.int32:
        """Whether 4 values of every row can be moved at once, from its first on."""
        row = self.problem.width * self.problem.channels
        whole = row % 4 == 0 and all(_address(one) % (4 * one.itemsize) == 0 for one in arrays)
        return np.int32(whole)


def _address(array: Any) -> int:
    pointer = getattr(array.data, "ptr", None)  # CuPy's; NumPy has another way
    return int(array.ctypes.data if pointer is None else pointer)


class FusedPlan(_CudaPlan):
    """Both passes in one launch."""

    def __init__(self, toolkit: Toolkit, problem: Problem, shape: Shape) -> None:
        super().__init__(toolkit, problem)
        height, width = problem.height, problem.width
        self._rows = self._sources(height, shape.radius)
        self._columns = self._sources(width, shape.pad)
        strip = math.ceil(width / shape.strips(problem) / 4) * 4
        steps = math.ceil(shape.rows_each(problem, toolkit.processors) / shape.rows)
        tile = max(LEAST_TILE, steps * shape.rows)
        self._grid = math.ceil(width / strip), math.ceil(height / tile)
        self._block = (shape.threads,)
        self._numbers = tuple(np.int32(number) for number in (height, width, strip, tile))
        self._fills = np.int32(problem.border == "constant")
        # By value: the multiply-adds then take their taps from constant memory.
        self._taps = np.zeros((), [("at", np.float32, (shape.radius + 1,))])
        half = problem.kernel.taps[problem.kernel.radius :]
        self._taps["at"][: len(half)] = half
        self._kernel = toolkit.kernel("fused", **fused_macros(problem, shape))

    def _launch(self, image: Any, out: Any) -> None:
        tables = self._rows, self._columns
        aligned = self._aligned(image, out)
        border = self._fills, self._outside
        arguments = image, out, *tables, *self._numbers, aligned, *border, self._taps
        self._kernel(self._grid, self._block, arguments)


class ColumnsPlan(_CudaPlan):
    """Two passes over the columns, each of which transposes."""

    def __init__(self, toolkit: Toolkit, problem: Problem) -> None:
        super().__init__(toolkit, problem)
        height, width, channels = problem.height, problem.width, problem.channels
        radius, work = problem.kernel.radius, problem.work_dtype
        taps = np.zeros(2 * radius + 3 * OUTPUTS, work)
        taps[OUTPUTS - 1 : OUTPUTS + 2 * radius] = problem.kernel.taps
        self._taps = self._put(taps)
        self._between = self._hold(toolkit.xp.empty((width, height, channels), dtype=work.name))
        self._passes = [
            self._pass(toolkit, (height, width), problem.dtype, work),
            self._pass(toolkit, (width, height), work, problem.dtype),
        ]

    def _pass(
        self, toolkit: Toolkit, extent: tuple[int, int], given: Any, made: Any
    ) -> tuple[Kernel, tuple[int, int], tuple[Any, ...]]:
        """The kernel, its grid, and its arguments after the two images."""
        (height, width), radius = extent, self.problem.kernel.radius
        channels = self.problem.channels
        kernel = toolkit.kernel(
            "columns",
            INPUT=given,
            OUTPUT=made,
            WORK=self.problem.work_dtype,
            CHANNELS=channels if _together(self.problem) else 0,
        )
        grid = math.ceil(width * channels / LANES), math.ceil(height / (WARPS * OUTPUTS))
        numbers = (np.int32(number) for number in (height, width, channels, radius))
        return kernel, grid, (self._sources(height, radius), self._taps, *numbers, self._outside)

    def _launch(self, image: Any, out: Any) -> None:
        images = image, self._between, out
        for number, (kernel, grid, arguments) in enumerate(self._passes):
            kernel(grid, (LANES, WARPS), (*images[number : number + 2], *arguments))


class DirectPlan(_CudaPlan):
    """The dense sum."""

    def __init__(self, toolkit: Toolkit, problem: Problem) -> None:
        super().__init__(toolkit, problem)
        height, width, channels = problem.height, problem.width, problem.channels
        radius, work = problem.kernel.radius, problem.work_dtype
        together = _together(problem)
        self._tables = (
            self._sources(height, radius),
            self._sources(width, radius),
            self._put(problem.kernel.dense().astype(work)),
        )
        self._numbers = tuple(np.int32(number) for number in (height, width, channels, radius))
        self._together = together
        self._grid = (
            math.ceil(height / DIRECT_ROWS),
            math.ceil(width / DIRECT_COLUMNS),
            1 if together else channels,
        )
        self._kernel = toolkit.kernel(
            "direct",
            INPUT=problem.dtype,
            OUTPUT=problem.dtype,
            WORK=work,
            CHANNELS=channels if together else 1,
        )

    def _launch(self, image: Any, out: Any) -> None:
        aligned = self._aligned(out) if self._together else np.int32(0)
        arguments = image, out, *self._tables, *self._numbers, aligned, self._outside
        self._kernel(self._grid, (LANES, DIRECT_ROWS), arguments)
