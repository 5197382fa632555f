"""Where an image comes from: a file, an array at hand, or the test card."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from blurbench.errors import InputError, text_of
from blurbench.image import (
    Image,
    check_kernel_memory,
    check_memory,
    crop,
    read_image,
    resize,
    testcard_image,
)
from blurbench.image.values import check_finite, check_summable
from blurbench.kernel import SMALLEST, GaussianKernel
from blurbench.plan import refuse_mask
from blurbench.problem import check_dtype
from blurbench.records.outputs import path_of
from blurbench.study.numbers import Extent
from blurbench.study.options import Options, memory_needed


@dataclass(frozen=True)
class ImageSource:
    """Where an image comes from; without a path and an array it is the test card.

    `resized` and `cropped` are done in that order before anything is measured.

    Attributes:
        array: the image itself, where it is no file but an array at hand.
    """

    path: str | None = None
    resized: Extent | None = None
    cropped: Extent | None = None
    array: Image | None = field(default=None, compare=False, repr=False)

    def load(self, kernels: Sequence[GaussianKernel], options: Options) -> Image:
        """Read, resize, crop.

        Raises:
            InputError: the image cannot be read, does not fit in memory with what it takes to
                blur it, or holds values that are too large to blur it.
        """
        largest = max(kernels, key=lambda one: one.size)

        def needed(shape: tuple[int, ...]) -> int:
            found = max(memory_needed(shape, kernel, options) for kernel in kernels)
            check_kernel_memory(largest.size, shape, found, memory_needed(shape, SMALLEST, options))
            return found

        if self.path == "-":
            raise InputError(
                "image - is no file: a run reads its image more than once; name a file"
            )
        if self.array is not None:
            image = self.array
            check_memory(f"image {image.name}", needed(image.pixels.shape))
        elif self.path is not None:
            image = read_image(self.path, lambda shape, dtype: needed(shape))
        else:
            image = testcard_image()
        check_summable(image.name, image.pixels)
        if self.resized:
            width, height = self.resized
            shape = (height, width, *image.pixels.shape[2:])
            # Resizing goes through float32, there and back.
            check_memory(
                f"image resized to {width}x{height}", needed(shape) + 12 * math.prod(shape)
            )
            image = resize(image, width, height)
        return crop(image, *self.cropped) if self.cropped else image

    def describe(self, image: Image, number: int) -> dict[str, Any]:
        """The image that was loaded from here, as records keep it.

        Args:
            number: of the image, in the order in which a run takes them.
        """
        height, width, *channels = image.pixels.shape
        return {
            "path": image.name,
            "uri": self.path and Path(self.path).absolute().as_uri(),
            **({"array": array_file(number)} if self.array is not None else {}),
            "resized": self.resized,
            "cropped": self.cropped,
            "height": height,
            "width": width,
            "channels": channels[0] if channels else 1,
            "dtype": image.pixels.dtype.name,
            "sha256": fingerprint(image),
        }

    @classmethod
    def found_again(cls, told: Mapping[str, Any], folder: Path | None) -> ImageSource:
        """The source that `describe` told of.

        Args:
            folder: of the run, which keeps the arrays.

        Raises:
            InputError: an array is not kept.
        """
        resized, cropped = (_extent(told[name]) for name in ("resized", "cropped"))
        if "array" in told:
            return cls(None, resized, cropped, _kept(told, folder))
        uri = told["uri"]
        return cls(None if uri is None else path_of(uri), resized, cropped)


def image_of(array: Any, name: str) -> Image:
    """An array, or whatever NumPy makes one of, as an image.

    Raises:
        InputError: it is masked, or its shape, its type or its values cannot be used.
    """
    refuse_mask(array, "image")
    try:
        pixels = np.asarray(array)
    except (TypeError, ValueError) as error:  # one on a GPU, or of rows that differ in length
        raise InputError(f"image {name} is no array of NumPy: {text_of(error)}") from None
    dtype = check_dtype(pixels.dtype)
    if pixels.ndim not in (2, 3) or not pixels.size:
        raise InputError(
            f"image {name} has shape {pixels.shape}: give (H, W) or (H, W, C), no side 0"
        )
    pixels = np.ascontiguousarray(pixels, dtype)
    check_finite(name, pixels)
    return Image(name, pixels)


def array_file(number: int) -> str:
    """The name of the file in a run's folder that keeps an image that was an array."""
    return f"image-{number}.npy"


def keep_arrays(sources: Sequence[ImageSource], folder: Path) -> None:
    """Write what is no file into a run's folder, where other processes find it."""
    for number, source in enumerate(sources, 1):
        if source.array is not None:
            np.save(folder / array_file(number), source.array.pixels)


def _kept(told: Mapping[str, Any], folder: Path | None) -> Image:
    path = folder and folder / told["array"]
    if path is None or not path.is_file():
        raise InputError(
            f"image {told['path']} was an array, and the run's folder does not keep it: "
            "begin a new run"
        )
    return image_of(np.load(path, allow_pickle=False), told["path"])


def again(
    sources: Sequence[ImageSource],
    images: Sequence[Mapping[str, Any]],
    kernels: Sequence[GaussianKernel],
    options: Options,
) -> list[Image]:
    """The images of a run's description, loaded once more.

    Raises:
        InputError: one is gone or has changed.
    """
    found = []
    for source, told in zip(sources, images, strict=True):
        image = replace(source.load(kernels, options), name=told["path"])
        if fingerprint(image) != told["sha256"]:
            raise InputError(
                f"image {source.path or image.name} has changed since the run began: "
                "restore it, or begin a new run"
            )
        found.append(image)
    return found


def fingerprint(image: Image) -> str:
    """What tells its pixels from any others."""
    pixels = np.ascontiguousarray(image.pixels)
    return hashlib.sha256(f"{pixels.shape}".encode() + pixels.tobytes()).hexdigest()


def _extent(given: Sequence[int] | None) -> Extent | None:
    return None if given is None else (given[0], given[1])
