"""The charts of the page, as Vega-Lite specifications over its tables.

Vega-Lite through Altair: every mark has a tooltip and a scale without code of ours, Altair checks
each specification against the schema, all of it fits into one file, and its expressions can be
interpreted, so that a page whose policy forbids generated code still draws them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import altair as alt

from blurbench.measure.judge import UNRANKED
from blurbench.measure.rounds import CONTROL
from blurbench.report.page.chart_best import best_chart
from blurbench.report.page.chart_parts import (
    END_TO_END,
    PICTURED,
    PLACE,
    SHOWN,
    TIME,
    VALID,
    WORTH,
    Chart,
    Quantity,
    drawing,
    finished,
    log_axis,
    named,
    size_axis,
    tooltips_of,
    values_of,
)
from blurbench.report.page.palette import SHAPES, Palette
from blurbench.report.page.tables import CELLS, CROSSOVERS, MEASURED, SAMPLES, WINNERS, Tables
from blurbench.report.palette import COLOURS, NEUTRAL
from blurbench.report.point_tables import STATUS_WORDS
from blurbench.report.ranges import ranges_text
from blurbench.report.ticks import log_ticks
from blurbench.report.units import brief_duration, digits, plural

ON_DEVICE = ("compute_median_s", "compute_ci95_low_s", "compute_ci95_high_s")
RATIO = ("ratio_to_fastest", "ratio_ci95_low", "ratio_ci95_high")
ROW = 36  # pixels: a row of a chart of rows
NAMED_ROW = 54  # a row with two lines of text above
EITHER = Quantity("s", "time of an image", "~s", "s")  # whichever the scope
SCOPES = {ON_DEVICE[0]: "on the device", TIME[0]: "there and back"}


def charts_of(tables: Tables, runs: int) -> list[list[Chart]]:
    """The charts, those of all runs side by side."""
    palette, found = Palette(tables), []
    makers = (
        *(best_chart, _winners, _times, _ratios, _crossovers),
        *(_errors, _shares, _device, _samples),
    )
    for make in makers:
        own = [make(tables, palette, run) for run in range(1, runs + 1)]
        found.append([one for one in own if one is not None])
    if runs > 1:
        found.append([_machines(tables)])
    return [own for own in found if own]


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
    """Marks at a single kernel size, in a row for each implementation."""
    axis = alt.Axis(labelLimit=180, labelExpr=palette.label_expression)
    y = alt.Y("implementation:N", sort=names, title=None, axis=axis)
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
    tables: Tables,
    palette: Palette,
    run: int,
    quantity: Quantity,
    ends: Sequence[str],
    tips: Sequence[str],
) -> dict[str, Any]:
    """A quantity against the kernel size, or by name where there is but one size.

    Args:
        ends: the columns of its interval, if it has one.
    """
    sizes = sorted(values_of(tables, CELLS, run, "size"))
    columns = (quantity.field, *ends)
    values = [one for name in columns for one in values_of(tables, CELLS, run, name)]
    base = drawing(CELLS, SHOWN, PICTURED, f"datum.{quantity.field} > 0")
    tooltips = tooltips_of("implementation", "size", *tips, *WORTH)
    if len(sizes) == 1:
        x = log_axis(alt.X, quantity, values)
        names = [one for one in values_of(tables, CELLS, run, PLACE[-1]) if one in palette.names]
        return finished(_dots(base, x, palette, names, ends, tooltips))
    y = log_axis(alt.Y, quantity, values)
    return finished(_lines(base, size_axis(sizes), y, palette, ends, tooltips))


def _barred(tables: Tables, run: int, figure: str) -> str:
    """Which of those that have a figure must not win, and why."""
    names: dict[str, list[str]] = {}
    for row in tables[CELLS].entries(run):
        status = row["status"]
        why = STATUS_WORDS.get(status, status) if status != "ok" else row["verdict"]
        if row[figure] and (status != "ok" or why in UNRANKED):
            names.setdefault(why, []).append(row["implementation"])
    if not names:
        return ""
    told = "; ".join(f"{why}: {', '.join(dict.fromkeys(own))}" for why, own in names.items())
    return f"Hollow and joined by no line is what must not win ({told})."


def _extremes(tables: Tables, run: int, figure: str, text: Callable[[Any], str]) -> str:
    """The least and the most of a figure, and whose they are."""
    rows = [row for row in tables[CELLS].entries(run) if row[figure] and row["status"] == "ok"]
    if not rows:
        return ""
    ends = [choose(rows, key=lambda row: row[figure]) for choose in (min, max)]
    low, high = (
        f"{text(row[figure])} ({named(row)} at {row['size']}x{row['size']})" for row in ends
    )
    return f"From {low} to {high}."


def _winners(tables: Tables, palette: Palette, run: int) -> Chart | None:
    pictures = values_of(tables, WINNERS, run, "picture")
    if not pictures:
        return None
    tips = tooltips_of(
        "picture", "size", "fastest", "end_to_end_median_s", "next", *RATIO[1:], "proven"
    )
    base = drawing(WINNERS).properties(height=ROW * len(pictures))
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
        _won(tables[WINNERS].entries(run), palette),
        WINNERS,
        tables[WINNERS].columns[1:],
        run,
        finished(alt.layer(cells, marks, doubts.encode(x=x, y=y, tooltip=tips))),
    )


def _won(rows: Sequence[dict[str, Any]], palette: Palette) -> str:
    """`512x512: a from 3 to 15, b at 31.`"""
    texts = []
    for picture, own in groupby(rows, key=lambda row: row["picture"]):
        ahead = ((palette.label(row["fastest"]), row["size"]) for row in own)
        texts.append(f"{picture}: {ranges_text(ahead)}.")
    return " ".join(texts)


def _times(tables: Tables, palette: Palette, run: int) -> Chart | None:
    if not values_of(tables, CELLS, run, TIME[0]):
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
        _over_sizes(tables, palette, run, END_TO_END, TIME[1:], tips),
    )


def _ratios(tables: Tables, palette: Palette, run: int) -> Chart | None:
    if not values_of(tables, CELLS, run, RATIO[0]):
        return None
    times = Quantity(RATIO[0], "time over the fastest's, paired", "~g", "x")
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
        _over_sizes(tables, palette, run, times, RATIO[1:], RATIO),
    )


def _crossovers(tables: Tables, palette: Palette, run: int) -> Chart | None:
    if len(values_of(tables, CELLS, run, "size")) < 2:
        return None
    found = [row for row in tables[CROSSOVERS].entries(run) if row["from_size"] is not None]
    labels = {row["picture"]: set[str]() for row in found}
    for row in found:
        labels[row["picture"]].add(row["label"])
    height = NAMED_ROW * max(map(len, labels.values()))
    base = drawing(CROSSOVERS, PICTURED, "isValid(datum.from_size)").properties(height=height)
    scale = alt.Scale(type="log", nice=False, padding=24)
    ends = [
        one for name in ("from_size", "to_size") for one in values_of(tables, CROSSOVERS, run, name)
    ]
    axis = alt.Axis(values=log_ticks(min(ends), max(ends)), format="d", labelOverlap=True)
    x = alt.X("from_size:Q", scale=scale, title="kernel size, pixels", axis=axis)
    y = alt.Y("label:N", sort=None, axis=None)
    measured = alt.condition(
        f"datum.kind == '{MEASURED}'", alt.value("currentColor"), alt.value(NEUTRAL)
    )
    tips = tooltips_of("says", "from_size", "to_size", "held")
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
        finished(
            alt.layer(
                encoded.mark_rule(strokeWidth=4).encode(x2="to_size:Q"),
                encoded.mark_tick(thickness=3, size=9),
                encoded.mark_tick(thickness=3, size=9).encode(x=alt.X("to_size:Q", scale=scale)),
                name,
            )
        ),
    )


def _errors(tables: Tables, palette: Palette, run: int) -> Chart | None:
    figure = "max_abs_error"
    rows = [row for row in tables[CELLS].entries(run) if row[figure] and row[TIME[0]]]
    if not rows:
        return None
    base = drawing(CELLS, SHOWN, PICTURED, f"datum.{figure} > 0 && isValid(datum.{TIME[0]})")
    errors, times = ([row[name] for row in rows] for name in (figure, TIME[0]))
    x = log_axis(alt.X, END_TO_END, times)
    y = log_axis(alt.Y, Quantity(figure, "largest error, in the image's units", "~g", ""), errors)
    tips = tooltips_of("implementation", "size", TIME[0], "max_relative_error", *WORTH)
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
        finished(_points(base.encode(x=x, y=y, tooltip=tips), palette)),
    )


def _shares(tables: Tables, palette: Palette, run: int) -> Chart | None:
    figures = ("copy_bandwidth_fraction", "multiply_add_fraction", "end_to_end_bound")
    if not values_of(tables, CELLS, run, figures[0]):
        return None
    share = Quantity(figures[0], "share of the copy bandwidth", "~%", "")
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
        _over_sizes(tables, palette, run, share, (), figures),
    )


def _device(tables: Tables, palette: Palette, run: int) -> Chart | None:
    """Computing against the way there and back; on a CPU they are the same."""
    own = tables[CELLS].entries(run)
    if all(row[ON_DEVICE[0]] == row[TIME[0]] for row in own):
        return None
    sizes = sorted(values_of(tables, CELLS, run, "size"))
    scopes = (ON_DEVICE[0], TIME[0])
    times = [one for name in scopes for one in values_of(tables, CELLS, run, name)]
    base = drawing(CELLS, SHOWN, PICTURED).transform_fold(list(scopes), ["scope", "s"])
    base = base.transform_filter("isValid(datum.s)")
    legend = alt.Legend(orient="top", title=None, labelExpr=f"{SCOPES}[datum.label]")
    tips = tooltips_of("implementation", "size", *scopes, *WORTH)
    if len(sizes) == 1:
        x = log_axis(alt.X, EITHER, times)
        names = [row["implementation"] for row in own if row[TIME[0]] is not None]
        shapes = alt.Scale(domain=scopes, range=["circle", "triangle"])
        drawn = _dots(base, x, palette, list(dict.fromkeys(names)), (), tips).encode(
            shape=alt.Shape("scope:N", scale=shapes, legend=legend)
        )
    else:
        encoded = base.encode(
            x=size_axis(sizes),
            y=log_axis(alt.Y, EITHER, times),
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
        finished(drawn),
    )


def _samples(tables: Tables, palette: Palette, run: int) -> Chart | None:
    if not values_of(tables, SAMPLES, run, "number"):
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
        drawing(SAMPLES, SHOWN, PICTURED)
        .mark_point(filled=True, size=14, opacity=0.7)
        .encode(
            x=x,
            y=log_axis(alt.Y, Quantity("seconds", "time of a call", "~s", "s"), seconds),
            color=palette.colours(),
            shape=palette.shapes(),
            tooltip=tooltips_of("implementation", "size", "seconds", "round", "process", "number"),
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
        _inked(finished(chart)),
    )


def _inked(spec: dict[str, Any]) -> dict[str, Any]:
    """The chart for a canvas, which styles do not reach: the page sets the colour of its text."""
    ink = {"expr": "ink"}
    spec["params"].append({"name": "ink", "value": "gray"})
    spec["config"]["axis"].update(labelColor=ink, titleColor=ink, gridColor=ink, gridOpacity=0.3)
    return spec


def _machines(tables: Tables) -> Chart:
    """One implementation on all machines."""
    sizes = sorted(values_of(tables, CELLS, None, "size"))
    runs = sorted(values_of(tables, CELLS, None, "run"))
    times = values_of(tables, CELLS, None, TIME[0])
    scale = alt.Scale(domain=runs, range=[COLOURS[n % len(COLOURS)] for n in range(len(runs))])
    shapes = alt.Scale(domain=runs, range=[SHAPES[n % len(SHAPES)] for n in range(len(runs))])
    legend = alt.Legend(orient="top", title=None, labelExpr="'run ' + datum.label")
    encoded = drawing(CELLS, "datum.implementation == one", f"isValid(datum.{TIME[0]})").encode(
        x=size_axis(sizes),
        y=log_axis(alt.Y, END_TO_END, times),
        color=alt.Color("run:N", scale=scale, legend=legend),
    )
    layers = alt.layer(
        encoded.transform_filter(VALID).mark_line(strokeWidth=1.5).encode(detail="picture:N"),
        encoded.mark_point(size=45, opacity=1).encode(
            fill=alt.Fill("run:N", scale=scale, legend=legend),
            fillOpacity=alt.condition(VALID, alt.value(1), alt.value(0)),
            shape=alt.Shape("run:N", scale=shapes, legend=legend),
            tooltip=tooltips_of("run", "implementation", "picture", "size", *TIME, *WORTH),
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
        finished(layers),
    )
