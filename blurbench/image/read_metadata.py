"""What an open file says beside its pixels, and what a user should know of that."""

from __future__ import annotations

from dataclasses import replace
from typing import IO, Any

import PIL.Image
from PIL.ExifTags import Base

from blurbench.image import png
from blurbench.image.boxes import colour_space_of_avif, profile_of_jpeg2000
from blurbench.image.metadata import (
    GEO,
    NODATA,
    Metadata,
    Tag,
    exif_block,
    fitting_profile,
    usable_dpi,
)
from blurbench.image.misread import first_bytes
from blurbench.image.values import usable_orientation

TURNED = "turned upright as its EXIF orientation says"
_UNPLACED = "turned, so that its GeoTIFF tags are not kept"


def orientation_of(opened: PIL.Image.Image) -> int:
    """How EXIF says that stored pixels are to be turned, 1 to 8."""
    return usable_orientation(opened.getexif().get(Base.Orientation))


def describe(
    opened: PIL.Image.Image, stream: IO[bytes], *, colour: bool
) -> tuple[Metadata, tuple[str, ...]]:
    """What an open file says beside its pixels, and what a user should know of that.

    Args:
        colour: whether its pixels are read as RGB, and not as grey.
    """
    frames = getattr(opened, "n_frames", 1)
    notes: tuple[str, ...] = (f"the first of {frames} frames",) if frames > 1 else ()
    profile = opened.info.get("icc_profile", b"")
    if opened.format == "JPEG2000":
        profile = profile_of_jpeg2000(first_bytes(stream))
    metadata = Metadata(
        icc_profile=fitting_profile(profile, colour=colour),
        exif=exif_block(opened.getexif()),
        dpi=usable_dpi(opened.info.get("dpi", ())),
        colour_space=_colour_space(opened, stream),
        geo=_geo(opened) if opened.format == "TIFF" else (),
    )
    if profile and not metadata.icc_profile:
        notes += ("its colour profile is of other colours, and is not kept",)
    if orientation_of(opened) != 1:
        notes += (TURNED,)
        metadata, more = unplaced(metadata)
        notes += more
    return metadata, notes


def unplaced(metadata: Metadata) -> tuple[Metadata, tuple[str, ...]]:
    """What is said of an image that was turned: it no longer lies on the map as the tags say."""
    kept = tuple(tag for tag in metadata.geo if tag[0] == NODATA)
    lost = len(kept) < len(metadata.geo)
    return replace(metadata, geo=kept), (_UNPLACED,) if lost else ()


def _colour_space(opened: PIL.Image.Image, stream: IO[bytes]) -> dict[bytes, bytes]:
    if opened.format == "PNG":
        return png.colour_space(png.read_chunks(stream))
    if opened.format == "AVIF":
        return colour_space_of_avif(first_bytes(stream))
    return {}


def _geo(opened: Any) -> tuple[Tag, ...]:
    tags = opened.tag_v2
    return tuple(_tag(code, tags.tagtype[code], tags[code]) for code in GEO if code in tags)


def _tag(code: int, kind: int, value: Any) -> Tag:
    values = value if isinstance(value, tuple | str | bytes) else (value,)
    return code, kind, len(values), values, True
