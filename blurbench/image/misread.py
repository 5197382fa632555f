"""Where Pillow would read a file wrong, as far as its header tells.

What was found to be read right is listed, and all else is doubted: tests/test_formats.py holds
both against other readers and writers.
"""

from __future__ import annotations

import re
from typing import IO, Any

import PIL.Image

from blurbench.image import png
from blurbench.image.pixel_format import PixelFormat, of_avif, of_jpeg2000, of_png

_HEAD = 2**20  # bytes, of which the first that matter are mostly less than a thousand

_GREY, _WHITE_AT_0, _RGB, _PALETTE, _CMYK, _YCBCR, _LAB = 1, 0, 2, 3, 5, 6, 8
_UNSIGNED, _SIGNED, _FLOAT = 1, 2, 3
_COMPRESSION, _PLANES = 259, 284  # codes of tags
_WEIGHING = 1  # opacity that its colour is weighted by
_PREVIEW = 1  # a bit of the tag
# Decoders and raw modes of 16 bits, which Pillow cuts to 8 where a format names one; `BGR;16` is
# 16 bits a pixel.
_CUT = re.compile(r";16[BLN]|SGI16")
# Of a TIFF file: what the channels are, type and bits of the samples, further channels.
_TIFF = {
    *((_GREY, _UNSIGNED, (bits,), ()) for bits in (1, 2, 4, 8, 16)),
    *((_WHITE_AT_0, _UNSIGNED, (bits,), ()) for bits in (1, 2, 4, 8)),
    *((_PALETTE, _UNSIGNED, (bits,), ()) for bits in (1, 2, 4, 8)),
    *((_GREY, _SIGNED, (bits,), ()) for bits in (16, 32)),
    (_GREY, _FLOAT, (32,), ()),
    *((_GREY, _UNSIGNED, (8, 8), (alpha,)) for alpha in (1, 2)),
    *((_RGB, _UNSIGNED, (8, 8, 8, 8), alpha) for alpha in ((), (1,), (2,), (999,))),
    *((kind, _UNSIGNED, (8, 8, 8), ()) for kind in (_RGB, _YCBCR, _LAB)),
    (_CMYK, _UNSIGNED, (8, 8, 8, 8), ()),
}


def pixel_format_of(opened: PIL.Image.Image, stream: IO[bytes]) -> PixelFormat | None:
    """What the header of a PNG, JPEG 2000 or AVIF file says; the stream is left where it was."""
    if opened.format == "PNG":
        return of_png(png.read_chunks(stream))
    alpha = opened.mode in ("LA", "RGBA")
    reader = {"JPEG2000": of_jpeg2000, "AVIF": of_avif}.get(opened.format or "")
    return reader and reader(first_bytes(stream), alpha)


def first_bytes(stream: IO[bytes]) -> bytes:
    """The beginning of a file; the stream is left where it was."""
    position = stream.tell()
    stream.seek(0)
    head = stream.read(_HEAD)
    stream.seek(position)
    return head


def doubt(opened: PIL.Image.Image, pixel_format: PixelFormat | None) -> str | None:
    """What an open file has that Pillow would read wrong; None where it can be trusted.

    Args:
        pixel_format: that of `pixel_format_of`.
    """
    if opened.format == "TIFF":
        return _doubt_tiff(opened)
    if opened.format == "PPM":
        return _doubt_pnm(opened)
    if opened.format in ("PNG", "JPEG2000", "AVIF"):
        return _doubt_format(opened, pixel_format)
    stored = " ".join(f"{tile[0]} {tile[3]}" for tile in getattr(opened, "tile", []))
    if opened.mode.startswith(("I", "F")):
        return f"more than 8 bits a channel, of which Pillow is not sure in {opened.format}"
    if _CUT.search(stored):
        return "16 bits a channel, of which Pillow keeps 8"
    return None


def _doubt_format(opened: PIL.Image.Image, pixel_format: PixelFormat | None) -> str | None:
    if pixel_format is None:
        return "a header that does not say near its beginning how many bits a channel has"
    bits, channels = pixel_format.bits, pixel_format.channels
    if opened.format == "PNG" and pixel_format.alpha and opened.mode == "L" and bits < 8:
        return f"a transparent value in {bits}-bit grey, which Pillow takes for another"
    if not pixel_format.plain:
        return "signed or mixed samples, which Pillow does not read right"
    if bits > 8 and not (bits == 16 and channels == 1):
        return f"{bits} bits a channel, of which Pillow keeps 8"
    return None


def _doubt_pnm(opened: PIL.Image.Image) -> str | None:
    in_digits = opened.tile[0][0] == "ppm_plain"  # type: ignore[attr-defined]
    if largest_of_pnm(opened) > 255 and not (in_digits and opened.mode == "I"):
        return "more than 8 bits a channel, of which Pillow keeps 8"
    return None


def largest_of_pnm(opened: PIL.Image.Image) -> int:
    """The largest value that an open PNM file may hold."""
    given: Any = opened.tile[0][3]  # type: ignore[attr-defined]
    if given == "I;16B":
        return 65535
    return int(given[1]) if opened.mode != "F" and isinstance(given, tuple) else 255


def _doubt_tiff(opened: Any) -> str | None:
    tags = opened.tag_v2
    if tags.get(254, 0) & _PREVIEW:
        return "a preview in the place of its first page"
    bits, formats = tags.get(258, (1,)), set(tags.get(339, (_UNSIGNED,)))
    sample, further = min(formats), tags.get(338, ())
    # Unpacked numbers come in the order of the machine, and Pillow turns only some of them back.
    turned = tags.prefix == b"MM" and tags.get(_COMPRESSION, 1) != 1
    if turned and max(bits) > 8 and (sample, bits) != (_UNSIGNED, (16,)):
        return "packed numbers in the byte order of Motorola, which Pillow misreads"
    if tags.get(_PLANES, 1) == 2 and (len(bits) == 2 or further == (_WEIGHING,)):
        return "opacity in a plane of its own, which Pillow does not always read"
    if len(formats) == 1 and (tags.get(262), sample, bits, further) in _TIFF:
        return None
    name = {_UNSIGNED: "unsigned", _SIGNED: "signed", _FLOAT: "float"}.get(sample, "unknown")
    return (
        f"{len(bits)} {name} samples of {max(bits)} bits a pixel, which Pillow does not read right"
    )
