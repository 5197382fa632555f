"""The chunks of a PNG file: what it says before its pixels."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from typing import IO, Any

import numpy as np
import PIL.Image
import PIL.PngImagePlugin
from numpy.typing import NDArray

_HEADER_END = 8 + 25  # bytes of the signature and of the first chunk
# What the values of the pixels mean as colour; a profile is kept as such.
_COLOUR_SPACE = (b"cICP", b"sRGB", b"gAMA", b"cHRM")


def read_chunks(stream: IO[bytes]) -> dict[bytes, bytes]:
    """The content of each chunk before the pixels; the stream is left where it was."""
    found, position = {}, stream.tell()
    stream.seek(8)
    while len(head := stream.read(8)) == 8 and head[4:] not in (b"IDAT", b"IEND"):
        (length,) = struct.unpack(">I", head[:4])
        found[head[4:]] = stream.read(length)
        stream.seek(4, io.SEEK_CUR)  # the check sum
    stream.seek(position)
    return found


def colour_space(chunks: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """The chunks that say what the values mean as colour."""
    return {kind: chunks[kind] for kind in _COLOUR_SPACE if kind in chunks}


def as_pnginfo(chunks: Mapping[bytes, bytes]) -> PIL.PngImagePlugin.PngInfo:
    """Chunks as Pillow's `save` takes them."""
    info = PIL.PngImagePlugin.PngInfo()
    for kind, content in chunks.items():
        info.add(kind, content)
    return info


def write_deep(
    stream: IO[bytes], imagecodecs: Any, pixels: NDArray[np.uint16], options: dict[str, Any]
) -> None:
    """A file of 16 bits a channel, of which Pillow writes all but the pixels.

    Args:
        imagecodecs: the library.
        options: those of Pillow's `save`.
    """
    encoded: bytes = imagecodecs.png_encode(pixels)
    small = io.BytesIO()
    PIL.Image.new("L", (1, 1)).save(small, "PNG", **options)
    said = small.getvalue()
    stream.write(encoded[:_HEADER_END])
    stream.write(said[_HEADER_END : said.rindex(b"IDAT") - 4])
    stream.write(encoded[_HEADER_END:])
