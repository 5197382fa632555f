"""A run from its beginning to its end: measured here or in processes, and gone on with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from blurbench import host
from blurbench.errors import InputError
from blurbench.measure.risks import find_risks
from blurbench.records.journal import Journal, Log, Run, load
from blurbench.records.machine import STABLE, differences
from blurbench.study.listener import Listener
from blurbench.study.processes import end_with_parent, measure_in_processes, obey_parent
from blurbench.study.question import Question, ask_again
from blurbench.study.session import Session
from blurbench.study.source import keep_arrays
from blurbench.study.studies import STUDIES


@dataclass(frozen=True)
class RunEnd:
    """A run that is over.

    Attributes:
        log: its records.
        interrupted: from the keyboard; what was measured until then is in the log.
    """

    log: Log
    interrupted: bool


def describe(
    question: Question,
    session: Session,
    command: Sequence[str] = (),
    more: Mapping[str, Any] | None = None,
) -> Run:
    """The run that asks a question here and now, judged by the rules of its study.

    Args:
        more: what else its description keeps.
    """
    rules = STUDIES[question.study].rules(question.options)
    run = question.describe(session, command, rules)
    return replace(run, about={**run.about, **(more or {})})


def carry_out(
    question: Question,
    session: Session,
    run: Run,
    listener: Listener,
    folder: Path | None = None,
    quiet: bool = True,
) -> RunEnd:
    """Begin a run and measure what it asks, here or in processes of its own.

    Args:
        folder: keeps every sample; without one they are kept in memory.
        quiet: whether further processes show nothing.

    Raises:
        InputError: the folder cannot be written, or holds a run already.
        ProcessFailedError: a process ended with an error.
    """
    listener.begins(run)
    with ExitStack() as stack:
        if folder is None and _is_apart(question, session):
            folder = Path(stack.enter_context(TemporaryDirectory())) / "run"
        if folder is None:
            log = Log(run)
            return RunEnd(log, not _ends(partial(measure_here, question, session, log, listener)))
        journal = stack.enter_context(closing(Journal.create(folder, run)))
        keep_arrays(question.sources, folder)
        return _go_on(question, session, journal, listener, quiet)


def resume(
    folder: Path, open_listener: Callable[[Question], Listener], quiet: bool = True
) -> tuple[Question, RunEnd]:
    """Go on with a run that was ended, on the same machine; what it asks, and how it ends.

    Raises:
        InputError: there is no run, or it was begun elsewhere.
        ProcessFailedError: a process ended with an error.
    """
    question, session, run = _found_again(folder)
    listener = open_listener(question)
    listener.asked()
    listener.begins(run)
    with closing(Journal.reopen(folder)) as journal:
        return question, _go_on(question, session, journal, listener, quiet)


def measure_part(folder: Path, process: int, open_listener: Callable[[Question], Listener]) -> bool:
    """As one of several processes of a run, measure its part; whether it got to the end.

    Raises:
        InputError: there is no run, or it was begun elsewhere.
    """
    end_with_parent()
    question, session, _ = _found_again(folder)
    obey_parent(session)
    with closing(Journal.reopen(folder)) as journal:
        listener = open_listener(question)
        return _ends(partial(measure_here, question, session, journal, listener, process))


def _found_again(folder: Path) -> tuple[Question, Session, Run]:
    """What a run in a folder asks, with what can run here."""
    run = load(folder).run
    try:
        question = ask_again(run.about, folder)
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"run.json in {folder} cannot be understood: {error!r}") from None
    session = Session(replace(question.options, seed=run.about["seed"]))
    check_same_machine(run, question.describe(session, [], run.rules))
    return question, session, run


def _is_apart(question: Question, session: Session) -> bool:
    """Whether a run is measured in processes of its own."""
    return question.options.processes > 1 or session.may_be_ended


def _go_on(
    question: Question, session: Session, journal: Journal, listener: Listener, quiet: bool
) -> RunEnd:
    """Measure what is not measured yet, and write the summary."""
    folder = journal.folder
    if _is_apart(question, session):
        journal.close()
        numbers = _unfinished(question, folder, listener)
        whole = _ends(partial(measure_in_processes, folder, numbers, quiet))
        listener.ends()
        journal = Journal.reopen(folder)
    else:
        whole = _ends(partial(measure_here, question, session, journal, listener))
    journal.finish()
    return RunEnd(load(folder), not whole)


def _unfinished(question: Question, folder: Path, listener: Listener) -> Iterator[int]:
    """The processes that have something left to measure when their turn comes."""
    study = STUDIES[question.study]
    processes = question.options.processes
    for process in range(1, processes + 1):
        if not study.finished(question, load(folder), process):
            listener.part(process, processes)
            yield process


def measure_here(
    question: Question, session: Session, log: Log, listener: Listener, process: int = 1
) -> bool:
    """Measure in this process, from where the log ends; whether it got to the end."""
    throttled = host.throttled_periods()
    session.watch.begin()
    with listener:
        whole = STUDIES[question.study].measure(question, session, log, listener, process)
    meanwhile = session.watch.others()
    log.add_risks(find_risks(host.usable_cpus(), throttled=throttled, meanwhile=meanwhile))
    return whole


def _ends(measure: Callable[[], bool]) -> bool:
    """Whether it was not interrupted, at whatever moment."""
    try:
        return measure()
    except KeyboardInterrupt:
        return False


def check_same_machine(run: Run, now: Run) -> None:
    """Raise InputError where a run was begun on another machine, or with other versions."""
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
