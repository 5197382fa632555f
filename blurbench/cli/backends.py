"""`blurbench backends`: what can run here, and what mends what cannot."""

from __future__ import annotations

import click


@click.command()
def backends() -> int:
    """List the backends: versions, threads, devices; what is missing and how to get it.

    Takes a few seconds, for each is tried.
    """
    from blurbench.report.backends import show_backends
    from blurbench.report.console import open_console

    show_backends(open_console())
    return 0
