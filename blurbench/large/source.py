"""Windows of an image in a TIFF file or a Zarr array, read without the rest of it."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL.ExifTags import IFD, Base

from blurbench.errors import InputError
from blurbench.image.by_tifffile import geo_of, open_tiff
from blurbench.image.metadata import DESCRIBING, OF_PAGES
from blurbench.image.opacity import weighted_dtype
from blurbench.image.tiff import encoded
from blurbench.large.extra import load
from blurbench.large.tiles import Spans
from blurbench.names import DTYPES
from blurbench.problem import check_dtype

TIFF = (".tif", ".tiff")
_OR_WHOLE = "or blur it whole, without --memory and --dask"
_COLOURS = ("MINISBLACK", "MINISWHITE", "RGB", "YCBCR")
# The result lies as the pixels are stored, and is of another software.
_TEXTS = set(DESCRIBING) - {Base.Orientation, Base.Software}


def is_tiff(path: str | os.PathLike[str]) -> bool:
    """Whether the name is that of a TIFF file."""
    return Path(path).suffix.lower() in TIFF


def is_zarr(path: str | os.PathLike[str]) -> bool:
    """Whether the name is that of a Zarr array, or of one in a Zarr group, `big.zarr/0`."""
    return any(part.lower().endswith(".zarr") for part in Path(path).parts)


@dataclass(frozen=True)
class LargeImage:
    """An image that is read in windows; processes can send it to each other.

    Attributes:
        path: absolute, so that workers find it.
        shape: `(H, W)` or `(H, W, C)`.
        dtype: of the pixels, in the machine's byte order.
        stored: height and width of what is decoded as a whole: a tile, strip or chunk.
        alpha: whether the last channel is the opacity of colour that is not weighted by it.
        tags: what a TIFF file of the same kind of pixel says of its channels.
        metadata: what a TIFF file says beside its pixels, by its name, as tifffile's `write`
            takes it.
        notes: what a user should know.
    """

    path: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    stored: tuple[int, int]
    alpha: bool = False
    tags: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def blurred_dtype(self) -> np.dtype[Any]:
        """The type in which its pixels are blurred: floats, where opacity weights them."""
        return weighted_dtype(self.dtype) if self.alpha else self.dtype

    @property
    def pixel_bytes(self) -> int:
        """Bytes of one pixel, all channels."""
        return math.prod(self.shape[2:]) * self.dtype.itemsize

    def read(self, rows: Spans, columns: Spans) -> NDArray[Any]:
        """The parts of the image, put together.

        Raises:
            InputError: the file is broken, or pixels are NaN or infinite.
        """
        try:
            with self._open() as pixels:
                window = _gather(pixels, rows, columns, self.dtype)
        except (InputError, MemoryError):
            raise
        except Exception as error:  # a decoder may raise anything at a broken file
            raise _unreadable(self.path, error) from None
        if self.dtype.kind == "f" and not np.isfinite(window).all():
            raise InputError(f"image {self.path} holds NaN or infinite pixels: replace them first")
        return window

    def _open(self) -> AbstractContextManager[Any]:
        """An array, of which only the parts asked for are decoded."""
        return _tiff_pixels(self.path) if is_tiff(self.path) else _zarr_pixels(self.path)


def open_source(path: str | os.PathLike[str]) -> LargeImage:
    """`look_at` an image, and decode a first part of it.

    Raises:
        InputError: as `look_at`, or no decoder is installed.
    """
    source = look_at(path)
    load("zarr")  # through which the tiles of a TIFF file are read, too
    source.read((slice(0, 1),), (slice(0, 1),))
    return source


def look_at(path: str | os.PathLike[str]) -> LargeImage:
    """The header of a TIFF file's first page, or of a Zarr array.

    Raises:
        InputError: it is missing, broken, of another format or of a kind that cannot be blurred;
            or a library is missing.
    """
    name = os.path.abspath(path)
    if not (is_tiff(name) or is_zarr(name)):
        raise InputError(f"image {path} is no TIFF or Zarr: convert it, {_OR_WHOLE}")
    if not Path(name).exists():
        raise InputError(f"image {path} does not exist: check the path")
    library = load("tifffile" if is_tiff(name) else "zarr")
    try:
        source = _look_at_tiff(library, name) if is_tiff(name) else _look_at_zarr(library, name)
    except InputError:
        raise
    except Exception as error:
        raise _unreadable(os.fspath(path), error) from None
    if len(source.shape) not in (2, 3) or not all(source.shape):
        raise InputError(
            f"image {path} has shape {source.shape}: give one of (H, W) or (H, W, C), no side 0"
        )
    return source


def _look_at_tiff(tifffile: Any, path: str) -> LargeImage:
    with open_tiff(tifffile, path) as tiff:
        page, pages = tiff.pages.first, len(tiff.pages)
        colour = page.photometric.name
        if page.axes == "SYX":
            raise InputError(
                f"image {path} has its channels in separate planes: "
                f"put them together, as tiffcp -p contig does, {_OR_WHOLE}"
            )
        if page.axes not in ("YX", "YXS") or colour not in _COLOURS:
            raise InputError(
                f"image {path} is {colour} in the order {page.axes}: "
                f"convert it to grey or RGB, {_OR_WHOLE}"
            )
        notes = [f"the first of {pages} pages"] if pages > 1 else []
        if page.tags.valueof(Base.Orientation, 1) != 1:
            notes.append("its orientation is not kept: the result lies as the pixels are stored")
        if IFD.Exif in page.tags or IFD.GPSInfo in page.tags:
            notes.append("its EXIF on exposure and place is not kept")
        extra = [kind.name for kind in page.extrasamples]
        if page.dtype is None or page.dtype.name not in DTYPES:
            raise InputError(
                f"image {path} holds {page.dtype or 'no numbers'}: "
                f"convert it to one of {', '.join(DTYPES)}, {_OR_WHOLE}"
            )
        dtype = check_dtype(page.dtype)
        if page.bitspersample != 8 * dtype.itemsize:
            raise InputError(
                f"image {path} has {page.bitspersample} bits a channel: "
                f"convert it to 8 or 16, {_OR_WHOLE}"
            )
        stored = (page.chunks[0], page.chunks[1])
        return LargeImage(
            path,
            page.shape,
            dtype,
            (1, page.shape[1]) if page.is_memmappable else stored,
            alpha=extra == ["UNASSALPHA"],
            # What was YCbCr in a JPEG comes out as RGB.
            tags={
                "photometric": colour.replace("YCBCR", "RGB"),
                "extrasamples": extra,
            },
            metadata=_metadata(page),
            notes=tuple(notes),
        )


def _metadata(page: Any) -> dict[str, dict[str, Any]]:
    """Colour profile, resolution and descriptions, each where there is one."""
    metadata: dict[str, dict[str, Any]] = {}
    if page.iccprofile:
        metadata["colour profile"] = {"iccprofile": page.iccprofile}
    if page.resolution != (1, 1) and min(page.resolution) > 0:
        unit = page.resolutionunit
        metadata["resolution"] = {"resolution": page.resolution, "resolutionunit": unit}
    texts = [
        encoded((tag.code, tag.dtype, tag.count, tag.value, True))
        for tag in page.tags
        if tag.code in _TEXTS and not str(tag.value).startswith(OF_PAGES)
    ]
    if texts:
        metadata["description"] = {"extratags": texts}
    if geo := geo_of(page):
        metadata["GeoTIFF tags"] = {"extratags": list(map(encoded, geo))}
    return metadata


def _look_at_zarr(zarr: Any, path: str) -> LargeImage:
    array = zarr.open(path, mode="r")
    if not hasattr(array, "chunks"):
        inside = ", ".join(sorted(name for name, _ in array.arrays())) or "nothing"
        raise InputError(f"image {path} is a group of Zarr arrays ({inside}): name one in it")
    stored = (*array.chunks, 1)[:2]
    return LargeImage(path, array.shape, check_dtype(array.dtype), stored)


@contextmanager
def _tiff_pixels(path: str) -> Iterator[Any]:
    with open_tiff(load("tifffile"), path) as tiff:
        page = tiff.pages.first
        if page.is_memmappable:  # then even one strip may be as large as the file
            yield _Rows(tiff, page)
        else:
            with page.aszarr() as store:
                yield load("zarr").open_array(store, mode="r")


class _Rows:
    """The pixels of a TIFF file that lie in it row by row, as they are.

    They are read, and not mapped into memory: with each page that is touched, the system maps
    many around it, and all of them count as the process's own.
    """

    def __init__(self, tiff: Any, page: Any) -> None:
        self.shape: tuple[int, ...] = page.shape
        self._file, self._start = tiff.filehandle, page.dataoffsets[0]
        self._dtype = page.dtype.newbyteorder(tiff.byteorder)

    def __getitem__(self, where: tuple[slice, slice]) -> NDArray[Any]:
        (down, along), (_, width, *channels) = where, self.shape
        part = np.empty((down.stop - down.start, along.stop - along.start, *channels), self._dtype)
        pixel_bytes = math.prod(channels) * self._dtype.itemsize
        for row, line in enumerate(part, down.start):
            self._file.seek(self._start + (row * width + along.start) * pixel_bytes)
            if self._file.readinto(line) != line.nbytes:
                raise EOFError("it ends before its last row")
        return part


@contextmanager
def _zarr_pixels(path: str) -> Iterator[Any]:
    yield load("zarr").open_array(path, mode="r")


def _gather(pixels: Any, rows: Spans, columns: Spans, dtype: np.dtype[Any]) -> NDArray[Any]:
    height, width = (sum(one.stop - one.start for one in spans) for spans in (rows, columns))
    window = np.empty((height, width, *pixels.shape[2:]), dtype)
    top = 0
    for down in rows:
        left, bottom = 0, top + down.stop - down.start
        for along in columns:
            right = left + along.stop - along.start
            window[top:bottom, left:right] = pixels[down, along]
            left = right
        top = bottom
    return window


def _unreadable(path: str, error: Exception) -> InputError:
    detail = " ".join(str(error).split()) or type(error).__name__
    return InputError(f"image {path} cannot be read: {detail}")
