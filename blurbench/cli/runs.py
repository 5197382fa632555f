"""What the measuring commands share: a run's folder, its processes, how it ends."""

from __future__ import annotations

import os
import shlex
import signal
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

from blurbench.cli.options import exports_from
from blurbench.cli.outputs import described, show_and_write, with_described
from blurbench.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from blurbench.analysis.gate import Ruling
    from blurbench.measure.judge import Rules
    from blurbench.records.journal import Journal, Log, Run
    from blurbench.records.summary import Row
    from blurbench.study.question import Question
    from blurbench.study.session import Session


def gate_processes(given: dict[str, Any]) -> None:
    """A gate takes several processes, unless told otherwise."""
    from blurbench.analysis.gate import LEAST_PROCESSES

    source = click.get_current_context().get_parameter_source("processes")
    if given["baseline"] and source is click.core.ParameterSource.DEFAULT:
        given["processes"] = LEAST_PROCESSES


# Statuses of rows after which a run ends with 1.
WRONG = ("wrong", "implausible", "failed", "timed_out", "device_lost")

PARENT_PIPE = "BLURBENCH_PARENT_PIPE"  # set where standard input closes with the parent
LOST = "BLURBENCH_LOST"  # set where the devices are out, to the reason
# Exit codes of processes that crash; those of Windows are larger than any other.
CRASHES = {
    -one: one.name
    for one in signal.Signals
    if one.name in ("SIGABRT", "SIGBUS", "SIGILL", "SIGSEGV")
}
LARGEST_CODE = 255


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
    show: Callable[[Log], None],
) -> int:
    """Begin a run, measure, show, write what was asked for; the exit code.

    Args:
        measure: measures in this process; whether it got to the end.
        show: shows what the log holds.
    """
    from blurbench.analysis.gate import rule
    from blurbench.records.journal import Journal, Log, load
    from blurbench.study.session import Session

    exports = exports_from(given)
    session = Session(question.options)
    run = question.describe(session, ["blurbench", *sys.argv[1:]], rules)
    run = replace(run, about={**run.about, **described(exports, given)})
    baseline = load(given["baseline"]) if given.get("baseline") else None
    if baseline is not None:
        refusal = _refuse(baseline.run, run)
        if refusal is not None:
            return tell(refusal)
    apart = question.options.processes > 1 or session.may_be_ended
    with ExitStack() as stack:
        out: Path | None = given["out"]
        folder = out
        if folder is None and apart:
            folder = Path(stack.enter_context(TemporaryDirectory())) / "run"
        log = stack.enter_context(closing(Journal.create(folder, run) if folder else Log(run)))
        if isinstance(log, Journal) and apart:
            done = _ends(partial(run_in_processes, log, question, given["quiet"]))
            log = stack.enter_context(closing(Journal.reopen(log.folder)))
        else:
            done = _ends(partial(measure, session, log))
        if isinstance(log, Journal):
            log.finish()
        try:
            show_and_write(show, log, question, exports, given)
        except KeyboardInterrupt:
            done = False
        if out:
            _tell_folder(out, exports)
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


