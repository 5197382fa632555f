"""What the boxes of JPEG 2000 and AVIF files say of their colours, which Pillow does not tell."""

from __future__ import annotations

import struct

from blurbench.image.pixel_format import START_OF_CODESTREAM

_SRGB = (1, 13)  # primaries and transfer that are assumed where nothing is said
_UNKNOWN = (2, 2)


def profile_of_jpeg2000(head: bytes) -> bytes:
    """The colour profile, where one stands before the codestream and among the first bytes."""
    start = head.find(b"colr\2", 0, max(0, head.find(START_OF_CODESTREAM)))
    if start < 4:
        return b""
    (length,) = struct.unpack(">I", head[start - 4 : start])
    return head[start + 7 : start - 4 + length]


def colour_space_of_avif(head: bytes) -> dict[bytes, bytes]:
    """The colour space as a PNG file says it: primaries, transfer, RGB, full range."""
    _, found, box = head.partition(b"colrnclx")
    if not found or len(box) < 4:
        return {}
    said = struct.unpack(">HH", box[:4])
    if said in (_SRGB, _UNKNOWN) or max(said) > 255:
        return {}
    return {b"cICP": bytes([*said, 0, 1])}
