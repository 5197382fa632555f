"""The bar by which all progress is shown: on stderr, where that is a terminal, until it ends."""

from __future__ import annotations

from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, TextColumn

from blurbench.report.console import error_console


def open_bar(*columns: ProgressColumn, quiet: bool) -> Progress:
    """A bar of these columns, which shows nothing where it is quiet or no terminal is there."""
    errors = error_console()
    hidden = quiet or not errors.is_terminal
    return Progress(*columns, console=errors, transient=True, disable=hidden)


def bar_in_words(quiet: bool) -> Progress:
    """A bar whose tasks say in `left`, in words, how long the rest takes."""
    words = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[left]}")
    return open_bar(SpinnerColumn(), *words, quiet=quiet)