def resume(
    folder: Path, process: int | None, given: Mapping[str, Any], console: Console | None = None
) -> int:
    """Go on with a run that was ended, and write what its command asked for; the exit code.

    Args:
        process: one of several; it measures, and shows and writes nothing.
        given: further outputs.
        console: for the tables; by default what the outputs leave.
    """
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
    except InputError:  # an image has changed, say
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"run.json in {folder} cannot be understood: {error!r}") from None
    wanted = with_described(run.about, given)
    exports = exports_from(wanted) if process is None else {}
    session = Session(replace(question.options, seed=run.about["seed"]))
    if LOST in os.environ:
        session.devices.close_all(os.environ[LOST])
    check_same_machine(run, question.describe(session, [], run.rules))
    console = console or open_console(data_on_stdout="-" in exports.values())
    quiet = given["quiet"]
    with closing(Journal.reopen(folder)) as journal:
        if process is None and (question.options.processes > 1 or session.may_be_ended):
            done = _ends(partial(run_in_processes, journal, question, quiet))
        else:
            done = _ends(
                partial(measure_points, question, session, journal, console, quiet, process)
            )
        if process is not None:
            return 0 if done else 130
        journal.finish()
    log = load(folder)
    show_and_write(partial(show_log, console), log, question, exports, wanted)
    _tell_folder(folder, exports)
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
    from blurbench.report.heading import cut_note, device_lines, run_lines
    from blurbench.report.progress import PointsListener
    from blurbench.study.crossover import crossover
    from blurbench.study.sweep import sweep

    with PointsListener(question.originals, console, session.options.cache, quiet) as listener:
        if process is None:
            lines = [*run_lines(log.run), *device_lines(session.names_of_devices)]
            listener.announce(lines, cut_note(question.kernels))
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
    from blurbench.analysis.comparable import not_comparable
    from blurbench.analysis.gate import not_comparable_by

    found = not_comparable(baseline, run)
    return not_comparable_by(found) if found else None


def tell(ruling: Ruling) -> int:
    """Say what the gate found; its exit code."""
    for reason in ruling.reasons:
        click.echo(reason, err=True)
    return ruling.code


def run_in_processes(journal: Journal, question: Question, quiet: bool) -> bool:
    """Let each process that has not finished yet go on by itself; whether all did.

    Where one crashed, as a driver may do that loses its device, it goes on without devices.

    Raises:
        Exit: a process ended with an error, which it told.
    """
    from blurbench.records.journal import load
    from blurbench.study.sweep import finished

    journal.close()
    for process in range(1, question.options.processes + 1):
        if question.study != "crossover" and finished(question, load(journal.folder), process):
            continue
        call = partial(call_process, [sys.executable], journal.folder, process, quiet=quiet)
        code = call()
        if crash := _crash_of(code):
            code = call(lost=f"the device was lost as its library ended the process ({crash})")
        if code == 130:
            return False
        if code != 0:  # it said why
            raise click.exceptions.Exit(code)
    return True


def _crash_of(code: int) -> str | None:
    """How a process with this exit code crashed; None where it ended by itself or was told to."""
    return f"code {code:#x}" if code > LARGEST_CODE else CRASHES.get(code)


def call_process(
    interpreter: Sequence[str],
    folder: Path,
    process: int,
    *,
    quiet: bool,
    lost: str | None = None,
    **streams: Any,
) -> int:
    """Let one process of a run measure its part, and end when this one does; its exit code.

    Args:
        lost: why the devices are out, if they are.
    """
    command = [*interpreter, "-m", "blurbench", "sweep", "--resume", str(folder)]
    command += ["--process", str(process), *(["--quiet"] if quiet else [])]
    told = {**os.environ, PARENT_PIPE: "stdin", **({LOST: lost} if lost else {})}
    return subprocess.call(command, stdin=subprocess.PIPE, env=told, **streams)


def _tell_folder(folder: Path, exports: Mapping[str, str]) -> None:
    """Say where the samples are, and what makes a table of them unless there is one."""
    if "csv" not in exports:
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
    return 130


def _why_nothing_ran(rows: Sequence[Row]) -> str:
    """A reason for each backend; the budget alone, where that is one."""
    if any(row.status == "over_budget" for row in rows):
        return "nothing fits the budget: give more with --budget, or name fewer backends"
    reasons: dict[str, str | None] = {}
    for row in rows:
        reasons.setdefault(row.backend, row.reason)
    told = "; ".join(f"{backend}: {reason}" for backend, reason in reasons.items())
    return f"no implementation could run: {told}"


def _exit_code(rows: Sequence[Row]) -> int:
    """0; 1 where something is wrong; 3 where nothing could run."""
    if all(row.end_to_end_median_s is None for row in rows):
        click.echo(f"Error: {_why_nothing_ran(rows)}", err=True)
        return 3
    return 1 if any(row.status in WRONG for row in rows) else 0
