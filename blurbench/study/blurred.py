"""The blurred images of a comparison, one file an implementation."""

from __future__ import annotations

from pathlib import Path

from blurbench.analysis.answer import Answer, answers_of
from blurbench.blur import blur_file_pixels
from blurbench.image import Image, can_hold, write_image
from blurbench.recipe import Recipe
from blurbench.records.export import printable
from blurbench.records.journal import Log
from blurbench.study.question import Question

GONE = ("timed_out", "device_lost")


def save_blurred(log: Log, question: Question, folder: Path) -> None:
    """Write each implementation's image; numbered by the images if there are several."""
    folder.mkdir(parents=True, exist_ok=True)
    originals = {printable(image.name): image for image in question.originals}
    answers = answers_of(log)
    for number, answer in enumerate(answers, 1):
        prefix = f"{number}-" if len(answers) > 1 else ""
        _save_each(answer, originals[printable(answer.image)], folder, prefix)


def _save_each(answer: Answer, image: Image, folder: Path, prefix: str) -> None:
    problem = answer.problem
    fits = can_hold(".png", image.pixels.shape, image.pixels.dtype)
    suffix = ".png" if fits and not image.metadata.extrasamples else ".tif"
    for row in answer.rows:
        if row.max_abs_error is None or row.status in GONE:  # it never ran, or its device is gone
            continue
        recipe = Recipe(problem.kernel, problem.border, problem.cval, row.backend, row.method)
        blurred = blur_file_pixels(image, recipe)
        write_image(folder / f"{prefix}{row.backend}-{row.method}{suffix}", blurred, image.metadata)
