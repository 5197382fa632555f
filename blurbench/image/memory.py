"""Whether what is to be done fits in memory, asked before it is begun."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from blurbench import host
from blurbench.errors import InputError

WorkBytes = Callable[[tuple[int, ...], np.dtype[Any]], int]


def check_fits(
    name: str, shape: tuple[int, ...], dtype: np.dtype[Any], work_bytes: WorkBytes
) -> None:
    """Raise InputError where an image file does not fit in memory with what it takes to blur it.

    Args:
        shape, dtype: of the pixels that are blurred.
        work_bytes: what will be needed beside the pixels.
    """
    height, width = shape[:2]
    if width == 0 or height == 0:
        raise InputError(f"image {name} has no pixels: it is {width}x{height}")
    needed = reading_bytes(shape, dtype) + work_bytes(shape, dtype)
    check_memory(f"image {name} ({width}x{height})", needed)


def reading_bytes(shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    """Memory that `read_image` takes: the pixels, and the reader's, mostly four bytes each."""
    return 4 * math.prod(shape[:2]) + math.prod(shape) * dtype.itemsize


def check_memory(what: str, needed: int, remedy: str = "use a smaller image") -> None:
    """Raise InputError where `needed` bytes are more than this process may still take."""
    available = host.available_memory()
    if available is not None and needed > available:
        raise InputError(
            f"{what} needs {needed / 2**30:.2f} GiB with its work buffers "
            f"and {available / 2**30:.2f} GiB is free: {remedy}"
        )


def check_kernel_memory(size: int, shape: tuple[int, ...], needed: int, without: int) -> None:
    """Raise InputError where a kernel is what does not fit: `without` it, the image would."""
    available = host.available_memory()
    if available is not None and without <= available:
        what = f"size {size} on an image of {shape[1]}x{shape[0]}"
        check_memory(what, needed, "use a smaller kernel")
