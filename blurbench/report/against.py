"""Ours against the peers: a table for each image, the worst cell, the geometric mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

from rich.console import Console

from blurbench.analysis.against import Match, geometric_mean
from blurbench.records.export import to_csv, to_json
from blurbench.report.console import markdown_row, say
from blurbench.report.table import Brackets, Table
from blurbench.report.units import digits, plural, ratio

HEADERS = ("size", "ours", "peer", "peer/ours [95 %]")


def show_matches(console: Console, matches: Sequence[Match], cells: int) -> None:
    """A line a kernel size, under what its cells share; the worst and the mean come last.

    Args:
        cells: of the runs, whether they have a match or not.
    """
    for place, own in groupby(matches, key=_place):
        say(console, f"{place}:", "bold")
        table = Table(HEADERS, right=(0,), spare=(Brackets(HEADERS[-1]),))
        for match in own:
            table.add_row(*_texts(match))
        table.show(console)
        console.print()
    for line in _summary(matches, cells):
        say(console, line)


def texts_of(matches: Sequence[Match], cells: int) -> dict[str, Callable[[], str]]:
    """The matches as CSV, JSON and Markdown."""
    rows = [match.as_dict() for match in matches]
    return {
        "csv": lambda: to_csv(list(rows[0]), rows),
        "json": lambda: to_json(document(matches, cells)),
        "markdown": lambda: to_markdown(matches, cells),
    }


def document(matches: Sequence[Match], cells: int) -> dict[str, Any]:
    """The matches as `blurbench.against/1`; a ratio is the peer's time over ours."""
    return {
        "schema": "blurbench.against/1",
        "ranking_scope": "end_to_end",
        "cells": [match.as_dict() for match in matches],
        "cells_without_match": cells - len(matches),
        "worst": _worst(matches).as_dict(),
        "geometric_mean": geometric_mean(matches),
    }


def to_markdown(matches: Sequence[Match], cells: int) -> str:
    """The tables and last lines of the terminal, as Markdown."""
    lines = []
    for place, own in groupby(matches, key=_place):
        lines += [f"{place}:", "", f"| {' | '.join(HEADERS)} |", "| ---: | --- | --- | --- |"]
        lines += [*(markdown_row(_texts(match)) for match in own), ""]
    return "\n".join([*lines, *(f"- {line}" for line in _summary(matches, cells))]) + "\n"


def _place(match: Match) -> str:
    """What the cells of a table share."""
    key = match.ours.key
    channels = f"x{key.channels}" if key.channels > 1 else ""
    return (
        f"{key.width}x{key.height}{channels} {key.dtype}, border {key.border}, "
        f"{plural(key.threads, 'thread')}"
    )


def _texts(match: Match) -> list[str]:
    found = match.ratio
    size = str(match.ours.key.size)
    return [size, match.ours.name, match.peer.name, ratio(found.value, found.low, found.high)]


def _summary(matches: Sequence[Match], cells: int) -> list[str]:
    worst, without = _worst(matches), cells - len(matches)
    lacking = f"{plural(without, 'cell')} without an exact time of both sides"
    return [
        *([lacking] if without else []),
        f"worst {digits(worst.ratio.value)} at {_place(worst)}, size {worst.ours.key.size}",
        f"geometric mean {digits(geometric_mean(matches))} over {plural(len(matches), 'cell')}",
    ]


def _worst(matches: Sequence[Match]) -> Match:
    return min(matches, key=lambda match: match.ratio.value)
