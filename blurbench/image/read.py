"""Reading an image file: by Pillow where it reads right, else by a library that does."""

from __future__ import annotations

import os
import re
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Any

import PIL.Image
import PIL.PngImagePlugin

from blurbench.errors import InputError
from blurbench.image import by_imagecodecs, by_pillow, by_tifffile, pnm
from blurbench.image.image import Image
from blurbench.image.memory import WorkBytes
from blurbench.image.misread import doubt, pixel_format_of
from blurbench.image.unread import refusal_of
from blurbench.image.values import check_finite

_ADDRESS = re.compile(r"(https?|ftp|s3|gs):[/\\]+")
_UNKNOWN_TIFF = "samples of a kind that Pillow does not know"
_MOST_TEXT = 2**28  # bytes, more than any program writes; Pillow's is 1 MiB a chunk
_LIMITS: tuple[tuple[Any, str, int | None], ...] = (
    (PIL.Image, "MAX_IMAGE_PIXELS", None),  # `WorkBytes` decides
    (PIL.PngImagePlugin, "MAX_TEXT_CHUNK", _MOST_TEXT),
    (PIL.PngImagePlugin, "MAX_TEXT_MEMORY", _MOST_TEXT),
)


def read_image(
    path: str | os.PathLike[str],
    work_bytes: WorkBytes = lambda shape, dtype: 0,
    *,
    holes: bool = False,
) -> Image:
    """Read a PNG, JPEG, TIFF, WebP or BMP file, or whatever else Pillow knows.

    The type and the depth of the pixels are kept. What Pillow does not read right is read by the
    libraries of the extra `images`, or refused. The EXIF orientation is applied; of several frames
    the first is taken. Whether the image fits in memory is decided before it is decoded, in place
    of Pillow's fixed limit.

    Args:
        work_bytes: what will be needed beside the pixels, for a shape and dtype.
        holes: whether pixels may be NaN, as those that hold no data.

    Raises:
        InputError: the file is missing, broken, empty, too large for the memory, of a kind that
            cannot be blurred, or holds NaN or infinite pixels; or a library is missing.
    """
    name = os.fspath(path)
    try:
        _check_there(name)
        # From a stream: of a file that it opens itself, Pillow maps raw pixels into memory,
        # and then reads those of a turned TIFF in rows of the wrong length.
        with _lenient, open(name, "rb") as stream:
            image = _read(name, stream, work_bytes)
            check_finite(name, image.pixels, holes=holes)
            return image
    except InputError:
        raise
    except MemoryError:
        raise InputError(f"image {name} does not fit in memory: use a smaller one") from None
    except PIL.UnidentifiedImageError:
        raise InputError(f"image {name} {refusal_of(name)}") from None
    except PermissionError:
        raise InputError(f"image {name} may not be read: change its permissions") from None
    except Exception as error:  # a decoder may raise anything at a broken file
        said = getattr(error, "strerror", None) or str(error)  # without the number of the error
        detail = " ".join(said.split()) or type(error).__name__
        raise InputError(f"image {name} cannot be read: {detail}") from None


def _check_there(name: str) -> None:
    """Raise InputError where there is no file to open."""
    path = Path(name)
    if path.is_dir():
        raise InputError(f"image {name} is a folder: name a file in it")
    if path.is_file():
        return
    if path.exists():  # readers go back and forth in a file
        raise InputError(f"image {name} is a pipe or a device: write it to a file and name that")
    if address := _ADDRESS.match(name):
        whole = f"{address[1]}://{name[address.end() :]}"  # of which a path keeps one slash
        raise InputError(f"image {whole} is an address: download it and name the file")
    raise InputError(f"image {name} does not exist: check the path")


def _read(name: str, stream: IO[bytes], work_bytes: WorkBytes) -> Image:
    try:
        opened = PIL.Image.open(stream)
    except PIL.UnidentifiedImageError:
        if not by_tifffile.is_tiff(stream):
            raise
        return by_tifffile.read(name, stream, _UNKNOWN_TIFF, work_bytes)
    with opened:
        pixel_format = pixel_format_of(opened, stream)
        reason = doubt(opened, pixel_format)
        if reason is None:
            return by_pillow.read(name, opened, stream, work_bytes)
        if opened.format == "PPM":
            return pnm.read(name, opened, stream, work_bytes)
        if opened.format == "TIFF":
            return by_tifffile.read(name, stream, reason, work_bytes)
        if pixel_format is not None:
            return by_imagecodecs.read(name, opened, stream, pixel_format, reason, work_bytes)
        raise InputError(f"image {name} has {reason}: convert it to PNG or TIFF")


@contextmanager
def _leniency() -> Iterator[None]:
    """Pillow without its fixed limits and its warnings."""
    usual = [getattr(module, limit) for module, limit, _ in _LIMITS]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for module, limit, value in _LIMITS:
                setattr(module, limit, value)
            yield
        finally:
            for (module, limit, _), value in zip(_LIMITS, usual, strict=True):
                setattr(module, limit, value)


class _Shared:
    """A setting of the whole process: the first thread to come makes it, the last undoes it."""

    def __init__(self, setting: Callable[[], AbstractContextManager[None]]) -> None:
        self._setting = setting
        self._lock = threading.Lock()
        self._inside = 0

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._made = self._setting()
                self._made.__enter__()
            self._inside += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._made.__exit__(None, None, None)


_lenient = _Shared(_leniency)
