"""What the measuring commands share: a run's folder, its processes, how it ends."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from itertools import chain, count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from blurbench.cli.options import exports_from, write_exports
from blurbench.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from blurbench.measure.judge import Rules
    from blurbench.records.journal import Journal, Log, Run
    from blurbench.records.summary import Row
    from blurbench.study.gate import Ruling
    from blurbench.study.question import Question
    from blurbench.study.session import Session


def gate_processes(given: dict[str, Any]) -> None:
    """A gate takes several processes, unless told otherwise."""
    from blurbench.study.gate import LEAST_PROCESSES

    source = click.get_current_context().get_parameter_source("processes")
    if given["baseline"] and source is click.core.ParameterSource.DEFAULT:
        given["processes"] = LEAST_PROCESSES


PARENT_PIPE = "BLURBENCH_PARENT_PIPE"  # set where standard input closes with the parent


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


def carry_out(
    question: Question,
    rules: Rules,
    given: dict[str, Any],
    measure: Callable[[Session, Log], bool],
    show: Callable[[Session, Log, bool], Mapping[str, Callable[[], str]]],
) -> int:
    """Begin a run, measure, show, write what was asked for; the exit code.

    Args:
        measure: measures in this process; whether it got to the end.
        show: shows what the log holds, and gives the texts to export.
    """
    from blurbench.records.journal import Journal, Log, load
    from blurbench.study.gate import rule
    from blurbench.study.session import Session

    exports = exports_from(given)
    session = Session(question.options)
    run = question.describe(session, ["blurbench", *sys.argv[1:]], rules)
    baseline = load(given["baseline"]) if given.get("baseline") else None
    if baseline is not None:
        refusal = _refuse(baseline.run, run)
        if refusal is not None:
            return tell(refusal)
    with ExitStack() as stack:
        out: Path | None = given["out"]
        folder = out
        if folder is None and question.options.processes > 1:
            folder = Path(stack.enter_context(TemporaryDirectory())) / "run"
        log = stack.enter_context(closing(Journal.create(folder, run) if folder else Log(run)))
        if isinstance(log, Journal) and question.options.processes > 1:
            done = _ends(partial(run_in_processes, log, question, given["quiet"]))
            log = stack.enter_context(closing(Journal.reopen(log.folder)))
        else:
            done = _ends(partial(measure, session, log))
        if isinstance(log, Journal):
            log.finish()
        try:
            texts = show(session, log, done)
            write_exports(exports, {**texts, "report": partial(page_of, log)})
        except KeyboardInterrupt:
            done = False
        if out:
            click.echo(f"Samples are in {out}", err=True)
    if not done:
        return _tell_interrupted(out)
    if baseline is not None:
        return tell(rule(baseline, log, given["margin"]))
    return _exit_code(log.rows())


def _ends(measure: Callable[[], bool]) -> bool:
    """Whether it was not interrupted, at whatever moment."""
    try:
        return measure()
    except KeyboardInterrupt:
        return False


def _end_with_parent() -> None:
    """End this process when the one that began it is gone: then its standard input closes."""

    def wait() -> None:
        while os.read(0, 1):  # not through sys.stdin, whose lock would be held at the exit
            pass
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def resume(folder: Path, process: int | None, quiet: bool) -> int:
    """Go on with a run that was ended; the exit code."""
    from blurbench.records.journal import Journal, load
    from blurbench.report.console import open_console
    from blurbench.report.show import show_log
    from blurbench.study.question import ask_again
    from blurbench.study.session import Session

    if PARENT_PIPE in os.environ:
        _end_with_parent()
    run = load(folder).run
    try:
        question = ask_again(run.about)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"run.json in {folder} cannot be understood: {error!r}") from None
    session = Session(replace(question.options, seed=run.about["seed"]))
    check_same_machine(run, question.describe(session, [], run.rules))
    console = open_console()
    with closing(Journal.reopen(folder)) as journal:
        if process is None and question.options.processes > 1:
            done = _ends(partial(run_in_processes, journal, question, quiet))
        else:
            done = _ends(
                partial(measure_points, question, session, journal, console, quiet, process)
            )
        if process is not None:
            return 0 if done else 130
        journal.finish()
    log = load(folder)
    show_log(console, log)
    click.echo(f"Samples are in {folder}", err=True)
    return _exit_code(log.rows()) if done else _tell_interrupted(folder)


def measure_points(
    question: Question,
    session: Session,
    log: Log,
    console: Console,
    quiet: bool,
    process: int | None = None,
) -> bool:
    """Whatever the run's command measures, from where its log ends; whether it got to the end.

    Args:
        process: one of several; by default the only one, which says what is asked.
    """
    from blurbench.report.heading import device_lines, run_lines
    from blurbench.report.progress import PointsListener
    from blurbench.study.crossover import crossover
    from blurbench.study.sweep import sweep

    with PointsListener(question.originals, console, session.options.cache, quiet) as listener:
        if process is None:
            listener.announce(*run_lines(log.run), *device_lines(session.names_of_devices))
        study = crossover if question.study == "crossover" else sweep
        return study(question, session, log, listener, process or 1)


def check_same_machine(run: Run, now: Run) -> None:
    """Raise InputError where a run was begun on another machine, or with other versions."""
    from blurbench.records.machine import STABLE, differences

    found = []
    if run.machine_id != now.machine_id:
        facts = ({name: one.about["machine"].get(name) for name in STABLE} for one in (run, now))
        found += differences(*facts)
    found += differences(run.about["versions"], now.about["versions"])
    names = ({one.name: "there" for one in each.declared} for each in (run, now))
    found += differences(*names)
    if found:
        raise InputError(
            f"the run was begun elsewhere: {'; '.join(found)}; go on there, or begin a new run"
        )


def _refuse(baseline: Run, run: Run) -> Ruling | None:
    """Why a baseline cannot be held against, before anything is measured; None if it can."""
    from blurbench.study.comparable import not_comparable
    from blurbench.study.gate import not_comparable_by

    found = not_comparable(baseline, run)
    return not_comparable_by(found) if found else None


def tell(ruling: Ruling) -> int:
    """Say what the gate found; its exit code."""
    for reason in ruling.reasons:
        click.echo(reason, err=True)
    return ruling.code


def run_in_processes(journal: Journal, question: Question, quiet: bool) -> bool:
    """Let each process that has not finished yet go on by itself; whether all did.

    Raises:
        Exit: a process ended with an error, which it told.
    """
    from blurbench.records.journal import load
    from blurbench.study.sweep import finished

    journal.close()
    for process in range(1, question.options.processes + 1):
        if question.study != "crossover" and finished(question, load(journal.folder), process):
            continue
        code = call_process([sys.executable], journal.folder, process, quiet=quiet)
        if code == 130:
            return False
        if code != 0:  # it said why
            raise click.exceptions.Exit(code)
    return True


def call_process(
    interpreter: Sequence[str], folder: Path, process: int, *, quiet: bool, **streams: Any
) -> int:
    """Let one process of a run measure its part, and end when this one does; its exit code."""
    command = [*interpreter, "-m", "blurbench", "sweep", "--resume", str(folder)]
    command += ["--process", str(process), *(["--quiet"] if quiet else [])]
    watched = {**os.environ, PARENT_PIPE: "stdin"}
    return subprocess.call(command, stdin=subprocess.PIPE, env=watched, **streams)


def _tell_interrupted(folder: Path | None) -> int:
    """Say what was kept, and how to go on."""
    if folder is None:
        click.echo("Interrupted: the table holds what was measured until then.", err=True)
    else:
        line = shlex.join(["blurbench", "sweep", "--resume", str(folder)])
        click.echo(f"Interrupted: every sample until then is kept. Go on with: {line}", err=True)
    return 130


def page_of(log: Log) -> str:
    from blurbench.report.page.build import build_page

    return build_page([log])


def _exit_code(rows: Sequence[Row]) -> int:
    """0; 1 where something is wrong; 3 where nothing could run."""
    if all(row.end_to_end_median_s is None for row in rows):
        reasons = dict.fromkeys(f"{row.backend}: {row.reason}" for row in rows)
        click.echo(f"Error: no implementation could run: {'; '.join(reasons)}", err=True)
        return 3
    return 1 if any(row.status in ("wrong", "implausible", "failed") for row in rows) else 0
