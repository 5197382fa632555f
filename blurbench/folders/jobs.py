"""Which image files become which: of files and folders, into an output folder."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from blurbench.errors import InputError
from blurbench.files import remove_partials
from blurbench.image import SUFFIXES


@dataclass(frozen=True)
class Job:
    """An image file to read and the file to write of it."""

    source: Path
    target: Path


@dataclass(frozen=True)
class Found:
    """What there is to do.

    Attributes:
        left_out: how many files and folders in the given folders are not blurred, by what they
            are, as `hidden file` or `.txt file`.
    """

    jobs: list[Job]
    left_out: Counter[str]


def find_jobs(inputs: Sequence[str], folder: str) -> Found:
    """What is to become of files and of the images in folders, in the output folder.

    A file keeps its name, what lies in or below a folder its path from there. Of a folder those
    names are taken that can be written; hidden ones, links to other folders and the output folder
    are left out.

    Raises:
        InputError: nothing is found, two outputs would be the same, or an output is an input.
    """
    left_out: Counter[str] = Counter()
    jobs = [job for each in inputs for job in _jobs_of(Path(each), Path(folder), left_out)]
    sources = {os.path.realpath(job.source): job.source for job in jobs}
    taken: dict[str, Path] = {}
    for job in jobs:
        replaced = sources.get(os.path.realpath(job.target))
        if replaced is not None:
            raise InputError(
                f"output {job.target} is the input {replaced} itself: choose another folder"
            )
        other = taken.setdefault(os.path.normcase(job.target), job.source)
        if other == job.source and other is not job.source:
            raise InputError(f"image {other} is given twice: name it once")
        if other is not job.source:
            raise InputError(
                f"{other} and {job.source} would both become {job.target}: "
                "blur them into two folders"
            )
    return Found(jobs, left_out)


def _jobs_of(given: Path, folder: Path, left_out: Counter[str]) -> list[Job]:
    if not given.is_dir():
        return [Job(given, folder / given.name)]
    if os.path.realpath(given) == os.path.realpath(folder):
        raise InputError(f"output folder {folder} is the input folder: choose another")
    found = sorted(_images_below(given, os.path.realpath(folder), left_out))
    if not found:
        raise InputError(
            f"folder {given} holds no image of a type that can also be written: "
            f"give one with {', '.join(SUFFIXES)}"
        )
    return [Job(given / name, folder / name) for name in found]


def _images_below(top: Path, output: str, left_out: Counter[str]) -> Iterator[Path]:
    """The paths of images from a folder on; what is left out is counted."""

    def refuse(error: OSError) -> None:
        raise InputError(f"folder {error.filename} cannot be read: {error.strerror}")

    for place, folders, files in os.walk(top, onerror=refuse):
        here = Path(place)
        folders[:] = [name for name in folders if os.path.realpath(here / name) != output]
        unseen = {name: _unseen(here / name) for name in folders}
        left_out.update(filter(None, unseen.values()))
        folders[:] = [name for name in folders if not unseen[name]]
        for name in files:
            if kind := _no_image(name):
                left_out[kind] += 1
            else:
                yield (here / name).relative_to(top)


def _unseen(folder: Path) -> str:
    """What a folder is that is not looked into; empty for others."""
    if folder.name.startswith("."):
        return "hidden folder"
    return "linked folder" if folder.is_symlink() else ""  # links may run in circles


def _no_image(name: str) -> str:
    """What a file is that is not blurred; empty for an image."""
    if name.startswith("."):
        return "hidden file"
    suffix = Path(name).suffix.lower()
    if suffix in SUFFIXES:
        return ""
    return f"{suffix or 'untyped'} file"


def prepare_folders(jobs: Sequence[Job]) -> None:
    """Make the folders of the outputs, and clear them of what killed processes left.

    Raises:
        InputError: one cannot be made or written to.
    """
    for folder in dict.fromkeys(job.target.parent for job in jobs):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            raise InputError(f"output {folder} is a file: name a folder") from None
        except OSError as error:
            raise InputError(f"output folder {folder} cannot be made: {error.strerror}") from None
        if not os.access(folder, os.W_OK):
            raise InputError(f"output folder {folder} cannot be written to: choose another")
        remove_partials(folder)
