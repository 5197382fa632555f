"""What is said beside the pixels, as each type of file keeps it; and what it cannot keep."""

from __future__ import annotations

from typing import Any

import PIL.Image
from PIL.ExifTags import IFD

from blurbench.image.metadata import Metadata
from blurbench.image.png import as_pnginfo

TIFF = (".tif", ".tiff")
NO_EXPOSURE_OR_PLACE = "its EXIF on exposure and place is not kept"
_KEPT = {
    ".png": {"icc_profile", "exif", "dpi", "colour_space"},
    ".webp": {"icc_profile", "exif"},
    ".jpg": {"icc_profile", "exif", "dpi"},
    ".jpeg": {"icc_profile", "exif", "dpi"},
    ".bmp": {"dpi"},
    ".tif": {"icc_profile", "exif", "dpi", "geo"},
    ".tiff": {"icc_profile", "exif", "dpi", "geo"},
}
_JPEG = (".jpg", ".jpeg")
_MOST_EXIF = 65533  # bytes that a JPEG file can hold


def save_options(metadata: Metadata, suffix: str) -> dict[str, Any]:
    """What a type of file keeps of it, as arguments of Pillow's `save`."""
    kept = _kept(metadata, suffix)
    options = {
        name: value for name in ("icc_profile", "exif", "dpi") if (value := getattr(metadata, name))
    }
    options = {name: value for name, value in options.items() if name in kept}
    if metadata.colour_space and "colour_space" in kept:
        options["pnginfo"] = as_pnginfo(metadata.colour_space)
    if metadata.geo and "geo" in kept:
        options["exif"] = _tags(metadata)
    return options


def _kept(metadata: Metadata, suffix: str) -> set[str]:
    """The parts that a type of file can hold."""
    kept = _KEPT.get(suffix, set())
    return kept - {"exif"} if _too_long(metadata, suffix) else kept


def _too_long(metadata: Metadata, suffix: str) -> bool:
    """Whether EXIF does not fit into a JPEG file."""
    return suffix in _JPEG and len(metadata.exif) > _MOST_EXIF


def _tags(metadata: Metadata) -> PIL.Image.Exif:
    """EXIF and GeoTIFF tags, which lie side by side in a TIFF file."""
    tags = PIL.Image.Exif()
    if metadata.exif:
        tags.load(metadata.exif)
    for code, _, _, value, _ in metadata.geo:
        tags[code] = value
    return tags


def exposure_or_place(exif: bytes) -> bool:
    """Whether EXIF has parts of its own on these."""
    found = PIL.Image.Exif()
    found.load(exif)
    return any(found.get_ifd(part) for part in (IFD.Exif, IFD.GPSInfo))


def what_is_lost(metadata: Metadata, suffix: str, writer: str) -> tuple[str, ...]:
    """Notes on what a file cannot keep; a resolution is left out without one.

    Args:
        writer: what writes the file: tifffile writes no parts of EXIF.
    """
    kept = _kept(metadata, suffix)
    # What is sRGB looks the same where nothing is said.
    spaces = [] if b"sRGB" in metadata.colour_space else sorted(metadata.colour_space)
    exif = "EXIF of more than 64 KiB" if _too_long(metadata, suffix) else "EXIF"
    said = {
        "icc_profile": "colour profile" if metadata.icc_profile else "",
        "exif": exif if metadata.exif else "",
        "colour_space": " and ".join(kind.decode("ascii") for kind in spaces),
        "geo": "GeoTIFF tags" if metadata.geo else "",
    }
    lost = [name for part, name in said.items() if name and part not in kept]
    notes = [f"its {' and '.join(lost)} cannot be kept in {suffix}"] if lost else []
    if writer == "tifffile" and metadata.exif and exposure_or_place(metadata.exif):
        notes.append(NO_EXPOSURE_OR_PLACE)
    return tuple(notes)
