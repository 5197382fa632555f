"""What is to be blurred, and with which kernel: what a plan is prepared for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from blurbench.border import check_border
from blurbench.errors import InputError
from blurbench.kernel import GaussianKernel
from blurbench.names import DTYPES

_USABLE = frozenset(map(np.dtype, DTYPES))  # a type's name takes longer to make than to look up
MAX_THREADS = 4096
# Of integer images: up to here float32 holds all whole numbers. Soon after, a transform rounds by
# more than any pixel is.
MAX_INTEGER_CVAL = 2.0**24
MAX_SAMPLES = 2**47  # no process addresses so many bytes
WITHOUT_FLOAT16 = tuple(dtype for dtype in DTYPES if dtype != "float16")


@dataclass(frozen=True)
class Problem:
    """What a plan is prepared for.

    Attributes:
        kernel: the taps.
        shape: of the image, `(H, W)` or `(H, W, C)`, no side 0.
        dtype: of the image and of the result; one of `DTYPES`.
        border, cval: what lies outside the image; of a size that the arithmetic can hold beside it.
        threads: how many a plan may use, where its library can be told.

    Raises:
        InputError: one of them cannot be used.
    """

    kernel: GaussianKernel
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    border: str = "reflect"
    cval: float = 0.0
    threads: int = 1

    def __post_init__(self) -> None:
        check_dtype(self.dtype)
        check_border(self.border, self.cval)
        if abs(self.cval) > self._largest_cval:
            raise InputError(
                f"border value {self.cval!r} is beyond what the arithmetic of {self.dtype} images "
                f"holds: give {self._largest_cval:.8g} at most"
            )
        if len(self.shape) not in (2, 3) or not all(_counts(side) for side in self.shape):
            else_stack = ", or N images with stack=True" if len(self.shape) == 4 else ""
            raise InputError(
                f"image shape {self.shape} is not usable: "
                f"give (H, W) or (H, W, C), no side 0{else_stack}"
            )
        if math.prod(self.shape) > MAX_SAMPLES:
            raise InputError(f"image shape {self.shape} is too large: give at most 2**47 samples")
        if not _counts(self.threads) or self.threads > MAX_THREADS:
            raise InputError(f"threads {self.threads!r} is out of range: give 1 to {MAX_THREADS}")

    @property
    def height(self) -> int:
        return self.shape[0]

    @property
    def width(self) -> int:
        return self.shape[1]

    @property
    def channels(self) -> int:
        return self.shape[2] if len(self.shape) == 3 else 1

    @property
    def work_dtype(self) -> np.dtype[Any]:
        """The type of the arithmetic: float64 for float64 images, else float32."""
        return np.dtype(np.float64 if self.dtype == np.float64 else np.float32)

    @property
    def _largest_cval(self) -> float:
        if self.dtype.kind != "f":
            return MAX_INTEGER_CVAL
        return float(np.finfo(self.work_dtype).max)

    @property
    def image_bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def _counts(number: Any) -> bool:
    """Whether this is a whole number from 1 up."""
    if isinstance(number, bool) or not isinstance(number, (int, np.integer)):
        return False
    return bool(number >= 1)


def check_dtype(dtype: Any) -> np.dtype[Any]:
    """The dtype, however it is named, in the machine's byte order.

    Raises:
        InputError: it is not one of `DTYPES`.
    """
    try:
        found: np.dtype[Any] = np.dtype(dtype).newbyteorder("=")
        if found in _USABLE:
            return found
        name = found.name
    except (TypeError, ValueError, SyntaxError):  # a string is parsed
        name = repr(dtype)
    raise InputError(f"dtype {name} is not usable: convert to {', '.join(DTYPES)}")
