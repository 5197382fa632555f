"""The charts of the page, as Vega-Lite specifications over its tables.

Vega-Lite through Altair: every mark has a tooltip and a scale without code of ours, Altair checks
each specification against the schema, all of it fits into one file, and its expressions can be
interpreted, so that a page whose policy forbids generated code still draws them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import altair as alt

from blurbench.measure.judge import CONTROL
from blurbench.report.groups import GROUPS
from blurbench.report.page.palette import SHAPES, Palette
from blurbench.report.page.tables import (
    BEST_OF,
    CELLS,
    CROSSOVERS,
    MEASURED,
    PAYOFF,
    SAMPLES,
    WINNERS,
    Table,
)
from blurbench.report.palette import COLOURS, NEUTRAL
from blurbench.report.ticks import log_ticks
from blurbench.report.units import brief_duration, digits, plural

TIME = ("end_to_end_median_s", "end_to_end_ci95_low_s", "end_to_end_ci95_high_s")
ON_DEVICE = ("compute_median_s", "compute_ci95_low_s", "compute_ci95_high_s")
RATIO = ("ratio_to_fastest", "ratio_ci95_low", "ratio_ci95_high")
PLACE = ("picture", "size", "implementation")
WORTH = ("status", "verdict", "max_abs_error")
TALL, ROW = 300, 36  # pixels: a chart, and a row of a chart of rows
NAMED_ROW = 54  # a row with two lines of text above
SCOPES = {ON_DEVICE[0]: "on the device", TIME[0]: "there and back"}
TICKS = 12  # most kernel sizes below an axis


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


def charts_of(tables: dict[str, Table], runs: int) -> list[list[Chart]]:
    """The charts, those of all runs side by side."""
    palette, found = Palette(tables), []
    for make in MAKERS:
        own = [make(tables, palette, run) for run in range(1, runs + 1)]
        found.append([one for one in own if one is not None])
    if runs > 1:
        found.append([_machines(tables)])
    return [own for own in found if own]


def _values(tables: dict[str, Table], table: str, run: int | None, column: str) -> list[Any]:
    """Of a column, those that are not missing, each once."""
    return [one for one in dict.fromkeys(tables[table].values(column, run)) if one is not None]


def _base(table: str, *filters: str) -> alt.Chart:
    chart = alt.Chart(alt.NamedData(name=table)).properties(width="container", height=TALL)
    for one in filters:
        chart = chart.transform_filter(one)
    return chart


SHOWN = "indexof(shown, datum.implementation) >= 0"
PICTURED = "datum.picture == null || datum.picture == picture"
# What may win: the others are hollow, and no line joins them.
VALID = "datum.status == 'ok' && datum.verdict != 'approximate'"


def _finish(chart: Any) -> dict[str, Any]:
    """With what the page's controls set."""
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


def _points(encoded: alt.Chart, palette: Palette, size: int = 45) -> alt.Chart:
    """Marks of the names' colours and shapes, hollow where they must not win."""
    marks: alt.Chart = encoded.mark_point(size=size, opacity=1).encode(
        fill=palette.colours(channel=alt.Fill),
        stroke=palette.colours(channel=alt.Stroke),
        fillOpacity=alt.condition(VALID, alt.value(1), alt.value(0)),
        shape=palette.shapes(),
    )
    return marks


def _lines(
    base: alt.Chart, x: Any, y: Any, palette: Palette, ends: Sequence[str], tips: Any
) -> Any:
    """A line with its marks, and intervals where there are any."""
    encoded = base.encode(x=x, color=palette.colours())
    line = encoded.transform_filter(VALID).mark_line(strokeWidth=1.5).encode(y=y)
    marks = _points(base.encode(x=x, y=y, tooltip=tips), palette)
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
    base = base.properties(height=height)
    dots = _points(base.encode(x=x, y=y, tooltip=tips), palette, 60)
    if not ends:
        return dots
    encoded = base.encode(y=y, color=palette.colours())
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
    tooltips = _tips("implementation", "size", *tips, *WORTH)
    if len(sizes) == 1:
        x = _log(alt.X, figures[0], title, values, text, unit)
        names = [one for one in _values(tables, CELLS, run, PLACE[-1]) if one in palette.names]
        return _finish(_dots(base, x, palette, names, figures[1:], tooltips))
    y = _log(alt.Y, figures[0], title, values, text, unit)
    return _finish(_lines(base, _sizes(sizes), y, palette, figures[1:], tooltips))


