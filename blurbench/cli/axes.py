"""A sweep over borders, dtypes and numbers of threads: its runs, one after the other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from blurbench.cli.options import AXES
from blurbench.cli.outputs import checked, outputs_from, write_exports
from blurbench.cli.report import MOST_RUNS
from blurbench.cli.runs import INTERRUPTED, command_line, console_for, resume
from blurbench.errors import InputError

if TYPE_CHECKING:
    from blurbench.records.outputs import Outputs
    from blurbench.study.question import Question

OUTPUTS = "outputs.json"  # what all runs of a sweep are to be written to


def sweep_each(questions: Mapping[str, Question], given: dict[str, Any]) -> int:
    """Begin a run for each question in a folder of its own, measure all, export them together.

    Returns the exit code.

    Raises:
        InputError: a gate is asked for, which takes one run.
    """
    from blurbench.files import write_text
    from blurbench.records.export import to_json
    from blurbench.study.axes import begin_each

    for name in ("baseline", "against"):
        if given[name] is not None:
            raise InputError(f"--{name} takes one run: give one of {', '.join(AXES.values())}")
    outputs, folder = outputs_from(given), given["out"]
    if "report" in outputs.places and len(questions) > MOST_RUNS:
        raise InputError(f"--report takes {MOST_RUNS} runs, not {len(questions)}: leave it out")
    begin_each(questions, folder, command_line())
    write_text(folder / OUTPUTS, to_json(outputs.as_dict()))
    return resume_each(folder, outputs, quiet=given["quiet"])


def resume_each(folder: Path, more: Outputs, *, quiet: bool) -> int:
    """Go on with each of the runs in a folder, then write what the sweep asked for.

    Returns the worst of their exit codes.
    """
    from blurbench.records.journal import load
    from blurbench.records.outputs import Outputs
    from blurbench.report.show import texts_of_all
    from blurbench.study.axes import runs_in

    asked = folder / OUTPUTS
    about = json.loads(asked.read_text("utf-8")) if asked.is_file() else {}
    outputs = checked(Outputs.from_dict(about).with_more(more))
    console = console_for(outputs)
    codes: list[int] = []
    for number, one in enumerate(runs := runs_in(folder), 1):
        if number > 1:
            console.print()
        if not quiet:
            click.echo(f"Run {number} of {len(runs)}: {one.name}", err=True)
        codes.append(resume(one, Outputs(), quiet=quiet, console=console))
        if codes[-1] == INTERRUPTED:
            click.echo(f"With all of them: blurbench sweep --resume {folder}", err=True)
            break
    texts = texts_of_all([load(one) for one in runs], outputs.all_columns)
    write_exports(outputs.texts, texts)
    return max(codes)
