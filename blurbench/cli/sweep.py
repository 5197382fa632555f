"""`blurbench sweep`: time every blur across kernel sizes, and image sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from blurbench.cli.axes import resume_each, sweep_each
from blurbench.cli.options import (
    ALLOW_EVEN,
    GATE,
    KEEP,
    SHARED,
    SIGMA,
    settings_from,
    sources_from,
    with_options,
)
from blurbench.cli.outputs import KINDS, outputs_from
from blurbench.cli.runs import (
    carry_out,
    gate_processes,
    is_given,
    measure_part,
    new_folder,
    resume,
)
from blurbench.cli.side_by_side import carry_out_side_by_side
from blurbench.cli.types import Extents, Folder, Number, Sizes
from blurbench.cli.words import tell_borders
from blurbench.errors import InputError

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
        return _go_on(resumed, process, given)
    from blurbench.study.axes import combinations_of
    from blurbench.study.kernels import kernels_of
    from blurbench.study.question import Question

    gate_processes(given)
    options = combinations_of(settings_from(given))
    kernels = kernels_of(sizes, sigma, allow_even)
    first, *others = options.values()
    sources = sources_from(images, given)
    question = Question.ask("sweep", sources, kernels, first, image_sizes or ())
    questions = {name: replace(question, options=one) for name, one in options.items()}
    for one in questions.values():
        one.check()
    if not given["quiet"]:
        tell_borders(*given["borders"])
    given["out"] = new_folder(given["out"])
    if others:
        return sweep_each(questions, given)
    if given["against"] is not None:
        return carry_out_side_by_side(question, given)
    return carry_out(question, given)


def _go_on(folder: Path, process: int | None, given: Mapping[str, Any]) -> int:
    """Go on with a run, or with each of a sweep's; a process of a run with its part alone."""
    from blurbench.study.axes import runs_in

    _check_alone()
    quiet = given["quiet"]
    if process is not None:
        return measure_part(folder, process, quiet=quiet)
    outputs = outputs_from(given)
    if runs_in(folder):
        return resume_each(folder, outputs, quiet=quiet)
    return resume(folder, outputs, quiet=quiet)


def _check_alone() -> None:
    """Raise InputError where `--resume` has another argument that is no output."""
    params = click.get_current_context().params
    others = [name for name in params if name not in BESIDE_RESUME and is_given(name)]
    if others:
        raise InputError(
            "--resume takes no other argument than --csv, --json, --markdown and --report: "
            "what the run asks stands in its folder; "
            f"leave out {', '.join(sorted(others))}"
        )
