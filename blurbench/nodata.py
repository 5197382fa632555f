"""Images with holes: pixels that hold no data, only a value that says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray


def find_holes(pixels: NDArray[Any], nodata: float) -> NDArray[np.bool_]:
    """Where pixels hold the value that stands for no data, NaN included, as their type has it."""
    if np.isnan(nodata):
        return np.asarray(np.isnan(pixels))
    if pixels.dtype.kind != "f":
        return np.asarray(pixels == np.float64(nodata))
    with np.errstate(over="ignore"):  # a value that the type does not have is nowhere
        return np.asarray(pixels == np.float64(nodata).astype(pixels.dtype))


def blur_around_holes(
    pixels: NDArray[Any],
    holes: NDArray[np.bool_],
    blur: Callable[[NDArray[np.float64], float], NDArray[np.float64]],
    cval: float = 0.0,
) -> NDArray[Any]:
    """Blur what is no hole, as if the holes were not there; they stay as they are.

    A normalised convolution: each pixel becomes the mean of those within the kernel that are no
    holes, by the same weights, which are made to add up to 1 again.

    Args:
        pixels: `(H, W)` or `(H, W, C)`, integers or floats.
        holes: of the same shape.
        blur: of float64 and a value of the constant border.
        cval: what lies outside, under a constant border.

    Returns the same shape and dtype; integers rounded to nearest.
    """
    data = pixels.astype(np.float64)
    data[holes] = 0
    weights = blur(np.where(holes, 0.0, 1.0), 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):  # far inside of holes
        blurred = blur(data, cval) / weights
    if pixels.dtype.kind != "f":
        blurred = np.clip(np.rint(blurred), 0, np.iinfo(pixels.dtype).max)
    result = pixels.copy()
    np.copyto(result, blurred, where=~holes, casting="unsafe")
    return result
