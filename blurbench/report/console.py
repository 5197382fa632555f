"""Where text goes: results to stdout, unless data has it; progress and warnings to stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping

from rich.console import Console
from rich.text import Text

from blurbench.files import shown_name

NARROW = 80  # columns that most terminals have
WIDE = 120  # columns from which tables show more
ENDLESS = 10_000


class _Console(Console):
    """A console that leaves a closed pipe to the command, as every other stream does."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def open_console(*, data_on_stdout: bool = False) -> Console:
    """The console for results."""
    return _console(sys.stderr if data_on_stdout else sys.stdout)


def error_console() -> Console:
    """The console for progress and warnings."""
    return _console(sys.stderr)


def _console(stream: object) -> Console:
    terminal = bool(getattr(stream, "isatty", lambda: False)())
    return _Console(
        file=stream,  # type: ignore[arg-type]
        force_terminal=terminal,
        no_color=None if terminal and "NO_COLOR" not in os.environ else True,
        # A pipe has no width of its own: text in it is never wrapped.
        width=None if terminal else ENDLESS,
        highlight=False,
        soft_wrap=False,
    )


def is_wide(console: Console) -> bool:
    """Whether tables may have more than the columns that every terminal has room for."""
    return console.is_terminal and console.width >= WIDE


def room_of(console: Console) -> int:
    """The columns of a terminal; of a pipe, those that most terminals have."""
    return console.width if console.is_terminal else NARROW


def markdown_row(texts: Iterable[str]) -> str:
    """A line of a Markdown table; bars in texts do not split it."""
    cells = (text.replace("|", "\\|") for text in texts)
    return f"| {' | '.join(cells)} |"


def say_missing(console: Console, reasons: Mapping[str, str]) -> None:
    """Which backends cannot run and why; those that share a reason share a line."""
    for reason, names in _sharing(reasons).items():
        # No full stop: it would be copied along with a command.
        say_unbroken(console, f"{', '.join(names)} cannot run: {reason}")


def missing_line(reasons: Mapping[str, str]) -> str:
    """One line on what cannot run and why, without what mends it."""
    bare = {name: reason.partition("; ")[0].partition(" (")[0] for name, reason in reasons.items()}
    texts = [f"{', '.join(names)} ({reason})" for reason, names in _sharing(bare).items()]
    return f"Cannot run: {', '.join(texts)}; blurbench backends says what to do."


def _sharing(reasons: Mapping[str, str]) -> dict[str, list[str]]:
    """The names that share each reason."""
    found: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        found.setdefault(reason, []).append(name)
    return found


def say(console: Console, text: str, style: str = "") -> None:
    """A sentence, wrapped at words in a terminal and left alone in a pipe."""
    lines = wrapped(console, text, console.width) if console.is_terminal else [text]
    for line in lines:
        shown = "\n".join(map(shown_name, line.split("\n")))  # it may quote the name of a file
        console.print(Text(shown, style=style), soft_wrap=True)


def wrapped(console: Console, text: str, width: int) -> list[str]:
    """The lines of a text that is broken at words, indented alike, without trailing blanks."""
    found = []
    for line in text.split("\n"):
        own = line.lstrip(" ")
        indent = " " * (len(line) - len(own))
        parts = Text(own).wrap(console, width - len(indent))
        found += [f"{indent}{part.plain}".rstrip() for part in parts]
    return found


def say_unbroken(console: Console, text: str, style: str = "") -> None:
    """A line that may hold a command to copy: the terminal wraps it, and no line break parts it."""
    console.print(Text(text, style=style), soft_wrap=True)
