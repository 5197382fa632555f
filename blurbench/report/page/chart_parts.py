"""What the charts of the page share: their columns, filters, axes and configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from blurbench.measure.judge import UNRANKED
from blurbench.records.kinds import marked
from blurbench.report.page.tables import Tables
from blurbench.report.palette import NEUTRAL
from blurbench.report.ticks import log_ticks

TIME = ("end_to_end_median_s", "end_to_end_ci95_low_s", "end_to_end_ci95_high_s")
PLACE = ("picture", "size", "implementation")
WORTH = ("kind", "status", "verdict", "max_abs_error")
TALL = 300  # pixels of a chart
TICKS = 12  # most kernel sizes below an axis
SHOWN = "indexof(shown, datum.implementation) >= 0"
PICTURED = "datum.picture == null || datum.picture == picture"
# What may win: the others are hollow, and no line joins them.
VALID = "datum.status == 'ok'" + "".join(f" && datum.verdict != '{one}'" for one in UNRANKED)


@dataclass(frozen=True)
class Chart:
    """One chart of one run.

    Attributes:
        table, columns: what the chart shows, and what its own table holds.
        run: whose rows; None for those of all runs.
        says: what it shows.
        note: what else must be said of this run's, if anything.
        answer: what is to be seen, in figures, for who cannot see it.
    """

    name: str
    title: str
    says: str
    note: str
    answer: str
    table: str
    columns: tuple[str, ...]
    run: int | None
    spec: dict[str, Any]


def values_of(tables: Tables, table: str, run: int | None, column: str) -> list[Any]:
    """The values of a column that are not missing, each once."""
    return [one for one in dict.fromkeys(tables[table].values(column, run)) if one is not None]


def named(row: Mapping[str, Any]) -> str:
    """The implementation of a row of cells, as people read it."""
    return marked(row["implementation"], row["kind"])


def drawing(table: str, *filters: str) -> alt.Chart:
    """A chart of the rows of a table that pass all filters."""
    chart = alt.Chart(alt.NamedData(name=table)).properties(width="container", height=TALL)
    for one in filters:
        chart = chart.transform_filter(one)
    return chart


def finished(chart: Any) -> dict[str, Any]:
    """The specification with what the page's controls set."""
    spec: dict[str, Any] = chart.add_params(
        alt.param(name="shown", value=[]), alt.param(name="picture", value="")
    ).to_dict()
    spec["config"] = {
        "background": None,
        "font": "system-ui, sans-serif",
        "axis": {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"},
        "legend": {"labelFontSize": 12, "symbolFillColor": NEUTRAL, "symbolStrokeColor": NEUTRAL},
        "text": {"fontSize": 12},
        "view": {"stroke": None},
    }
    spec["autosize"] = {"type": "fit-x", "contains": "padding"}
    return spec


def size_axis(sizes: Sequence[int], field: str = "size") -> alt.X:
    """The axis of the kernel sizes, as many of them as have room."""
    few = sizes[:: -(-len(sizes) // TICKS)] if sizes else []
    return alt.X(
        f"{field}:Q",
        scale=alt.Scale(type="log", nice=False, padding=12),
        axis=alt.Axis(values=few, format="d", grid=False, labelOverlap=True),
        title="kernel size, pixels",
    )


@dataclass(frozen=True)
class Quantity:
    """What an axis shows.

    Attributes:
        field: the column.
        ticks: how Vega formats the numbers at them.
        unit: what follows each number.
    """

    field: str
    title: str
    ticks: str
    unit: str


END_TO_END = Quantity(TIME[0], "time of an image, end to end", "~s", "s")


def log_axis(channel: Any, quantity: Quantity, values: Sequence[float]) -> Any:
    """A logarithmic axis with round numbers, as far as the values go."""
    return channel(
        f"{quantity.field}:Q",
        scale=alt.Scale(type="log", nice=False, padding=10),
        axis=alt.Axis(
            values=log_ticks(0.9 * min(values), 1.1 * max(values)),
            format=quantity.ticks,
            labelExpr=f"datum.label + '{quantity.unit}'",
            labelOverlap=True,
            grid=channel is alt.Y,
        ),
        title=quantity.title,
    )


def tooltips_of(*names: str) -> list[alt.Tooltip]:
    """Values as they stand in the table, digit by digit: only nominal ones are not rounded."""
    return [alt.Tooltip(f"{name}:N") for name in names]
