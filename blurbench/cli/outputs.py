"""What a measuring command writes beside its folder, and how `--resume` knows of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blurbench.cli.options import write_exports
from blurbench.errors import InputError

if TYPE_CHECKING:
    from blurbench.analysis.answer import Answer
    from blurbench.backends.backend import Implementation
    from blurbench.image import Image
    from blurbench.records.journal import Log
    from blurbench.records.summary import Row
    from blurbench.study.question import ImageSource, Question

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


def check_save(folder: Path, sources: Sequence[ImageSource]) -> None:
    """Raise InputError where a blurred image cannot be saved, or would replace a given one."""
    from blurbench.backends.registry import backends
    from blurbench.records.journal import check_folder

    check_folder(folder, "--save")
    names = {_name(one) for each in backends().values() for one in each.implementations}
    for source in sources:
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
        _save_each(answer, originals[printable(answer.image)], folder, prefix)


def _save_each(answer: Answer, image: Image, folder: Path, prefix: str) -> None:
    from blurbench.blur import blur_file_pixels
    from blurbench.image import can_hold, write_image
    from blurbench.recipe import Recipe

    problem = answer.problem
    fits = can_hold(".png", image.pixels.shape, image.pixels.dtype)
    suffix = ".png" if fits and not image.metadata.extrasamples else ".tif"
    for row in answer.rows:
        if row.max_abs_error is None or row.status in GONE:  # it never ran, or its device is gone
            continue
        recipe = Recipe(problem.kernel, problem.border, problem.cval, row.backend, row.method)
        blurred = blur_file_pixels(image, recipe)
        write_image(folder / f"{prefix}{_name(row)}{suffix}", blurred, image.metadata)
