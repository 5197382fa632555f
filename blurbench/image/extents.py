"""Images of other extents: cropped, repeated, resized."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from blurbench.errors import InputError
from blurbench.image.image import Image


def crop(image: Image, width: int, height: int) -> Image:
    """The middle of an image.

    Raises:
        InputError: the image is smaller than that.
    """
    own_height, own_width = image.pixels.shape[:2]
    if width > own_width or height > own_height:
        raise InputError(
            f"crop {width}x{height} is larger than the image, {own_width}x{own_height}: "
            "give a smaller one"
        )
    top, left = (own_height - height) // 2, (own_width - width) // 2
    return _changed(image, image.pixels[top : top + height, left : left + width])


def cover(image: Image, width: int, height: int) -> Image:
    """The image repeated side by side until it covers the extent, and cropped to it."""
    rows, columns = (
        -(-side // own) for side, own in zip((height, width), image.pixels.shape, strict=False)
    )
    repeats = (rows, columns) + (1,) * (image.pixels.ndim - 2)
    return crop(replace(image, pixels=np.tile(image.pixels, repeats)), width, height)


def resize(image: Image, width: int, height: int) -> Image:
    """The image at another size, by Pillow's Lanczos filter in float32."""
    planes = np.atleast_3d(image.pixels).astype(np.float32)
    resized = [
        np.asarray(PIL.Image.fromarray(plane).resize((width, height), PIL.Image.Resampling.LANCZOS))
        for plane in np.moveaxis(planes, 2, 0)
    ]
    pixels = np.stack(resized, axis=2).reshape((height, width, *image.pixels.shape[2:]))
    if image.pixels.dtype.kind != "f":
        top = np.iinfo(image.pixels.dtype).max
        pixels = np.clip(np.rint(pixels), 0, top)
    return _changed(image, pixels.astype(image.pixels.dtype))


def _changed(image: Image, pixels: NDArray[Any]) -> Image:
    """The image with other pixels, which lie elsewhere on the map."""
    return replace(image, pixels=pixels, metadata=replace(image.metadata, geo=()))
