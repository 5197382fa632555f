"""`blurbench sweep`: time every blur across kernel sizes, and image sizes."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from blurbench.cli.axes import combinations_of, resume_each, runs_in, sweep_each
from blurbench.cli.options import (
    ALLOW_EVEN,
    GATE,
    KEEP,
    SHARED,
    SIGMA,
    Extents,
    Folder,
    Number,
    Sizes,
    build_options,
    exports_from,
    sources_from,
    with_options,
)
from blurbench.cli.outputs import KINDS
from blurbench.cli.runs import carry_out, gate_processes, measure_points, new_folder, resume
from blurbench.cli.side_by_side import carry_out_side_by_side
from blurbench.cli.words import tell_borders
from blurbench.errors import InputError

if TYPE_CHECKING:
    from blurbench.records.journal import Log
    from blurbench.study.session import Session

BESIDE_RESUME = (
    *("resumed", "process", "quiet", "all_columns"),
    *(f"{kind}_path" for kind in KINDS),
)

EXAMPLES = """\b
Examples:
  blurbench sweep photo.png --sizes 3:101:2 --csv timings.csv
  blurbench sweep --sizes 3:255:x1.3 --image-sizes 512,1024,4096
  blurbench sweep photo.png --dtype uint8,float32 --threads 1,2
  blurbench sweep --resume results/20261123T101500Z
"""


@click.command(epilog=EXAMPLES)
@click.argument("images", nargs=-1, metavar="[IMAGE]...")
@click.option(
    "--sizes",
    type=Sizes(),
    default="3:101:x1.3",
    show_default=True,
    help="Kernel sizes: START:STOP:STEP, START:STOP:xFACTOR or a list.",
)
@with_options([SIGMA, ALLOW_EVEN])
@click.option(
    "--image-sizes",
    type=Extents(),
    metavar="N|WxH,...",
    help="Crop or tile the image to each of these.",
)
@with_options(SHARED, [KEEP], GATE)
@click.option(
    "--resume", "resumed", type=Folder(), metavar="DIR", help="Go on with a run that was ended."
)
@click.option("--process", type=Number(int, 1), hidden=True)
def sweep(
    images: tuple[str, ...],
    sizes: tuple[int, ...],
    sigma: float | None,
    allow_even: bool,
    image_sizes: tuple[tuple[int, int], ...] | None,
    resumed: Path | None,
    process: int | None,
    **given: Any,
) -> int:
    """Time every blur at every kernel size, and keep every sample.

    Without --budget each point, a kernel size on an image, takes about 5 s, or longer where the
    best need it: one and a half to three minutes for the 15 sizes of the default. The records go to
    a new folder below results/ unless --out names one; --resume writes what the first command asked
    for, and takes no other argument than further outputs. Of --border, --dtype and --threads it
    takes several, commas between: each combination is a run of its own, in a folder below that one.
    """
    if resumed is not None:
        _check_alone()
        if runs_in(resumed):
            return resume_each(resumed, given)
        return resume(resumed, process, given)
    from blurbench.kernel import GaussianKernel
    from blurbench.report.console import open_console
    from blurbench.report.show import show_log
    from blurbench.study.question import Question

    gate_processes(given)
    options = {name: build_options(one) for name, one in combinations_of(given).items()}
    kernels = tuple(GaussianKernel.from_size(size, sigma, allow_even=allow_even) for size in sizes)
    console = open_console(data_on_stdout="-" in exports_from(given).values())
    sources = sources_from(images, given)
    first, *others = options.values()
    originals = tuple(source.load(kernels, first) for source in sources)
    questions = {
        name: Question("sweep", sources, originals, kernels, one, image_sizes or ())
        for name, one in options.items()
    }
    for question in questions.values():
        question.check()
    if not given["quiet"]:
        tell_borders(*given["borders"])
    given["out"] = new_folder(given["out"])
    if others:
        return sweep_each(questions, given)
    (question,) = questions.values()

    def measure(session: Session, log: Log) -> bool:
        return measure_points(question, session, log, console, given["quiet"])

    show = partial(show_log, console)

    if given["against"] is not None:
        return carry_out_side_by_side(question, first.rules, given, show)
    return carry_out(question, first.rules, given, measure, show)


def _check_alone() -> None:
    """Raise InputError where `--resume` has another argument that is no output."""
    context = click.get_current_context()
    default = click.core.ParameterSource.DEFAULT
    others = [
        name
        for name in context.params
        if name not in BESIDE_RESUME and context.get_parameter_source(name) is not default
    ]
    if others:
        raise InputError(
            "--resume takes no other argument than --csv, --json, --markdown and --report: "
            "what the run asks stands in its folder; "
            f"leave out {', '.join(sorted(others))}"
        )
