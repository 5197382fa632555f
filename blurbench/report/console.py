"""Where text goes: results to stdout, unless data has it; progress and warnings to stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping

from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDE = 120  # columns from which tables show everything
ENDLESS = 10_000


def open_console(*, data_on_stdout: bool = False) -> Console:
    """The console for results."""
    return _console(sys.stderr if data_on_stdout else sys.stdout)


def error_console() -> Console:
    """The console for progress and warnings."""
    return _console(sys.stderr)


def _console(stream: object) -> Console:
    terminal = bool(getattr(stream, "isatty", lambda: False)())
    return Console(
        file=stream,  # type: ignore[arg-type]
        force_terminal=terminal,
        no_color=None if terminal and "NO_COLOR" not in os.environ else True,
        # A pipe has no width of its own: text in it is never wrapped.
        width=None if terminal else ENDLESS,
        highlight=False,
        soft_wrap=False,
    )


def is_wide(console: Console) -> bool:
    """Whether the table may have more than its five columns."""
    return console.is_terminal and console.width >= WIDE


def plain_table(*headers: str, right: tuple[int, ...] = (), gap: int = 2) -> Table:
    """A table without lines, so many spaces between columns, nothing wrapped or cut."""
    table = Table(box=None, padding=(0, gap, 0, 0), pad_edge=False, header_style="bold")
    for index, header in enumerate(headers):
        table.add_column(
            header, no_wrap=True, overflow="ignore", justify="right" if index in right else "left"
        )
    return table


def show_table(console: Console, table: Table) -> None:
    """Print a table at its own width, however narrow the terminal, without trailing blanks."""
    endless = Console(
        file=console.file,
        force_terminal=console.is_terminal,
        no_color=console.no_color,
        width=ENDLESS,
        highlight=False,
    )
    for line in endless.render_lines(table, pad=False):
        text = Text.assemble(*((part.text, part.style or "") for part in line))
        text.rstrip()
        endless.print(text, crop=False)


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
    """The same in one line, without what mends it."""
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
    console.print(Text(text, style=style))


def say_unbroken(console: Console, text: str, style: str = "") -> None:
    """A line that may hold a command to copy: the terminal wraps it, and no line break parts it."""
    console.print(Text(text, style=style), soft_wrap=True)
