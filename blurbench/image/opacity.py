"""Colour and its opacity, the last channel: blurred together, so that hidden colour cannot bleed.

Of integers the largest value is opaque, of floats 1 is. Colour is kept straight, which is not
weighted by its opacity; what a file holds weighted (premultiplied) is made straight first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench.errors import InputError


def weighted_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type in which `blur_with_alpha` blurs."""
    return np.promote_types(dtype, np.float32)


def blur_with_alpha(
    pixels: NDArray[Any], blur: Callable[[NDArray[Any]], NDArray[Any]]
) -> NDArray[Any]:
    """Blur colour weighted by its opacity, the last channel, so that hidden colour cannot bleed.

    Args:
        pixels: `(H, W, 2)` or `(H, W, 4)`; integer or float.
        blur: takes and returns floats of `weighted_dtype` and of the same shape.
    """
    weighted = pixels.astype(weighted_dtype(pixels.dtype))
    top = _opaque(pixels.dtype)
    weighted[..., :-1] *= weighted[..., -1:] / top
    blurred = blur(weighted)
    opacity = blurred[..., -1:]
    # Less opacity cannot be seen: an integer rounds to 0, a float may be what rounding left of 0.
    is_float = pixels.dtype.kind == "f"
    visible = opacity > (1e-6 if is_float else 0.5)
    colour = np.where(visible, blurred[..., :-1] * top / np.where(visible, opacity, 1), 0)
    result = np.concatenate([colour, opacity], axis=-1)
    if not is_float:
        result = np.clip(np.rint(result), 0, top)
    stored: NDArray[Any] = result.astype(pixels.dtype)
    return stored


def straightened(name: str, pixels: NDArray[Any]) -> NDArray[Any]:
    """Colour that a file holds weighted by its opacity, without that weight.

    Raises:
        InputError: there is colour where the opacity is 0, which has no straight form.
    """
    result, opacity, top = pixels.copy(), pixels[..., -1], _opaque(pixels.dtype)
    hidden = opacity == 0
    if pixels.dtype.kind == "f" and pixels[hidden].any():
        raise InputError(
            f"image {name} holds premultiplied colour where its opacity is 0: "
            "leave out its opacity, or convert it to straight opacity"
        )
    divisor = np.where(hidden, 1, opacity).astype(np.float64)
    for channel in range(pixels.shape[2] - 1):  # one at a time, as this takes memory
        straight = pixels[..., channel] * float(top) / divisor
        straight[hidden] = 0
        if pixels.dtype.kind != "f":
            straight = np.clip(np.rint(straight), 0, top)
        result[..., channel] = straight
    return result


def _opaque(dtype: np.dtype[Any]) -> Any:
    """The value of full opacity."""
    return np.float32(1) if dtype.kind == "f" else np.float32(np.iinfo(dtype).max)
