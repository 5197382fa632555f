"""What a file says beside its pixels: colour profile, EXIF, resolution, colour space, map."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Any

import PIL.Image
from PIL.ExifTags import IFD, Base

# What EXIF says of a photograph, beside its parts on exposure and place. Other tags of a TIFF file
# are about the file itself, and a thumbnail or a maker's note may show what is to be blurred.
DESCRIBING = (
    *(Base.ImageDescription, Base.Make, Base.Model, Base.Orientation, Base.Software, Base.DateTime),
    *(Base.Artist, Base.HostComputer, Base.Copyright, Base.Rating, Base.RatingPercent),
    *(Base.XPTitle, Base.XPComment, Base.XPAuthor, Base.XPKeywords, Base.XPSubject),
)
# Descriptions that begin like this say how the pages of a TIFF file belong together.
OF_PAGES = ('{"shape', "ImageJ=", "<?xml")
NODATA = 42113
# Where the pixels of a GeoTIFF lie on the map, what its makers say of them, and the no-data value.
GEO = (33550, 33922, 34264, 34735, 34736, 34737, 42112, NODATA)

_NOT_KEPT = {Base.MakerNote, IFD.Interop}

# A tag of a TIFF file as tifffile writes it: code, type, count, value, whether only once.
Tag = tuple[int, int, int, Any, bool]


@dataclass(frozen=True)
class Metadata:
    """What a file says beside its pixels; each part is empty where it says nothing.

    Attributes:
        icc_profile: of the space that the pixels are in.
        exif: a block as Pillow's `save` takes it, that of an upright image.
        dpi: pixels an inch, along a row and down a column.
        colour_space: chunks of a PNG file by their type, as `gAMA` or `cICP`.
        geo: tags of a TIFF file, `GEO`.
        photometric: what the channels of a TIFF file are, as tifffile names it.
        extrasamples: what its further channels are, `UNSPECIFIED` each, where they are no opacity.
    """

    icc_profile: bytes = b""
    exif: bytes = b""
    dpi: tuple[float, ...] = ()
    colour_space: Mapping[bytes, bytes] = field(default_factory=dict)
    geo: tuple[Tag, ...] = ()
    photometric: str = ""
    extrasamples: tuple[str, ...] = ()

    @property
    def nodata(self) -> float | None:
        """The value that stands for "nothing measured here"."""
        texts = [str(value) for code, _, _, value, _ in self.geo if code == NODATA]
        try:
            return float(texts[0].strip("\0 ").replace(",", ".")) if texts else None
        except ValueError:
            return None


NOTHING = Metadata()


def exif_block(found: PIL.Image.Exif) -> bytes:
    """What is kept of EXIF, for an upright image; empty where there is nothing to keep."""
    kept = PIL.Image.Exif()
    try:
        for tag in found.keys() & set(DESCRIBING):
            if not str(found[tag]).startswith(OF_PAGES):
                kept[tag] = 1 if tag == Base.Orientation else found[tag]
        for part in (IFD.Exif, IFD.GPSInfo):
            values = found.get_ifd(part)
            if said := {tag: values[tag] for tag in values.keys() - _NOT_KEPT}:
                kept[part] = said
        return kept.tobytes() if len(kept) else b""
    except Exception:  # whatever a camera wrote there, the pixels are good
        return b""


def exif_of_tiff(stream: IO[bytes], texts: Mapping[int, Any]) -> bytes:
    """`exif_block` of a TIFF file whose pixels Pillow need not know.

    Args:
        texts: tags of the file, of `DESCRIBING`; those of a BigTIFF Pillow does not find.
    """
    found = PIL.Image.Exif()
    stream.seek(0)
    with suppress(Exception):
        found.load_from_fp(stream)
    for code in texts.keys() - found.keys():
        found[code] = texts[code]
    return exif_block(found)


def fitting_profile(profile: bytes, *, colour: bool) -> bytes:
    """A colour profile, unless it is one of CMYK, say, and so wrong for grey or RGB pixels."""
    return profile if profile[16:20] == (b"RGB " if colour else b"GRAY") else b""


def usable_dpi(dpi: tuple[Any, ...]) -> tuple[float, ...]:
    """The resolution, or nothing where it is none that can be."""
    return tuple(map(float, dpi)) if all(1 <= each <= 65535 for each in dpi) else ()
