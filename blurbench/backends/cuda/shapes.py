"""How `fused.cu` is compiled: by card, radius, channels, and the extent of the image.

The shapes of blocks are a table, `shapes.csv`, which tells what its columns mean.
"""

from __future__ import annotations

import csv
import functools
import math
from dataclasses import dataclass, replace
from pathlib import Path

from blurbench.backends.cuda.plan import together
from blurbench.problem import Problem

TABLE = Path(__file__).with_suffix(".csv")
ANY = "any"

QUICK_BELOW = 4  # rows a block: in an image so small, what counts is how long one block takes
MOST_VALUES = 2**28  # of a row: as many rows as a step takes lie within 32 bits
LEAST_TILE = 8  # rows: fewer are mostly spent on reaching the first sum


@dataclass(frozen=True)
class Shape:
    """How `fused.cu` is compiled for kernels of a radius.

    Attributes:
        values: that a thread sums vertically; each takes 2*radius registers.
        threads: of a block.
        rows: that a block finishes between two barriers.
        blocks: that a multiprocessor shall hold at once.
        ahead: steps by which rows are fetched before they are summed.
        pixels: of which a thread takes the horizontal sums at once.
    """

    radius: int
    values: int
    threads: int
    rows: int
    blocks: int
    ahead: int = 1
    pixels: int = 8

    @property
    def pad(self) -> int:
        """Columns beside a strip."""
        return -(-self.radius // 4) * 4

    def columns(self, channels: int) -> int:
        """The most that a strip can have, in whole `pixels`."""
        return (self.threads * self.values // channels - 2 * self.pad) // self.pixels * self.pixels

    def strips(self, problem: Problem) -> int:
        """The fewest that cover the image's columns."""
        return math.ceil(problem.width / self.columns(problem.channels))

    def strip(self, problem: Problem) -> int:
        """Columns of a strip."""
        return math.ceil(problem.width / self.strips(problem) / self.pixels) * self.pixels

    def rows_each(self, problem: Problem, processors: int) -> float:
        """Rows of a strip for each of the blocks that the device holds at once."""
        return problem.height / max(1, processors * self.blocks // self.strips(problem))

    def tile(self, problem: Problem, processors: int) -> int:
        """Rows of a strip that a block takes."""
        steps = math.ceil(self.rows_each(problem, processors) / self.rows)
        return max(LEAST_TILE, steps * self.rows)


@dataclass(frozen=True)
class TunedShape:
    """A row of the table: a shape, and what it is for."""

    capability: str
    image: str
    channels: str
    shape: Shape

    def is_for(self, capability: str, image: str, channels: int) -> bool:
        return (
            self.capability in (capability, ANY)
            and self.image == image
            and self.channels in (str(channels), ANY)
        )


@functools.cache
def read_table(path: Path = TABLE) -> tuple[TunedShape, ...]:
    """The table's rows; those of a card come before those of any."""
    lines = [line for line in path.read_text("utf-8").splitlines() if not line.startswith("#")]
    rows = [
        TunedShape(
            row.pop("capability"),
            row.pop("image"),
            row.pop("channels"),
            Shape(**{name: int(text) for name, text in row.items()}),
        )
        for row in csv.DictReader(lines)
    ]
    return tuple(sorted(rows, key=lambda row: (row.capability == ANY, row.shape.radius)))


def shapes_for(channels: int, image: str = "large", capability: str = ANY) -> tuple[Shape, ...]:
    """The table's shapes for so many channels: each for radii beyond those of the ones before."""
    found: list[Shape] = []
    for row in read_table():
        reached = max((shape.radius for shape in found), default=0)
        if row.is_for(capability, image, channels) and row.shape.radius > reached:
            found.append(row.shape)
    return tuple(found)


def shape_for(problem: Problem, capability: str = ANY) -> Shape | None:
    """How the fused kernel is compiled for a problem; None where two passes are faster."""
    if not together(problem):
        return None
    if problem.kernel.even:  # its taps are by distance from the centre
        return None
    if problem.width * problem.channels >= MOST_VALUES:
        return None
    return _fitting(shapes_for(problem.channels, "large", capability), problem.kernel.radius)


def quick_shape(problem: Problem, processors: int, capability: str = ANY) -> Shape | None:
    """The shape for a small image on so many multiprocessors; None where it is no small one."""
    usual = shape_for(problem, capability)
    if usual is None or usual.rows_each(problem, processors) >= QUICK_BELOW:
        return None
    return _fitting(shapes_for(problem.channels, "small", capability), problem.kernel.radius)


def _fitting(shapes: tuple[Shape, ...], radius: int) -> Shape | None:
    """The first that reaches, for this very radius: a wider one would multiply by zeros."""
    found = next((shape for shape in shapes if radius <= shape.radius), None)
    return found and replace(found, radius=max(1, radius))


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
        "PIXELS": shape.pixels,
    }


def table_text(rows: tuple[TunedShape, ...]) -> str:
    """The table's file, with these rows after what the file of now says of its columns."""
    words = [line for line in TABLE.read_text("utf-8").splitlines() if line.startswith("#")]
    names = ("radius", "values", "threads", "rows", "blocks", "ahead", "pixels")
    lines = [",".join(("capability", "image", "channels", *names))]
    for row in rows:
        numbers = (str(getattr(row.shape, name)) for name in names)
        lines.append(",".join((row.capability, row.image, row.channels, *numbers)))
    return "\n".join([*words, *lines, ""])
