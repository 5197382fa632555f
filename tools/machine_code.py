"""What the CUDA kernels cost in machine code; `make machine-code` writes docs/machine-code.md.

It takes NVIDIA's compiler and disassembler from pip, no GPU. The figures are no times: they say how
much work a pixel is, on which card, and whether a change makes it more.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TypeVar

import numpy as np

from blurbench.backends.cuda.compiler import options, source
from blurbench.backends.cuda.plan import INTERLEAVED
from blurbench.backends.cuda.shapes import Shape, fused_macros, shape_for
from blurbench.kernel import GaussianKernel
from blurbench.problem import Problem
from helpers.cuda_assembly import Resources, assemble, compiler, disassemble, disassembler, kept
from helpers.instructions import read, usual_way
from machine_code_passes import PassesCost, columns_bytes, columns_cost, fft_bytes, fft_cost

DOCUMENT = Path(__file__).parents[1] / "docs" / "machine-code.md"
# The multiprocessors that the image is shared out to are those of a large card of its kind.
PROCESSORS = {"sm_75": 40, "sm_80": 108, "sm_90": 132, "sm_120": 170}
SIZES = (3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 25, 27, 31, 33, 41, 49, 57, 65, 81, 97)
FFT_SIZES = (31, 63, 127, 255, 511, 1023)
COMPARED = (31, 63, 127, 255)  # taps, of `separable` and `fft`
CROSSING = tuple(size for size in SIZES if size > 20)  # where the one may overtake the other
SIDE, WARP = 4096, 32

Counted = TypeVar("Counted")

WORDS = """\
# Machine code of the CUDA kernels

Made by `make machine-code`, from what NVRTC {version} compiles; no GPU was asked. A test holds the
figures from growing.

An image of {side}x{side} float32 pixels is blurred. *Instructions* are those that threads execute
for one pixel, margins of blocks included, on the usual way through a kernel: inside the image,
where several values are loaded and stored at once. *Registers* are a thread's; nothing is spilled.

The first tables are of the fused kernel, `fused.cu`. A separable blur takes 2 multiply-adds a tap
and channel. *Warps* are those of the blocks that a multiprocessor holds. The shapes of blocks are
in `blurbench/backends/cuda/shapes.csv`.
"""

FFT_WORDS = """
## fft

The two passes of `fft.cu`, of 1 channel. Instructions are those of the kernel compiled for blocks
inside the image alone, all else is of the whole kernel. *Floating* are the instructions that add or
multiply, on sm_90. *Bytes* are those of device memory for a pixel: each pass writes 4, and reads 4
for every sample of a stretch, margins included, as if no cache held them.

"""

COMPARED_WORDS = """
## separable against fft on paper

Of 1 channel, on sm_90. Up to {largest} taps `cuda:separable` is the fused kernel; beyond, it is two
passes of `columns.cu`, of which the loops over taps and over stores are counted. *Bytes* are those
that blocks read and write for a pixel, margins included, as if no cache held them: for `columns`,
whose blocks have wide margins and lie side by side, a cache spares most of them.

