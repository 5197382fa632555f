"""What a run asks: images, their extents, the kernels, the options; and the run's description."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import os
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import numpy as np

from blurbench import host
from blurbench.backends.own_blur import find_again
from blurbench.errors import InputError
from blurbench.image import (
    Image,
    check_kernel_memory,
    check_memory,
    cover,
    crop,
    read_image,
    resize,
    testcard_image,
)
from blurbench.kernel import SMALLEST, GaussianKernel
from blurbench.measure.judge import Rules
from blurbench.measure.risks import find_risks
from blurbench.records.journal import Run
from blurbench.records.machine import describe_machine, git_revision, machine_id
from blurbench.records.record import utc
from blurbench.study.options import Options, memory_needed, problem_for
from blurbench.study.session import Session

Extent = tuple[int, int]  # width, height


@dataclass(frozen=True)
class ImageSource:
    """Where an image comes from; without a path it is the test card.

    `resized` and `cropped` are done in that order before anything is measured.
    """

    path: str | None = None
    resized: Extent | None = None
    cropped: Extent | None = None

    def load(self, kernels: Sequence[GaussianKernel], options: Options) -> Image:
        """Read, resize, crop.

        Raises:
            InputError: the image cannot be read, or does not fit in memory with what it takes to
                blur it.
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
        if self.path is None:
            image = testcard_image()
        else:
            image = read_image(self.path, lambda shape, dtype: needed(shape))
        if self.resized:
            width, height = self.resized
            shape = (height, width, *image.pixels.shape[2:])
            # Resizing goes through float32, there and back.
            check_memory(
                f"image resized to {width}x{height}", needed(shape) + 12 * math.prod(shape)
            )
            image = resize(image, width, height)
        return crop(image, *self.cropped) if self.cropped else image


@dataclass(frozen=True)
class Question:
    """What a run asks.

    Attributes:
        study: the command, `compare`, `sweep` or `crossover`.
        sources, originals: where each image comes from, and the image.
        kernels: in order of size.
        extents: to which each image is cropped or tiled; empty leaves it as it is.
    """

    study: str
    sources: tuple[ImageSource, ...]
    originals: tuple[Image, ...]
    kernels: tuple[GaussianKernel, ...]
    options: Options
    extents: tuple[Extent, ...] = ()

    def check(self) -> None:
        """Raise InputError where a point cannot be posed, before anything is written."""
        names = [image.name for image in self.originals]
        for number, image in enumerate(self.originals):
            if image.name in names[:number]:
                raise InputError(f"image {image.name} is given twice: name it once")
            for kernel in self.kernels:
                problem_for(image, kernel, self.options)
            for width, height in self.extents:
                shape = (height, width, *image.pixels.shape[2:])
                needed = max(memory_needed(shape, one, self.options) for one in self.kernels)
                needed += 2 * math.prod(shape) * image.pixels.itemsize
                check_memory(f"image size {width}x{height}", needed)

    def images(self) -> Iterator[Image]:
        """Each image at each of its extents."""
        for image in self.originals:
            if not self.extents:
                yield image
            for width, height in self.extents:
                yield cover(image, width, height)

    def samples(self) -> list[int]:
        """How many each image has, over all channels, in the order of `images`."""
        found = []
        for image in self.originals:
            height, width = image.pixels.shape[:2]
            channels = image.pixels.size // (height * width)
            extents = self.extents or [(width, height)]
            found += [channels * math.prod(extent) for extent in extents]
        return found

    @property
    def points(self) -> int:
        """How many there are: an image at a kernel size each."""
        return len(self.originals) * max(1, len(self.extents)) * len(self.kernels)

    def describe(self, session: Session, command: Sequence[str], rules: Rules) -> Run:
        """The run that asks this, here and now."""
        machine = describe_machine(session.device_names)
        about = {
            "study": self.study,
            "command": list(command),
            "started_at_utc": utc(time.time()),
            "images": list(map(_describe, self.sources, self.originals)),
            "kernels": [{"size": one.size, "sigma": one.sigma} for one in self.kernels],
            "image_sizes": [list(extent) for extent in self.extents],
            "options": _plain(self.options),
            "own": [one.as_told() for one in self.options.own],
            "seed": session.seed,
            "machine": machine,
            "devices": session.names_of_devices,
            "versions": session.versions,
            "git_revision": git_revision(),
            "unavailable": session.unavailable,
            "risks": [
                *find_risks(host.usable_cpus(), others=session.watch.others()),
                *session.cautions,
            ],
        }
        return Run(
            run_id=f"r{uuid.uuid4().hex}",
            threads=problem_for(self.originals[0], self.kernels[0], self.options).threads,
            declared=session.declared,
            rules=rules,
            machine_id=machine_id(machine),
            about=about,
        )


def _plain(options: Options) -> dict[str, Any]:
    """The options as plain values; code is none."""
    plain = dataclasses.asdict(dataclasses.replace(options, own=()))
    del plain["own"]
    return plain


def _describe(source: ImageSource, image: Image) -> dict[str, Any]:
    height, width, *channels = image.pixels.shape
    return {
        "path": image.name,
        "uri": source.path and Path(source.path).absolute().as_uri(),
        "resized": source.resized,
        "cropped": source.cropped,
        "height": height,
        "width": width,
        "channels": channels[0] if channels else 1,
        "dtype": image.pixels.dtype.name,
        "sha256": _fingerprint(image),
    }


def ask_again(about: Mapping[str, Any]) -> Question:
    """The question that a run's description tells of.

    Raises:
        InputError: an image or an own blur is gone or has changed.
        KeyError, TypeError, ValueError: the description is not one of ours.
    """
    given = about["options"]
    own = [find_again(one, _folder_of(one)) for one in about.get("own", [])]
    tuples = {"backends": given["backends"], "methods": given["methods"], "own": own}
    options = Options(**{**given, **{name: tuple(values) for name, values in tuples.items()}})
    # Whether even sizes may be was asked when the run began.
    kernels = tuple(
        GaussianKernel.from_size(one["size"], one["sigma"], allow_even=True)
        for one in about["kernels"]
    )
    sources, originals = [], []
    for told in about["images"]:
        changes = (_extent(told[name]) for name in ("resized", "cropped"))
        uri = told["uri"]
        source = ImageSource(None if uri is None else path_of(uri), *changes)
        image = dataclasses.replace(source.load(kernels, options), name=told["path"])
        if _fingerprint(image) != told["sha256"]:
            raise InputError(
                f"image {source.path or image.name} has changed since the run began: "
                "restore it, or begin a new run"
            )
        sources.append(source)
        originals.append(image)
    extents = tuple((width, height) for width, height in about["image_sizes"])
    return Question(about["study"], tuple(sources), tuple(originals), kernels, options, extents)


def path_of(uri: str) -> str:
    """A file's name, which may hold bytes that no text can."""
    path = os.fsdecode(unquote_to_bytes(uri.removeprefix("file://")))
    return path.lstrip("/") if os.name == "nt" else path


def _folder_of(told: Mapping[str, Any]) -> Path | None:
    """From where an own blur was named."""
    return None if told["folder"] is None else Path(path_of(told["folder"]))


def _extent(given: Sequence[int] | None) -> Extent | None:
    return None if given is None else (given[0], given[1])


def _fingerprint(image: Image) -> str:
    pixels = np.ascontiguousarray(image.pixels)
    return hashlib.sha256(f"{pixels.shape}".encode() + pixels.tobytes()).hexdigest()
