"""What a file is that no reader of ours knows, as far as its first bytes tell."""

from __future__ import annotations

import re

from blurbench.image.misread import first_bytes

_BEGINNINGS = {
    rb"\xff\x0a|\0{3}\x0cJXL ": "JPEG XL",
    rb".{4}ftyp(hei|hev|mif1|msf1)": "HEIF",
    rb"v/1\x01": "OpenEXR",
    rb"%PDF-": "PDF",
    rb"\s*(<\?xml[^>]*>\s*(<!.*>\s*)*)?<svg": "SVG",
    rb"\x93NUMPY": "an array of NumPy",
    rb"\x89HDF\r\n": "HDF5",
    rb".{128}DICM": "DICOM",
}
_JPEG = b"\xff\xd8"
_FRAME = re.compile(rb"\xff[\xc0-\xcf](?<![\xc4\xc8\xcc])\0.(.)", re.DOTALL)


def refusal_of(path: str) -> str:
    """Why a file is not read, and what to do."""
    with open(path, "rb") as stream:
        head = first_bytes(stream)
    if not head:
        return "is an empty file: write it anew"
    kind = _kind_of(head)
    what = f"is {kind}, which is not read" if kind else "is no image, or of no type that is read"
    return f"{what}: convert it to PNG or TIFF"


def _kind_of(head: bytes) -> str:
    """Empty where the first bytes tell nothing."""
    if head.startswith(_JPEG):
        frame = _FRAME.search(head)
        return f"JPEG of {frame[1][0]} bits" if frame and frame[1] != b"\x08" else ""
    found = (name for start, name in _BEGINNINGS.items() if re.match(start, head, re.DOTALL))
    return next(found, "")
