"""`blurbench accuracy`: how far from a Gaussian are the approximations?"""

from __future__ import annotations

from typing import Any

import click

from blurbench.cli.options import (
    EXPORTS,
    Names,
    Numbers,
    exports_from,
    with_options,
    write_exports,
)


@click.command()
@click.option(
    "--sigma",
    "sigmas",
    type=Numbers(),
    default="1,2,5,10,20",
    show_default=True,
    help="Standard deviations in pixels.",
)
@click.option("--method", "methods", type=Names(), multiple=True, help="Only these methods.")
@with_options(EXPORTS)
def accuracy(sigmas: tuple[float, ...], methods: tuple[tuple[str, ...], ...], **given: Any) -> int:
    """The error of each approximate method and order, whatever the image.

    `fir` is the plain sum over a kernel cut where its tail is below a tolerance, given as its
    order.
    """
    from blurbench.report.accuracy import show_accuracy, texts_of
    from blurbench.report.console import open_console
    from blurbench.study.accuracy import measure_accuracy

    exports = exports_from(given)
    found = measure_accuracy(sigmas, [name for names in methods for name in names])
    show_accuracy(open_console(data_on_stdout="-" in exports.values()), found)
    write_exports(exports, texts_of(found))
    return 0
