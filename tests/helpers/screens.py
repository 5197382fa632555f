"""Terminals of any width, and what stands on them in the end."""

from __future__ import annotations

import io
from collections.abc import Callable

from rich.console import Console

from helpers.process import plain

COPIED = "\x1b[36m"  # begins a line with code to copy, which no line break may part


def terminal(width: int) -> Console:
    """A terminal with colours, of so many columns."""
    return Console(
        file=io.StringIO(),
        force_terminal=True,
        color_system="standard",
        no_color=False,
        width=width,
        highlight=False,
    )


def pipe() -> Console:
    return Console(file=io.StringIO(), force_terminal=False, width=10_000, highlight=False)


def on(console: Console, show: Callable[[Console], object]) -> list[str]:
    """The lines that are shown, without colours and without code to copy."""
    show(console)
    file = console.file
    assert isinstance(file, io.StringIO)
    return [plain(line) for line in file.getvalue().splitlines() if not line.startswith(COPIED)]
