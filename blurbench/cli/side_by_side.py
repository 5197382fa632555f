"""`--against`: a run side by side with another environment, and the gate's word on it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from blurbench.cli.outputs import outputs_from
from blurbench.cli.runs import (
    INTERRUPTED,
    command_line,
    console_for,
    is_given,
    listener_for,
    show_and_write,
    tell,
)
from blurbench.errors import InputError

if TYPE_CHECKING:
    from blurbench.study.question import Question


def carry_out_side_by_side(question: Question, given: Mapping[str, Any]) -> int:
    """Measure here and with the other interpreter in turns, show what was found here, rule."""
    from blurbench.analysis.comparable import apart, other_code
    from blurbench.analysis.gate import not_comparable_by, rule_against
    from blurbench.records.journal import load
    from blurbench.study.run import describe
    from blurbench.study.session import Session
    from blurbench.study.side_by_side import begin_there, one_side, take_turns

    if given["baseline"]:
        raise InputError("--baseline and --against are two gates: give one of them")
    outputs, python, out = outputs_from(given), given["against"], given["out"]
    console = console_for(outputs)
    listener = listener_for(question, console, given["quiet"])
    listener.asked()
    session = Session(question.options)
    processes = given["processes"] if is_given("processes") else None
    question = one_side(question, session, processes)
    run = describe(question, session, command_line())
    with TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        begun = Path(temporary) / "begun"
        other = begin_there(python, run, begun)
        if obstacles := apart(other, run):
            return tell(not_comparable_by(obstacles))
        text = "; ".join(other_code(other, run)) or "nothing that is known"
        click.echo(f"{python} and {sys.executable} differ in: {text}", err=True)

        def progress(pair: int, pairs: int) -> None:
            if not given["quiet"]:
                click.echo(f"Pair {pair} of {pairs}", err=True)

        listener.begins(run)
        try:
            folder = out or Path(temporary)
            here, there = take_turns(question, python, run, begun, folder, progress)
            log = load(here)
            show_and_write(console, log, question, outputs, given.get("everything", False))
        except KeyboardInterrupt:
            kept = f"every sample until then is kept in {out}" if out else "nothing was kept."
            click.echo(f"Interrupted: {kept}", err=True)
            return INTERRUPTED
        if out:
            click.echo(f"Samples are in {here} and {there}", err=True)
        return tell(rule_against(load(there), log, given["margin"]))
