"""What the first bytes of a file say of its channels and bits, which Pillow does not tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

START_OF_CODESTREAM = b"\xff\x4f\xff\x51"


@dataclass(frozen=True)
class PixelFormat:
    """The numbers that a pixel of a file is made of.

    Attributes:
        channels: how many there are, opacity included.
        bits: of each; of the largest where they differ.
        alpha: whether the last one is opacity.
        plain: whether all are unsigned and have as many bits.
    """

    channels: int
    bits: int
    alpha: bool
    plain: bool = True


def of_png(chunks: Mapping[bytes, bytes]) -> PixelFormat:
    """The format by the chunks before the pixels; of a palette, that of its index."""
    bits, kind = chunks[b"IHDR"][8:10]
    keyed = kind in (0, 2) and b"tRNS" in chunks
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind]
    return PixelFormat(channels + keyed, bits, keyed or kind in (4, 6))


def of_jpeg2000(head: bytes, alpha: bool) -> PixelFormat | None:
    """The format by the codestream's first marker; None where the first bytes lack it."""
    start = head.find(START_OF_CODESTREAM)
    sizes = head[start + 40 :]
    if start < 0 or len(sizes) < 2:
        return None
    channels = int.from_bytes(sizes[:2], "big")
    told = set(sizes[2 : 2 + 3 * channels : 3])
    bits = max((each & 0x7F) + 1 for each in told)
    return PixelFormat(channels, bits, alpha, plain=told == {bits - 1})


def of_avif(head: bytes, alpha: bool) -> PixelFormat | None:
    """The format by the settings of the codec; None where the first bytes lack them."""
    # One for the colour and one for the opacity, which is grey.
    settings = [part[2] for part in head.split(b"av1C")[1:] if len(part) > 2]
    if not settings:
        return None
    bits = max(8 if not each & 0x40 else 12 if each & 0x20 else 10 for each in settings)
    grey = all(each & 0x10 for each in settings)
    return PixelFormat((1 if grey else 3) + alpha, bits, alpha)
