"""A run side by side with another environment: processes of both take turns, then are paired."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from blurbench.analysis.gate import pairs_for
from blurbench.errors import InputError
from blurbench.files import DESCRIPTION
from blurbench.records.export import to_json
from blurbench.records.journal import Journal, Run, check_run_folder, load
from blurbench.study import likewise
from blurbench.study.processes import call_process, last_line
from blurbench.study.question import Question
from blurbench.study.session import Session


def one_side(question: Question, session: Session, processes: int | None) -> Question:
    """What each side is asked: half of the budget, as many processes as a proof takes.

    Args:
        processes: how many, where that was asked for.
    """
    options = question.options
    cells = len(session.runnable) * question.points
    options = replace(options, processes=processes or pairs_for(cells))
    if options.budget is not None:
        options = replace(options, budget=options.budget / 2)
    return replace(question, options=options)


def begin_there(python: str, run: Run, folder: Path) -> Run:
    """Let the other interpreter describe the same run as its own, in a new folder.

    Raises:
        InputError: it is no Python, has no blurbench, or one that cannot ask the same.
    """
    text = Path(likewise.__file__).read_text("utf-8")
    command = [*_of(python), "-c", text, str(folder)]
    asked = to_json(run.document())
    try:
        done = subprocess.run(
            command, input=asked, capture_output=True, encoding="utf-8", errors="replace"
        )
    except OSError as error:
        raise InputError(
            f"--against {python} cannot be run: {error.strerror}; name the Python of another "
            "environment, as in other/.venv/bin/python"
        ) from None
    if done.returncode == 0 and (folder / DESCRIPTION).is_file():
        return load(folder).run
    if "No module named 'blurbench'" in done.stderr:
        raise InputError(
            f"--against {python} has no blurbench: install the one to compare with there"
        )
    raise InputError(f"--against {python} cannot ask the same: {last_line(done.stderr)}")


def take_turns(
    question: Question,
    python: str,
    run: Run,
    begun: Path,
    folder: Path,
    progress: Callable[[int, int], None] = lambda pair, pairs: None,
) -> tuple[Path, Path]:
    """Measure here and with the other interpreter in turns; the folders of both runs.

    Processes of both sides follow each other: there, here, here, there, there, ...

    Args:
        begun: the folder of the other side's run, to which nothing is added.
        folder: will hold both.
        progress: is told before each pair which it is, and of how many.

    Raises:
        InputError: the folder cannot be written, or holds such runs already.
        ProcessFailedError: a process failed.
        KeyboardInterrupt: a process was interrupted.
    """
    here, there = (folder / name for name in ("here", "there"))
    check_run_folder(there)
    Journal.create(here, run).close()
    shutil.copytree(begun, there, dirs_exist_ok=True)
    sides = [(_of(python), there), ([sys.executable], here)]
    pairs = question.options.processes
    for pair in range(1, pairs + 1):
        progress(pair, pairs)
        for interpreter, side in sides if pair % 2 else reversed(sides):
            call_process(interpreter, side, pair, quiet=True)
    for side in (there, here):
        Journal.reopen(side).finish()
    return here, there


def _of(python: str) -> list[str]:
    """The other interpreter, which shall not import what lies in the working folder."""
    return [python, "-P"]
