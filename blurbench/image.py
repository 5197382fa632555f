"""What is blurred: reading and writing image files through Pillow, alpha included."""

from __future__ import annotations

import math
import os
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageOps
from numpy.typing import NDArray
from PIL.ExifTags import IFD, Base

from blurbench import host
from blurbench.errors import InputError
from blurbench.files import replacing
from blurbench.testcard import make_testcard

# Pillow's mode as read -> the mode whose pixels are blurred.
_READ_AS = {
    "1": "L",
    "L": "L",
    "LA": "LA",
    "La": "LA",
    "P": "RGB",
    "PA": "RGBA",
    "RGB": "RGB",
    "RGBA": "RGBA",
    "RGBX": "RGB",
    "RGBa": "RGBA",
    "CMYK": "RGB",
    "YCbCr": "RGB",
    "HSV": "RGB",
    "I": "I;16",
    "I;16": "I;16",
    "I;16L": "I;16",
    "I;16B": "I;16",
    "I;16N": "I;16",
    "F": "F",
}
_CHANNELS = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4, "I;16": 1, "F": 1}
_DTYPES: dict[str, np.dtype[Any]] = {"I;16": np.dtype(np.uint16), "F": np.dtype(np.float32)}

_EIGHT_BIT = {"L", "RGB"}
_WRITES = {
    ".png": {*_EIGHT_BIT, "LA", "RGBA", "I;16"},
    ".tif": {*_EIGHT_BIT, "LA", "RGBA", "I;16", "F"},
    ".tiff": {*_EIGHT_BIT, "LA", "RGBA", "I;16", "F"},
    ".webp": {*_EIGHT_BIT, "LA", "RGBA"},
    ".jpg": _EIGHT_BIT,
    ".jpeg": _EIGHT_BIT,
    ".bmp": _EIGHT_BIT,
}
_SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    ".webp": {"lossless": True},
    ".jpg": {"quality": 95},
    ".jpeg": {"quality": 95},
}

SUFFIXES = tuple(sorted(_WRITES))

# What EXIF says of a photograph, beside its parts on exposure and place. Other tags of a TIFF file
# are about the file itself, and a thumbnail or a maker's note may show what is to be blurred.
DESCRIBING = (
    *(Base.ImageDescription, Base.Make, Base.Model, Base.Orientation, Base.Software, Base.DateTime),
    *(Base.Artist, Base.HostComputer, Base.Copyright, Base.Rating, Base.RatingPercent),
    *(Base.XPTitle, Base.XPComment, Base.XPAuthor, Base.XPKeywords, Base.XPSubject),
)
_NOT_KEPT = {Base.MakerNote, IFD.Interop}
_MOST_EXIF = 65533  # bytes that a JPEG file can hold


@dataclass(frozen=True)
class Image:
    """Pixels and where they come from.

    Attributes:
        name: the path as given, or `test card`.
        pixels: `(H, W)` or `(H, W, C)`; uint8, uint16 or float32.
        alpha: whether the last channel is opacity.
        notes: what was done to the file's pixels that a user should know.
        about: what the file says beside its pixels, as Pillow's `save` takes it: `icc_profile`,
            `exif` and `dpi`, each where there is one. It stands upright, as the pixels do.
    """

    name: str
    pixels: NDArray[Any]
    alpha: bool = False
    notes: tuple[str, ...] = ()
    about: Mapping[str, Any] = field(default_factory=dict)


def testcard_image() -> Image:
    """The built-in image, 960x540 RGB."""
    return Image("test card", make_testcard())


