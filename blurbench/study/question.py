"""What a run asks: images, their extents, the kernels, the options; and the run's description."""

from __future__ import annotations

import dataclasses
import math
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blurbench import host
from blurbench.analysis.gate import LEAST_PROCESSES
from blurbench.backends.own_blur import find_again
from blurbench.errors import InputError
from blurbench.image import Image, check_memory, cover
from blurbench.kernel import GaussianKernel
from blurbench.measure.judge import Rules
from blurbench.measure.risks import find_risks
from blurbench.records.journal import Run
from blurbench.records.machine import describe_machine, git_revision, machine_id
from blurbench.records.outputs import path_of
from blurbench.records.record import utc
from blurbench.study.numbers import Extent
from blurbench.study.options import Options, memory_needed, problem_for
from blurbench.study.session import Session
from blurbench.study.source import ImageSource, again


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

    @classmethod
    def ask(
        cls,
        study: str,
        sources: Sequence[ImageSource],
        kernels: Sequence[GaussianKernel],
        options: Options,
        extents: Sequence[Extent] = (),
    ) -> Question:
        """Load the images and check that each point can be posed.

        Raises:
            InputError: an image cannot be read, or a point cannot be posed.
        """
        loaded = tuple(source.load(kernels, options) for source in sources)
        question = cls(study, tuple(sources), loaded, tuple(kernels), options, tuple(extents))
        question.check()
        return question

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
            "images": [
                source.describe(image, number)
                for number, (source, image) in enumerate(
                    zip(self.sources, self.originals, strict=True), 1
                )
            ],
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
                *_too_few(self.options.processes),
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


def _too_few(processes: int) -> list[str]:
    """That what few processes differ by is hardly known, so that little can be proven."""
    few = 1 < processes < LEAST_PROCESSES
    return [f"{processes} processes prove little: give --processes {LEAST_PROCESSES}"] * few


def _plain(options: Options) -> dict[str, Any]:
    """The options as plain values; code is none."""
    plain = dataclasses.asdict(dataclasses.replace(options, own=()))
    del plain["own"]
    return plain


def _folder_of(told: Mapping[str, Any]) -> Path | None:
    """The folder from where an own blur was named."""
    return None if told["folder"] is None else Path(path_of(told["folder"]))


def ask_again(about: Mapping[str, Any], folder: Path | None = None) -> Question:
    """The question that a run's description tells of.

    Args:
        folder: of the run, which keeps what was no file.

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
    sources = tuple(ImageSource.found_again(told, folder) for told in about["images"])
    originals = tuple(again(sources, about["images"], kernels, options))
    extents = tuple((width, height) for width, height in about["image_sizes"])
    return Question(about["study"], sources, originals, kernels, options, extents)
