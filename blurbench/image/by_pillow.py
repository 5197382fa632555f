"""Pixels as Pillow reads them, of files that it reads right."""

from __future__ import annotations

from typing import IO, Any

import numpy as np
import PIL.Image
import PIL.ImageOps

from blurbench.errors import InputError
from blurbench.image.image import Image
from blurbench.image.memory import WorkBytes, check_fits
from blurbench.image.read_metadata import describe, orientation_of
from blurbench.image.values import as_uint16

# Pillow's mode as read -> the mode whose pixels are blurred.
_READ_AS = {
    "1": "L",
    "L": "L",
    "LA": "LA",
    "La": "LA",
    "P": "RGB",
    "PA": "RGBA",
    "RGB": "RGB",
    "RGBA": "RGBA",
    "RGBX": "RGB",
    "RGBa": "RGBA",
    "CMYK": "RGB",
    "YCbCr": "RGB",
    "HSV": "RGB",
    "I": "I;16",
    "I;16": "I;16",
    "I;16L": "I;16",
    "I;16B": "I;16",
    "I;16N": "I;16",
    "F": "F",
}
_CHANNELS = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4, "I;16": 1, "F": 1}
_DTYPES: dict[str, np.dtype[Any]] = {"I;16": np.dtype(np.uint16), "F": np.dtype(np.float32)}


def read(name: str, opened: PIL.Image.Image, stream: IO[bytes], work_bytes: WorkBytes) -> Image:
    """Decode an open file.

    Raises:
        InputError: it does not fit in memory, or is of a kind that cannot be blurred.
    """
    if opened.mode not in _READ_AS:
        raise InputError(f"image {name} has mode {opened.mode}: convert it to RGB or grey first")
    mode, original = _read_mode(opened), opened.mode
    dtype, channels = _DTYPES.get(mode, np.dtype(np.uint8)), _CHANNELS[mode]
    shape = (opened.height, opened.width, channels)[: 3 if channels > 1 else 2]
    check_fits(name, shape, dtype, work_bytes)
    metadata, notes = describe(opened, stream, colour=mode.startswith("RGB"))
    turned = orientation_of(opened) != 1
    opened.load()
    upright = PIL.ImageOps.exif_transpose(opened) if turned else opened
    if original == "1":
        notes += ("1 bit a pixel, read as 8-bit grey",)
    elif original not in (mode, "I", "I;16L", "I;16B", "I;16N"):
        notes += (f"mode {original} read as {mode}",)
    if mode == "I;16":
        pixels = as_uint16(name, np.asarray(upright))
    else:
        pixels = np.array(upright.convert(mode) if upright.mode != mode else upright)
    return Image(name, pixels, mode in ("LA", "RGBA"), notes, metadata, metadata.nodata)


def _read_mode(opened: PIL.Image.Image) -> str:
    mode = _READ_AS[opened.mode]
    if opened.has_transparency_data and mode in ("L", "RGB"):
        return mode + "A"
    return mode
