"""`blurbench verify`: does every implementation that can run here keep the exactness contract?"""

from __future__ import annotations

import click

from blurbench.cli.options import OWN, with_options
from blurbench.cli.types import Names
from blurbench.cli.words import BACKENDS_HELP, METHODS_HELP
from blurbench.names import BORDERS

LONG_S = 60.0  # of which it is said that there is a quicker way


@click.command()
@click.option("--backend", "backends", type=Names(), multiple=True, help=BACKENDS_HELP)
@click.option("--method", "methods", type=Names(), multiple=True, help=METHODS_HELP)
@with_options([OWN])
@click.option(
    "--border",
    "borders",
    type=Names(),
    multiple=True,
    help=f"Only these, commas between: {', '.join(BORDERS)}.  [default: all of them]",
)
@click.option("--allow-even", is_flag=True, help="Try even sizes, too, where they can be done.")
@click.option(
    "--quick",
    is_flag=True,
    help="Try so few cases, in 10 to 30 s, that any two of a border, size, shape, range and dtype "
    "still meet.",
)
def verify(
    backends: tuple[tuple[str, ...], ...],
    methods: tuple[tuple[str, ...], ...],
    own: tuple[str, ...],
    borders: tuple[tuple[str, ...], ...],
    allow_even: bool,
    quick: bool,
) -> int:
    """Hold every implementation against float64 references.

    Over borders, kernel sizes, image shapes, ranges of values and dtypes, kernels larger than the
    image included. Takes about five minutes, more beside other work, and says how long before it
    starts; --quick takes 10 to 30 s. --with tries your own alone, unless --backend or --method
    names others. Exit code 1 where one is outside the contract.
    """
    from blurbench.backends.own_blur import own_blurs
    from blurbench.backends.words import read_backends, read_border, read_methods
    from blurbench.report.console import error_console, open_console, say
    from blurbench.report.progress import piece_by_piece
    from blurbench.report.units import minutes
    from blurbench.report.verify import show_checks
    from blurbench.study.options import Options, chosen
    from blurbench.study.verify import ask, count_cases, seconds_of, under
    from blurbench.study.verify import verify as check

    options = Options(
        backends=read_backends(backends), methods=read_methods(methods), own=own_blurs(own)
    )
    pairs = chosen(options)
    if own and not (backends or methods):
        pairs = pairs[-len(own) :]
    if borders:
        pairs = under([read_border(name) for names in borders for name in names], pairs)
    asked = ask(pairs, options.backends)
    seconds = seconds_of(asked.runnable, allow_even, quick, asked.software)
    if asked.runnable:
        count = count_cases(asked.runnable, allow_even, quick)
        quicker = "; --quick tries fewer" if seconds > LONG_S else ""
        say(error_console(), f"{count:,} cases take about {minutes(seconds)}{quicker}.")
    with piece_by_piece("verifying", seconds) as progress:
        checks = check(asked.runnable, progress, allow_even, quick, asked.software)
    show_checks(open_console(), asked, checks)
    if not checks:
        return 3
    return 1 if any(one.failures for one in checks) else 0
