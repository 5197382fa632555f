"""The blurred images of a comparison, one file an implementation."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench.analysis.answer import Answer, answers_of
from blurbench.backends.backend import Implementation
from blurbench.blur import blur_file_pixels
from blurbench.errors import InputError
from blurbench.image import Image, blur_with_alpha, can_hold, write_image
from blurbench.problem import Problem
from blurbench.recipe import Recipe
from blurbench.records.export import printable
from blurbench.records.journal import Log, check_folder
from blurbench.records.summary import Row
from blurbench.study.options import Options, chosen
from blurbench.study.question import Question

GONE = ("timed_out", "device_lost")


def check_save(folder: Path, question: Question) -> None:
    """Raise InputError where a blurred image cannot be saved, or would replace a given one."""
    check_folder(folder, "--save")
    names = {_name(one) for _, one in chosen(question.options)}
    for source in question.sources:
        given = Path(source.path or "")
        is_there = given.parent.resolve() == folder.resolve()
        if is_there and re.sub(r"^\d+-", "", given.stem) in names:
            raise InputError(
                f"--save {folder} would replace the image {given}: name another folder"
            )


def save_blurred(log: Log, question: Question, folder: Path) -> None:
    """Write each implementation's image; numbered by the images if there are several."""
    folder.mkdir(parents=True, exist_ok=True)
    originals = {printable(image.name): image for image in question.originals}
    answers = answers_of(log)
    for number, answer in enumerate(answers, 1):
        prefix = f"{number}-" if len(answers) > 1 else ""
        _save_each(answer, originals[printable(answer.image)], question.options, folder, prefix)


def _name(blur: Implementation | Row) -> str:
    """The name of the file with the image that it blurred, without number and ending."""
    return f"{blur.backend}-{blur.method}"


def _save_each(answer: Answer, image: Image, options: Options, folder: Path, prefix: str) -> None:
    own = {one.implementation.name: one.implementation for one in options.own}
    fits = can_hold(".png", image.pixels.shape, image.pixels.dtype)
    suffix = ".png" if fits and not image.metadata.extrasamples else ".tif"
    for row in answer.rows:
        if row.max_abs_error is None or row.status in GONE:  # it never ran, or its device is gone
            continue
        blurred = _blurred(image, row, answer.problem, own.get(row.name))
        write_image(folder / f"{prefix}{_name(row)}{suffix}", blurred, image.metadata)


def _blurred(image: Image, row: Row, problem: Problem, own: Implementation | None) -> NDArray[Any]:
    """The pixels of an image file as a row's implementation blurs them, which may be one's own."""
    if own is None:
        recipe = Recipe(problem.kernel, problem.border, problem.cval, row.backend, row.method)
        return blur_file_pixels(image, recipe)

    def blur(pixels: NDArray[Any]) -> NDArray[Any]:
        dtype = np.result_type(pixels, problem.dtype)  # as it was timed
        plan = own.prepare(replace(problem, shape=pixels.shape, dtype=dtype))
        blurred: NDArray[Any] = plan(pixels.astype(dtype))
        if pixels.dtype.kind != "f":
            blurred = np.clip(np.rint(blurred), 0, np.iinfo(pixels.dtype).max)
        return blurred.astype(pixels.dtype)

    return blur_with_alpha(image.pixels, blur) if image.alpha else blur(image.pixels)
