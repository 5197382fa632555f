"""Image files blurred: one, or many with a few of them under way at a time."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from blurbench import host
from blurbench.backends.backend import Implementation
from blurbench.backends.lanes import Lanes
from blurbench.backends.registry import find_backend, probe
from blurbench.blur import blur_file_pixels
from blurbench.choice.auto import find_or_choose
from blurbench.errors import DeviceLostError, InputError
from blurbench.files import remove_partials
from blurbench.image import (
    SUFFIXES,
    check_kernel_memory,
    check_writable,
    read_image,
    reading_bytes,
    write_image,
)
from blurbench.kernel import SMALLEST, GaussianKernel
from blurbench.plan import Problem
from blurbench.turns import Room, Turns, TurnsOf


@dataclass(frozen=True)
class Job:
    """An image file to read and the file to write of it."""

    source: Path
    target: Path


@dataclass(frozen=True)
class Blur:
    """How files are blurred: the kernel, by whom, and what lies outside."""

    kernel: GaussianKernel
    backend: str
    method: str
    border: str
    cval: float

    def problem(
        self, shape: tuple[int, ...], dtype: np.dtype[Any], threads: int | None = None
    ) -> Problem:
        """Of one image."""
        threads = host.usable_cpus() if threads is None else threads
        return Problem(self.kernel, shape, dtype, self.border, self.cval, threads)

    def implementation(self, problem: Problem) -> Implementation:
        """What blurs an image."""
        return find_or_choose(problem, self.backend, self.method)

    def check(self) -> None:
        """Raise InputError where no image at all can be blurred like that."""
        tiny = self.problem((1, 1), np.dtype(np.float32))
        implementation = self.implementation(tiny)
        implementation.check(replace(tiny, dtype=np.dtype(implementation.dtypes[0])))


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Attributes:
        notes: what was done to the file's pixels that a user should know.
        error: why there is no output, in a sentence; None where there is one.
    """

    job: Job
    notes: tuple[str, ...] = ()
    error: str | None = None


def find_jobs(inputs: Sequence[str], folder: str) -> list[Job]:
    """What is to become of files and of the images in folders, in the output folder.

    A file keeps its name, what lies in or below a folder its path from there. Of a folder those
    names are taken that can be written; hidden ones and the output folder are left out.

    Raises:
        InputError: nothing is found, two outputs would be the same, or an output is an input.
    """
    jobs = [job for each in inputs for job in _jobs_of(Path(each), Path(folder))]
    sources = {os.path.realpath(job.source): job.source for job in jobs}
    taken: dict[str, Path] = {}
    for job in jobs:
        replaced = sources.get(os.path.realpath(job.target))
        if replaced is not None:
            raise InputError(
                f"output {job.target} is the input {replaced} itself: choose another folder"
            )
        other = taken.setdefault(os.path.normcase(job.target), job.source)
        if other is not job.source:
            raise InputError(
                f"{other} and {job.source} would both become {job.target}: "
                "blur them into two folders"
            )
    return jobs


def _jobs_of(given: Path, folder: Path) -> list[Job]:
    if not given.is_dir():
        return [Job(given, folder / given.name)]
    if os.path.realpath(given) == os.path.realpath(folder):
        raise InputError(f"output folder {folder} is the input folder: choose another")
    found = sorted(_images_below(given, os.path.realpath(folder)))
    if not found:
        raise InputError(f"folder {given} holds no image: give one with {', '.join(SUFFIXES)}")
    return [Job(given / name, folder / name) for name in found]


def _images_below(top: Path, left_out: str) -> Iterator[Path]:
    """The paths of images from a folder on."""

    def refuse(error: OSError) -> None:
        raise InputError(f"folder {error.filename} cannot be read: {error.strerror}")

    for place, folders, files in os.walk(top, onerror=refuse):
        here = Path(place)
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".") and os.path.realpath(here / name) != left_out
        ]
        for name in files:
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES:
                yield (here / name).relative_to(top)


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


def blur_file(
    job: Job,
    blur: Blur,
    threads: int | None = None,
    admit: Callable[[int], None] = lambda nbytes: None,
    turns_of: Callable[[Lanes], Turns] = Turns,
) -> tuple[str, ...]:
    """Read, blur and write one file; the notes on its pixels.

    Args:
        threads: that the blur may use; default is the CPUs this process may use.
        admit: called with the bytes that all of it needs, before the file is decoded; may wait.
        turns_of: gives the turns on a device; the blur takes one, where it runs on a GPU.

    Raises:
        InputError: the file cannot be read, blurred like that, or written.
    """

    turn: AbstractContextManager[None] = nullcontext()

    def work_bytes(shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
        nonlocal turn
        check_writable(job.target, shape, dtype)
        problem = blur.problem(shape, dtype, threads)
        implementation = blur.implementation(problem)
        work = implementation.work_bytes(problem) + 2 * problem.image_bytes
        bare = (
            implementation.work_bytes(replace(problem, kernel=SMALLEST)) + 2 * problem.image_bytes
        )
        check_kernel_memory(blur.kernel.size, shape, work, bare)
        admit(reading_bytes(shape, dtype) + work)
        backend = find_backend(implementation.backend)
        if backend.lanes is not None and probe(backend).ok:
            turn = turns_of(backend.lanes).take(work)
        return work

    image = read_image(job.source, work_bytes)
    with turn:
        blurred = blur_file_pixels(
            image,
            size=blur.kernel.size,
            sigma=blur.kernel.sigma,
            allow_even=blur.kernel.even,
            backend=blur.backend,
            method=blur.method,
            border=blur.border,
            cval=blur.cval,
            threads=threads,
        )
    return (*image.notes, *write_image(job.target, blurred, image.about))


def blur_files(jobs: Sequence[Job], blur: Blur, tell: Callable[[Outcome], None]) -> None:
    """Blur many files, as many at a time as there are CPUs; each on one, unless they are few.

    Codecs and blurs run without the interpreter's lock, so one image is decoded while another is
    blurred or encoded. On a GPU few are blurred at a time, each on a stream of its own, as the
    GPU's memory allows. A bad file disturbs no other. When interrupted, images under way are
    finished.

    Args:
        tell: called with what became of each, one call at a time, from any thread.

    Raises:
        DeviceLostError: the device is lost; the images that were not told of are left.
    """
    cpus = host.usable_cpus()
    workers = min(cpus, len(jobs)) or 1
    room, turns_of = Room(host.available_memory()), TurnsOf()
    telling, stopped = threading.Lock(), threading.Event()

    def work(job: Job) -> None:
        if stopped.is_set():
            return
        try:
            with room.for_one() as admit:
                outcome = _try(partial(blur_file, job, blur, cpus // workers, admit, turns_of), job)
        except DeviceLostError:
            stopped.set()
            raise
        with telling:
            tell(outcome)

    with ThreadPoolExecutor(workers) as pool:
        try:
            for future in [pool.submit(work, job) for job in jobs]:
                future.result()
        except BaseException:
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _try(work: Callable[[], tuple[str, ...]], job: Job) -> Outcome:
    try:
        return Outcome(job, notes=work())
    except DeviceLostError:
        raise
    except InputError as error:
        return Outcome(job, error=str(error))
    except MemoryError:
        return Outcome(job, error=f"image {job.source} does not fit in memory: use a smaller one")
    except Exception as error:  # a library's; what it says of one file must not end the others
        detail = " ".join(f"{type(error).__name__}: {error}".split())
        return Outcome(job, error=f"image {job.source} cannot be blurred: {detail}")