def _barred(tables: dict[str, Table], run: int, figure: str) -> str:
    """Which of those that have a figure must not win, and why."""
    names: dict[str, list[str]] = {}
    for row in tables[CELLS].entries(run):
        why = row["status"] if row["status"] != "ok" else row["verdict"]
        if row[figure] and (row["status"] != "ok" or why == "approximate"):
            names.setdefault(why, []).append(row["implementation"])
    if not names:
        return ""
    told = "; ".join(f"{why}: {', '.join(dict.fromkeys(own))}" for why, own in names.items())
    return f"Hollow and joined by no line is what must not win ({told})."


def _extremes(tables: dict[str, Table], run: int, figure: str, text: Callable[[Any], str]) -> str:
    """The least and the most of a figure, and whose they are."""
    rows = [row for row in tables[CELLS].entries(run) if row[figure] and row["status"] == "ok"]
    if not rows:
        return ""
    ends = [choose(rows, key=lambda row: row[figure]) for choose in (min, max)]
    low, high = (
        f"{text(row[figure])} ({row['implementation']} at {row['size']}x{row['size']})"
        for row in ends
    )
    return f"From {low} to {high}."


def _best(tables: dict[str, Table], palette: Palette, run: int) -> Chart | None:
    """At a single size the chart of times shows as much."""
    sizes = sorted(_values(tables, CELLS, run, "size"))
    if len(sizes) < 2 or not _values(tables, CELLS, run, TIME[0]):
        return None
    several = len(_values(tables, CELLS, run, "picture")) > 1
    times = [one for name in TIME for one in _values(tables, CELLS, run, name)]
    base = _base(CELLS, PICTURED, f"isValid(datum.{TIME[0]})").encode(
        x=_sizes(sizes), y=_log(alt.Y, TIME[0], "time of an image, end to end", times, "~s", "s")
    )
    if several:
        base = base.properties(title=alt.Title(alt.expr("picture"), anchor="start"))
    rest = (
        base.transform_filter("datum.status == 'ok'")
        .mark_line(strokeWidth=1, color=NEUTRAL, opacity=0.5)
        .encode(
            detail="implementation:N",
            strokeDash=alt.condition(
                "datum.verdict == 'approximate'", alt.value([4, 3]), alt.value([1, 0])
            ),
        )
    )
    best = base.transform_filter(f"isValid(datum.{BEST_OF})").encode(
        color=palette.best_of(alt.Color)
    )
    bands = (
        best.transform_filter(f"isValid(datum.{TIME[1]}) && isValid(datum.{TIME[2]})")
        .mark_area(opacity=0.2)
        .encode(y=alt.Y(f"{TIME[1]}:Q"), y2=f"{TIME[2]}:Q")
    )
    marks = best.mark_point(filled=True, size=80, opacity=1).encode(
        shape=palette.best_of(alt.Shape),
        tooltip=_tips(BEST_OF, "implementation", "size", *TIME, "rounds", *WORTH),
    )
    return Chart(
        "best",
        "The best of each kind of blur",
        "Thick lines: the time of the fastest direct, separable, FFT and GPU blur, chosen anew at "
        "each kernel size, with its 95 % interval; in grey every implementation, dashed if "
        "approximate; dotted, where there is one, the kernel size from which on FFT pays.",
        "",
        _bests(tables[CELLS].entries(run)),
        CELLS,
        (*PLACE, BEST_OF, PAYOFF, *TIME, "rounds", *WORTH),
        run,
        _finish(
            alt.layer(rest, bands, best.mark_line(strokeWidth=3.5), marks, *_payoff(base, sizes))
        ),
    )


def _payoff(base: alt.Chart, sizes: Sequence[int]) -> list[alt.Chart]:
    """A line where FFT begins to pay, and at its foot a note, on the side that has room for it."""
    mark = base.transform_filter(f"isValid(datum.{PAYOFF})")
    middle = (sizes[0] * sizes[-1]) ** 0.5
    note = mark.encode(y=alt.value(TALL - 10), text=f"{PAYOFF}:N")
    return [
        mark.mark_rule(strokeDash=[2, 3], color="currentColor").encode(
            y=alt.value(0), y2=alt.value(TALL)
        ),
        note.transform_filter(f"datum.size < {middle}").mark_text(align="left", dx=6),
        note.transform_filter(f"datum.size >= {middle}").mark_text(align="right", dx=-6),
    ]


