"""`blurbench show`: the tables of runs that were kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from blurbench.cli.options import ALL, ALL_COLUMNS, EXPORTS, with_options
from blurbench.cli.outputs import exports_from, write_exports
from blurbench.cli.types import Folder
from blurbench.errors import InputError


@click.command()
@click.argument("folders", metavar="DIR...", nargs=-1, required=True, type=Folder())
@click.option(
    "--against",
    type=click.Choice(["peers"]),
    help="The best exact library over our best exact blur, cell by cell, of all the runs.",
)
@with_options([ALL], EXPORTS, [ALL_COLUMNS])
def show(
    folders: tuple[Path, ...],
    against: str | None,
    everything: bool,
    all_columns: bool,
    **given: Any,
) -> int:
    """Show one run as the command that made it did, or several side by side.

    Everything is computed anew from the samples in the folder: --csv --all-columns writes the very
    summary that the run wrote.
    """
    from blurbench.analysis.against import find_matches
    from blurbench.records.journal import load
    from blurbench.report import against as versus
    from blurbench.report.console import open_console, say
    from blurbench.report.heading import machine_line
    from blurbench.report.show import lines_above, show_log, show_runs, texts_of

    exports = exports_from(given)
    logs = [load(folder) for folder in folders]
    if len(logs) > 1 and exports and not against:
        raise InputError(f"--{next(iter(exports))} takes one run: name one folder")
    console = open_console(data_on_stdout="-" in exports.values())
    if against:
        matches = find_matches(logs)
        for line in dict.fromkeys(machine_line(log.run) for log in logs):
            say(console, line)
        console.print()
        cells = sum(len(log.points) for log in logs)
        versus.show_matches(console, matches, cells)
        write_exports(exports, versus.texts_of(matches, cells))
        return 0
    if len(logs) > 1:
        show_runs(console, logs)
        return 0
    (log,) = logs
    try:
        for line in lines_above(log):
            say(console, line)
        console.print()
        show_log(console, log, everything)
    finally:  # also where nobody reads the table
        write_exports(exports, texts_of(log, all_columns))
    return 0
