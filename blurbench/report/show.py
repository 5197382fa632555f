"""Runs as they are shown and written, whichever study made them; several side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rich.console import Console

from blurbench.records.export import to_json
from blurbench.records.journal import Log
from blurbench.records.summary import Row, brief_summary, summary_of
from blurbench.report.compare import show_risks
from blurbench.report.console import error_console, say
from blurbench.report.heading import device_lines, machine_line, run_lines
from blurbench.report.table import Table
from blurbench.report.units import MISSING, brief_duration
from blurbench.report.views import view_of


def lines_above(log: Log) -> list[str]:
    """What a run is about and where it was made, as the command that made it said it."""
    devices = device_lines(log.run.about.get("devices", {}))
    return [*view_of(log).above(log), machine_line(log.run), *devices]


def show_log(console: Console, log: Log, everything: bool = False) -> None:
    """What the command that made a run shows of it, and on stderr what put its figures at risk.

    Args:
        everything: whether every row of a point is shown, and not a screen.
    """
    show_risks(error_console(), log.run.risks)
    view_of(log).show(console, log, everything)


def texts_of(log: Log, all_columns: bool = False) -> dict[str, Callable[[], str]]:
    """A run as CSV, JSON, Markdown and HTML page, whichever command made it.

    Args:
        all_columns: whether the CSV is the very summary that the run keeps.
    """
    view = view_of(log)
    return {
        "csv": log.summary if all_columns else lambda: brief_summary(log.rows()),
        "json": lambda: to_json(view.document(log)),
        "markdown": lambda: view.markdown(log),
        "report": lambda: _page([log]),
    }


def texts_of_all(logs: Sequence[Log], all_columns: bool = False) -> dict[str, Callable[[], str]]:
    """The runs of one sweep in one text each, as `texts_of` has them of one run."""
    rows = [row for log in logs for row in log.rows()]
    documents = (view_of(log).document(log) for log in logs)
    return {
        "csv": lambda: summary_of(rows) if all_columns else brief_summary(rows),
        "json": lambda: to_json({"schema": "blurbench.sweeps/1", "runs": [*documents]}),
        "markdown": lambda: "\n".join(view_of(log).markdown(log) for log in logs),
        "report": lambda: _page(logs),
    }


def _page(logs: Sequence[Log]) -> str:
    """Imports what the extra `report` installs."""
    from blurbench.report.page.build import build_page

    return build_page(logs)


def show_runs(console: Console, logs: Sequence[Log]) -> None:
    """Several runs side by side: a line for each cell that any of them has."""
    for number, log in enumerate(logs, 1):
        say(console, f"[{number}] {machine_line(log.run)}")
        for line in run_lines(log.run):
            say(console, f"    {line}")
    console.print()
    found: dict[tuple[Any, ...], dict[int, Row]] = {}
    for number, log in enumerate(logs):
        images = log.image_numbers
        for row in log.rows():
            found.setdefault(_place(row, images[row.key.image]), {})[number] = row
    times = [f"time [{number}]" for number in range(1, len(logs) + 1)]
    ratios = [f"[{number}]/[1]" for number in range(2, len(logs) + 1)]
    extents = {place[1:3] for place in found}
    # The ratios say what the times of the others are, beside those of the first.
    spare = [*(["image"] if len(extents) == 1 else []), *times[:0:-1], *ratios[:0:-1]]
    headers = ["size", "image", "implementation", *times, *ratios]
    table = Table(headers, (0, *range(3, len(headers))), spare=spare)
    for place, rows in sorted(found.items()):
        size, width, height = place[:3]
        own = [rows.get(number) for number in range(len(logs))]
        if all(row is None or row.end_to_end_median_s is None for row in own):
            continue
        name = next(row.label for row in own if row is not None)
        shown = [*map(_time_or_status, own), *(_ratio_of(row, own[0]) for row in own[1:])]
        table.add_row(str(size), f"{width}x{height}", name, *shown)
    table.show(console)
    say(
        console,
        "\nTimes of different runs are not paired: small differences between them mean nothing.",
    )


def _time_or_status(row: Row | None) -> str:
    if row is None:
        return MISSING
    return brief_duration(row.end_to_end_median_s) if row.status == "ok" else row.status


def _ratio_of(row: Row | None, first: Row | None) -> str:
    times = [one.end_to_end_median_s for one in (row, first) if one and one.status == "ok"]
    if len(times) < 2 or times[0] is None or not times[1]:
        return MISSING
    return f"{times[0] / times[1]:.2f}x"


def _place(row: Row, image: int) -> tuple[Any, ...]:
    key = row.key
    settings = (image, key.channels, key.sigma, key.border, key.cval, key.dtype, key.cache)
    return (key.size, key.width, key.height, key.implementation, *settings)
