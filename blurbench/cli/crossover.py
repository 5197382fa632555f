"""`blurbench crossover`: at which kernel sizes does the faster implementation change?"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from blurbench.cli.options import (
    SHARED,
    SIGMA,
    Range,
    build_options,
    exports_from,
    source_from,
    with_options,
)
from blurbench.cli.runs import carry_out, measure_points
from blurbench.cli.words import tell_borders

if TYPE_CHECKING:
    from blurbench.records.journal import Log
    from blurbench.study.session import Session

EXAMPLES = """\b
Examples:
  blurbench crossover photo.png --backend scipy
  blurbench crossover --crop 512x512 --budget 60 --json -
  blurbench crossover --method fft,deriche --tolerance 1%
  blurbench crossover photo.png --with mine.py:blur
"""


@click.command(epilog=EXAMPLES)
@click.argument("image", required=False)
@click.option(
    "--sizes",
    type=Range(),
    default="3:255",
    show_default=True,
    help="Smallest and largest kernel size to look at.",
)
@with_options([SIGMA], SHARED)
def crossover(image: str | None, sizes: tuple[int, int], sigma: float | None, **given: Any) -> int:
    """Find the kernel sizes where the faster of two methods changes.

    For each backend direct to separable, direct to FFT, separable to FFT; of all CPU backends the
    fastest separable blur to the fastest transform; with --tolerance FFT to the recursive filters
    and multirate if near enough, and the fastest transform to the fastest of either; with a GPU the
    fastest CPU implementation to the fastest on the GPU; and the fastest of all others on the CPU
    to your own. Takes 60 s unless --budget says otherwise.
    """
    from blurbench.kernel import GaussianKernel
    from blurbench.records.journal import check_run_folder
    from blurbench.report.console import open_console
    from blurbench.report.show import show_log
    from blurbench.study.crossover import check_pairs, crossover_rules
    from blurbench.study.question import Question

    options = build_options(given)
    check_pairs(options)
    kernels = tuple(
        GaussianKernel.from_size(size, sigma) for size in range(sizes[0], sizes[1] + 1, 2)
    )
    console = open_console(data_on_stdout="-" in exports_from(given).values())
    source = source_from(image, given)
    loaded = source.load(kernels, options)
    question = Question("crossover", (source,), (loaded,), kernels, options)
    question.check()
    if not given["quiet"]:
        tell_borders(*given["borders"])
    if given["out"]:
        check_run_folder(given["out"])

    def measure(session: Session, log: Log) -> bool:
        return measure_points(question, session, log, console, given["quiet"])

    show = partial(show_log, console)

    return carry_out(question, crossover_rules(options.rules), given, measure, show)