"""

PREDICTED = """
Of the sizes in the first table, `fft` takes no more instructions than `separable` from
{crossings} taps on.
There it moves about twice the bytes, for it writes an image between its passes and the fused kernel
does not: a card that waits for its memory crosses later. Beyond {largest} taps both write that
image, and `fft` takes a fraction of the instructions. This is a prediction from counts: no time was
measured.
"""


@dataclass(frozen=True)
class KernelCount:
    """What the kernel for one problem takes on one architecture."""

    instructions: float  # a pixel
    taken: Resources


def problem_of(size: int, channels: int) -> Problem:
    """The image that the table is about."""
    shape = (SIDE, SIDE) if channels == 1 else (SIDE, SIDE, channels)
    return Problem(GaussianKernel.from_size(size), shape, np.dtype(np.float32))


def count(size: int, channels: int, architecture: str) -> KernelCount:
    """What a size takes that has a shape in the table."""
    problem = problem_of(size, channels)
    shape = shape_for(problem)
    assert shape is not None
    given = options(**fused_macros(problem, shape))
    key = source("fused"), given, architecture
    ways = kept(lambda: _ways(*key), "ways", key[0], *given, architecture)
    each = _instructions(problem, shape, PROCESSORS[architecture], ways["top"], ways["whole"])
    return KernelCount(round(each, 1), assemble(*key))


def _ways(text: str, given: tuple[str, ...], architecture: str) -> dict[str, int]:
    """Instructions of a step, and of a step before the first sum is complete."""
    code = read(disassemble(text, given, architecture))
    whole = usual_way(code)
    top = usual_way(code, barred=lambda name: name.startswith("BAR"))
    return {"whole": whole.instructions, "top": top.instructions}


def _instructions(problem: Problem, shape: Shape, processors: int, top: int, whole: int) -> float:
    """Those of all threads of all blocks, for a pixel."""
    strip, tile = shape.strip(problem), shape.tile(problem, processors)
    blocks = math.ceil(problem.width / strip) * math.ceil(problem.height / tile)
    first, steps = math.ceil(2 * shape.radius / shape.rows), math.ceil(tile / shape.rows)
    # A turn of the row pass costs only the warps that have an item.
    rows, warps = shape.rows * (strip // shape.pixels), shape.threads // WARP
    turns = math.ceil(shape.columns(problem.channels) // shape.pixels * shape.rows / shape.threads)
    busy = math.ceil(rows / WARP) / (turns * warps)
    of_thread = first * top + steps * (top + min(1.0, busy) * (whole - top))
    return blocks * shape.threads * of_thread / (problem.height * problem.width)


def sizes(channels: int) -> list[int]:
    """Those that run in one launch."""
    return [size for size in SIZES if shape_for(problem_of(size, channels)) is not None]


def counts(channels: int) -> dict[tuple[int, str], KernelCount]:
    """What the fused kernel takes, by size and architecture."""
    return by_size(lambda size, one: count(size, channels, one), sizes(channels))


def fft_counts() -> dict[tuple[int, str], PassesCost]:
    """What `fft` takes, by size and architecture."""
    return by_size(lambda size, one: fft_cost(problem_of(size, 1), one), FFT_SIZES)


def by_size(
    of: Callable[[int, str], Counted], sizes: Sequence[int]
) -> dict[tuple[int, str], Counted]:
    """What is counted of each size on each architecture, on all cores."""
    asked = list(product(sizes, PROCESSORS))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(lambda one: of(*one), asked)
        return dict(zip(asked, found, strict=True))


# The document.


def document() -> str:
    """All tables with their words."""
    parts = [WORDS.format(version=compiler_version(), side=SIDE)]
    for channels in INTERLEAVED:
        words = "1 channel" if channels == 1 else f"{channels} channels"
        parts += [f"\n## {words}\n\n", *table(channels, counts(channels))]
    parts += [FFT_WORDS, *fft_table(fft_counts())]
    parts += [COMPARED_WORDS.format(largest=sizes(1)[-1]), *compared_table(), predicted()]
    return "".join(parts)


def compiler_version() -> str:
    """Of NVRTC, as its file says; another one makes other code."""
    path = compiler()
    found = path and sorted(path.parent.glob("libnvrtc-builtins.so.*"))
    return found[-1].name.rpartition(".so.")[2] if found else "unknown"


def table(channels: int, found: dict[tuple[int, str], KernelCount]) -> Iterable[str]:
    """A row for each size."""
    heads = [
        *("size", "multiply-adds", "block", "warps", "shared KiB"),
        *(f"instructions {one}" for one in PROCESSORS),
        *(f"registers {one}" for one in PROCESSORS),
    ]
    yield _row(heads)
    yield _row(["---:"] * len(heads))
    for size in sizes(channels):
        shape = shape_for(problem_of(size, channels))
        assert shape is not None
        each = [found[size, one] for one in PROCESSORS]
        assert not any(one.taken.spilled for one in each)
        yield _row(
            [
                *(size, 2 * size * channels, f"{shape.threads}x{shape.values}"),
                shape.threads * shape.blocks // WARP,
                f"{each[0].taken.shared_bytes / 1024:.1f}",
                *(f"{one.instructions:.1f}" for one in each),
                *(one.taken.registers for one in each),
            ]
        )


def _row(cells: Iterable[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |\n"


def fft_table(found: dict[tuple[int, str], PassesCost]) -> Iterable[str]:
    """A row for each size."""
    heads = [
        *("size", "bytes", "shared KiB", "floating"),
        *(f"instructions {one}" for one in PROCESSORS),
        *(f"registers {one}" for one in PROCESSORS),
    ]
    yield _row(heads)
    yield _row(["---:"] * len(heads))
    for size in FFT_SIZES:
        each = [found[size, one] for one in PROCESSORS]
        assert not any(one.taken.spilled for one in each)
        yield _row(
            [
                *(size, f"{fft_bytes(problem_of(size, 1)):.1f}"),
                f"{each[0].taken.shared_bytes / 1024:.1f}",
                f"{found[size, 'sm_90'].floating:.1f}",
                *(f"{one.instructions:.1f}" for one in each),
                *(one.taken.registers for one in each),
            ]
        )


def compared_table() -> Iterable[str]:
    """A row for each size, of what a pixel takes on sm_90."""
    heads = [f"{what} {of}" for what in ("instructions", "bytes") for of in ("separable", "fft")]
    yield _row(["size", "separable is", *heads])
    yield _row(["---:", "---", *(["---:"] * len(heads))])
    for size in COMPARED:
        problem = problem_of(size, 1)
        figures = (
            *(separable_instructions(size, "sm_90"), fft_cost(problem, "sm_90").instructions),
            *(separable_bytes(size, "sm_90"), fft_bytes(problem)),
        )
        kernel = "columns, twice" if shape_for(problem) is None else "fused"
        yield _row([size, kernel, *(f"{one:.1f}" for one in figures)])


def separable_instructions(size: int, architecture: str) -> float:
    """Of `cuda:separable`, for a pixel of 1 channel."""
    problem = problem_of(size, 1)
    if shape_for(problem) is None:
        return columns_cost(problem, architecture).instructions
    return count(size, 1, architecture).instructions


def separable_bytes(size: int, architecture: str) -> float:
    """Bytes that `cuda:separable` moves for a pixel of 1 channel, margins of blocks included."""
    problem = problem_of(size, 1)
    shape = shape_for(problem)
    if shape is None:
        return columns_bytes(problem)
    strip, tile = shape.strip(problem), shape.tile(problem, PROCESSORS[architecture])
    return 4 + 4 * (1 + 2 * shape.pad / strip) * (1 + 2 * shape.radius / tile)


def crossing(architecture: str) -> int | None:
    """The first of the sizes from which on `fft` takes no more instructions than `separable`."""
    fewer = [
        fft_cost(problem_of(size, 1), architecture).instructions
        <= separable_instructions(size, architecture)
        for size in CROSSING
    ]
    return next((size for at, size in enumerate(CROSSING) if all(fewer[at:])), None)


def predicted() -> str:
    """Where `fft` overtakes `separable`, in words."""
    found = ", ".join(f"{crossing(one)} ({one})" for one in PROCESSORS)
    return PREDICTED.format(crossings=found, largest=sizes(1)[-1])


def documented(text: str) -> dict[tuple[int, int, str], tuple[float, int]]:
    """Instructions and registers by size, channels and architecture, from the document."""
    return {
        (size, int(heading.split()[0]), architecture): taken
        for heading, size, architecture, taken in _figures(text)
        if "channel" in heading
    }


def fft_documented(text: str) -> dict[tuple[int, str], tuple[float, int]]:
    """Instructions and registers of `fft` by size and architecture, from the document."""
    return {
        (size, architecture): taken
        for heading, size, architecture, taken in _figures(text)
        if heading == "fft"
    }


def _figures(text: str) -> Iterator[tuple[str, int, str, tuple[float, int]]]:
    """A section's heading, a size, an architecture, and its instructions and registers."""
    heading, heads = "", [""]
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("## "):
            heading = line[3:]
        elif line.startswith("| size"):
            heads = cells
        elif line.startswith("| ") and cells[0].isdigit():
            of = dict(zip(heads, cells, strict=True))
            for one in PROCESSORS:
                if f"registers {one}" in of:
                    taken = float(of[f"instructions {one}"]), int(of[f"registers {one}"])
                    yield heading, int(of["size"]), one, taken


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the document; 3 where the tools are missing."""
    parser = argparse.ArgumentParser(description="Counts the CUDA kernels' machine code.")
    parser.add_argument("--out", type=Path, default=DOCUMENT)
    given = parser.parse_args(arguments)
    if compiler() is None or disassembler() is None:
        print(
            "Compiler or disassembler missing: pip install nvidia-cuda-nvrtc nvidia-cuda-nvdisasm"
        )
        return 3
    given.out.parent.mkdir(exist_ok=True)
    given.out.write_text(document(), "utf-8")
    print(f"Wrote {given.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
