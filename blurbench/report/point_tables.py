"""The rows of a point as tables: end to end, on the device, and there and back."""

from __future__ import annotations

from collections.abc import Callable

from blurbench.measure.judge import FAR_SLOWER, LIKELY, TIED, UNCLEAR, Result, Standing
from blurbench.records.lead import CLAIMS
from blurbench.records.summary import Row
from blurbench.report.table import Brackets, Table
from blurbench.report.units import (
    MISSING,
    brief_duration,
    count_bytes,
    digits,
    duration,
    ratio,
    rough,
)

FIVE = ("implementation", "time [95 %]", "vs first", "error", "verdict")
LEAST_NEEDED = ("error", Brackets("time [95 %]"), Brackets("vs first"))  # first, of the five
ROUNDED = "rounded"  # all that is to be said of the error of whole numbers, up to this:
ROUNDING = {"uint8": 0.5 + 255e-6, "uint16": 0.5 + 65535e-6}  # a half, and what float32 is off
STATUS_WORDS = {
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


def ranking_table(rows: list[Row]) -> Table:
    """All rows, end to end."""
    extra = ("first call", "setup", "MP/s", "GB/s", "of copy", "of FMA", "bound", "rounds")
    least = ("of FMA", "bound", "of copy", "GB/s", "rounds", "MP/s", "setup", "first call")
    return _table(rows, row_texts, (extra, least), _details)


def device_table(rows: list[Row], race: Result) -> Table:
    """The rows of a device, on data that is already there."""
    extra = ("graph", "launch", "compiling", "memory", "of copy", "of FMA", "bound", "rounds")
    least = ("rounds", "compiling", "of FMA", "bound", "of copy", "memory", "graph", "launch")
    return _table(
        rows,
        lambda row: _texts_on_device(row, race.standings[row.name]),
        (extra, least),
        lambda row: _details_on_device(row, race.standings[row.name].rounds),
    )


def transfer_table(rows: list[Row]) -> Table:
    """What the way to a device and back takes, from ordinary and from page-locked memory."""
    headers = ("implementation", "upload", "pinned", "download", "pinned", "single", "pipelined")
    table = Table(headers, right=range(1, len(headers)))
    for row in rows:
        times = (
            *(row.upload_median_s, row.upload_pinned_median_s),
            *(row.download_median_s, row.download_pinned_median_s),
            *(row.end_to_end_median_s, row.end_to_end_pipelined_median_s),
        )
        table.add_row(row.label, *map(brief_duration, times))
    return table


def _table(
    rows: list[Row],
    five: Texts,
    more: tuple[tuple[str, ...], tuple[str, ...]],
    details: Texts,
) -> Table:
    """Five columns, and further ones where there is room; what is a figure to the right.

    Args:
        more: the further columns, as they stand and from the least needed.
    """
    extra, least = more
    right = (3, *(5 + number for number, name in enumerate(extra) if name != "bound"))
    table = Table((*FIVE, *extra), right, least, LEAST_NEEDED)
    for row in rows:
        texts = five(row)
        style = _STYLES.get(texts[4], "" if row.status == "ok" else "red")
        table.add_row(*texts, *details(row), style=style)
    return table


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
        verdict = STATUS_WORDS.get(row.status, row.status)
    if verdict in CLAIMS and compared.startswith("1.00x"):
        compared = "1"
    return [row.label, time_text, compared, _error(row), verdict or MISSING]


def _error(row: Row) -> str:
    """The error; of whole numbers, where it is that of their rounding, the word for it."""
    error, dtype = row.max_abs_error, row.key.dtype
    if error is None:
        return MISSING
    return ROUNDED if dtype in ROUNDING and error <= ROUNDING[dtype] else f"{error:.1e}"


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
        *(MISSING if share is None else f"{rough(100 * share)} %" for share in shares),
        bound or MISSING,
    ]
