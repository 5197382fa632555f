"""How `fused.cu` is compiled: by radius, channels, and the extent of the image."""

from __future__ import annotations

import math
from dataclasses import dataclass

from blurbench.backends.cuda.plan import together
from blurbench.plan import Problem


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


def shape_for(problem: Problem) -> Shape | None:
    """How the fused kernel is compiled for a problem; None where two passes are faster."""
    if not together(problem):
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