def read_image(
    path: str | os.PathLike[str],
    work_bytes: Callable[[tuple[int, ...], np.dtype[Any]], int] = lambda shape, dtype: 0,
) -> Image:
    """Read a PNG, JPEG, TIFF, WebP or BMP file, or whatever else Pillow knows.

    The EXIF orientation is applied; of several frames the first is taken. Whether the image fits
    in memory is decided before it is decoded, in place of Pillow's fixed limit.

    Args:
        work_bytes: what will be needed beside the pixels, for a shape and dtype.

    Raises:
        InputError: the file is missing, broken, empty, too large for the memory, of a kind that
            cannot be blurred, or holds NaN or infinite pixels.
    """
    name = os.fspath(path)
    if not Path(name).exists():
        raise InputError(f"image {name} does not exist: check the path")
    if Path(name).is_dir():
        raise InputError(f"image {name} is a folder: name a file in it")
    try:
        # From a stream: of a file that it opens itself, Pillow maps raw pixels into memory,
        # and then reads those of a turned TIFF in rows of the wrong length.
        with _lenient, open(name, "rb") as stream, PIL.Image.open(stream) as opened:
            _check_header(name, opened, work_bytes)
            return _decode(name, opened)
    except InputError:
        raise
    except MemoryError:
        raise InputError(f"image {name} does not fit in memory: use a smaller one") from None
    except PIL.UnidentifiedImageError:
        raise InputError(f"image {name} is not an image that Pillow can identify") from None
    except Exception as error:  # a decoder may raise anything at a broken file
        detail = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"image {name} cannot be read: {detail}") from None


@contextmanager
def _leniency() -> Iterator[None]:
    """Pillow without its fixed limit and its warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        limit, PIL.Image.MAX_IMAGE_PIXELS = PIL.Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            PIL.Image.MAX_IMAGE_PIXELS = limit


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


def _read_mode(opened: PIL.Image.Image) -> str:
    mode = _READ_AS[opened.mode]
    if opened.has_transparency_data and mode in ("L", "RGB"):
        return mode + "A"
    return mode


def _dtype_of(mode: str) -> np.dtype[Any]:
    return _DTYPES.get(mode, np.dtype(np.uint8))


def _check_header(
    name: str,
    opened: PIL.Image.Image,
    work_bytes: Callable[[tuple[int, ...], np.dtype[Any]], int],
) -> None:
    width, height = opened.size
    if width == 0 or height == 0:
        raise InputError(f"image {name} has no pixels: it is {width}x{height}")
    if opened.mode not in _READ_AS:
        raise InputError(f"image {name} has mode {opened.mode}: convert it to RGB or grey first")
    mode = _read_mode(opened)
    dtype, channels = _dtype_of(mode), _CHANNELS[mode]
    shape = (height, width) if channels == 1 else (height, width, channels)
    needed = reading_bytes(shape, dtype) + work_bytes(shape, dtype)
    check_memory(f"image {name} ({width}x{height})", needed)


def reading_bytes(shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    """Memory that `read_image` takes: the pixels, and Pillow's own, mostly four bytes each."""
    return 4 * math.prod(shape[:2]) + math.prod(shape) * dtype.itemsize


def check_memory(what: str, needed: int, remedy: str = "use a smaller image") -> None:
    """Raise InputError where `needed` bytes are more than this process may still take."""
    available = host.available_memory()
    if available is not None and needed > available:
        raise InputError(
            f"{what} needs {needed / 2**30:.2f} GiB with its work buffers "
            f"and {available / 2**30:.2f} GiB is free: {remedy}"
        )


def check_kernel_memory(size: int, shape: tuple[int, ...], needed: int, without: int) -> None:
    """Raise InputError where a kernel is what does not fit: `without` it, the image would."""
    available = host.available_memory()
    if available is not None and without <= available:
        what = f"size {size} on an image of {shape[1]}x{shape[0]}"
        check_memory(what, needed, "use a smaller kernel")


