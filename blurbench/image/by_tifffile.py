"""Pixels as tifffile reads them: TIFF files of the kinds that Pillow does not read right."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL.ExifTags import IFD, Base

from blurbench.errors import InputError
from blurbench.extras import load_extra
from blurbench.image.image import Image
from blurbench.image.memory import WorkBytes, check_fits
from blurbench.image.metadata import (
    DESCRIBING,
    GEO,
    Metadata,
    Tag,
    exif_of_tiff,
    fitting_profile,
    usable_dpi,
)
from blurbench.image.opacity import straightened
from blurbench.image.read_metadata import TURNED, unplaced
from blurbench.image.values import (
    as_uint16,
    stretch_note,
    stretched,
    upright,
    usable_orientation,
)
from blurbench.image.write_metadata import NO_EXPOSURE_OR_PLACE, exposure_or_place
from blurbench.problem import check_dtype

_BEGINNINGS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_COLOUR = ("RGB", "YCBCR")  # what was YCbCr in a JPEG comes out as RGB
_KNOWN = ("MINISBLACK", "MINISWHITE", *_COLOUR)
_OPACITY = {"UNASSALPHA", "ASSOCALPHA"}


@dataclass(frozen=True)
class _Channels:
    """What the channels of a page are: those of colour, then the further ones by their names."""

    colour: bool
    further: tuple[str, ...]

    @property
    def alpha(self) -> bool:
        return bool(_OPACITY.intersection(self.further))


def open_tiff(tifffile: Any, path: str) -> Any:
    """A file as the library opens it, without what it logs of odd tags: what matters is raised."""
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    return tifffile.TiffFile(path)


def is_tiff(stream: IO[bytes]) -> bool:
    """Whether a file begins as TIFF does."""
    stream.seek(0)
    return stream.read(4) in _BEGINNINGS


def read(name: str, stream: IO[bytes], reason: str, work_bytes: WorkBytes) -> Image:
    """Decode the first page of a file.

    Args:
        reason: what it has that Pillow would read wrong.

    Raises:
        InputError: it does not fit in memory, is of a kind that cannot be blurred, or needs a
            library that is missing.
    """
    library = load_extra("tifffile", "images", f"image {name} has {reason}: reading it needs")
    with open_tiff(library, name) as tiff:
        page, pages = tiff.pages.first, len(tiff.pages)
        channels = _channels_of(name, page)
        dtype = _dtype_of(name, page)
        check_fits(name, _shape_of(page), dtype, work_bytes)
        pixels, notes = _pixels(name, page, dtype)
        metadata = _metadata(page, channels, stream)
        orientation = usable_orientation(page.tags.valueof(Base.Orientation))
        parts = IFD.Exif in page.tags or IFD.GPSInfo in page.tags
        if parts and not (metadata.exif and exposure_or_place(metadata.exif)):
            notes += (NO_EXPOSURE_OR_PLACE,)
    if "ASSOCALPHA" in channels.further:
        pixels = straightened(name, pixels)
    notes = ((f"the first of {pages} frames",) if pages > 1 else ()) + notes
    if orientation != 1:
        metadata, more = unplaced(metadata)
        notes += (TURNED, *more)
    return Image(
        name, upright(pixels, orientation), channels.alpha, notes, metadata, metadata.nodata
    )


def _channels_of(name: str, page: Any) -> _Channels:
    colour = getattr(page.photometric, "name", str(page.photometric))
    if page.is_reduced:
        raise InputError(f"image {name} begins with a preview: convert it to a TIFF of one page")
    if page.axes not in ("YX", "YXS", "SYX") or colour not in _KNOWN:
        raise InputError(
            f"image {name} is {colour} in the order {page.axes}: convert it to grey or RGB"
        )
    known = 3 if colour in _COLOUR else 1
    further = tuple(kind.name for kind in page.extrasamples)
    missing = page.samplesperpixel - known - len(further)
    # A fourth channel that nothing is said of is opacity, as every other reader has it.
    further += ("UNASSALPHA",) if (known, missing) == (3, 1) else ("UNSPECIFIED",) * missing
    if _OPACITY.intersection(further) and len(further) > 1:
        raise InputError(
            f"image {name} has {page.samplesperpixel} channels, opacity among them: "
            "leave out the others or the opacity"
        )
    return _Channels(known == 3, further)


def _dtype_of(name: str, page: Any) -> np.dtype[Any]:
    """The type of the pixels that are blurred."""
    own = page.dtype
    if own is None or own.kind not in "buif":
        raise InputError(
            f"image {name} holds samples of {page.bitspersample} bits that are no numbers: "
            "convert it to 8 or 16 bits or float"
        )
    if own.kind == "f":
        if page.photometric.name == "MINISWHITE":
            raise InputError(f"image {name} is float with white at 0: convert it to black at 0")
        return check_dtype(own)
    return np.dtype(np.uint8 if own.kind in "bu" and own.itemsize == 1 else np.uint16)


def _shape_of(page: Any) -> tuple[int, ...]:
    shape = tuple(page.shape)
    return (*shape[1:], shape[0]) if page.axes == "SYX" else shape


def _pixels(name: str, page: Any, dtype: np.dtype[Any]) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Decoded, the channels together, of the dtype; and what was done to them."""
    pixels, bits = page.asarray(), page.bitspersample
    notes: tuple[str, ...] = ()
    if page.axes == "SYX":
        pixels = np.ascontiguousarray(np.moveaxis(pixels, 0, 2))
    if dtype.kind == "f":
        return pixels.astype(dtype, copy=False), notes
    if pixels.dtype == bool:
        pixels, notes = pixels * np.uint8(255), ("1 bit a pixel, read as 8-bit grey",)
    elif pixels.dtype != dtype:
        pixels = as_uint16(name, pixels)
    elif bits < 8 * dtype.itemsize:
        pixels, notes = stretched(pixels, 2**bits - 1), (stretch_note(2**bits - 1, dtype),)
    if page.photometric.name == "MINISWHITE":
        pixels = np.iinfo(dtype).max - pixels
    return pixels, notes


def _metadata(page: Any, channels: _Channels, stream: IO[bytes]) -> Metadata:
    told = {282, 283} <= {tag.code for tag in page.tags} and page.resolutionunit in (2, 3)
    texts = {tag.code: tag.value for tag in page.tags if tag.code in DESCRIBING}
    return Metadata(
        icc_profile=fitting_profile(page.iccprofile or b"", colour=channels.colour),
        exif=exif_of_tiff(stream, texts),
        dpi=usable_dpi(page.get_resolution("INCH")) if told else (),
        geo=geo_of(page),
        photometric="RGB" if channels.colour else "MINISBLACK",
        extrasamples=() if channels.alpha else channels.further,
    )


def geo_of(page: Any) -> tuple[Tag, ...]:
    """The tags that place the pixels on the map."""
    found = [tag for tag in page.tags if tag.code in GEO]
    return tuple((tag.code, int(tag.dtype), tag.count, tag.value, True) for tag in found)