def _bests(rows: Sequence[dict[str, Any]]) -> str:
    """`512x512: separable from 1 ms (a at 3x3) to 9 ms (b at 31x31); FFT pays from 31.`"""
    texts = []
    for picture, own in groupby(rows, key=lambda row: row["picture"]):
        bests = sorted((row for row in own if row[BEST_OF]), key=lambda row: row["size"])
        parts = []
        for group in GROUPS:
            found = [row for row in bests if row[BEST_OF] == group]
            if found:
                ends = [
                    f"{brief_duration(row[TIME[0]])} ({row['implementation']} at "
                    f"{row['size']}x{row['size']})"
                    for row in (found[0], found[-1])
                ]
                parts.append(f"{group} from {' to '.join(ends)}")
        parts += [row[PAYOFF] for row in bests if row[PAYOFF]]
        texts.append(f"{picture}: {'; '.join(parts)}.")
    return " ".join(texts)


def _winners(tables: dict[str, Table], palette: Palette, run: int) -> Chart | None:
    pictures = _values(tables, WINNERS, run, "picture")
    if not pictures:
        return None
    tips = _tips("picture", "size", "fastest", "end_to_end_median_s", "next", *RATIO[1:], "proven")
    base = _base(WINNERS).properties(height=ROW * len(pictures))
    x = alt.X("size:O", title="kernel size, pixels", axis=alt.Axis(labelAngle=0, labelOverlap=True))
    y = alt.Y("picture:N", title=None, sort=None, axis=alt.Axis(labelLimit=130))
    cells = base.mark_rect().encode(x=x, y=y, color=palette.colours("fastest"), tooltip=tips)
    marks = base.mark_point(yOffset=-7, size=28, fill="white", stroke=None, opacity=1).encode(
        x=x, y=y, shape=palette.shapes("fastest"), tooltip=tips
    )
    doubts = base.transform_filter("!datum.proven").mark_text(text="?", dy=8)
    return Chart(
        "winners",
        "The fastest, by image and kernel size",
        "A map: a row for each image, a column for each kernel size, with the colour and the shape "
        "of who was the fastest; a question mark where that is not proven.",
        "",
        _won(tables[WINNERS].entries(run)),
        WINNERS,
        tables[WINNERS].columns[1:],
        run,
        _finish(alt.layer(cells, marks, doubts.encode(x=x, y=y, tooltip=tips))),
    )


def _won(rows: Sequence[dict[str, Any]]) -> str:
    """`512x512: a from 3 to 15, b at 31.`"""
    texts = []
    for picture, own in groupby(rows, key=lambda row: row["picture"]):
        spells = [list(spell) for _, spell in groupby(own, key=lambda row: row["fastest"])]
        ends = [(spell[0]["fastest"], spell[0]["size"], spell[-1]["size"]) for spell in spells]
        parts = [
            f"{name} at {low}" if low == high else f"{name} from {low} to {high}"
            for name, low, high in ends
        ]
        texts.append(f"{picture}: {', '.join(parts)}.")
    return " ".join(texts)


def _times(tables: dict[str, Table], palette: Palette, run: int) -> Chart | None:
    if not _values(tables, CELLS, run, TIME[0]):
        return None
    tips = (*TIME, "rounds")
    return Chart(
        "times",
        "Time against kernel size",
        "The median time of one image, by kernel size and implementation, with its 95 % interval "
        "where the race was long enough.",
        _barred(tables, run, TIME[0]),
        _extremes(tables, run, TIME[0], brief_duration),
        CELLS,
        (*PLACE, *TIME, "rounds", *WORTH),
        run,
        _over_sizes(tables, palette, run, TIME, "time of an image, end to end", "~s", "s", tips),
    )


def _ratios(tables: dict[str, Table], palette: Palette, run: int) -> Chart | None:
    if not _values(tables, CELLS, run, RATIO[0]):
        return None
    title = "time over the fastest's, paired"
    return Chart(
        "ratios",
        "How many times as long as the fastest",
        "The time of each implementation over that of the fastest, paired round by round, with "
        "its 95 % interval, by kernel size.",
        _barred(tables, run, RATIO[0]),
        _extremes(tables, run, RATIO[0], lambda value: f"{digits(value)}x"),
        CELLS,
        (*PLACE, *RATIO, *WORTH),
        run,
        _over_sizes(tables, palette, run, RATIO, title, "~g", "x", RATIO),
    )


