"""`blurbench plot`: a picture of runs that were kept."""

from __future__ import annotations

from pathlib import Path

import click

from blurbench.cli.options import Folder, check_picture
from blurbench.errors import InputError

MOST_RUNS = 8


@click.command()
@click.argument("folders", metavar="DIR...", nargs=-1, required=True, type=Folder())
@click.option(
    "--output", "-o", metavar="PATH", required=True, help="The picture: .png, .svg or .pdf."
)
@click.option("--all", "everything", is_flag=True, help="Draw all that was measured, too.")
def plot(folders: tuple[Path, ...], output: str, everything: bool) -> int:
    """Draw one run, or several side by side.

    The best direct, separable, FFT and GPU blur over kernel size, from where on FFT pays, and for
    several images who wins where. With --all also the times of all implementations, the crossovers
    as brackets, the ratio of separable to FFT, and the shares of the copy bandwidth and of the
    multiply-add rate. A run of one kernel size becomes a dot and an interval for each
    implementation. Needs Matplotlib.
    """
    from blurbench.records.journal import load

    check_picture(output, "-o")
    if len(folders) > MOST_RUNS:
        raise InputError(f"{len(folders)} runs are too many for one picture: name {MOST_RUNS}")
    from blurbench.report.plot import draw, save
    from blurbench.report.plot_data import has_times

    logs = [load(folder) for folder in folders]
    for folder, log in zip(folders, logs, strict=True):
        if not has_times(log):
            raise InputError(f"folder {folder} holds no times yet: there is nothing to draw")
    save(draw(logs, everything), Path(output))
    return 0
