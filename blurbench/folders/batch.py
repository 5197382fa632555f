"""Image files blurred: one, or many with a few of them under way at a time."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench import host
from blurbench.backends.lanes import Lanes
from blurbench.backends.registry import find_backend, probe
from blurbench.blur import blur_array, blur_file_pixels
from blurbench.errors import DeviceLostError, InputError
from blurbench.folders.jobs import Job
from blurbench.folders.turns import Room, Turns, TurnsOf
from blurbench.image import (
    Image,
    check_kernel_memory,
    check_writable,
    read_image,
    reading_bytes,
    write_image,
)
from blurbench.kernel import SMALLEST
from blurbench.lost import check_blurred, unwarned
from blurbench.nodata import blur_around_holes, find_holes
from blurbench.problem import Problem
from blurbench.recipe import Recipe


@dataclass(frozen=True)
class FileBlur:
    """How the pixels of files are blurred.

    Attributes:
        nodata: of the pixels that hold none and are left out; None where all hold some.
    """

    recipe: Recipe
    nodata: float | None = None

    def problem(
        self, shape: tuple[int, ...], dtype: np.dtype[Any], threads: int | None = None
    ) -> Problem:
        """The problem for one image; around holes, the arithmetic is that of float64."""
        dtype = dtype if self.nodata is None else np.dtype(np.float64)
        return self.recipe.problem(shape, dtype, threads)

    def check(self) -> None:
        """Raise InputError where no image at all can be blurred like that."""
        if self.nodata is not None and math.isinf(self.nodata):
            raise InputError(f"no-data value {self.nodata} is not usable: give a number or nan")
        tiny = self.problem((1, 1), np.dtype(np.float32))
        implementation = self.recipe.implementation(tiny)
        if self.nodata is None:
            tiny = replace(tiny, dtype=np.dtype(implementation.dtypes[0]))
        implementation.check(tiny)


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Attributes:
        notes: what was done to the file's pixels that a user should know.
        error: why there is no output, in a sentence; None where there is one.
    """

    notes: tuple[str, ...] = ()
    error: str | None = None


def blur_file(
    job: Job,
    blur: FileBlur,
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
        InputError: the file cannot be read, blurred like that, or written, or the blur loses pixels
            (see `lost`).
    """

    turn: AbstractContextManager[None] = nullcontext()

    def work_bytes(shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
        nonlocal turn
        check_writable(job.target, shape, dtype)
        problem = blur.problem(shape, dtype, threads)
        implementation = blur.recipe.implementation(problem)
        # Image and result; around holes the weights and what is divided by them, too.
        images = 2 if blur.nodata is None else 5
        work = implementation.work_bytes(problem) + images * problem.image_bytes
        bare = implementation.work_bytes(replace(problem, kernel=SMALLEST))
        check_kernel_memory(problem.kernel.size, shape, work, bare + images * problem.image_bytes)
        admit(reading_bytes(shape, dtype) + work)
        backend = find_backend(implementation.backend)
        if backend.lanes is not None and probe(backend).ok:
            turn = turns_of(backend.lanes).take(work)
        return work

    holes = blur.nodata is not None and math.isnan(blur.nodata)
    image = read_image(job.source, work_bytes, holes=holes)
    with turn, unwarned():
        blurred, notes = _blurred(image, blur, threads)
    problem = blur.problem(image.pixels.shape, image.pixels.dtype, threads)
    by = blur.recipe.implementation(problem).name
    check_blurred(image.name, image.pixels, blurred, problem, by)
    return (*image.notes, *notes, *write_image(job.target, blurred, image.metadata))


def _blurred(
    image: Image, blur: FileBlur, threads: int | None
) -> tuple[NDArray[Any], tuple[str, ...]]:
    """The pixels blurred, and what is to be said of that."""
    recipe = blur.recipe
    if blur.nodata is None:
        return blur_file_pixels(image, recipe, threads), _notes_on_holes(image)
    if image.alpha:
        raise InputError(
            f"image {image.name} has an alpha channel, which says what to leave out: "
            "do without --nodata"
        )
    holes = find_holes(image.pixels, blur.nodata)
    if not holes.any():
        note = f"no pixel has the no-data value {blur.nodata!r}"
        return blur_file_pixels(image, recipe, threads), (note,)

    def blur_floats(pixels: NDArray[np.float64], cval: float) -> NDArray[np.float64]:
        blurred: NDArray[np.float64] = blur_array(
            pixels, replace(recipe, cval=cval), threads=threads
        )
        return blurred

    return blur_around_holes(image.pixels, holes, blur_floats, recipe.cval), ()


def _notes_on_holes(image: Image) -> tuple[str, ...]:
    """That pixels of the file's own no-data value are blurred, where there are any."""
    if image.nodata is None or not find_holes(image.pixels, image.nodata).any():
        return ()
    return (f"its no-data value {image.nodata!r} is blurred too: --nodata leaves it out",)


def blur_files(jobs: Sequence[Job], blur: FileBlur, tell: Callable[[Outcome], None]) -> None:
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
        return Outcome(notes=work())
    except DeviceLostError:
        raise
    except InputError as error:
        return Outcome(error=str(error))
    except MemoryError:
        return Outcome(error=f"image {job.source} does not fit in memory: use a smaller one")
    except Exception as error:  # a library's; what it says of one file must not end the others
        detail = " ".join(f"{type(error).__name__}: {error}".split())
        return Outcome(error=f"image {job.source} cannot be blurred: {detail}")
