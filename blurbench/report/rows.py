"""The rows of a point as tables: end to end, on the device, and there and back."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console
from rich.text import Text

from blurbench.measure.judge import FAR_SLOWER, LIKELY, TIED, UNCLEAR, Result, Standing
from blurbench.records.lead import CLAIMS
from blurbench.records.summary import Row
from blurbench.report.console import is_wide, plain_table, show_table
from blurbench.report.units import MISSING, brief_duration, count_bytes, digits, duration, ratio

FIVE = ("implementation", "time [95 %]", "vs first", "error", "verdict")
NARROW = 80  # columns that every terminal has
_LABELS = {
    "over_budget": "over budget",
    "out_of_memory": "no memory",
    "implausible": "too fast",
    "timed_out": "timed out",
    "device_lost": "device lost",
}
_STYLES = {
    **dict.fromkeys(CLAIMS, "bold green"),
    TIED: "green",
    **dict.fromkeys((UNCLEAR, LIKELY), "yellow"),
}

Texts = Callable[[Row], list[str]]


def show_ranking(console: Console, rows: list[Row]) -> None:
    """All rows, end to end."""
    extra = ("first call", "setup", "MP/s", "GB/s", "of copy", "of FMA", "bound", "rounds")
    _show(console, rows, row_texts, extra, _details)


def show_on_device(console: Console, rows: list[Row], race: Result) -> None:
    """The rows of a device, on data that is already there."""
    extra = ("graph", "launch", "compiling", "memory", "of copy", "of FMA", "bound", "rounds")
    _show(
        console,
        rows,
        lambda row: _texts_on_device(row, race.standings[row.name]),
        extra,
        lambda row: _details_on_device(row, race.standings[row.name].rounds),
    )


def show_transfers(console: Console, rows: list[Row]) -> None:
    """What the way to a device and back takes, from ordinary and from page-locked memory."""
    headers = ("implementation", "upload", "pinned", "download", "pinned", "single", "pipelined")
    table = plain_table(*headers, right=tuple(range(1, len(headers))))
    for row in rows:
        times = (
            *(row.upload_median_s, row.upload_pinned_median_s),
            *(row.download_median_s, row.download_pinned_median_s),
            *(row.end_to_end_median_s, row.end_to_end_pipelined_median_s),
        )
        table.add_row(row.label, *map(brief_duration, times))
    show_table(console, table)


def _show(
    console: Console, rows: list[Row], five: Texts, extra: tuple[str, ...], details: Texts
) -> None:
    """Five columns, and the extra ones where there is room; what is a figure to the right."""
    wide = is_wide(console)
    right = (3, *(5 + number for number, name in enumerate(extra) if name != "bound"))
    lines = [five(row) for row in rows]
    # One blank between columns does where two would make a line wider than most terminals.
    gap = 2 if wide or _width(lines) + 2 * (len(FIVE) - 1) <= NARROW else 1
    table = plain_table(*FIVE, *(extra if wide else ()), right=right, gap=gap)
    for row, texts in zip(rows, lines, strict=True):
        style = _STYLES.get(texts[4], "" if row.status == "ok" else "red")
        table.add_row(*map(Text, texts + (details(row) if wide else [])), style=style)
    show_table(console, table)


def _width(lines: list[list[str]]) -> int:
    """Of the five columns, without the blanks between them."""
    return sum(max(map(len, column)) for column in zip(FIVE, *lines, strict=True))


def row_texts(row: Row) -> list[str]:
    """The five columns that every table has."""
    if row.status == "over_budget":
        known = row.predicted_s is not None
        time_text = f"about {brief_duration(row.predicted_s)}" if known else MISSING
    else:
        time_text = duration(
            row.end_to_end_median_s, row.end_to_end_ci95_low_s, row.end_to_end_ci95_high_s
        )
    compared = ratio(row.ratio_to_fastest, row.ratio_ci95_low, row.ratio_ci95_high)
    return _five(row, time_text, compared, row.verdict)


def _texts_on_device(row: Row, standing: Standing) -> list[str]:
    time_text = duration(row.compute_median_s, row.compute_ci95_low_s, row.compute_ci95_high_s)
    found = standing.ratio
    return _five(row, time_text, ratio(found.value, found.low, found.high), standing.verdict)


def _five(row: Row, time_text: str, compared: str, verdict: str | None) -> list[str]:
    if row.status != "ok" and verdict != FAR_SLOWER:
        verdict = _LABELS.get(row.status, row.status)
    if verdict in CLAIMS and compared.startswith("1.00x"):
        compared = "1"
    error = MISSING if row.max_abs_error is None else f"{row.max_abs_error:.1e}"
    return [row.label, time_text, compared, error, verdict or MISSING]


def _details(row: Row) -> list[str]:
    return [
        brief_duration(row.first_call_s),
        brief_duration(row.setup_s),
        MISSING if row.megapixels_per_s is None else digits(row.megapixels_per_s),
        MISSING if row.gigabytes_per_s is None else digits(row.gigabytes_per_s),
        *roofline_texts(row, row.end_to_end_bound),
        str(row.rounds),
    ]


def _details_on_device(row: Row, rounds: int) -> list[str]:
    peak = row.peak_device_bytes
    return [
        brief_duration(row.compute_graph_median_s),
        brief_duration(row.launch_median_s),
        brief_duration(row.compilation_s),
        MISSING if peak is None else count_bytes(peak),
        *roofline_texts(row, row.compute_bound),
        str(rounds),
    ]


def roofline_texts(row: Row, bound: str | None) -> list[str]:
    """Shares of the copy bandwidth and of the multiply-add rate, and what holds the row back."""
    shares = (row.copy_bandwidth_fraction, row.multiply_add_fraction)
    return [
        *(MISSING if share is None else f"{100 * share:.2g} %" for share in shares),
        bound or MISSING,
    ]
