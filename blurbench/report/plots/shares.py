"""The roofline panels: what is reached of a ceiling, and which bound holds each cell back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from blurbench.records.roofline import ARITHMETIC, BANDWIDTH, LAUNCH, TRANSFER
from blurbench.report.plots.data import CEILINGS, Column
from blurbench.report.plots.labels import EndLabel, extent, label_ends
from blurbench.report.plots.panels import log_limits, quiet_log_axes, set_ticks, uncrowded
from blurbench.report.plots.style import FAINT, SMALL, TEXT, Looks, ink, plain
from blurbench.report.ticks import log_ticks

HEADINGS = {
    BANDWIDTH: "share of the measured copy bandwidth",
    ARITHMETIC: "share of the measured multiply-add rate",
}
# Filled shapes that differ at a glance, in any colour.
MARKERS = {BANDWIDTH: "o", ARITHMETIC: "^", TRANSFER: "D", LAUNCH: "X"}
UNKNOWN = "."


def bounds_of(columns: Sequence[Column]) -> list[str]:
    """What holds any of the drawn cells back, in the order of the key."""
    found = {
        mark.bound
        for column in columns
        for ceiling in CEILINGS
        for curve in column.reaching(ceiling)
        for mark in curve.reaching(ceiling)
    }
    return [bound for bound in MARKERS if bound in found]


def scale_shares(axes: Axes, columns: Sequence[Column], ceiling: str) -> None:
    """The axis of the shares, the same for all columns, up to the ceiling and beyond."""
    shares = [
        mark.shares[ceiling]
        for column in columns
        for curve in column.reaching(ceiling)
        for mark in curve.reaching(ceiling)
    ]
    axes.set_yscale("log")
    axes.set_ylim(log_limits([*shares, 1.0], extent(axes)[1]))
    ticks = sorted({1.0, *log_ticks(*axes.get_ylim())})
    set_ticks(axes, "y", ticks, [f"{100 * one:g} %" for one in ticks])


def draw_shares(
    axes: Axes, column: Column, ceiling: str, looks: Looks, sizes: Sequence[int]
) -> None:
    """Share of a ceiling against kernel size; a marker's shape tells the bound."""
    quiet_log_axes(axes, sizes)
    axes.axhline(1, color=TEXT, linewidth=0.7, label="ceiling")
    labels = []
    for curve in column.reaching(ceiling):
        colour, marks = looks.colour(curve.name), curve.reaching(ceiling)
        axes.plot(
            [one.size for one in marks],
            [one.shares[ceiling] for one in marks],
            color=colour,
            linestyle=looks.dash(curve.backend),
            linewidth=1.5,
            label=plain(curve.name),
        )
        for number in uncrowded(axes, [one.size for one in marks]):
            one = marks[number]
            axes.plot(
                one.size,
                one.shares[ceiling],
                label=one.bound or "unknown",
                **_marker(one.bound, colour),
            )
        last = marks[-1]
        labels.append(EndLabel(plain(curve.label), last.size, last.shares[ceiling], ink(colour)))
    label_ends(axes, labels)


def draw_key(axes: Axes, bounds: Sequence[str]) -> None:
    """What the markers stand for, in one line above the axes."""
    handles = [Line2D([], [], label=bound, **_marker(bound, FAINT)) for bound in bounds]
    axes.legend(
        handles=handles,
        ncols=len(bounds),
        loc="lower left",
        bbox_to_anchor=(0, 1),
        borderaxespad=0.2,
        borderpad=0,
        handlelength=0.7,
        handletextpad=0.5,
        columnspacing=1.4,
        frameon=False,
        fontsize=SMALL,
        labelcolor=FAINT,
    )


def _marker(bound: str | None, colour: str) -> dict[str, Any]:
    return {
        "marker": MARKERS.get(bound or "", UNKNOWN),
        "markersize": 6.5,
        "color": colour,
        "markeredgecolor": "white",
        "markeredgewidth": 0.5,
        "linestyle": "none",
    }
