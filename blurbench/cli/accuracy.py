"""`blurbench accuracy`: how far from a Gaussian are the approximations?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from blurbench.cli.options import EXPORTS, with_options
from blurbench.cli.outputs import check_picture, exports_from, write_exports
from blurbench.cli.types import Names, Numbers
from blurbench.errors import InputError
from blurbench.names import APPROXIMATIONS

if TYPE_CHECKING:
    from blurbench.inspect.frontier import Frontier


@click.command()
@click.option(
    "--sigma",
    "sigmas",
    type=Numbers(),
    default="1,2,5,10,20",
    show_default=True,
    help="Standard deviations in pixels.",
)
@click.option(
    "--method",
    "methods",
    type=Names(),
    multiple=True,
    help=f"Only these, commas between: {', '.join(APPROXIMATIONS)}, fir.  [default: all of them]",
)
@click.option(
    "--plot", metavar="PATH", help="Measure, and draw error against time: .png, .svg or .pdf."
)
@with_options(EXPORTS)
def accuracy(
    sigmas: tuple[float, ...],
    methods: tuple[tuple[str, ...], ...],
    plot: str | None,
    **given: Any,
) -> int:
    """The error of each approximate method and order, whatever the image.

    `fir` is the plain sum over a kernel cut where its tail is below a tolerance, given as its
    order. Takes a few seconds; with --plot, which takes one sigma, up to a minute and a half more,
    to time whatever runs here: the exact blurs, and the named approximations or all.
    """
    from blurbench.backends.words import read_methods
    from blurbench.inspect.accuracy import METHODS, measure_accuracy
    from blurbench.report.accuracy import show_accuracy, texts_of
    from blurbench.report.console import open_console

    exports = exports_from(given)
    if plot is not None:
        check_picture(plot, "--plot")
        if len(sigmas) != 1:
            raise InputError(f"--plot draws one sigma, not {len(sigmas)}: give --sigma 20, say")
    named = list(read_methods(methods, METHODS))
    found = measure_accuracy(sigmas, named)
    show_accuracy(open_console(data_on_stdout="-" in exports.values()), found)
    # Before anything is timed; only the JSON is to hold the times, and standard output takes one.
    held_back = plot is not None and exports.get("json") == "-"
    write_exports({} if held_back else exports, texts_of(found))
    if plot is None:
        return 0
    frontier = _draw(sigmas[0], named, Path(plot))
    with_times = {name: path for name, path in exports.items() if name == "json"}
    write_exports(with_times, texts_of(found, frontier))
    if frontier.interrupted:
        kept = (
            f"{plot} holds what was measured until then" if frontier.spots else "nothing was timed"
        )
        click.echo(f"Interrupted: {kept}.", err=True)
        return 130
    return 0


def _draw(sigma: float, methods: Sequence[str], path: Path) -> Frontier:
    """Measure, and draw what has a time."""
    from blurbench.inspect.frontier import measure_frontier
    from blurbench.report.plots.figure import save
    from blurbench.report.plots.frontier import draw_frontier
    from blurbench.report.progress import step_by_step

    with step_by_step("timing") as progress:
        found = measure_frontier(sigma, progress, methods)
    if found.spots:
        save(draw_frontier(found), path)
    elif not found.interrupted:
        raise InputError("nothing could be timed: see blurbench backends")
    return found
