"""The charts of the page, as Vega-Lite specifications over its tables.

Vega-Lite through Altair: every mark has a tooltip and a scale without code of ours, Altair checks
each specification against the schema, all of it fits into one file, and its expressions can be
interpreted, so that a page whose policy forbids generated code still draws them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from blurbench.report.page.tables import CELLS, CROSSOVERS, MEASURED, SAMPLES, WINNERS, Table
from blurbench.report.ticks import log_ticks

# Each has a contrast of 3 and more both on white and on the page's dark ground.
COLOURS = (
    *("#2f7ed8", "#d1620a", "#1a936f", "#b35cae", "#8a7a00", "#d6425a"),
    *("#3c93a8", "#7b6fd0", "#a86f3d", "#777777", "#c75f8f", "#5b8c2a"),
)
DASHES = ((1, 0), (6, 3), (2, 2), (8, 3, 2, 3))
TIME = ("end_to_end_median_s", "end_to_end_ci95_low_s", "end_to_end_ci95_high_s")
ON_DEVICE = ("compute_median_s", "compute_ci95_low_s", "compute_ci95_high_s")
RATIO = ("ratio_to_fastest", "ratio_ci95_low", "ratio_ci95_high")
PLACE = ("picture", "size", "implementation")
TALL, ROW = 300, 36  # pixels: a chart, and a row of a chart of rows
NAMED_ROW = 54  # a row with two lines of text above
TICKS = 12  # most kernel sizes below an axis


@dataclass(frozen=True)
class Chart:
    """One chart of one run.

    Attributes:
        table, columns: what the chart shows, and what its own table holds.
        run: whose rows; None for those of all runs.
        says: the text alternative.
    """

    name: str
    title: str
    says: str
    table: str
    columns: tuple[str, ...]
    run: int | None
    spec: dict[str, Any]


class Palette:
    """A colour and a dash for each implementation, the same in all charts; winners come first."""

    def __init__(self, tables: dict[str, Table]) -> None:
        winners, cells = tables[WINNERS], tables[CELLS]
        names = [row[winners.columns.index("fastest")] for row in winners.rows]
        timed, name = (cells.columns.index(one) for one in (TIME[0], "implementation"))
        names += [row[name] for row in cells.rows if row[timed] is not None]
        self.names = list(dict.fromkeys(names))

    def colour(self, name: str) -> str:
        return COLOURS[self.names.index(name) % len(COLOURS)]

    def dash(self, name: str) -> tuple[int, ...]:
        return DASHES[self.names.index(name) // len(COLOURS) % len(DASHES)]

    def colours(self, field: str = "implementation") -> alt.Color:
        scale = alt.Scale(domain=self.names, range=[self.colour(one) for one in self.names])
        return alt.Color(f"{field}:N", scale=scale, legend=None)

    def dashes(self) -> alt.StrokeDash:
        scale = alt.Scale(domain=self.names, range=[list(self.dash(one)) for one in self.names])
        return alt.StrokeDash("implementation:N", scale=scale, legend=None)


def charts_of(tables: dict[str, Table], runs: int) -> list[list[Chart]]:
    """The charts, those of all runs side by side."""
    palette, found = Palette(tables), []
    for make in (_winners, _times, _ratios, _crossovers, _errors, _shares, _device, _samples):
        own = [make(tables, palette, run) for run in range(1, runs + 1)]
        found.append([one for one in own if one is not None])
    if runs > 1:
        found.append([_machines(tables)])
    return [own for own in found if own]


def _values(tables: dict[str, Table], table: str, run: int | None, column: str) -> list[Any]:
    """Of a column, those that are not missing, each once."""
    own = tables[table]
    place = own.columns.index(column)
    found = (row[place] for row in own.rows if run in (None, row[0]))
    return [one for one in dict.fromkeys(found) if one is not None]


def _base(table: str, *filters: str) -> alt.Chart:
    chart = alt.Chart(alt.NamedData(name=table)).properties(width="container", height=TALL)
    for one in filters:
        chart = chart.transform_filter(one)
    return chart


SHOWN = "indexof(shown, datum.implementation) >= 0"
PICTURED = "datum.picture == null || datum.picture == picture"


def _finish(chart: Any) -> dict[str, Any]:
    """With what the page's controls set."""
    spec: dict[str, Any] = chart.add_params(
        alt.param(name="shown", value=[]), alt.param(name="picture", value="")
    ).to_dict()
    spec["config"] = {
        "background": None,
        "font": "system-ui, sans-serif",
        "axis": {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"},
        "text": {"fontSize": 12},
        "view": {"stroke": None},
    }
    spec["autosize"] = {"type": "fit-x", "contains": "padding"}
    return spec


def _sizes(sizes: Sequence[int]) -> alt.X:
    """The axis of the kernel sizes, as many of them as have room."""
    few = sizes[:: -(-len(sizes) // TICKS)] if sizes else []
    return alt.X(
        "size:Q",
        scale=alt.Scale(type="log", nice=False, padding=12),
        axis=alt.Axis(values=few, format="d", grid=False, labelOverlap=True),
        title="kernel size, pixels",
    )


def _log(
    channel: Any, field: str, title: str, values: Sequence[float], text: str, unit: str
) -> Any:
    """A logarithmic axis with round numbers in the format `text`, followed by the unit."""
    ticks = log_ticks(0.9 * min(values), 1.1 * max(values))
    return channel(
        f"{field}:Q",
        scale=alt.Scale(type="log", nice=False, padding=10),
        axis=alt.Axis(
            values=ticks,
            format=text,
            labelExpr=f"datum.label + '{unit}'",
            labelOverlap=True,
            grid=channel is alt.Y,
        ),
        title=title,
    )


def _tips(*names: str) -> list[alt.Tooltip]:
    """Values as they stand in the table, digit by digit: only nominal ones are not rounded."""
    return [alt.Tooltip(f"{name}:N") for name in names]


def _lines(
    base: alt.Chart, x: Any, y: Any, palette: Palette, ends: Sequence[str], tips: Any
) -> Any:
    """A line with its marks, and intervals where there are any."""
    encoded = base.encode(x=x, color=palette.colours())
    line = encoded.mark_line(strokeWidth=1.5).encode(y=y, strokeDash=palette.dashes())
    marks = encoded.mark_point(filled=True, size=45, opacity=1).encode(y=y, tooltip=tips)
    if not ends:
        return alt.layer(line, marks)
    bars = encoded.transform_filter(f"isValid(datum.{ends[0]}) && isValid(datum.{ends[1]})")
    rules = bars.mark_rule(strokeWidth=1.5).encode(y=alt.Y(f"{ends[0]}:Q"), y2=f"{ends[1]}:Q")
    return alt.layer(line, rules, marks)


def _dots(
    base: alt.Chart, x: Any, palette: Palette, names: list[str], ends: Sequence[str], tips: Any
) -> Any:
    """At a single kernel size: a row for each implementation."""
    y = alt.Y("implementation:N", sort=names, title=None, axis=alt.Axis(labelLimit=150))
    height = ROW * (1 + len(names)) / 2
    encoded = base.properties(height=height).encode(y=y, color=palette.colours())
    dots = encoded.mark_point(filled=True, size=60, opacity=1).encode(x=x, tooltip=tips)
    if not ends:
        return dots
    bars = encoded.transform_filter(f"isValid(datum.{ends[0]}) && isValid(datum.{ends[1]})")
    rules = bars.mark_rule(strokeWidth=2).encode(x=alt.X(f"{ends[0]}:Q"), x2=f"{ends[1]}:Q")
    return alt.layer(rules, dots)


def _over_sizes(
    tables: dict[str, Table],
    palette: Palette,
    run: int,
    figures: Sequence[str],
    title: str,
    text: str,
    unit: str,
    tips: Sequence[str],
) -> dict[str, Any]:
    """A figure with its interval against the kernel size, or by name where there is but one."""
    sizes = sorted(_values(tables, CELLS, run, "size"))
    values = [one for name in figures for one in _values(tables, CELLS, run, name)]
    base = _base(CELLS, SHOWN, PICTURED, f"datum.{figures[0]} > 0")
    tooltips = _tips("implementation", "size", *tips)
    if len(sizes) == 1:
        x = _log(alt.X, figures[0], title, values, text, unit)
        names = [one for one in _values(tables, CELLS, run, PLACE[-1]) if one in palette.names]
        return _finish(_dots(base, x, palette, names, figures[1:], tooltips))
    y = _log(alt.Y, figures[0], title, values, text, unit)
    return _finish(_lines(base, _sizes(sizes), y, palette, figures[1:], tooltips))


def _winners(tables: dict[str, Table], palette: Palette, run: int) -> Chart | None:
    pictures = _values(tables, WINNERS, run, "picture")
    if not pictures:
        return None
    tips = _tips("picture", "size", "fastest", "end_to_end_median_s", "next", *RATIO[1:], "proven")
    base = _base(WINNERS).properties(height=ROW * len(pictures))
    x = alt.X("size:O", title="kernel size, pixels", axis=alt.Axis(labelAngle=0, labelOverlap=True))
    y = alt.Y("picture:N", title=None, sort=None, axis=alt.Axis(labelLimit=130))
    cells = base.mark_rect().encode(x=x, y=y, color=palette.colours("fastest"), tooltip=tips)
    doubts = base.transform_filter("!datum.proven").mark_text(text="?").encode(x=x, y=y)
    return Chart(
        "winners",
        "The fastest, by image and kernel size",
        "A map: a row for each image, a column for each kernel size, coloured by who was the "
        "fastest; a question mark where that is not proven.",
        WINNERS,
        tables[WINNERS].columns[1:],
        run,
        _finish(alt.layer(cells, doubts)),
    )


def _times(tables: dict[str, Table], palette: Palette, run: int) -> Chart | None:
    if not _values(tables, CELLS, run, TIME[0]):
        return None
    tips = (*TIME, "rounds", "verdict")
    return Chart(
        "times",
        "Time against kernel size",
        "The median time of one image, by kernel size and implementation, with its 95 % interval "
        "where the race was long enough.",
        CELLS,
        (*PLACE, *TIME, "rounds", "status", "verdict"),
        run,
        _over_sizes(tables, palette, run, TIME, "time of an image, end to end", "~s", "s", tips),
    )


def _ratios(tables: dict[str, Table], palette: Palette, run: int) -> Chart | None:
    if not _values(tables, CELLS, run, RATIO[0]):
        return None
    title, tips = "time over the fastest's, paired", (*RATIO, "verdict")
    return Chart(
        "ratios",
        "How many times as long as the fastest",
        "The time of each implementation over that of the fastest, paired round by round, with "
        "its 95 % interval, by kernel size.",
        CELLS,
        (*PLACE, *RATIO, "verdict"),
        run,
        _over_sizes(tables, palette, run, RATIO, title, "~g", "x", tips),
    )


def _crossovers(tables: dict[str, Table], palette: Palette, run: int) -> Chart | None:
    if len(_values(tables, CELLS, run, "size")) < 2:
        return None
    rows = max(1, len(_values(tables, CROSSOVERS, run, "says")))
    base = _base(CROSSOVERS, PICTURED).properties(height=NAMED_ROW * rows)
    scale = alt.Scale(type="log", nice=False, padding=24)
    ends = [
        one for name in ("from_size", "to_size") for one in _values(tables, CROSSOVERS, run, name)
    ]
    axis = alt.Axis(values=log_ticks(min(ends), max(ends)), format="d", labelOverlap=True)
    x = alt.X("from_size:Q", scale=scale, title="kernel size, pixels", axis=axis)
    y = alt.Y("says:N", sort=None, axis=None)
    measured = alt.condition(
        f"datum.kind == '{MEASURED}'", alt.value(COLOURS[0]), alt.value(COLOURS[9])
    )
    encoded = base.encode(x=x, y=y, color=measured, tooltip=_tips("says", "from_size", "to_size"))
    name = base.mark_text(
        align="left", dy=-30, limit=alt.ExprRef("width"), lineBreak=": ", lineHeight=14
    ).encode(x=alt.value(0), y=y, text=alt.Text("what:N"))
    return Chart(
        "crossovers",
        "Where the faster changes, and what others claim",
        "In blue, between which two sizes the faster of two implementations changed here; in "
        "grey the sizes that others have published, each with what it compares.",
        CROSSOVERS,
        tables[CROSSOVERS].columns[1:],
        run,
        _finish(
            alt.layer(
                encoded.mark_rule(strokeWidth=4).encode(x2="to_size:Q"),
                encoded.mark_tick(thickness=3, size=9),
                encoded.mark_tick(thickness=3, size=9).encode(x=alt.X("to_size:Q", scale=scale)),
                name,
            )
        ),
    )


def _errors(tables: dict[str, Table], palette: Palette, run: int) -> Chart | None:
    errors = [one for one in _values(tables, CELLS, run, "max_abs_error") if one > 0]
    if not errors:
        return None
    base = _base(CELLS, SHOWN, PICTURED, f"datum.max_abs_error > 0 && isValid(datum.{TIME[0]})")
    times = _values(tables, CELLS, run, TIME[0])
    x = _log(alt.X, TIME[0], "time of an image, end to end", times, "~s", "s")
    y = _log(alt.Y, "max_abs_error", "largest error, in the image's units", errors, "~g", "")
    chart = base.mark_point(filled=True, size=45, opacity=1).encode(
        x=x,
        y=y,
        color=palette.colours(),
        tooltip=_tips("implementation", "size", TIME[0], "max_abs_error"),
    )
    return Chart(
        "errors",
        "Error against time",
        "Points: the largest difference from a reference in float64 against the time, one for "
        "each implementation and kernel size.",
        CELLS,
        (*PLACE, TIME[0], "max_abs_error", "max_relative_error", "exact"),
        run,
        _finish(chart),
    )


def _shares(tables: dict[str, Table], palette: Palette, run: int) -> Chart | None:
    figures = ("copy_bandwidth_fraction", "multiply_add_fraction", "end_to_end_bound")
    if not _values(tables, CELLS, run, figures[0]):
        return None
    title = "share of the copy bandwidth"
    return Chart(
        "shares",
        "Share of the measured copy bandwidth",
        "How much of the speed of a plain copy of the image each implementation reaches, by "
        "kernel size; the table also has the share of the multiply-add rate.",
        CELLS,
        (*PLACE, *figures),
        run,
        _over_sizes(tables, palette, run, figures[:1], title, "~%", "", figures),
    )


def _device(tables: dict[str, Table], palette: Palette, run: int) -> Chart | None:
    """Computing against the way there and back; on a CPU they are the same."""
    cells = tables[CELLS]
    own = [dict(zip(cells.columns, row, strict=True)) for row in cells.rows if row[0] == run]
    if all(row[ON_DEVICE[0]] == row[TIME[0]] for row in own):
        return None
    times = [one for name in (ON_DEVICE[0], TIME[0]) for one in _values(tables, CELLS, run, name)]
    base = _base(CELLS, SHOWN, PICTURED).transform_fold([ON_DEVICE[0], TIME[0]], ["scope", "s"])
    encoded = base.transform_filter("isValid(datum.s)").encode(
        x=_sizes(sorted(_values(tables, CELLS, run, "size"))),
        y=_log(alt.Y, "s", "time of an image", times, "~s", "s"),
        color=palette.colours(),
        detail="scope:N",
    )
    dashes = alt.Scale(domain=[ON_DEVICE[0], TIME[0]], range=[[1, 0], [4, 3]])
    legend = alt.Legend(orient="top", title=None)
    return Chart(
        "device",
        "On the device, and there and back",
        "Lines: the time of the computation alone, and with the copies to the device and back, "
        "dashed, against the kernel size.",
        CELLS,
        (*PLACE, *ON_DEVICE, *TIME),
        run,
        _finish(
            alt.layer(
                encoded.mark_line(strokeWidth=1.5).encode(
                    strokeDash=alt.StrokeDash("scope:N", scale=dashes, legend=legend)
                ),
                encoded.mark_point(filled=True, size=40, opacity=1).encode(
                    tooltip=_tips("implementation", "size", ON_DEVICE[0], TIME[0])
                ),
            )
        ),
    )


def _samples(tables: dict[str, Table], palette: Palette, run: int) -> Chart | None:
    if not _values(tables, SAMPLES, run, "number"):
        return None
    seconds = _values(tables, SAMPLES, run, "seconds")
    axis = alt.Axis(grid=False, labelOverlap=True, format="d")
    x = alt.X("number:Q", title="samples in the order of their taking", axis=axis)
    chart = (
        _base(SAMPLES, SHOWN, PICTURED)
        .mark_point(filled=True, size=12, opacity=0.7)
        .encode(
            x=x,
            y=_log(alt.Y, "seconds", "time of a call", seconds, "~s", "s"),
            color=palette.colours(),
            tooltip=_tips("implementation", "size", "seconds", "round", "process", "number"),
        )
    )
    return Chart(
        "samples",
        "Every sample, in the order of its taking",
        "Points: all samples against their number, so that drift and outliers can be seen.",
        SAMPLES,
        tables[SAMPLES].columns[1:],
        run,
        _finish(chart),
    )


def _machines(tables: dict[str, Table]) -> Chart:
    """One implementation on all machines."""
    sizes = sorted(_values(tables, CELLS, None, "size"))
    runs = sorted(_values(tables, CELLS, None, "run"))
    times = _values(tables, CELLS, None, TIME[0])
    scale = alt.Scale(domain=runs, range=[COLOURS[n % len(COLOURS)] for n in range(len(runs))])
    encoded = _base(CELLS, "datum.implementation == one", f"isValid(datum.{TIME[0]})").encode(
        x=_sizes(sizes),
        y=_log(alt.Y, TIME[0], "time of an image, end to end", times, "~s", "s"),
        color=alt.Color("run:N", scale=scale, legend=alt.Legend(orient="top", title="run")),
    )
    layers = alt.layer(
        encoded.mark_line(strokeWidth=1.5).encode(detail="picture:N"),
        encoded.mark_point(filled=True, size=45, opacity=1).encode(
            tooltip=_tips("run", "implementation", "picture", "size", *TIME)
        ),
    ).add_params(alt.param(name="one", value=""))
    return Chart(
        "machines",
        "One implementation in all runs",
        "Lines: the time of the implementation that is chosen above the chart against the kernel "
        "size, a line for each run.",
        CELLS,
        ("run", *PLACE, *TIME),
        None,
        _finish(layers),
    )
