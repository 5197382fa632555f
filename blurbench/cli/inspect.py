"""`blurbench inspect`: what one kernel does, costs, and is called elsewhere."""

from __future__ import annotations

from pathlib import Path

import click

from blurbench.cli.options import KERNEL, OLD_SHAPE, with_options
from blurbench.cli.outputs import check_picture, write_exports
from blurbench.cli.types import ImageSize
from blurbench.cli.words import BORDERS_HELP, tell_borders

EXAMPLES = """\b
Examples:
  blurbench inspect --sigma 2.5
  blurbench inspect --size 15 --border mirror --plot kernel.png
  blurbench inspect --size 14 --allow-even
  blurbench inspect --sigma 5 --image-size 1920x1080
"""


@click.command(epilog=EXAMPLES)
@with_options(KERNEL)
@click.option("--border", default="reflect", show_default=True, help=BORDERS_HELP)
@click.option(
    "--image-size",
    "shape",
    type=ImageSize(),
    metavar="WxH",
    help="Time plans for an image of this width and height, some seconds.",
)
@OLD_SHAPE
@click.option("--plot", metavar="PATH", help="Draw it: .png, .svg or .pdf. Needs Matplotlib.")
@click.option("--json", "json_path", metavar="PATH|-", help="Write the answer as JSON.")
def inspect(
    size: int | None,
    sigma: float | None,
    allow_even: bool,
    border: str,
    shape: tuple[int, int] | None,
    plot: str | None,
    json_path: str | None,
) -> int:
    """Say everything about one kernel.

    Its taps, how near they come to the Gaussian, which pixels count more under each border, the
    calls of other libraries that do the same, and what it costs. Takes a second or two.
    """
    from blurbench.backends.words import read_border
    from blurbench.files import check_output
    from blurbench.inspect.inspection import inspect as run
    from blurbench.kernel import make_kernel
    from blurbench.records.export import to_json
    from blurbench.report.console import open_console
    from blurbench.report.inspect import show_inspection
    from blurbench.report.progress import step_by_step

    kernel = make_kernel(sigma, size, allow_even=allow_even)
    word, border = border, read_border(border)
    if json_path is not None:
        check_output(json_path, "--json", "json")
    if plot is not None:
        check_picture(plot, "--plot")
    console = open_console(data_on_stdout=json_path == "-")
    with step_by_step("timing") as progress:
        found = run(kernel, border, shape, progress)
    show_inspection(console, found, has_shape=shape is not None)
    tell_borders(word)
    if kernel.note and not kernel.even:
        click.echo(f"Note: {kernel.note}.", err=True)
    if json_path is not None:
        write_exports({"json": json_path}, {"json": lambda: to_json(found.document())})
    if plot is not None:
        from blurbench.report.plots.figure import save
        from blurbench.report.plots.inspect import draw_inspection

        save(draw_inspection(found), Path(plot))
    return 0
