"""What the CUDA kernels cost in machine code; `make machine-code` writes docs/machine-code.md.

It takes NVIDIA's compiler and disassembler from pip, no GPU. The figures are no times: they say how
much work a pixel is, on which card, and whether a change makes it more.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from blurbench.backends.cuda.compiler import options, source
from blurbench.backends.cuda.plan import INTERLEAVED
from blurbench.backends.cuda.shapes import Shape, fused_macros, shape_for
from blurbench.kernel import GaussianKernel
from blurbench.plan import Problem
from helpers.cuda_assembly import Resources, assemble, compiler, disassemble, disassembler, kept
from helpers.instructions import read, usual_way

DOCUMENT = Path(__file__).parents[1] / "docs" / "machine-code.md"
# The multiprocessors that the image is shared out to are those of a large card of its kind.
PROCESSORS = {"sm_75": 40, "sm_80": 108, "sm_90": 132, "sm_120": 170}
SIZES = (3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 25, 27, 31, 33, 41, 49, 57, 65, 81, 97)
SIDE, WARP = 4096, 32

WORDS = """\
# Machine code of the fused kernel

Made by `make machine-code`, from what NVRTC {version} compiles; no GPU was asked. A test holds the
figures from growing.

An image of {side}x{side} float32 pixels is blurred. *Instructions* are those that threads execute
for one pixel, margins of blocks included, on the usual way through the kernel's loop: inside the
image, where four values are loaded and stored at once. A separable blur takes 2 multiply-adds a
tap and channel. *Registers* are a thread's; nothing is spilled. *Warps* are those of the blocks
that a multiprocessor holds. The shapes of blocks are in `blurbench/backends/cuda/shapes.csv`.
"""


@dataclass(frozen=True)
class Count:
    """What the kernel for one problem takes on one architecture."""

    instructions: float  # a pixel
    taken: Resources


def problem_of(size: int, channels: int) -> Problem:
    """The image that the table is about."""
    shape = (SIDE, SIDE) if channels == 1 else (SIDE, SIDE, channels)
    return Problem(GaussianKernel.from_size(size), shape, np.dtype(np.float32))


def count(size: int, channels: int, architecture: str) -> Count:
    """What a size takes that has a shape in the table."""
    problem = problem_of(size, channels)
    shape = shape_for(problem)
    assert shape is not None
    given = options(**fused_macros(problem, shape))
    key = source("fused"), given, architecture
    ways = kept(lambda: _ways(*key), "ways", key[0], *given, architecture)
    each = _instructions(problem, shape, PROCESSORS[architecture], ways["top"], ways["whole"])
    return Count(round(each, 1), assemble(*key))


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


def counts(channels: int) -> dict[tuple[int, str], Count]:
    """By size and architecture, counted on all cores."""
    asked = list(product(sizes(channels), PROCESSORS))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(lambda one: count(one[0], channels, one[1]), asked)
        return dict(zip(asked, found, strict=True))


# The document.


def document() -> str:
    """All tables with their words."""
    parts = [WORDS.format(version=compiler_version(), side=SIDE)]
    for channels in INTERLEAVED:
        words = "1 channel" if channels == 1 else f"{channels} channels"
        parts += [f"\n## {words}\n\n", *table(channels, counts(channels))]
    return "".join(parts)


def compiler_version() -> str:
    """Of NVRTC, as its file says; another one makes other code."""
    path = compiler()
    found = path and sorted(path.parent.glob("libnvrtc-builtins.so.*"))
    return found[-1].name.rpartition(".so.")[2] if found else "unknown"


def table(channels: int, found: dict[tuple[int, str], Count]) -> Iterable[str]:
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


def documented(text: str) -> dict[tuple[int, int, str], tuple[float, int]]:
    """Instructions and registers by size, channels and architecture, from the document."""
    found, channels, heads = {}, 0, [""]
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("## "):
            channels = int(line.split()[1])
        elif line.startswith("| size"):
            heads = cells
        elif line.startswith("| ") and cells[0].isdigit():
            of = dict(zip(heads, cells, strict=True))
            for one in PROCESSORS:
                taken = float(of[f"instructions {one}"]), int(of[f"registers {one}"])
                found[int(of["size"]), channels, one] = taken
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the document; 3 where the tools are missing."""
    parser = argparse.ArgumentParser(description="Counts the fused kernel's machine code.")
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
