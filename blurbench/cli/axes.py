"""A sweep over borders, dtypes and numbers of threads: a run of its own for each combination.

Times of different dtypes or borders are no race, so each combination has a run, in a folder below
the one of the sweep. Whatever takes several runs takes these.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from functools import partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from blurbench.cli.options import AXES, exports_from, write_exports
from blurbench.cli.outputs import KINDS, described, with_described
from blurbench.cli.report import MOST_RUNS
from blurbench.cli.runs import resume
from blurbench.cli.words import read_border, read_dtype
from blurbench.errors import InputError

if TYPE_CHECKING:
    from blurbench.records.journal import Log
    from blurbench.study.question import Question

OUTPUTS = "outputs.json"  # what all runs of a sweep are to be written to


def combinations_of(given: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The options of each run, by the name of its folder; there may be but one, of no name.

    A budget is shared out evenly.

    Raises:
        InputError: a border or a dtype is unknown.
    """
    values: dict[str, Iterable[Any]] = {
        "borders": [read_border(word, given["cval"]) for word in given["borders"]],
        "dtypes": [read_dtype(word) for word in given["dtypes"]],
        "threads": given["threads"] or [None],
    }
    axes = {name: list(dict.fromkeys(own)) for name, own in values.items()}
    several = [name for name, own in axes.items() if len(own) > 1]
    found: dict[str, dict[str, Any]] = {}
    for chosen in product(*axes.values()):
        place = dict(zip(axes, chosen, strict=True))
        label = "-".join(_label(name, place[name]) for name in several)
        found[label] = {**given, **{name: (value,) for name, value in place.items()}}
    if given["budget"] is not None:
        for one in found.values():
            one["budget"] = given["budget"] / len(found)
    return found


def _label(axis: str, value: Any) -> str:
    return f"{value}-threads" if axis == "threads" else str(value)


def sweep_each(questions: Mapping[str, Question], given: dict[str, Any]) -> int:
    """Begin a run for each question in a folder of its own, measure all, export them together.

    Returns the exit code.

    Raises:
        InputError: a gate is asked for, which takes one run.
    """
    from blurbench.files import write_text
    from blurbench.records.export import to_json
    from blurbench.records.journal import Journal
    from blurbench.study.session import Session

    for name in ("baseline", "against"):
        if given[name] is not None:
            raise InputError(f"--{name} takes one run: give one of {', '.join(AXES.values())}")
    exports, folder = exports_from(given), given["out"]
    if "report" in exports and len(questions) > MOST_RUNS:
        raise InputError(f"--report takes {MOST_RUNS} runs, not {len(questions)}: leave it out")
    session = Session(next(iter(questions.values())).options)
    for label, question in questions.items():
        command = ["blurbench", *sys.argv[1:]]
        run = question.describe(session, command, question.options.rules)
        Journal.create(folder / label, run).close()
    write_text(folder / OUTPUTS, to_json(described(exports, given)))
    return resume_each(folder, given)


def runs_in(folder: Path) -> list[Path]:
    """The folders of the runs below that of a sweep, in the order of their making."""
    from blurbench.files import DESCRIPTION

    if (folder / DESCRIPTION).exists():
        return []
    found = [path.parent for path in folder.glob(f"*/{DESCRIPTION}")]
    return sorted(found, key=lambda one: (one / DESCRIPTION).stat().st_mtime_ns)


def resume_each(folder: Path, given: Mapping[str, Any]) -> int:
    """Go on with each of the runs in a folder, then write what the sweep asked for.

    Returns the worst of their exit codes.
    """
    from blurbench.records.journal import load
    from blurbench.report.console import open_console

    asked = folder / OUTPUTS
    about = json.loads(asked.read_text("utf-8")) if asked.is_file() else {}
    wanted = with_described(about, given)
    exports = exports_from(wanted)
    console = open_console(data_on_stdout="-" in exports.values())
    nothing = {**dict.fromkeys(f"{kind}_path" for kind in KINDS), "all_columns": False}
    codes: list[int] = []
    for number, one in enumerate(runs := runs_in(folder), 1):
        if number > 1:
            console.print()
        if not given["quiet"]:
            click.echo(f"Run {number} of {len(runs)}: {one.name}", err=True)
        codes.append(resume(one, None, {**nothing, "quiet": given["quiet"]}, console))
        if codes[-1] == 130:
            click.echo(f"With all of them: blurbench sweep --resume {folder}", err=True)
            break
    logs = [load(one) for one in runs]
    texts = {kind: partial(text_of, kind, logs, wanted["all_columns"]) for kind in KINDS}
    write_exports(exports, texts)
    return max(codes)


def text_of(kind: str, logs: list[Log], all_columns: bool) -> str:
    """Several runs in one text: CSV, JSON, Markdown or an HTML page."""
    from blurbench.records.export import to_csv, to_json
    from blurbench.records.summary import brief_summary, columns
    from blurbench.report.page.build import build_page
    from blurbench.report.show import document, to_markdown

    if kind == "csv":
        rows = [row for log in logs for row in log.rows()]
        if not all_columns:
            return brief_summary(rows)
        return to_csv(columns(), (row.as_dict() for row in rows))
    if kind == "json":
        return to_json({"schema": "blurbench.sweeps/1", "runs": [*map(document, logs)]})
    return "\n".join(map(to_markdown, logs)) if kind == "markdown" else build_page(logs)
