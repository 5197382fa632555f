"""`blurbench crossover`: at which kernel sizes does the faster implementation change?"""

from __future__ import annotations

from typing import Any

import click

from blurbench.cli.options import SHARED, SIGMA, build_options, sources_from, with_options
from blurbench.cli.runs import carry_out
from blurbench.cli.types import Range
from blurbench.cli.words import tell_borders
from blurbench.errors import InputError

EXAMPLES = """\b
Examples:
  blurbench crossover photo.png --backend scipy
  blurbench crossover --crop 512x512 --budget 60 --json -
  blurbench crossover --method fft,deriche --tolerance 1%
  blurbench crossover photo.png --with mine.py:blur
"""


@click.command(epilog=EXAMPLES)
@click.argument("images", nargs=-1, metavar="[IMAGE]")
@click.option(
    "--sizes",
    type=Range(),
    default="3:255",
    show_default=True,
    help="Smallest and largest kernel size to look at.",
)
@with_options([SIGMA], SHARED)
def crossover(
    images: tuple[str, ...], sizes: tuple[int, int], sigma: float | None, **given: Any
) -> int:
    """Find the kernel sizes where the faster of two methods changes.

    For each backend direct to separable, direct to FFT, separable to FFT; of all CPU backends the
    fastest separable blur to the fastest transform; with --tolerance FFT to the recursive filters
    and multirate if near enough, and the fastest transform to the fastest of either; with a GPU the
    fastest CPU implementation to the fastest on the GPU; and the fastest of all others on the CPU
    to your own. Takes 60 s unless --budget says otherwise.
    """
    from blurbench.study.crossover import check_pairs
    from blurbench.study.kernels import odd_kernels
    from blurbench.study.question import Question

    if len(images) > 1:
        raise InputError(f"crossover takes one image, not {' and '.join(images)}: name one")
    options = build_options(given)
    check_pairs(options)
    kernels = odd_kernels(sizes, sigma)
    question = Question.ask("crossover", sources_from(images, given), kernels, options)
    if not given["quiet"]:
        tell_borders(*given["borders"])
    return carry_out(question, given)
