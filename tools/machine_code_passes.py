"""What the blurs in two passes cost in machine code: `fft.cu`, and `columns.cu` for any radius.

The figures are by problem and architecture; `machine_code` makes the tables of them.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

from blurbench.backends.cuda import columns
from blurbench.backends.cuda.compiler import options, source
from blurbench.backends.cuda.fft import macros, stretch_for
from blurbench.backends.cuda.plan import together
from blurbench.problem import Problem
from helpers.cuda_assembly import Resources, assemble, disassemble, kept
from helpers.instructions import Way, read, usual_way, way_through

AXES = (1, 0)  # of the passes
TILE = columns.WARPS * columns.OUTPUTS  # rows of a block

# What `fft` decides by where a block lies, and what holds for a block inside the image.
INSIDE = (
    ("const bool any = (COLUMNS ? column : row) < lines;", "const bool any = true;"),
    ("const bool whole = COLUMNS ? aligned && both : both;", "const bool whole = true;"),
    ("if (whole && begin >= radius && begin - radius + LENGTH <= extent) {", "if (true) {"),
)


@dataclass(frozen=True)
class PassesCost:
    """What both passes take for one pixel, and one block of the greater of them."""

    instructions: float
    floating: float  # of these: additions, multiplications, and both at once
    taken: Resources


# In the frequency domain.


def fft_cost(problem: Problem, architecture: str) -> PassesCost:
    """What `fft` takes for float32 pixels, all blocks counted as if inside the image."""
    instructions = floating = 0.0
    taken = []
    for axis in AXES:
        given = options(**macros(problem, axis, "float32", "float32"))
        way = _fft_way(given, architecture)
        threads = _fft_threads(problem, axis) / math.prod(problem.shape[:2])
        instructions += threads * way.instructions
        floating += threads * way.floating
        taken.append(assemble(source("fft"), given, architecture))
    return PassesCost(round(instructions, 1), round(floating, 1), _greater(taken))


def _fft_way(given: tuple[str, ...], architecture: str) -> Way:
    text = inside_only(source("fft"))
    return Way(
        **kept(
            lambda: asdict(way_through(read(disassemble(text, given, architecture)))),
            "way through",
            text,
            *given,
            architecture,
        )
    )


def inside_only(text: str) -> str:
    """The kernel for blocks inside the image alone: a border is another way, and a rare one."""
    for asked, holds in INSIDE:
        assert text.count(asked) == 1, f"fft.cu no longer asks: {asked}"
        text = text.replace(asked, holds)
    return text


def _fft_threads(problem: Problem, axis: int) -> int:
    """Threads of all blocks of a pass."""
    stretch = stretch_for(problem, axis)
    row = problem.width * problem.channels
    pairs = math.ceil(row / 2) if axis == 0 else math.ceil(problem.height / 2) * problem.channels
    stretches = stretch.count(problem.shape[axis], problem.kernel.radius)
    return math.ceil(pairs / stretch.pairs) * stretches * stretch.threads


def fft_bytes(problem: Problem) -> float:
    """Bytes a value that both passes move: 4 written, and 4 read, margins of stretches included."""
    lengths = (stretch_for(problem, axis).length for axis in AXES)
    return sum(4 + 4 * one / (one - 2 * problem.kernel.radius) for one in lengths)


# Along the columns, twice.


def columns_cost(problem: Problem, architecture: str) -> PassesCost:
    """What `columns` takes for float32 pixels: the loops over the taps and over the stores."""
    assert together(problem)
    given = options(INPUT="float32", OUTPUT="float32", WORK="float32", CHANNELS=problem.channels)
    key = source("columns"), given, architecture
    ways = kept(lambda: _columns_ways(*key), "loops", key[0], *given, architecture)
    sums, stores = Way(**ways["sums"]), Way(**ways["stores"])
    # A row that a thread reads adds to each of its sums.
    rounds = _span(problem) * columns.OUTPUTS / sums.sought
    each = 2 * problem.channels
    return PassesCost(
        round(
            each
            * (rounds * sums.instructions / columns.OUTPUTS + stores.instructions / stores.sought),
            1,
        ),
        round(each * rounds * sums.floating / columns.OUTPUTS, 1),
        assemble(*key),
    )


def _columns_ways(text: str, given: tuple[str, ...], architecture: str) -> dict[str, object]:
    code = read(disassemble(text, given, architecture))
    return {
        "sums": asdict(usual_way(code)),
        "stores": asdict(usual_way(code, sought="STG")),
    }


def _span(problem: Problem) -> int:
    """Rows that a thread reads, as in columns.cu."""
    outputs = columns.OUTPUTS
    return (2 * outputs + 2 * problem.kernel.radius - 1) // outputs * outputs


def columns_bytes(problem: Problem) -> float:
    """Bytes a value that both passes move: 4 written, and 4 read, margins of blocks included."""
    return 2 * (4 + 4 * (TILE - columns.OUTPUTS + _span(problem)) / TILE)


def _greater(taken: list[Resources]) -> Resources:
    """The most that either pass takes."""
    return Resources(
        max(one.registers for one in taken),
        max(one.spilled for one in taken),
        max(one.shared_bytes for one in taken),
    )
