"""`blurbench report`: runs as one HTML file that needs no network."""

from __future__ import annotations

from pathlib import Path

import click

from blurbench.cli.outputs import check_page
from blurbench.cli.types import Folder
from blurbench.errors import InputError

MOST_RUNS = 8


@click.command()
@click.argument("folders", metavar="DIR...", nargs=-1, required=True, type=Folder())
@click.option("--output", "-o", metavar="PATH", required=True, help="The page: .html.")
def report(folders: tuple[Path, ...], output: str) -> int:
    """Make one HTML file of a run, or of several side by side.

    The answer, charts with the tables behind them, and how it was measured; it loads nothing from
    anywhere and can be mailed. Needs Altair.
    """
    from blurbench.files import write_text
    from blurbench.records.journal import load

    check_page(output, "-o")
    if len(folders) > MOST_RUNS:
        raise InputError(f"{len(folders)} runs are too many for one page: name {MOST_RUNS}")
    logs = [load(folder) for folder in folders]
    from blurbench.report.page.build import build_page
    from blurbench.report.plots.data import has_times

    for folder, log in zip(folders, logs, strict=True):
        if not has_times(log):
            raise InputError(f"folder {folder} holds no times yet: there is nothing to show")
    try:
        write_text(output, build_page(logs))
    except OSError as error:
        raise InputError(f"-o {output} cannot be written: {error.strerror}") from None
    return 0
