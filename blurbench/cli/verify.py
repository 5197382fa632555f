"""`blurbench verify`: does every implementation that can run here keep the exactness contract?"""

from __future__ import annotations

import click

from blurbench.cli.options import Names


@click.command()
@click.option("--backend", "backends", type=Names(), multiple=True, help="Only these backends.")
@click.option("--method", "methods", type=Names(), multiple=True, help="Only these methods.")
@click.option("--border", "borders", type=Names(), multiple=True, help="Only these borders.")
@click.option("--allow-even", is_flag=True, help="Try even sizes, too, where they can be done.")
def verify(
    backends: tuple[tuple[str, ...], ...],
    methods: tuple[tuple[str, ...], ...],
    borders: tuple[tuple[str, ...], ...],
    allow_even: bool,
) -> int:
    """Hold every implementation against float64 references.

    Over borders, kernel sizes, image shapes, ranges of values and dtypes, kernels larger than the
    image included. Exit code 1 where one is outside the contract.
    """
    from blurbench.report.console import open_console
    from blurbench.report.verify import run_and_show
    from blurbench.study.options import Options, chosen
    from blurbench.study.verify import under

    options = Options(
        backends=tuple(name for names in backends for name in names),
        methods=tuple(name for names in methods for name in names),
    )
    pairs = chosen(options)
    if borders:
        pairs = under([name for names in borders for name in names], pairs)
    return run_and_show(open_console(), pairs, allow_even, named=bool(options.backends))
