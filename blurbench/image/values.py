"""The values of decoded pixels, brought to what can be blurred, and checked."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench.errors import InputError

PADDED = 1000  # times as many pixels: more than any border of use adds


def stretched(pixels: NDArray[Any], top: int) -> NDArray[Any]:
    """Unsigned integers of at most `top`, over the whole range of their type: white stays white.

    Raises:
        IndexError: a value is larger.
    """
    largest = int(np.iinfo(pixels.dtype).max)
    if top == largest:
        return pixels
    table = np.rint(np.arange(top + 1) * largest / top).astype(pixels.dtype)
    whole: NDArray[Any] = table[pixels]
    return whole


def stretch_note(top: int, dtype: np.dtype[Any]) -> str:
    """What `stretched` did, for the user."""
    return f"values of 0 to {top}, stretched to 0 to {np.iinfo(dtype).max}"


def as_uint16(name: str, pixels: NDArray[Any]) -> NDArray[np.uint16]:
    """Integers of another type as 16 bits.

    Raises:
        InputError: not all of them fit.
    """
    least, most = pixels.min(), pixels.max()
    if least < 0 or most > 65535:
        raise InputError(
            f"image {name} holds {8 * pixels.itemsize}-bit values from {least} to {most}: "
            "convert it to 16 bits or float"
        )
    return pixels.astype(np.uint16)


def check_finite(name: str, pixels: NDArray[Any], *, holes: bool = False) -> None:
    """Raise InputError where there are floats that are infinite or, but for holes, NaN."""
    if pixels.dtype.kind != "f" or np.isfinite(pixels).all():
        return
    nan, infinite = (int(np.count_nonzero(test(pixels))) for test in (np.isnan, np.isinf))
    if infinite or not holes:
        way_out = "" if infinite else " (blur --nodata nan leaves them out)"
        raise InputError(
            f"image {name} holds {nan + infinite} NaN or infinite pixels: "
            f"replace them first{way_out}"
        )


def check_summable(name: str, pixels: NDArray[Any]) -> None:
    """Raise InputError where floats are so huge that their sum may not fit the arithmetic's type.

    A transform sums the whole image, borders included; what overflows there is no blur to time.
    """
    if pixels.dtype.kind != "f":
        return
    value = float(max(pixels.min(), pixels.max(), key=abs))
    arithmetic = np.promote_types(pixels.dtype, np.float32)
    if abs(value) > float(np.finfo(arithmetic).max) / (PADDED * pixels.size):
        raise InputError(
            f"image {name} holds the value {value!r}, which overflows in sums of its pixels: "
            f"replace it first (blur --nodata {value!r} leaves it out)"
        )


def upright(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Stored pixels turned as EXIF's orientation, 1 to 8, says that they are to be seen."""
    turned = np.swapaxes(pixels, 0, 1) if orientation in (5, 6, 7, 8) else pixels
    turned = turned[::-1] if orientation in (3, 4, 7, 8) else turned
    turned = turned[:, ::-1] if orientation in (2, 3, 6, 7) else turned
    return np.ascontiguousarray(turned)


def usable_orientation(told: Any) -> int:
    """An orientation of EXIF, 1 to 8; 1, upright, where nothing of use is told."""
    return told if told in range(1, 9) else 1
