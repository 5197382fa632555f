"""A result as HTML for a notebook: it loads nothing, and takes the colours of the page's theme."""

from __future__ import annotations

from html import escape

from blurbench.records.journal import Log
from blurbench.report.table import Table
from blurbench.report.views import View

MOST_ROWS = 30  # of a table
# Of half-transparent grey, so that lines are seen on light and on dark; text keeps its colour.
LINE = "border-bottom:1px solid rgba(128,128,128,.4)"
CELL = "padding:.2em .8em .2em 0;background:transparent;color:inherit;"
CODE = "background:rgba(128,128,128,.15);color:inherit;padding:.4em .6em;font-family:monospace"


def to_html(view: View, log: Log, answer: list[str]) -> str:
    """What the run is about, its tables, and the answer below them."""
    parts = [f"<p>{'<br>'.join(map(escape, view.above(log)))}</p>"]
    tables = view.tables(log)
    for title, table in tables.items():
        parts += [f"<p><b>{escape(title)}</b></p>"] if len(tables) > 1 else []
        parts.append(_table(table))
    parts += map(_line, answer)
    return f'<div style="color:inherit">{"".join(parts)}</div>'


def _table(table: Table) -> str:
    """Without the columns that only wide terminals show."""
    shown = [place for place, name in enumerate(table.headers) if name not in table.extra]
    heads = "".join(_cell("th", table.headers[place], place in table.right) for place in shown)
    rows = [
        "".join(_cell("td", texts[place], place in table.right) for place in shown)
        for texts in table.texts[:MOST_ROWS]
    ]
    more = len(table.texts) - len(rows)
    below = f"<p>... and {more} more rows: see rows</p>" if more > 0 else ""
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    style = "border-collapse:collapse;background:transparent;color:inherit"
    return f'<table style="{style}"><tr>{heads}</tr>{body}</table>{below}'


def _cell(tag: str, text: str, right: bool) -> str:
    side = "right" if right else "left"
    return f'<{tag} style="{CELL}{LINE};text-align:{side}">{escape(text)}</{tag}>'


def _line(line: str) -> str:
    """A sentence; a call to copy begins with blanks."""
    if line.startswith(" "):
        return f'<pre style="{CODE}">{escape(line.strip())}</pre>'
    return f"<p>{escape(line)}</p>"
