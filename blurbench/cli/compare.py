"""`blurbench compare`: which blur is the fastest on this image at this kernel size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from blurbench.cli.options import (
    ALL,
    GATE,
    KEEP,
    KERNEL,
    SHARED,
    Folder,
    build_options,
    exports_from,
    sources_from,
    with_options,
)
from blurbench.cli.runs import carry_out, gate_processes, measure_points
from blurbench.cli.side_by_side import carry_out_side_by_side

if TYPE_CHECKING:
    from blurbench.records.journal import Log
    from blurbench.study.answer import Answer
    from blurbench.study.session import Session

DEFAULT_SIZE = 15
GONE = ("timed_out", "device_lost")

EXAMPLES = """\b
Examples:
  blurbench compare photo.png --size 31
  blurbench compare --sigma 5 --method separable,fft --border mirror
  blurbench compare photo.png --json - | jq .control
  blurbench compare thumbnail.png photo.png poster.png --size 31
  blurbench compare --processes 5 --out before    later: --baseline before
  blurbench compare photo.png --against ../main/.venv/bin/python
"""


@click.command(epilog=EXAMPLES)
@click.argument("images", nargs=-1, metavar="[IMAGE]...")
@with_options(KERNEL, SHARED, [ALL, KEEP], GATE)
@click.option(
    "--save", type=Folder(), metavar="DIR", help="Write each implementation's blurred image."
)
def compare(
    images: tuple[str, ...],
    size: int | None,
    sigma: float | None,
    allow_even: bool,
    **given: Any,
) -> int:
    """Time every blur side by side on an image, name the fastest; the same for further images.

    Without IMAGE the built-in test card is used; without --size and --sigma, 15x15. With
    --baseline or --against the exit code is 0 for not slower, 10 for slower, 11 for undecided, 12
    for not comparable.
    """
    from blurbench.kernel import make_kernel
    from blurbench.records.export import to_csv, to_json
    from blurbench.records.journal import check_folder, check_run_folder
    from blurbench.records.summary import columns
    from blurbench.report.compare import show_answers, show_risks
    from blurbench.report.console import error_console, open_console
    from blurbench.report.markdown import to_markdown
    from blurbench.report.progress import TerminalListener
    from blurbench.study.answer import document
    from blurbench.study.compare import answers_from
    from blurbench.study.compare import compare as run
    from blurbench.study.options import problem_for
    from blurbench.study.question import Question

    gate_processes(given)
    options = build_options(given)
    size = DEFAULT_SIZE if size is None and sigma is None else size
    kernel = make_kernel(sigma, size, allow_even=allow_even)
    console = open_console(data_on_stdout="-" in exports_from(given).values())
    sources = sources_from(images, given)
    originals = tuple(source.load((kernel,), options) for source in sources)
    question = Question("compare", sources, originals, (kernel,), options)
    question.check()
    if given["save"]:
        check_folder(given["save"], "--save")
    if given["out"]:
        check_run_folder(given["out"])
    listener = TerminalListener(originals, console, options.cache, given["quiet"])
    answers: list[Answer] = []

    def measure(session: Session, log: Log) -> bool:
        if len(originals) > 1:
            return measure_points(question, session, log, console, given["quiet"])
        answers.append(run(originals[0], kernel, options, listener, log, session))
        return not answers[0].interrupted

    def show(session: Session, log: Log, done: bool) -> Mapping[str, Callable[[], str]]:
        listener.stop()
        if not answers:
            answers.extend(answers_from(log, question, session))
        for answer in answers:
            answer.interrupted = not done
        show_risks(error_console(), answers)
        show_answers(console, answers, given["everything"])
        rows = [row.as_dict() for answer in answers for row in answer.rows]
        return {
            "csv": lambda: to_csv(columns(), rows),
            "json": lambda: to_json(document(answers)),
            "markdown": lambda: "\n".join(map(to_markdown, answers)),
        }

    with listener:
        if len(originals) == 1:
            listener.header(problem_for(originals[0], kernel, options))
        if given["against"] is None:
            code = carry_out(question, options.rules, given, measure, show)
        else:
            code = carry_out_side_by_side(question, options.rules, given, show)
    if given["save"]:
        for number, answer in enumerate(answers, 1):
            _save(answer, given["save"], f"{number}-" if len(answers) > 1 else "")
    return code


def _save(answer: Answer, folder: Path, prefix: str) -> None:
    from blurbench.blur import blur_file_pixels
    from blurbench.image import write_image

    folder.mkdir(parents=True, exist_ok=True)
    kernel = answer.problem.kernel
    suffix = ".tif" if answer.image.pixels.dtype.kind == "f" else ".png"
    for row in answer.rows:
        if row.max_abs_error is None or row.status in GONE:  # it never ran, or its device is gone
            continue
        blurred = blur_file_pixels(
            answer.image,
            size=kernel.size,
            sigma=kernel.sigma,
            allow_even=kernel.even,
            border=answer.problem.border,
            cval=answer.problem.cval,
            method=row.method,
            backend=row.backend,
        )
        write_image(folder / f"{prefix}{row.backend}-{row.method}{suffix}", blurred)
