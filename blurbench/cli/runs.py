"""What the measuring commands share: they begin a run, show it, and end with its exit code."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Mapping
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from blurbench.cli.outputs import checked, outputs_from, write_exports

if TYPE_CHECKING:
    from rich.console import Console

    from blurbench.analysis.gate import Ruling
    from blurbench.records.journal import Log, Run
    from blurbench.records.outputs import Outputs
    from blurbench.report.listeners import ShowingListener
    from blurbench.study.question import Question

INTERRUPTED = 130


def gate_processes(given: dict[str, Any]) -> None:
    """A gate takes several processes, unless told otherwise."""
    from blurbench.analysis.gate import LEAST_PROCESSES

    if given["baseline"] and not is_given("processes"):
        given["processes"] = LEAST_PROCESSES


def is_given(option: str) -> bool:
    """Whether an option of this command was given, and is not its default."""
    source = click.get_current_context().get_parameter_source(option)
    return source is not click.core.ParameterSource.DEFAULT


def new_folder(out: Path | None) -> Path:
    """The folder that was named, or a new one below `results`, checked.

    Raises:
        InputError: it holds a run already, or cannot be written.
    """
    from blurbench.records.journal import check_run_folder

    first = Path("results") / time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    others = (first.with_name(f"{first.name}-{number}") for number in count(2))
    folder = out or next(one for one in chain([first], others) if not one.exists())
    check_run_folder(folder)
    return folder


def command_line() -> list[str]:
    """The command as it was typed."""
    return ["blurbench", *sys.argv[1:]]


def carry_out(question: Question, given: Mapping[str, Any]) -> int:
    """Measure what is asked, show it, write what was asked for; the exit code."""
    from blurbench.analysis.gate import rule
    from blurbench.records.journal import check_run_folder, load
    from blurbench.records.outputs import SAVE
    from blurbench.study.blurred import check_save
    from blurbench.study.run import carry_out as measure
    from blurbench.study.run import describe
    from blurbench.study.session import Session

    outputs, out = outputs_from(given), given["out"]
    if SAVE in outputs.places:
        check_save(Path(outputs.places[SAVE]), question)
    if out:
        check_run_folder(out)
    console = console_for(outputs)
    listener = listener_for(question, console, given["quiet"])
    listener.asked()
    session = Session(question.options)
    run = describe(question, session, command_line(), outputs.as_dict())
    baseline = load(given["baseline"]) if given.get("baseline") else None
    if baseline is not None and (refusal := _refusal(baseline.run, run)):
        return tell(refusal)
    ended = measure(question, session, run, listener, out, given["quiet"])
    interrupted = ended.interrupted
    try:
        show_and_write(console, ended.log, question, outputs, given.get("everything", False))
    except KeyboardInterrupt:
        interrupted = True
    if out:
        _tell_folder(out, outputs)
    if interrupted:
        return _tell_interrupted(out)
    if baseline is not None:
        return tell(rule(baseline, ended.log, given["margin"]))
    return _exit_code(ended.log)


def resume(folder: Path, more: Outputs, *, quiet: bool, console: Console | None = None) -> int:
    """Go on with a run that was ended, and write what its command asked for; the exit code.

    Args:
        more: further outputs.
        console: for the tables; by default what the outputs leave.
    """
    from blurbench.records.journal import load
    from blurbench.records.outputs import Outputs
    from blurbench.study.run import resume as go_on

    outputs = checked(Outputs.from_dict(load(folder).run.about).with_more(more))
    console = console or console_for(outputs)
    question, ended = go_on(folder, lambda one: listener_for(one, console, quiet), quiet)
    show_and_write(console, ended.log, question, outputs)
    _tell_folder(folder, outputs)
    return _tell_interrupted(folder) if ended.interrupted else _exit_code(ended.log)


def measure_part(folder: Path, process: int, *, quiet: bool) -> int:
    """Measure the part of one of several processes, and show and write nothing; the exit code."""
    from blurbench.study.run import measure_part as measure

    whole = measure(folder, process, lambda one: listener_for(one, None, quiet))
    return 0 if whole else INTERRUPTED


def console_for(outputs: Outputs) -> Console:
    """Where the tables go."""
    from blurbench.report.console import open_console

    return open_console(data_on_stdout=outputs.on_stdout)


def listener_for(question: Question, console: Console | None, quiet: bool) -> ShowingListener:
    """Who shows on the terminal how a run goes on."""
    from blurbench.report.listeners import TerminalBar, open_listener

    return open_listener(question, TerminalBar(quiet), None if quiet else console)


def show_and_write(
    console: Console, log: Log, question: Question, outputs: Outputs, everything: bool = False
) -> None:
    """Show what a run's log holds and write what was asked for, even if nobody reads the table."""
    from blurbench.records.outputs import SAVE
    from blurbench.report.show import show_log, texts_of
    from blurbench.study.blurred import save_blurred

    texts = texts_of(log, outputs.all_columns)
    try:
        show_log(console, log, everything)
    finally:
        write_exports(outputs.texts, texts)
        if SAVE in outputs.places:  # last: pictures fill disks, and can be made again
            save_blurred(log, question, Path(outputs.places[SAVE]))


def _refusal(baseline: Run, run: Run) -> Ruling | None:
    """Why a baseline cannot be held against, before anything is measured; None if it can."""
    from blurbench.analysis.comparable import not_comparable
    from blurbench.analysis.gate import not_comparable_by

    found = not_comparable(baseline, run)
    return not_comparable_by(found) if found else None


def tell(ruling: Ruling) -> int:
    """Say what the gate found; its exit code."""
    for reason in ruling.reasons:
        click.echo(reason, err=True)
    return ruling.code


def _tell_folder(folder: Path, outputs: Outputs) -> None:
    """Say where the samples are, and what makes a table of them unless there is one."""
    if "csv" not in outputs.places:
        line = shlex.join(["blurbench", "show", str(folder), "--csv", "rows.csv"])
        click.echo(f"To have the rows as a table: {line}", err=True)
    click.echo(f"Samples are in {folder}", err=True)


def _tell_interrupted(folder: Path | None) -> int:
    """Say what was kept, and how to go on."""
    if folder is None:
        click.echo("Interrupted: the table holds what was measured until then.", err=True)
    else:
        line = shlex.join(["blurbench", "sweep", "--resume", str(folder)])
        click.echo(f"Interrupted: every sample until then is kept. Go on with: {line}", err=True)
    return INTERRUPTED


def _exit_code(log: Log) -> int:
    """0; 1 where something is wrong; 3 where nothing could run."""
    from blurbench.analysis.outcome import is_wrong, why_nothing_ran

    rows = log.rows()
    if reason := why_nothing_ran(rows):
        click.echo(f"Error: {reason}", err=True)
        return 3
    return 1 if is_wrong(rows) else 0
