"""The exactness contract: how far from an independent float64 blur a result may be."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench.border import blur_matrix
from blurbench.problem import Problem

SAMPLED = 256  # rows and columns of an image that are held against the reference


def allowed_error(dtype: np.dtype[Any], scale: float, integer_error: float = 0.5) -> float:
    """The largest difference that the contract allows.

    Integers and float16 are rounded to the nearest besides.

    Args:
        scale: the largest absolute value of the image and, where it shows, of cval.
        integer_error: units that an integer result may be off; one half is rounding alone.
    """
    if dtype == np.float64:
        return 1e-13 * scale
    rounding = {"float32": 0.0, "float16": 2**-11 * scale}.get(dtype.name, integer_error)
    return rounding + 1e-6 * scale


def image_scale(image: NDArray[Any], problem: Problem) -> float:
    """The largest absolute value that enters the blur."""
    largest = max(abs(float(image.max())), abs(float(image.min())))
    return max(largest, abs(problem.cval)) if problem.border == "constant" else largest


def sampled_positions(n: int) -> NDArray[np.int64]:
    """The first, middle and last third of `SAMPLED` positions on a line; all of a short line.

    So a sample of an image holds its corners, its sides and its middle.
    """
    if n <= SAMPLED:
        return np.arange(n)
    third = SAMPLED // 3
    middle = (n - third) // 2
    starts = ((0, third), (middle, third), (n - (SAMPLED - 2 * third), SAMPLED - 2 * third))
    return np.concatenate([np.arange(start, start + count) for start, count in starts])


def take_sample(image: Any) -> NDArray[np.float64]:
    """The pixels of a host image at the sampled rows and columns, as float64."""
    rows, columns = (sampled_positions(n) for n in image.shape[:2])
    return np.asarray(image[rows][:, columns], dtype=np.float64)


def reference_sample(image: NDArray[Any], problem: Problem) -> NDArray[np.float64]:
    """The blur at the sampled pixels, in float64, by products with each axis's blur matrix.

    It shares no code with the methods: only the taps and the border's rule.
    """
    height, width = problem.shape[:2]
    taps, border = problem.kernel.taps, problem.border
    down, above = blur_matrix(taps, sampled_positions(height), height, border)
    along, beside = blur_matrix(taps, sampled_positions(width), width, border)
    rows, columns = down.any(axis=0), along.any(axis=0)
    pixels = image[rows][:, columns].astype(np.float64)
    # Outside, every pixel is cval, and so is its blur down the column.
    blurred = np.tensordot(down[:, rows], pixels, axes=(1, 0))
    blurred += (above * problem.cval).reshape((-1,) + (1,) * (pixels.ndim - 1))
    blurred = np.moveaxis(np.tensordot(along[:, columns], blurred, axes=(1, 1)), 0, 1)
    blurred += (beside * problem.cval).reshape((1, -1) + (1,) * (pixels.ndim - 2))
    return blurred
