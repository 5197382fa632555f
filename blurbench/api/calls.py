"""`blurbench.compare`, `sweep`, `crossover` and `load`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Unpack

from blurbench.api.bars import bar_for
from blurbench.api.result import RunResult
from blurbench.api.signature import check_keywords, with_settings
from blurbench.errors import InputError
from blurbench.records.journal import check_run_folder
from blurbench.records.journal import load as load_log
from blurbench.report.listeners import open_listener
from blurbench.study.crossover import check_pairs
from blurbench.study.kernels import (
    DEFAULT_RANGE,
    DEFAULT_SIZES,
    kernel_of,
    kernels_of,
    odd_kernels,
)
from blurbench.study.numbers import read_extent, read_extents, read_range, read_sizes
from blurbench.study.question import Question
from blurbench.study.run import carry_out, describe
from blurbench.study.session import Session
from blurbench.study.settings import Settings, read_options
from blurbench.study.source import ImageSource, image_of

PathLike = str | os.PathLike[str]


@with_settings()
def compare(
    image: Any = None,
    size: int | None = None,
    sigma: float | None = None,
    *,
    allow_even: bool = False,
    out: PathLike | None = None,
    quiet: bool = False,
    **settings: Unpack[Settings],
) -> RunResult:
    """Time every blur side by side on an image, as `blurbench compare` does.

    Args:
        image: a path, an array `(H, W)` or `(H, W, C)`, or a list of these; None is the test card.
        size: number of taps, odd; with neither size nor sigma 15.
        sigma: standard deviation, in pixels.
        allow_even: let the size be even: it shifts by half a pixel.
        out: a new folder that keeps every sample as it is taken.
        quiet: show no progress; without a terminal or a notebook none is shown anyway.
        settings: the command's other options, by name; `blurbench compare --help` explains them.
            Without `budget` it takes 15 s an image, or up to 60 s where the best need that.

    An interruption from the keyboard ends it early: what was measured until then comes back, and is
    marked so.

    Raises:
        InputError: an argument cannot be used (a ValueError with a one-line remedy).
        ProcessFailedError: with `processes`, one of them ended with an error.
    """
    check_keywords(compare, settings)
    kernel = kernel_of(size, sigma, allow_even)
    options = read_options(settings)
    question = Question.ask("compare", _sources(image, settings), (kernel,), options)
    return _answer(question, out, quiet)


@with_settings()
def sweep(
    image: Any = None,
    sizes: str | Sequence[int] = DEFAULT_SIZES,
    sigma: float | None = None,
    *,
    allow_even: bool = False,
    image_sizes: Any = None,
    out: PathLike | None = None,
    quiet: bool = False,
    **settings: Unpack[Settings],
) -> RunResult:
    """Time every blur at every kernel size, as `blurbench sweep` does.

    Args:
        sizes: a list, or as in `"3:101:2"` or `"3:255:x1.3"`.
        sigma: of all sizes; by default each has its own.
        image_sizes: crop or tile the image to each of these, as in `[512, (1920, 1080)]`.

    The others are those of `compare`. Without `budget` each size takes about 5 s or longer. Of
    border, dtype and threads it takes one value: call it in a loop for several.

    Raises:
        InputError: an argument cannot be used (a ValueError with a one-line remedy).
        ProcessFailedError: with `processes`, one of them ended with an error.
    """
    check_keywords(sweep, settings)
    kernels = kernels_of(read_sizes(sizes, "sizes"), sigma, allow_even)
    options = read_options(settings)
    extents = () if image_sizes is None else read_extents(image_sizes, "image_sizes")
    question = Question.ask("sweep", _sources(image, settings), kernels, options, extents)
    return _answer(question, out, quiet)


@with_settings("keep")
def crossover(
    image: Any = None,
    sizes: str | tuple[int, int] = DEFAULT_RANGE,
    sigma: float | None = None,
    *,
    out: PathLike | None = None,
    quiet: bool = False,
    **settings: Unpack[Settings],
) -> RunResult:
    """Find the kernel sizes where the faster of two methods changes, as `blurbench crossover` does.

    Args:
        image: one, as in `compare`.
        sizes: the smallest and the largest to look at, both odd: `(3, 255)` or `"3:255"`.

    The others are those of `compare`. It takes 60 s unless `budget` says otherwise.

    Raises:
        InputError: an argument cannot be used (a ValueError with a one-line remedy).
        ProcessFailedError: with `processes`, one of them ended with an error.
    """
    check_keywords(crossover, settings)
    options = read_options(settings)
    check_pairs(options)
    kernels = odd_kernels(read_range(sizes, "sizes"), sigma)
    sources = _sources(image, settings)
    if len(sources) > 1:
        raise InputError(f"crossover takes one image, not {len(sources)}: call it in a loop")
    return _answer(Question.ask("crossover", sources, kernels, options), out, quiet)


def load(folder: PathLike) -> RunResult:
    """The result of a run that was kept in a folder, by a command or by `RunResult.save`.

    Everything is computed anew from its samples. A sweep over several dtypes, borders or numbers of
    threads is a folder of such folders: load each.

    Raises:
        InputError: there is no run in it, or it cannot be read.
    """
    return RunResult(load_log(Path(folder)))


def _answer(question: Question, out: PathLike | None, quiet: bool) -> RunResult:
    """Measure what is asked, as a command does, and show nothing but progress."""
    folder = None if out is None else Path(out)
    if folder is not None:
        check_run_folder(folder)
    bar = bar_for(quiet)
    session = Session(question.options)
    run = describe(question, session)
    listener = open_listener(question, bar)
    ended = carry_out(question, session, run, listener, folder, quiet=not bar.on_terminal)
    return RunResult(ended.log, ended.interrupted)


def _sources(image: Any, settings: Settings) -> list[ImageSource]:
    """Where the images come from, resized and cropped alike."""
    resize, crop = (settings.get(name) for name in ("resize", "crop"))
    resized = None if resize is None else read_extent(resize, "resize")
    cropped = None if crop is None else read_extent(crop, "crop")
    images = image if isinstance(image, list | tuple) else [image]
    if not images:
        raise InputError("there is no image in the list: give one, or None for the test card")
    found = []
    for number, one in enumerate(images, 1):
        if one is None or isinstance(one, str | os.PathLike):
            path = None if one is None else os.fspath(one)
            source = ImageSource(path, resized, cropped)
        else:
            name = "array" if len(images) == 1 else f"array {number}"
            source = ImageSource(None, resized, cropped, image_of(one, name))
        found.append(source)
    return found
