"""The panels of a picture: times, ratios, intervals at one kernel size."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator, NullFormatter, NullLocator

from blurbench.measure.stats import Estimate
from blurbench.report.plots.data import Column, Curve, Mark
from blurbench.report.plots.labels import (
    LONGEST,
    EndLabel,
    brackets_height,
    draw_brackets,
    extent,
    inches,
    label_ends,
)
from blurbench.report.plots.style import (
    FAINT,
    SIZE,
    SMALL,
    TEXT,
    Looks,
    fitted,
    ink,
    plain,
    width_of,
    without_crowding,
)
from blurbench.report.point_tables import row_texts
from blurbench.report.ticks import log_ticks, tick_text
from blurbench.report.units import brief_duration

BAND_ALPHA = 0.2
MARKERS_APART = 0.09  # inches
INSET = 0.12  # inches between the data and the edge of the axes
RATIO_COLOUR = "#333333"


def log_limits(values: Sequence[float], height: float, below: float = 0.0) -> tuple[float, float]:
    """Limits of an axis so many inches long that leaves `INSET` at both ends, and `below`."""
    low, high = min(values), max(values)
    if high < 2 * low:
        middle = (low * high) ** 0.5
        low, high = middle / 2**0.5, middle * 2**0.5
    per_inch = high / low
    free = height - 2 * INSET - below
    return low / per_inch ** ((INSET + below) / free), high * per_inch ** (INSET / free)


def time_values(columns: Sequence[Column]) -> list[float]:
    """All that the axis of the times must show."""
    return [
        value
        for column in columns
        for curve in column.curves
        for mark in curve.marks
        for value in interval_ends(mark.time)
    ]


def ratio_values(columns: Sequence[Column]) -> list[float]:
    """All that the axis of the ratios must show: 1, and somewhat beyond it."""
    found = [
        value
        for column in columns
        for ratios in column.ratios.values()
        for ratio in ratios.values()
        for value in interval_ends(ratio)
    ]
    return [*found, 0.7, 1.4]


def interval_ends(one: Estimate) -> tuple[float, ...]:
    """The estimate, between the ends of its interval where it has one."""
    if one.low is None or one.high is None:
        return (one.value,)
    return (one.low, one.value, one.high)


def draw_times(
    axes: Axes, column: Column, looks: Looks, sizes: Sequence[int], beyond: float
) -> None:
    """Time against kernel size, with a name at each line's end and the brackets below.

    Args:
        sizes: that the axis must reach.
        beyond: inches to the right of the axes that texts may use.
    """
    quiet_log_axes(axes, sizes)
    for curve in column.curves:
        _draw_curve(axes, curve, looks)
    labels = []
    for curve in column.curves:
        last = (curve.joined or curve.marks)[-1]
        labels.append(
            EndLabel(plain(curve.label), last.size, last.time.value, ink(looks.colour(curve.name)))
        )
    label_ends(axes, labels, brackets_height(len(column.brackets)))
    draw_brackets(axes, column.brackets, beyond)


def scale_times(axes: Axes, columns: Sequence[Column], most_brackets: int) -> None:
    """The axis of the times, the same for all columns."""
    scale_to(axes, time_values(columns), brackets_height(most_brackets))


def scale_to(axes: Axes, times: Sequence[float], below: float) -> None:
    """An axis that shows these times, with so many inches free below them."""
    axes.set_yscale("log")
    axes.set_ylim(log_limits(times, extent(axes)[1], below))
    low = min(times) / 2
    ticks = [one for one in log_ticks(*axes.get_ylim()) if one >= low]
    set_ticks(axes, "y", ticks, [tick_text(one) for one in ticks])


def scale_ratios(axes: Axes, columns: Sequence[Column]) -> None:
    """The axis of the ratios, the same for all columns."""
    axes.set_yscale("log")
    axes.set_ylim(log_limits(ratio_values(columns), extent(axes)[1]))
    ticks = sorted({1.0, *log_ticks(*axes.get_ylim(), least=4)})
    set_ticks(axes, "y", ticks, [f"{one:g}x" for one in ticks])


def set_ticks(axes: Axes, which: str, ticks: Sequence[float], texts: Sequence[str]) -> None:
    """Label an axis, `x` or `y`, at these places and no others."""
    axis = axes.yaxis if which == "y" else axes.xaxis
    axis.set_major_locator(FixedLocator(list(ticks)))
    axis.set_major_formatter(FixedFormatter(list(texts)))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())
    axis.set_tick_params(which="both", length=0 if which == "y" else 3)


def quiet_log_axes(axes: Axes, sizes: Sequence[int]) -> None:
    """Kernel sizes below, as many as have room; lines across instead of an axis at the left."""
    axes.set_xscale("log")
    axes.set_xlim(log_limits(sizes, extent(axes)[0]))
    places = [inches(axes, size, axes.get_ylim()[0])[0] for size in sizes]
    shown = without_crowding(sizes, places, least=0.09)
    set_ticks(axes, "x", shown, [str(size) for size in shown])
    axes.xaxis.set_minor_locator(FixedLocator([size for size in sizes if size not in shown]))
    axes.tick_params(axis="x", which="minor", length=2, color=FAINT)
    axes.spines["left"].set_visible(False)
    axes.grid(True, axis="y")


def _draw_curve(axes: Axes, curve: Curve, looks: Looks) -> None:
    colour, marker = looks.colour(curve.name), looks.marker(curve.name)
    joined = curve.joined
    if joined:
        axes.plot(
            [one.size for one in joined],
            [one.time.value for one in joined],
            color=colour,
            linestyle=looks.dash(curve.backend),
            linewidth=1.5,
            label=plain(curve.name),
        )
        draw_bands(axes, [(one.size, one.time) for one in joined], colour)
    own = [one for one in curve.marks if one.raced and one.barred is None]
    shown = uncrowded(axes, [one.size for one in own])
    special = [one for one in curve.marks if one not in own]
    _draw_marks(axes, [*(own[n] for n in shown), *special], colour, marker)


def _draw_marks(axes: Axes, marks: Sequence[Mark], colour: str, marker: str) -> None:
    """Filled where they raced, open where they were measured once, a cross where barred."""
    for one in marks:
        barred = one.barred is not None
        axes.plot(
            [one.size],
            [one.time.value],
            marker="x" if barred else marker,
            markersize=6 if barred else 4.2,
            markerfacecolor=colour if one.raced else "white",
            markeredgecolor=colour,
            markeredgewidth=1.8 if barred else 1.0,
            linestyle="none",
            zorder=4 if barred else 3,
            label=one.barred or ("raced" if one.raced else "measured once"),
        )


def uncrowded(axes: Axes, sizes: Sequence[int]) -> list[int]:
    """The numbers of those whose markers do not touch the next; the last is always there."""
    places = [inches(axes, size, axes.get_ylim()[0])[0] for size in sizes]
    kept: list[int] = []
    for number in reversed(range(len(places))):
        if not kept or places[kept[-1]] - places[number] >= MARKERS_APART:
            kept.append(number)
    return kept[::-1]


def draw_bands(axes: Axes, found: Sequence[tuple[int, Estimate]], colour: str) -> None:
    """Where intervals exist; one that stands alone is a stroke."""
    for exists, group in groupby(found, key=lambda one: one[1].low is not None):
        part = list(group)
        if not exists:
            continue
        sizes = [size for size, _ in part]
        low, high = ([getattr(one, end) for _, one in part] for end in ("low", "high"))
        if len(part) > 1:
            axes.fill_between(
                sizes, low, high, color=colour, alpha=BAND_ALPHA, linewidth=0, label="band"
            )
        else:
            axes.vlines(sizes, low, high, color=colour, alpha=0.6, linewidth=1.5, label="band")


def draw_ratios(axes: Axes, column: Column, looks: Looks, sizes: Sequence[int]) -> None:
    """Separable over FFT, a line a backend; beyond the line at 1, FFT is faster."""
    quiet_log_axes(axes, sizes)
    same = column.log.run.rules.same
    axes.axhspan(1 / (1 + same), 1 + same, color="#bdbdbd", linewidth=0, label="same")
    axes.axhline(1, color=TEXT, linewidth=0.7, label="one")
    labels = []
    for backend, ratios in column.ratios.items():
        axes.plot(
            list(ratios),
            [one.value for one in ratios.values()],
            color=RATIO_COLOUR,
            linestyle=looks.dash(backend),
            linewidth=1.4,
            marker="o",
            markersize=3.4,
            markevery=uncrowded(axes, list(ratios)),
            label=plain(backend),
        )
        draw_bands(axes, list(ratios.items()), RATIO_COLOUR)
        size = list(ratios)[-1]
        labels.append(EndLabel(plain(column.label_of(backend)), size, ratios[size].value, TEXT))
    label_ends(axes, labels)


TABLE_GAP = 0.16
HEADING_RISE = 0.08  # inches from the axes to the foot of what stands above them


def interval_rows(column: Column) -> list[list[str]]:
    """Name, time, ratio and verdict of what ran at the only kernel size."""
    found = []
    for row in column.rows[0]:
        if row.end_to_end_median_s is None:
            continue
        name, _, compared, _, verdict = row_texts(row)
        found.append(
            [
                fitted(plain(name), LONGEST),
                brief_duration(row.end_to_end_median_s),
                compared,
                verdict,
            ]
        )
    return found


HEADERS = ("", "time", "vs fastest", "verdict")


def table_widths(rows: Sequence[Sequence[str]]) -> list[float]:
    """Inches of each column of the texts beside the intervals."""
    return [max(map(width_of, texts)) for texts in zip(HEADERS, *rows, strict=True)]


def draw_intervals(axes: Axes, column: Column, looks: Looks, limits: Sequence[float]) -> None:
    """A dot and its interval for each implementation, the fastest on top."""
    axes.set_xscale("log")
    axes.set_xlim(log_limits(limits, extent(axes)[0]))
    ticks = log_ticks(*axes.get_xlim(), most=6)
    set_ticks(axes, "x", ticks, [tick_text(one) for one in ticks])
    rows = interval_rows(column)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    set_ticks(axes, "y", list(range(len(rows))), [row[0] for row in rows])
    axes.spines["left"].set_visible(False)
    axes.grid(True, axis="x")
    marks = {one.name: one.marks[0] for one in column.curves}
    names = [row.name for row in column.rows[0] if row.name in marks]
    for place, name in enumerate(names):
        mark = marks[name]
        _draw_interval(axes, place, mark, looks.colour(name), looks.marker(name))
    _write_table(axes, rows)


def _draw_interval(axes: Axes, place: int, mark: Mark, colour: str, marker: str) -> None:
    if mark.time.low is not None and mark.time.high is not None:
        axes.hlines(place, mark.time.low, mark.time.high, color=colour, linewidth=2, label="band")
        for end in (mark.time.low, mark.time.high):
            axes.plot(end, place, marker="|", color=colour, markersize=9, linestyle="none")
    barred = mark.barred is not None
    axes.plot(
        mark.time.value,
        place,
        marker="x" if barred else marker,
        markersize=6 if barred else 4.5,
        markerfacecolor=colour if mark.raced else "white",
        markeredgecolor=colour,
        markeredgewidth=1.8 if barred else 1.0,
        linestyle="none",
        zorder=3,
        label=mark.barred or ("raced" if mark.raced else "measured once"),
    )


def _write_table(axes: Axes, rows: Sequence[Sequence[str]]) -> None:
    above = HEADING_RISE * 72
    widths = table_widths(rows)[1:]
    width = extent(axes)[0]
    for place, texts in enumerate([HEADERS, *rows], -1):
        start = width + TABLE_GAP
        for number, (text, column_width) in enumerate(zip(texts[1:], widths, strict=True)):
            right = number == 0
            axes.annotate(
                text,
                (1, place if place >= 0 else 1),
                ((start - width + (column_width if right else 0)) * 72, above if place < 0 else 0),
                xycoords=axes.get_yaxis_transform() if place >= 0 else "axes fraction",
                textcoords="offset points",
                ha="right" if right else "left",
                va="center_baseline" if place >= 0 else "baseline",
                color=TEXT if place >= 0 else FAINT,
                fontsize=SIZE if place >= 0 else SMALL,
                parse_math=False,
            )
            start += column_width + TABLE_GAP
