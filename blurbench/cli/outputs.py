"""What a measuring command writes beside its folder, and how `--resume` knows of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blurbench.cli.options import write_exports
from blurbench.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from blurbench.analysis.answer import Answer
    from blurbench.backends.backend import Implementation
    from blurbench.image import Image
    from blurbench.problem import Problem
    from blurbench.records.journal import Log
    from blurbench.records.summary import Row
    from blurbench.study.options import Options
    from blurbench.study.question import Question

KINDS = ("csv", "json", "markdown", "report")
GONE = ("timed_out", "device_lost")
SAVE = "save"  # the folder of the blurred images


def described(exports: Mapping[str, str], given: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs as a run's description keeps them, wherever the command is gone on with."""
    places = dict(exports)
    if given.get(SAVE):
        places[SAVE] = str(given[SAVE])
    outputs = {
        kind: path if path == "-" else Path(path).absolute().as_uri()
        for kind, path in places.items()
    }
    return {"outputs": outputs, "all_columns": given["all_columns"]}


def with_described(about: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The given options, and what the run's first command asked for in the place of others.

    What is asked for anew of one kind goes where it is told to go now.
    """
    from blurbench.study.question import path_of

    found = dict(given)
    outputs = about.get("outputs", {})
    for kind in KINDS:
        if found[f"{kind}_path"] is None and kind in outputs:
            place = outputs[kind]
            found[f"{kind}_path"] = place if place == "-" else path_of(place)
    found["all_columns"] = given["all_columns"] or about.get("all_columns", False)
    found[SAVE] = Path(path_of(outputs[SAVE])) if SAVE in outputs else None
    return found


def check_save(folder: Path, question: Question) -> None:
    """Raise InputError where a blurred image cannot be saved, or would replace a given one."""
    from blurbench.records.journal import check_folder
    from blurbench.study.options import chosen

    check_folder(folder, "--save")
    names = {_name(one) for _, one in chosen(question.options)}
    for source in question.sources:
        given = Path(source.path or "")
        is_there = given.parent.resolve() == folder.resolve()
        if is_there and re.sub(r"^\d+-", "", given.stem) in names:
            raise InputError(
                f"--save {folder} would replace the image {given}: name another folder"
            )


def _name(blur: Implementation | Row) -> str:
    """Of the file with the image that it blurred, without number and ending."""
    return f"{blur.backend}-{blur.method}"


def show_and_write(
    show: Callable[[Log], None],
    log: Log,
    question: Question,
    exports: Mapping[str, str],
    given: Mapping[str, Any],
) -> None:
    """Show what a run's log holds and write what was asked for, even if nobody reads the table."""
    from blurbench.report.show import texts_of

    texts = texts_of(log, given["all_columns"])
    try:
        show(log)
    finally:
        if given.get(SAVE):
            _save(log, question, given[SAVE])
        write_exports(dict(exports), {**texts, "report": partial(_page_of, log)})


def _page_of(log: Log) -> str:
    from blurbench.report.page.build import build_page

    return build_page([log])


def _save(log: Log, question: Question, folder: Path) -> None:
    """Each implementation's blurred image; numbered by the images if there are several."""
    from blurbench.analysis.answer import answers_of
    from blurbench.records.export import printable

    folder.mkdir(parents=True, exist_ok=True)
    originals = {printable(image.name): image for image in question.originals}
    answers = answers_of(log)
    for number, answer in enumerate(answers, 1):
        prefix = f"{number}-" if len(answers) > 1 else ""
        _save_each(answer, originals[printable(answer.image)], question.options, folder, prefix)


def _save_each(answer: Answer, image: Image, options: Options, folder: Path, prefix: str) -> None:
    from blurbench.image import can_hold, write_image

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
    import numpy as np

    from blurbench.blur import blur_file_pixels
    from blurbench.image import blur_with_alpha
    from blurbench.recipe import Recipe

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
