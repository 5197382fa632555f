"""CUDA kernels on the CPU: their very source, compiled by g++ and called as CuPy calls them."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import math
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from blurbench.backends.cuda.compiler import Kernel, Toolkit

HEADER = Path(__file__).with_name("cuda_on_cpu.h")
COMPILER = shutil.which("g++")
FOLDER = Path(__file__).parents[2] / ".pytest_cache" / "cuda"  # what was compiled, by its hash
MOST_BLOCKS = 2**31 - 1, 65_535, 65_535  # of a grid, along x, y and z
MOST_THREADS = 1024, 1024, 64  # of a block
MOST_TOGETHER = 1024  # threads of a block
MOST_SHARED = 48 * 1024  # bytes of a block that are declared in a kernel
PROCESSORS = 4  # few, so that small images have several tiles a strip


class CompiledForCpu:
    """A kernel that takes NumPy arrays where CuPy's takes the device's.

    Args:
        order: of a block's threads between two barriers: 0, 1 for the reverse, 2 and more for
            shuffles.
    """

    def __init__(self, library: Path, order: int) -> None:
        self._launch = ctypes.CDLL(str(library)).launch
        self._order = order

    def __call__(
        self, grid: tuple[int, ...], block: tuple[int, ...], arguments: tuple[Any, ...]
    ) -> None:
        check_launch(grid, block)
        values = [argument_of(one) for one in arguments]
        pointers = (ctypes.c_void_p * len(values))(*(one.ctypes.data for one in values))
        self._launch(extent(grid), extent(block), pointers, ctypes.c_uint(self._order))


def check_launch(grid: tuple[int, ...], block: tuple[int, ...]) -> None:
    """Raise what CUDA does where a grid or a block is larger than any device takes."""
    for what, sides, most in (("grid", grid, MOST_BLOCKS), ("block", block, MOST_THREADS)):
        if any(not 1 <= side <= limit for side, limit in zip(sides, most, strict=False)):
            raise ValueError(f"CUDA_ERROR_INVALID_VALUE: {what} {sides} is not within {most}")
    if math.prod(block) > MOST_TOGETHER:
        raise ValueError(f"CUDA_ERROR_INVALID_VALUE: block {block} is over {MOST_TOGETHER} threads")


def check_shared(library: Path, name: str) -> None:
    """Raise what CUDA's assembler does where a kernel declares more shared memory than there is."""
    listed = subprocess.run(
        ["nm", "--print-size", library], capture_output=True, text=True, check=True
    ).stdout
    # Of the library's variables those inside of functions, except for the standard library's.
    sizes = re.findall(r"^\S+ (\S+) [bd] _ZZ(?!N)", listed, re.MULTILINE)
    taken = sum(int(size, 16) for size in sizes)
    if taken > MOST_SHARED:
        raise ValueError(f"{name} uses too much shared data: {taken} bytes, {MOST_SHARED} at most")


def argument_of(value: Any) -> np.ndarray:
    """What the kernel receives: an array's address, or a scalar or structure itself."""
    if isinstance(value, np.ndarray) and value.dtype.names is None:
        return np.array(value.ctypes.data, np.uintp)
    return np.array(value)


def extent(sides: tuple[int, ...]) -> Any:
    return (ctypes.c_uint * 3)(*sides, *(1,) * (3 - len(sides)))


@functools.cache
def build(text: str, name: str, options: tuple[str, ...], sanitize: str = "") -> Path:
    """A shared library with the kernel; kept from run to run."""
    key = "\0".join((text, name, *options, sanitize, HEADER.read_text("utf-8")))
    library = FOLDER / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.so"
    if library.exists():
        return library
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as work:
        cpp, made = Path(work) / "kernel.cpp", Path(work) / "kernel.so"
        entry = (
            'extern "C" void launch(const unsigned* grid, const unsigned* block, void** given, '
            f"unsigned order) {{ cpu::launch({name}, grid, block, given, order); }}\n"
        )
        cpp.write_text(f'#include "{HEADER}"\n{text}\n{entry}', "utf-8")
        flags = ["-O0", f"-fsanitize={sanitize}"] if sanitize else ["-O1"]
        flags += ["-fPIC", "-shared", "-w"]
        done = subprocess.run(
            [str(COMPILER), *flags, *options, str(cpp), "-o", str(made)],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        if not sanitize:  # which puts gaps between the arrays
            check_shared(made, name)
        made.rename(library)
    return library


def toolkit(
    order: int = 0,
    sanitize: str = "",
    edit: Callable[[str], str] = lambda text: text,
) -> Toolkit:
    """A device that is the CPU.

    Args:
        edit: changes a kernel's source first, to plant a fault.
    """

    def compile_for_cpu(text: str, name: str, options: tuple[str, ...]) -> Kernel:
        return CompiledForCpu(build(edit(text), name, options, sanitize), order)

    return Toolkit(np, compile_for_cpu, PROCESSORS)
