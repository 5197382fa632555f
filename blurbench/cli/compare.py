"""`blurbench compare`: which blur is the fastest on this image at this kernel size."""

from __future__ import annotations

from typing import Any

import click

from blurbench.cli.options import (
    ALL,
    GATE,
    KEEP,
    KERNEL,
    SHARED,
    build_options,
    sources_from,
    with_options,
)
from blurbench.cli.runs import carry_out, gate_processes
from blurbench.cli.side_by_side import carry_out_side_by_side
from blurbench.cli.types import Folder
from blurbench.cli.words import tell_borders

EXAMPLES = """\b
Examples:
  blurbench compare photo.png --size 31
  blurbench compare --sigma 5 --method separable,fft --border mirror
  blurbench compare photo.png --json - | jq .control
  blurbench compare thumbnail.png photo.png poster.png --size 31
  blurbench compare photo.png --with mine.py:blur
  blurbench compare --processes 5 --out before    later: --baseline before
  blurbench compare photo.png --against ../main/.venv/bin/python
"""


@click.command(epilog=EXAMPLES)
@click.argument("images", nargs=-1, metavar="[IMAGE]...")
@with_options(KERNEL, SHARED, [ALL, KEEP], GATE)
@click.option(
    "--save", type=Folder(), metavar="DIR", help="Write each implementation's blurred image."
)
def compare(
    images: tuple[str, ...],
    size: int | None,
    sigma: float | None,
    allow_even: bool,
    **given: Any,
) -> int:
    """Time every blur side by side on an image, name the fastest; the same for further images.

    Without IMAGE the built-in test card is used; without --size and --sigma, 15x15. Takes 15 s an
    image, or up to 60 s where the best need it to be told apart. With --baseline or --against the
    exit code is 0 for not slower, 10 for slower, 11 for undecided, 12 for not comparable.
    """
    from blurbench.study.kernels import kernel_of
    from blurbench.study.question import Question

    gate_processes(given)
    options = build_options(given)
    kernel = kernel_of(size, sigma, allow_even)
    question = Question.ask("compare", sources_from(images, given), (kernel,), options)
    if not given["quiet"]:
        tell_borders(*given["borders"])
    if given["against"] is not None:
        return carry_out_side_by_side(question, given)
    return carry_out(question, given)