def _crossovers(tables: dict[str, Table], palette: Palette, run: int) -> Chart | None:
    if len(_values(tables, CELLS, run, "size")) < 2:
        return None
    found = [row for row in tables[CROSSOVERS].entries(run) if row["from_size"] is not None]
    labels = {row["picture"]: set[str]() for row in found}
    for row in found:
        labels[row["picture"]].add(row["label"])
    height = NAMED_ROW * max(map(len, labels.values()))
    base = _base(CROSSOVERS, PICTURED, "isValid(datum.from_size)").properties(height=height)
    scale = alt.Scale(type="log", nice=False, padding=24)
    ends = [
        one for name in ("from_size", "to_size") for one in _values(tables, CROSSOVERS, run, name)
    ]
    axis = alt.Axis(values=log_ticks(min(ends), max(ends)), format="d", labelOverlap=True)
    x = alt.X("from_size:Q", scale=scale, title="kernel size, pixels", axis=axis)
    y = alt.Y("label:N", sort=None, axis=None)
    measured = alt.condition(
        f"datum.kind == '{MEASURED}'", alt.value("currentColor"), alt.value(NEUTRAL)
    )
    tips = _tips("says", "from_size", "to_size", "held")
    encoded = base.encode(x=x, y=y, color=measured, tooltip=tips)
    each = base.transform_aggregate(count="count()", groupby=["label"])
    name = each.mark_text(
        align="left", dy=-30, limit=alt.ExprRef("width"), lineBreak=": ", lineHeight=14
    ).encode(x=alt.value(0), y=y, text=alt.Text("label:N"))
    changes = [row["says"] for row in found if row["kind"] == MEASURED]
    return Chart(
        "crossovers",
        "Where the faster changes, and what others claim",
        "In the colour of the text, between which two sizes the faster of two implementations "
        "changed here; in grey the sizes that others have published, each with what it compares.",
        "",
        " ".join(dict.fromkeys(changes)) or "No change was found here.",
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
    figure = "max_abs_error"
    rows = [row for row in tables[CELLS].entries(run) if row[figure] and row[TIME[0]]]
    if not rows:
        return None
    base = _base(CELLS, SHOWN, PICTURED, f"datum.{figure} > 0 && isValid(datum.{TIME[0]})")
    errors, times = ([row[name] for row in rows] for name in (figure, TIME[0]))
    x = _log(alt.X, TIME[0], "time of an image, end to end", times, "~s", "s")
    y = _log(alt.Y, figure, "largest error, in the image's units", errors, "~g", "")
    tips = _tips("implementation", "size", TIME[0], "max_relative_error", *WORTH)
    return Chart(
        "errors",
        "Error against time",
        "Points: the largest difference from a reference in float64 against the time, one for "
        "each implementation and kernel size.",
        _barred(tables, run, figure),
        _extremes(tables, run, figure, lambda value: f"{value:.2g}"),
        CELLS,
        (*PLACE, TIME[0], *WORTH, "max_relative_error", "exact"),
        run,
        _finish(_points(base.encode(x=x, y=y, tooltip=tips), palette)),
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
        _barred(tables, run, figures[0]),
        _extremes(tables, run, figures[0], lambda value: f"{100 * value:.0f} %"),
        CELLS,
        (*PLACE, *figures, *WORTH),
        run,
        _over_sizes(tables, palette, run, figures[:1], title, "~%", "", figures),
    )


def _device(tables: dict[str, Table], palette: Palette, run: int) -> Chart | None:
    """Computing against the way there and back; on a CPU they are the same."""
    own = tables[CELLS].entries(run)
    if all(row[ON_DEVICE[0]] == row[TIME[0]] for row in own):
        return None
    sizes = sorted(_values(tables, CELLS, run, "size"))
    scopes = (ON_DEVICE[0], TIME[0])
    times = [one for name in scopes for one in _values(tables, CELLS, run, name)]
    base = _base(CELLS, SHOWN, PICTURED).transform_fold(list(scopes), ["scope", "s"])
    base = base.transform_filter("isValid(datum.s)")
    legend = alt.Legend(orient="top", title=None, labelExpr=f"{SCOPES}[datum.label]")
    tips = _tips("implementation", "size", *scopes, *WORTH)
    if len(sizes) == 1:
        x = _log(alt.X, "s", "time of an image", times, "~s", "s")
        names = [row["implementation"] for row in own if row[TIME[0]] is not None]
        shapes = alt.Scale(domain=scopes, range=["circle", "triangle"])
        drawn = _dots(base, x, palette, list(dict.fromkeys(names)), (), tips).encode(
            shape=alt.Shape("scope:N", scale=shapes, legend=legend)
        )
    else:
        encoded = base.encode(
            x=_sizes(sizes),
            y=_log(alt.Y, "s", "time of an image", times, "~s", "s"),
            detail="scope:N",
        )
        dashes = alt.Scale(domain=scopes, range=[[1, 0], [4, 3]])
        line = (
            encoded.transform_filter(VALID)
            .mark_line(strokeWidth=1.5)
            .encode(
                color=palette.colours(),
                strokeDash=alt.StrokeDash("scope:N", scale=dashes, legend=legend),
            )
        )
        drawn = alt.layer(line, _points(encoded.encode(tooltip=tips), palette, 40))
    return Chart(
        "device",
        "On the device, and there and back",
        "The time of the computation alone, and with the copies to the device and back "
        f"({'dashed' if len(sizes) > 1 else 'triangles'}), by kernel size.",
        _barred(tables, run, ON_DEVICE[0]),
        f"Computation: {_extremes(tables, run, ON_DEVICE[0], brief_duration)} "
        f"There and back: {_extremes(tables, run, TIME[0], brief_duration)}",
        CELLS,
        (*PLACE, *ON_DEVICE, *TIME, *WORTH),
        run,
        _finish(drawn),
    )


def _samples(tables: dict[str, Table], palette: Palette, run: int) -> Chart | None:
    if not _values(tables, SAMPLES, run, "number"):
        return None
    rows = tables[SAMPLES].entries(run)
    seconds = [row["seconds"] for row in rows]
    axis = alt.Axis(grid=False, tickCount=8, labelOverlap=True, labelSeparation=6, format="d")
    x = alt.X(
        "number:Q",
        scale=alt.Scale(zero=False, nice=False),  # an image's samples may stand far back
        title="samples in the order of their taking",
        axis=axis,
    )
    chart = (
        _base(SAMPLES, SHOWN, PICTURED)
        .mark_point(filled=True, size=14, opacity=0.7)
        .encode(
            x=x,
            y=_log(alt.Y, "seconds", "time of a call", seconds, "~s", "s"),
            color=palette.colours(),
            shape=palette.shapes(),
            tooltip=_tips("implementation", "size", "seconds", "round", "process", "number"),
        )
    )
    return Chart(
        "samples",
        "Every sample, in the order of its taking",
        "Points: the samples behind all figures end to end against their number, so that drift and "
        f"outliers can be seen; {CONTROL} is the fastest once more, with buffers of its own. The "
        "pilot's rounds, and those of a race that began anew, enter no figure and are left out.",
        "",
        f"{plural(len(rows), 'sample')} from {brief_duration(min(seconds))} to "
        f"{brief_duration(max(seconds))}.",
        SAMPLES,
        tables[SAMPLES].columns[1:],
        run,
        _inked(_finish(chart)),
    )


def _inked(spec: dict[str, Any]) -> dict[str, Any]:
    """For a canvas, which styles do not reach: the page sets the colour of its text."""
    ink = {"expr": "ink"}
    spec["params"].append({"name": "ink", "value": "gray"})
    spec["config"]["axis"].update(labelColor=ink, titleColor=ink, gridColor=ink, gridOpacity=0.3)
    return spec


def _machines(tables: dict[str, Table]) -> Chart:
    """One implementation on all machines."""
    sizes = sorted(_values(tables, CELLS, None, "size"))
    runs = sorted(_values(tables, CELLS, None, "run"))
    times = _values(tables, CELLS, None, TIME[0])
    scale = alt.Scale(domain=runs, range=[COLOURS[n % len(COLOURS)] for n in range(len(runs))])
    shapes = alt.Scale(domain=runs, range=[SHAPES[n % len(SHAPES)] for n in range(len(runs))])
    legend = alt.Legend(orient="top", title=None, labelExpr="'run ' + datum.label")
    encoded = _base(CELLS, "datum.implementation == one", f"isValid(datum.{TIME[0]})").encode(
        x=_sizes(sizes),
        y=_log(alt.Y, TIME[0], "time of an image, end to end", times, "~s", "s"),
        color=alt.Color("run:N", scale=scale, legend=legend),
    )
    layers = alt.layer(
        encoded.transform_filter(VALID).mark_line(strokeWidth=1.5).encode(detail="picture:N"),
        encoded.mark_point(size=45, opacity=1).encode(
            fill=alt.Fill("run:N", scale=scale, legend=legend),
            fillOpacity=alt.condition(VALID, alt.value(1), alt.value(0)),
            shape=alt.Shape("run:N", scale=shapes, legend=legend),
            tooltip=_tips("run", "implementation", "picture", "size", *TIME, *WORTH),
        ),
    ).add_params(alt.param(name="one", value=""))
    return Chart(
        "machines",
        "One implementation in all runs",
        "Lines: the time of the implementation that is chosen above the chart against the kernel "
        "size, a line for each run; hollow and joined by no line where it must not win.",
        "",
        "",
        CELLS,
        ("run", *PLACE, *TIME, *WORTH),
        None,
        _finish(layers),
    )


# From top to bottom.
MAKERS = (
    *(_best, _winners, _times, _ratios, _crossovers),
    *(_errors, _shares, _device, _samples),
)