def _decode(name: str, opened: PIL.Image.Image) -> Image:
    notes = []
    frames = getattr(opened, "n_frames", 1)
    if frames > 1:
        notes.append(f"the first of {frames} frames")
    stored = str([tile[3] for tile in getattr(opened, "tile", [])])
    if ";16" in stored and opened.mode in ("RGB", "RGBA", "LA"):
        notes.append("16 bits a channel, which Pillow reads as 8")
    mode, original = _read_mode(opened), opened.mode
    if mode == "I;16" and "transparency" in opened.info:
        notes.append("its transparent value is not kept")
    turned = opened.getexif().get(Base.Orientation, 1) != 1
    about = _about(opened, mode)
    opened.load()
    upright = PIL.ImageOps.exif_transpose(opened) if turned else opened
    if turned:
        notes.append("turned upright as its EXIF orientation says")
    if original == "1":
        notes.append("1 bit a pixel, read as 8-bit grey")
    elif original not in (mode, "I", "I;16L", "I;16B", "I;16N"):
        notes.append(f"mode {original} read as {mode}")
    if mode == "I;16":
        pixels = _as_uint16(name, np.asarray(upright))
    else:
        pixels = np.array(upright.convert(mode) if upright.mode != mode else upright)
    if mode == "F" and not np.isfinite(pixels).all():
        count = int(np.count_nonzero(~np.isfinite(pixels)))
        raise InputError(f"image {name} holds {count} NaN or infinite pixels: replace them first")
    return Image(name, pixels, mode in ("LA", "RGBA"), tuple(notes), about)


def _about(opened: PIL.Image.Image, mode: str) -> dict[str, Any]:
    """What an open file says beside its pixels, of which the mode is read."""
    profile, dpi = opened.info.get("icc_profile", b""), opened.info.get("dpi", ())
    of_mode = b"RGB " if mode.startswith("RGB") else b"GRAY"
    found = {
        # A profile of CMYK, say, is wrong for pixels that were converted.
        "icc_profile": profile if profile[16:20] == of_mode else b"",
        "exif": _exif(opened),
        "dpi": tuple(map(float, dpi)) if all(1 <= each <= 65535 for each in dpi) else (),
    }
    return {name: value for name, value in found.items() if value}


def _exif(opened: PIL.Image.Image) -> bytes:
    """The EXIF block of an upright copy of an open file; empty where there is nothing to keep."""
    found, kept = opened.getexif(), PIL.Image.Exif()
    try:
        for tag in found.keys() & set(DESCRIBING):
            kept[tag] = 1 if tag == Base.Orientation else found[tag]
        for part in (IFD.Exif, IFD.GPSInfo):
            values = found.get_ifd(part)
            if said := {tag: values[tag] for tag in values.keys() - _NOT_KEPT}:
                kept[part] = said
        block = kept.tobytes() if len(kept) else b""
    except Exception:  # whatever a camera wrote there, the pixels are good
        return b""
    return block if len(block) <= _MOST_EXIF else b""


def _as_uint16(name: str, pixels: NDArray[Any]) -> NDArray[np.uint16]:
    if pixels.min() < 0 or pixels.max() > 65535:
        raise InputError(
            f"image {name} holds 32-bit values from {pixels.min()} to {pixels.max()}: "
            "convert it to 16 bits or float"
        )
    return pixels.astype(np.uint16)


def crop(image: Image, width: int, height: int) -> Image:
    """The middle of an image.

    Raises:
        InputError: the image is smaller than that.
    """
    own_height, own_width = image.pixels.shape[:2]
    if width > own_width or height > own_height:
        raise InputError(
            f"crop {width}x{height} is larger than the image, {own_width}x{own_height}: "
            "give a smaller one"
        )
    top, left = (own_height - height) // 2, (own_width - width) // 2
    return replace(image, pixels=image.pixels[top : top + height, left : left + width])


