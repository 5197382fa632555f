"""PGM and PPM files: lines of text, then the numbers; of more than 8 bits, as Pillow keeps 8."""

from __future__ import annotations

from typing import IO, Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from blurbench.errors import InputError
from blurbench.image.image import Image
from blurbench.image.memory import WorkBytes, check_fits
from blurbench.image.misread import largest_of_pnm
from blurbench.image.values import stretch_note, stretched


def read(name: str, opened: PIL.Image.Image, stream: IO[bytes], work_bytes: WorkBytes) -> Image:
    """An open file of more than 8 bits a channel.

    Raises:
        InputError: it does not fit in memory, or is written in digits.
    """
    decoder, _, start, _ = opened.tile[0]  # type: ignore[attr-defined]
    if decoder == "ppm_plain":
        raise InputError(
            f"image {name} has more than 8 bits a channel, written in digits: "
            "convert it to binary PPM (P6)"
        )
    channels, dtype = len(opened.getbands()), np.dtype(np.uint16)
    shape = (opened.height, opened.width, channels)[: 3 if channels > 1 else 2]
    check_fits(name, shape, dtype, work_bytes)
    stream.seek(start)
    stored = stream.read(2 * opened.height * opened.width * channels)
    pixels = np.frombuffer(stored, ">u2").astype(dtype).reshape(shape)
    top = largest_of_pnm(opened)
    notes = () if top == np.iinfo(dtype).max else (stretch_note(top, dtype),)
    return Image(name, stretched(pixels, top), notes=notes)


def write(stream: IO[bytes], pixels: NDArray[Any]) -> None:
    """Write grey or RGB pixels of 8 or 16 bits."""
    kind, (height, width) = b"P6" if pixels.shape[2:] == (3,) else b"P5", pixels.shape[:2]
    stream.write(b"%s\n%d %d\n%d\n" % (kind, width, height, np.iinfo(pixels.dtype).max))
    stream.write(pixels.astype(pixels.dtype.newbyteorder(">")).tobytes())
