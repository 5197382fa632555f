"""Whether a blur of floats is one: a huge value may drown all others in its rounding.

A blur is a weighted mean, so no pixel can exceed what lies within the kernel. But a transform meets
the whole image, and a running sum a whole line, and both round to the largest value that they meet:
a no-data value of -3.4e38 somewhere makes all pixels not-a-number, one of -1e30 makes them noise.
"""

from __future__ import annotations

import math
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from blurbench.errors import InputError
from blurbench.problem import Problem

ROWS = 64  # looked at together, so that no second image is needed


def unwarned() -> AbstractContextManager[object]:
    """Without NumPy's warnings of values that overflow: what becomes of them is looked at."""
    return np.errstate(over="ignore", invalid="ignore")


def check_blurred(
    name: str, pixels: NDArray[Any], blurred: NDArray[Any], problem: Problem, by: str
) -> None:
    """Raise InputError where pixels of a blurred image have been lost.

    Args:
        name: of the image.
        pixels: of the problem's shape; NaN is a hole, and stays one.
        by: the implementation that blurred them, as `backend:method`.
    """
    if problem.dtype.kind != "f":
        return
    if math.isnan(pixels.min()):
        holes = np.isnan(pixels)
        pixels, blurred = (np.where(holes, 0, each) for each in (pixels, blurred))
    lost = count_lost(pixels, blurred, problem)
    if lost:
        value = float(max(pixels.min(), pixels.max(), key=abs))
        raise InputError(
            f"image {name}: {by} loses {lost} of {problem.height * problem.width} pixels to the "
            f"value {value!r}: --backend scipy --method separable spreads it no further than the "
            f"kernel, and --nodata {value!r} leaves it out"
        )


def count_lost(pixels: NDArray[Any], blurred: NDArray[Any], problem: Problem) -> int:
    """How many pixels of a blurred image are not finite, or beyond what the kernel met there.

    The latter are those of more than twice the magnitude of all but the huge values, where no huge
    one is within the kernel; huge is what is above half of the largest magnitude. Noise beside
    nothing but zeros is none: it may be the usual rounding.
    """
    outside = abs(problem.cval) if problem.border == "constant" else 0.0
    limit = np.float64(max(_largest(pixels), outside) / 2)  # float32 may not hold it
    highest = _largest(blurred)
    rest = max(_largest_of_rest(pixels, limit, highest / 2), outside if outside <= limit else 0.0)
    bound = np.float64(2 * rest if rest > 0 else math.inf)
    if math.isfinite(highest) and highest <= bound:
        return 0
    lost = ~np.isfinite(blurred)
    lost |= (np.abs(blurred) > bound) & ~_near(
        np.abs(pixels) > limit, problem, bool(outside > limit)
    )
    return int(np.count_nonzero(lost.any(axis=2) if lost.ndim == 3 else lost))


def _largest(values: NDArray[Any]) -> float:
    """The largest magnitude; not-a-number where any value is."""
    return float(np.maximum(abs(values.min()), abs(values.max())))


def _largest_of_rest(pixels: NDArray[Any], limit: np.float64, enough: float) -> float:
    """The largest magnitude that is not above a limit; or of the rows up to one that is enough."""
    found = 0.0
    for top in range(0, len(pixels), ROWS):
        rows = np.abs(pixels[top : top + ROWS])
        rows[rows > limit] = 0
        found = max(found, float(rows.max()))
        if found >= enough:
            break
    return found


def _near(places: NDArray[np.bool_], problem: Problem, outside: bool) -> NDArray[np.bool_]:
    """Where a place, or what is outside under a constant border, is within the kernel."""
    found, size = places.astype(np.uint8), 2 * problem.kernel.radius + 1
    for axis in (0, 1):
        found = maximum_filter1d(found, size, axis, mode=problem.border, cval=int(outside))
    near: NDArray[np.bool_] = found.astype(bool)
    return near