def cover(image: Image, width: int, height: int) -> Image:
    """The image repeated side by side until it covers the extent, and cropped to it."""
    rows, columns = (
        -(-side // own) for side, own in zip((height, width), image.pixels.shape, strict=False)
    )
    repeats = (rows, columns) + (1,) * (image.pixels.ndim - 2)
    return crop(replace(image, pixels=np.tile(image.pixels, repeats)), width, height)


def resize(image: Image, width: int, height: int) -> Image:
    """The image at another size, by Pillow's Lanczos filter in float32."""
    planes = np.atleast_3d(image.pixels).astype(np.float32)
    resized = [
        np.asarray(PIL.Image.fromarray(plane).resize((width, height), PIL.Image.Resampling.LANCZOS))
        for plane in np.moveaxis(planes, 2, 0)
    ]
    pixels = np.stack(resized, axis=2).reshape((height, width, *image.pixels.shape[2:]))
    if image.pixels.dtype.kind != "f":
        top = np.iinfo(image.pixels.dtype).max
        pixels = np.clip(np.rint(pixels), 0, top)
    return replace(image, pixels=pixels.astype(image.pixels.dtype))


def check_writable(path: str | os.PathLike[str], shape: tuple[int, ...], dtype: Any) -> None:
    """Raise InputError unless such pixels can be written to `path`."""
    name, suffix = os.fspath(path), Path(path).suffix.lower()
    if suffix not in _WRITES:
        raise InputError(
            f"output {name} has an unknown type: use one of {', '.join(sorted(_WRITES))}"
        )
    if _write_mode(shape, dtype) not in _WRITES[suffix]:
        able = ", ".join(
            end for end in sorted(_WRITES) if _write_mode(shape, dtype) in _WRITES[end]
        )
        raise InputError(
            f"output {name} cannot hold {_describe(shape, dtype)}: use one of {able or 'none'}"
        )
    folder = Path(name).parent
    if not folder.is_dir():
        raise InputError(f"output folder {folder} does not exist: make it first")
    if Path(name).is_dir():
        raise InputError(f"output {name} is a folder: name a file in it")
    if not os.access(folder, os.W_OK):
        raise InputError(f"output folder {folder} cannot be written to: choose another")


def write_image(
    path: str | os.PathLike[str], pixels: NDArray[Any], about: Mapping[str, Any] | None = None
) -> None:
    """Write pixels to a file that is there whole or not at all (see `files.replacing`).

    Args:
        about: that of the image that was read; what the type of file cannot hold is left out.

    Raises:
        InputError: the type cannot hold them, or the disk refuses.
    """
    check_writable(path, pixels.shape, pixels.dtype)
    suffix = Path(path).suffix.lower()
    options = {**(about or {}), **_SAVE_OPTIONS.get(suffix, {})}
    try:
        with replacing(path) as partial, open(partial, "xb") as stream:
            picture = PIL.Image.fromarray(np.ascontiguousarray(pixels))
            picture.save(stream, PIL.Image.registered_extensions()[suffix], **options)
    except (OSError, ValueError) as error:
        detail = getattr(error, "strerror", None) or error
        raise InputError(f"output {os.fspath(path)} cannot be written: {detail}") from None


def _write_mode(shape: tuple[int, ...], dtype: Any) -> str | None:
    channels = shape[2] if len(shape) == 3 else 1
    if np.dtype(dtype) == np.uint8:
        return {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}.get(channels)
    if channels == 1:
        return {"uint16": "I;16", "float32": "F"}.get(np.dtype(dtype).name)
    return None


def _describe(shape: tuple[int, ...], dtype: Any) -> str:
    channels = shape[2] if len(shape) == 3 else 1
    plural = "s" if channels > 1 else ""
    alpha = " with alpha" if channels in (2, 4) else ""
    return f"{np.dtype(dtype).name} in {channels} channel{plural}{alpha}"


def blur_with_alpha(
    pixels: NDArray[Any], blur: Callable[[NDArray[np.float32]], NDArray[np.float32]]
) -> NDArray[Any]:
    """Blur colour weighted by its opacity, the last channel, so that hidden colour cannot bleed.

    Args:
        pixels: integer `(H, W, 2)` or `(H, W, 4)`.
        blur: takes and returns float32 of the same shape.
    """
    top = float(np.iinfo(pixels.dtype).max)
    weighted = pixels.astype(np.float32)
    weighted[..., :-1] *= weighted[..., -1:] / np.float32(top)
    blurred = blur(weighted)
    opacity = blurred[..., -1:]
    # Below half a unit the opacity rounds to 0 and the colour cannot be seen.
    visible = opacity >= 0.5
    colour = np.where(visible, blurred[..., :-1] * top / np.where(visible, opacity, 1), 0)
    result = np.concatenate([colour, opacity], axis=-1)
    stored: NDArray[Any] = np.clip(np.rint(result), 0, top).astype(pixels.dtype)
    return stored
