"""Pixels as imagecodecs reads them: PNG, JPEG 2000 and AVIF at full depth."""

from __future__ import annotations

from typing import IO, Any

import numpy as np
import PIL.Image

from blurbench.extras import load_extra
from blurbench.image.boxes import profile_of_jpeg2000
from blurbench.image.image import Image
from blurbench.image.memory import WorkBytes, check_fits
from blurbench.image.pixel_format import START_OF_CODESTREAM, PixelFormat
from blurbench.image.read_metadata import describe, orientation_of
from blurbench.image.values import as_uint16, stretch_note, stretched, upright


def read(
    name: str,
    opened: PIL.Image.Image,
    stream: IO[bytes],
    pixel_format: PixelFormat,
    reason: str,
    work_bytes: WorkBytes,
) -> Image:
    """Decode a file that Pillow has opened, and would decode wrong.

    Args:
        reason: what it has that Pillow would read wrong.

    Raises:
        InputError: it does not fit in memory, or holds values that do not fit in 16 bits; or the
            library is missing.
    """
    library = load_extra("imagecodecs", "images", f"image {name} has {reason}: reading it needs")
    channels = pixel_format.channels
    shape = (opened.height, opened.width, channels)[: 3 if channels > 1 else 2]
    dtype = np.dtype("uint8" if pixel_format.bits <= 8 else "uint16")
    check_fits(name, shape, dtype, work_bytes)
    metadata, notes = describe(opened, stream, colour=channels > 2)
    stream.seek(0)
    pixels = _decode(library, str(opened.format), stream.read())
    if pixels.shape != shape:
        raise ValueError(f"it decodes to {pixels.shape}, and its header says {shape}")
    if pixels.dtype != dtype:
        pixels = as_uint16(name, pixels)
    elif opened.format != "PNG" and 2**pixel_format.bits - 1 != np.iinfo(dtype).max:
        notes += (stretch_note(2**pixel_format.bits - 1, dtype),)
        pixels = stretched(pixels, 2**pixel_format.bits - 1)
    return Image(name, upright(pixels, orientation_of(opened)), pixel_format.alpha, notes, metadata)


def _decode(library: Any, kind: str, content: bytes) -> Any:
    if kind == "PNG":
        return library.png_decode(content)
    if kind == "AVIF":
        return library.avif_decode(content, index=0)
    if profile_of_jpeg2000(content):
        # It would be applied and lost; the codestream, behind it, knows nothing of it.
        content = content[content.index(START_OF_CODESTREAM) :]
    return library.jpeg2k_decode(content)
