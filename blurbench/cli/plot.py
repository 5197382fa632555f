"""`blurbench plot`: a picture of runs that were kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from blurbench.cli.outputs import check_picture
from blurbench.cli.types import Folder, Names
from blurbench.errors import InputError

if TYPE_CHECKING:
    from blurbench.records.journal import Log

MOST_RUNS = 8


@click.command()
@click.argument("folders", metavar="DIR...", nargs=-1, required=True, type=Folder())
@click.option(
    "--output", "-o", metavar="PATH", required=True, help="The picture: .png, .svg or .pdf."
)
@click.option("--backend", "backends", type=Names(), multiple=True, help="Only these backends.")
@click.option("--method", "methods", type=Names(), multiple=True, help="Only these methods.")
@click.option("--all", "everything", is_flag=True, help="Draw all that was measured, too.")
def plot(
    folders: tuple[Path, ...],
    output: str,
    backends: tuple[tuple[str, ...], ...],
    methods: tuple[tuple[str, ...], ...],
    everything: bool,
) -> int:
    """Draw one run, or several side by side.

    The best direct, separable, FFT and GPU blur over kernel size, from where on FFT pays, and for
    several images who wins where. With --all also the times of all implementations, the crossovers
    as brackets, the ratio of separable to FFT, and the shares of the copy bandwidth and of the
    multiply-add rate. A run of one kernel size becomes a dot and an interval for each
    implementation. With --backend or --method the best are the best of these. Needs Matplotlib.
    """
    from blurbench.records.journal import load

    check_picture(output, "-o")
    if len(folders) > MOST_RUNS:
        raise InputError(f"{len(folders)} runs are too many for one picture: name {MOST_RUNS}")
    from blurbench.report.plots.data import has_times
    from blurbench.report.plots.figure import draw, save

    wanted = {
        "backend": [name for names in backends for name in names],
        "method": [name for names in methods for name in names],
    }
    logs = [load(folder) for folder in folders]
    for what, names in wanted.items():
        _check_known(logs, what, names)
    selection = "; ".join(f"{what} {', '.join(names)}" for what, names in wanted.items() if names)
    if selection:
        logs = [_only(log, wanted["backend"], wanted["method"]) for log in logs]
    for folder, log in zip(folders, logs, strict=True):
        if not has_times(log):
            of = f" of {selection}" if selection else " yet"
            raise InputError(f"folder {folder} holds no times{of}: there is nothing to draw")
    save(draw(logs, everything, selection), Path(output))
    return 0


def _check_known(logs: Sequence[Log], what: str, names: Sequence[str]) -> None:
    """Raise InputError unless each of the backends or methods is in one of the runs."""
    known = dict.fromkeys(getattr(one, what) for log in logs for one in log.run.declared)
    for name in names:
        if name not in known:
            raise InputError(f"{what} {name!r} is not in these runs: use one of {', '.join(known)}")


def _only(log: Log, backends: Sequence[str], methods: Sequence[str]) -> Log:
    """A run as if it were about these alone; no names mean all."""
    return log.only(
        [
            one.name
            for one in log.run.declared
            if (not backends or one.backend in backends) and (not methods or one.method in methods)
        ]
    )
