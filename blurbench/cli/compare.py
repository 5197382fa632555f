"""`blurbench compare`: which blur is the fastest on this image at this kernel size."""

from __future__ import annotations

import sys
from contextlib import closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from blurbench.cli.options import KERNEL, SHARED, Folder, build_options, load_image, with_options
from blurbench.errors import InputError

if TYPE_CHECKING:
    from blurbench.study.answer import Answer

DEFAULT_SIZE = 15

EXAMPLES = """\b
Examples:
  blurbench compare photo.png --size 31
  blurbench compare --sigma 5 --method separable,fft --border mirror
  blurbench compare photo.png --json - | jq .control
"""


@click.command(epilog=EXAMPLES)
@click.argument("image", required=False)
@with_options(KERNEL, SHARED)
@click.option(
    "--save", type=Folder(), metavar="DIR", help="Write each implementation's blurred image."
)
def compare(image: str | None, size: int | None, sigma: float | None, **given: Any) -> int:
    """Time every blur on one image, side by side, and name the fastest.

    Without IMAGE the built-in test card is used; without --size and --sigma, 15x15.
    """
    from blurbench.kernel import make_kernel
    from blurbench.records.journal import Journal, check_folder, check_output
    from blurbench.report.compare import TerminalListener, show_answer, show_risks
    from blurbench.report.console import error_console, open_console
    from blurbench.study.compare import compare as run
    from blurbench.study.options import problem_for

    options = build_options(given)
    kernel = make_kernel(sigma, DEFAULT_SIZE if size is None and sigma is None else size)
    exports = {name: given[f"{name}_path"] for name in ("csv", "json", "markdown")}
    exports = {name: path for name, path in exports.items() if path is not None}
    for name, path in exports.items():
        check_output(path, f"--{name}")
    on_stdout = [f"--{name}" for name, path in exports.items() if path == "-"]
    if len(on_stdout) > 1:
        raise InputError(f"{' and '.join(on_stdout)} cannot both write to stdout: name a file")
    loaded = load_image(image, kernel, options, given)
    problem_for(loaded, kernel, options)  # refused before a file is made
    if given["save"]:
        check_folder(given["save"], "--save")
    journal = Journal(given["out"]) if given["out"] else None

    console = open_console(data_on_stdout=bool(on_stdout))
    with closing(journal) if journal else nullcontext():
        with TerminalListener(loaded, console, options.cache, given["quiet"]) as listener:
            answer = run(loaded, kernel, options, listener, journal)
        show_answer(console, answer)
        show_risks(error_console(), answer)
        _export(answer, exports)
        if journal is not None:
            command = ["blurbench", *sys.argv[1:]]
            journal.finish(answer.rows, {**answer.document(), "command": command})
            click.echo(f"Samples are in {journal.folder}", err=True)
    if given["save"]:
        _save(answer, given["save"])
    return _exit_code(answer)


def _export(answer: Answer, paths: dict[str, str]) -> None:
    from blurbench.records.export import to_csv, to_json
    from blurbench.records.summary import columns
    from blurbench.report.markdown import to_markdown

    texts = {
        "csv": lambda: to_csv(columns(), (row.as_dict() for row in answer.rows)),
        "json": lambda: to_json(answer.document()),
        "markdown": lambda: to_markdown(answer),
    }
    for name, path in paths.items():
        if path == "-":
            click.echo(texts[name](), nl=False)
            continue
        try:
            Path(path).write_text(texts[name](), encoding="utf-8", newline="\n")
        except OSError as error:
            raise InputError(f"--{name} {path} cannot be written: {error.strerror}") from None


def _save(answer: Answer, folder: Path) -> None:
    from blurbench.blur import blur_file_pixels
    from blurbench.image import write_image

    folder.mkdir(parents=True, exist_ok=True)
    kernel = answer.problem.kernel
    suffix = ".tif" if answer.image.pixels.dtype.kind == "f" else ".png"
    for row in answer.rows:
        if row.max_abs_error is None:  # it never ran
            continue
        blurred = blur_file_pixels(
            answer.image,
            size=kernel.size,
            sigma=kernel.sigma,
            border=answer.problem.border,
            cval=answer.problem.cval,
            method=row.method,
            backend=row.backend,
        )
        write_image(folder / f"{row.backend}-{row.method}{suffix}", blurred)


def _exit_code(answer: Answer) -> int:
    if answer.interrupted:
        click.echo("Interrupted: the table holds what was measured until then.", err=True)
        return 130
    if all(row.end_to_end_median_s is None for row in answer.rows):
        reasons = dict.fromkeys(f"{row.backend}: {row.reason}" for row in answer.rows)
        click.echo(f"Error: no implementation could run: {'; '.join(reasons)}", err=True)
        return 3
    return 1 if any(row.status in ("wrong", "implausible", "failed") for row in answer.rows) else 0
