"""A run side by side with another environment: processes of both take turns, then are paired."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import TYPE_CHECKING, Any

import click

from blurbench.cli.options import exports_from
from blurbench.cli.outputs import show_and_write
from blurbench.cli.runs import call_process, tell
from blurbench.errors import InputError

if TYPE_CHECKING:
    from blurbench.measure.judge import Rules
    from blurbench.records.journal import Log, Run
    from blurbench.study.question import Question


def carry_out_side_by_side(
    question: Question,
    rules: Rules,
    given: dict[str, Any],
    show: Callable[[Log], None],
) -> int:
    """Measure here and with the other interpreter in turns, show what was found here, rule.

    Args:
        show: shows what the log holds.
    """
    from blurbench.analysis.comparable import apart, other_code
    from blurbench.analysis.gate import not_comparable_by, rule_against
    from blurbench.records.journal import Journal, check_run_folder, load
    from blurbench.study.session import Session

    if given["baseline"]:
        raise InputError("--baseline and --against are two gates: give one of them")
    exports, python = exports_from(given), given["against"]
    session = Session(question.options)
    question = _one_side(question, len(session.runnable))
    run = question.describe(session, ["blurbench", *sys.argv[1:]], rules)
    with TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        begun = Path(temporary) / "begun"
        _begin(python, run, begun)
        other = load(begun).run
        if obstacles := apart(other, run):
            return tell(not_comparable_by(obstacles))
        text = "; ".join(other_code(other, run)) or "nothing that is known"
        click.echo(f"{python} and {sys.executable} differ in: {text}", err=True)
        out: Path | None = given["out"]
        here, there = ((out or Path(temporary)) / name for name in ("here", "there"))
        check_run_folder(there)
        Journal.create(here, run).close()
        shutil.copytree(begun, there, dirs_exist_ok=True)
        try:
            _take_turns(question.options.processes, python, here, there, given["quiet"])
            for folder in (there, here):
                Journal.reopen(folder).finish()
            log = load(here)
            show_and_write(show, log, question, exports, given)
        except KeyboardInterrupt:
            kept = f"every sample until then is kept in {out}" if out else "nothing was kept."
            click.echo(f"Interrupted: {kept}", err=True)
            return 130
        if out:
            click.echo(f"Samples are in {here} and {there}", err=True)
        return tell(rule_against(load(there), log, given["margin"]))


def _one_side(question: Question, cells: int) -> Question:
    """What each side is asked: half of the budget, as many processes as a proof takes."""
    from blurbench.analysis.gate import pairs_for

    options = question.options
    source = click.get_current_context().get_parameter_source("processes")
    if source is click.core.ParameterSource.DEFAULT:
        options = replace(options, processes=pairs_for(cells * question.points))
    if options.budget is not None:
        options = replace(options, budget=options.budget / 2)
    return replace(question, options=options)


def _begin(python: str, run: Run, folder: Path) -> None:
    """Let the other interpreter describe the same run as its own, in a new folder.

    Raises:
        InputError: it is no Python, has no blurbench, or one that cannot ask the same.
    """
    from blurbench.files import DESCRIPTION
    from blurbench.records.export import to_json
    from blurbench.study import likewise

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
        return
    if "No module named 'blurbench'" in done.stderr:
        raise InputError(
            f"--against {python} has no blurbench: install the one to compare with there"
        )
    raise InputError(f"--against {python} cannot ask the same: {_last_line(done.stderr)}")


def _of(python: str) -> list[str]:
    """The other interpreter, which shall not import what lies in the working folder."""
    return [python, "-P"]


def _take_turns(pairs: int, python: str, here: Path, there: Path, quiet: bool) -> None:
    """Let processes of both sides follow each other: there, here, here, there, there, ...

    Raises:
        Exit: a process failed, as was told.
        KeyboardInterrupt: a process was interrupted.
    """
    sides = [(_of(python), there), ([sys.executable], here)]
    for pair in range(1, pairs + 1):
        if not quiet:
            click.echo(f"Pair {pair} of {pairs}", err=True)
        for interpreter, folder in sides if pair % 2 else reversed(sides):
            with TemporaryFile() as stream:
                code = call_process(interpreter, folder, pair, quiet=True, stderr=stream)
                stream.seek(0)
                said = stream.read().decode(errors="replace")
            if code == 130:
                raise KeyboardInterrupt
            if code != 0:
                text = f"process {pair} of {interpreter[0]} failed: {_last_line(said)}"
                click.echo(f"Error: {text}", err=True)
                raise click.exceptions.Exit(max(code, 1))


def _last_line(said: str) -> str:
    """What a process said at its end."""
    lines = said.strip().splitlines() or ["it did not say why"]
    return lines[-1].removeprefix("Error: ")
