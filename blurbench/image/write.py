"""Writing an image file in the type of its pixels, with what is said beside them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from blurbench.errors import InputError
from blurbench.extras import load_extra
from blurbench.files import replacing
from blurbench.image import png, pnm, tiff
from blurbench.image.metadata import NOTHING, Metadata
from blurbench.image.write_metadata import TIFF, save_options, what_is_lost

_GREY, _RGB, _ANY = {1}, {3}, {1, 2, 3, 4}
# How many channels of which dtype a type of file holds; a TIFF file holds any number.
_HOLDS: dict[str, dict[str, set[int]]] = {
    ".png": {"uint8": _ANY, "uint16": _ANY},
    ".webp": {"uint8": _ANY},
    ".jpg": {"uint8": _GREY | _RGB},
    ".jpeg": {"uint8": _GREY | _RGB},
    ".bmp": {"uint8": _GREY | _RGB},
    ".pgm": {"uint8": _GREY, "uint16": _GREY},
    ".ppm": {"uint8": _RGB, "uint16": _RGB},
}
_TIFF_HOLDS = ("uint8", "uint16", "float16", "float32", "float64")
_PILLOW_WRITES: dict[str, set[int]] = {"uint8": _ANY, "uint16": _GREY, "float32": _GREY}
_SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    ".webp": {"lossless": True},
    ".jpg": {"quality": 95},
    ".jpeg": {"quality": 95},
}

SUFFIXES = tuple(sorted([*_HOLDS, *TIFF]))


def check_writable(path: str | os.PathLike[str], shape: tuple[int, ...], dtype: Any) -> None:
    """Raise InputError unless such pixels can be written to `path`."""
    name, suffix = os.fspath(path), Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"output {name} has an unknown type: use one of {', '.join(SUFFIXES)}")
    if not can_hold(suffix, shape, dtype):
        able = ", ".join(each for each in SUFFIXES if can_hold(each, shape, dtype))
        raise InputError(
            f"output {name} cannot hold {_describe(shape, dtype)}: use one of {able or 'none'}"
        )
    _library(name, _writer(suffix, shape, dtype), shape, dtype)
    folder = Path(name).parent
    if not folder.is_dir():
        raise InputError(f"output folder {folder} does not exist: make it first")
    if Path(name).is_dir():
        raise InputError(f"output {name} is a folder: name a file in it")
    if not os.access(folder, os.W_OK):
        raise InputError(f"output folder {folder} cannot be written to: choose another")


def can_hold(suffix: str, shape: tuple[int, ...], dtype: Any) -> bool:
    """Whether a type of file holds such pixels; of 2 and 4 channels the last is opacity."""
    name = np.dtype(dtype).name
    if suffix in TIFF:
        return name in _TIFF_HOLDS
    return _channels(shape) in _HOLDS.get(suffix, {}).get(name, ())


def write_image(
    path: str | os.PathLike[str], pixels: NDArray[Any], metadata: Metadata = NOTHING
) -> tuple[str, ...]:
    """Write pixels to a file that is there whole or not at all (see `files.replacing`).

    Args:
        metadata: that of the image that was read.

    Returns:
        What of that the type of file cannot hold, as notes for the user.

    Raises:
        InputError: the type cannot hold the pixels, a library is missing, or the disk refuses.
    """
    check_writable(path, pixels.shape, pixels.dtype)
    name, suffix = os.fspath(path), Path(path).suffix.lower()
    if metadata.extrasamples and suffix not in TIFF:
        raise InputError(
            f"output {name} cannot hold {len(metadata.extrasamples)} channels beside grey or "
            f"colour: use one of {', '.join(TIFF)}"
        )
    try:
        with replacing(path) as partial, open(partial, "xb") as stream:
            _write(stream, name, np.ascontiguousarray(pixels), metadata)
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        detail = getattr(error, "strerror", None) or error
        raise InputError(f"output {name} cannot be written: {detail}") from None
    return what_is_lost(metadata, suffix, _writer(suffix, pixels.shape, pixels.dtype, metadata))


def _write(stream: IO[bytes], name: str, pixels: NDArray[Any], metadata: Metadata) -> None:
    suffix = Path(name).suffix.lower()
    writer = _writer(suffix, pixels.shape, pixels.dtype, metadata)
    library = _library(name, writer, pixels.shape, pixels.dtype)
    if writer == "tifffile":
        tiff.write(stream, library, pixels, metadata)
    elif writer == "imagecodecs":
        png.write_deep(stream, library, pixels, save_options(metadata, suffix))
    elif writer == "ours":
        pnm.write(stream, pixels)
    else:
        options = {**save_options(metadata, suffix), **_SAVE_OPTIONS.get(suffix, {})}
        picture = PIL.Image.fromarray(pixels)
        picture.save(stream, PIL.Image.registered_extensions()[suffix], **options)


def _writer(suffix: str, shape: tuple[int, ...], dtype: Any, metadata: Metadata = NOTHING) -> str:
    """What writes such a file."""
    if suffix in (".pgm", ".ppm"):
        return "ours"
    known = _channels(shape) in _PILLOW_WRITES.get(np.dtype(dtype).name, ())
    if known and not metadata.extrasamples:
        return "Pillow"
    return "tifffile" if suffix in TIFF else "imagecodecs"


def _library(name: str, writer: str, shape: tuple[int, ...], dtype: Any) -> Any:
    """What an extra has to install for that; None where the core has it.

    Raises:
        InputError: it is missing.
    """
    if writer in ("Pillow", "ours"):
        return None
    return load_extra(writer, "images", f"output {name} of {_describe(shape, dtype)} needs")


def _channels(shape: tuple[int, ...]) -> int:
    return shape[2] if len(shape) == 3 else 1


def _describe(shape: tuple[int, ...], dtype: Any) -> str:
    channels = _channels(shape)
    plural = "s" if channels > 1 else ""
    alpha = " with alpha" if channels in (2, 4) else ""
    return f"{np.dtype(dtype).name} in {channels} channel{plural}{alpha}"
