"""Error against time as a picture: the further right, the nearer to the Gaussian."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from blurbench.inspect.frontier import SIDE, Frontier, Spot
from blurbench.report.heading import machine_text
from blurbench.report.plots.labels import EndLabel, extent, gutter, label_ends
from blurbench.report.plots.panels import log_limits, set_ticks
from blurbench.report.plots.style import (
    DPI,
    FAINT,
    SIZE,
    SMALL,
    TEXT,
    Looks,
    ink,
    plain,
    style,
    wrapped,
)
from blurbench.report.ticks import log_ticks, tick_text

LEFT, PANEL_WIDTH, PANEL_HEIGHT, RIGHT = 0.75, 5.6, 4.2, 0.2  # inches
TOP, BOTTOM, CAPTION_LINE = 0.75, 0.62, 0.16
SLOWEST = 30.0  # times the fastest: what is slower is far from the frontier


def draw_frontier(found: Frontier) -> Figure:
    """Time over error, a line for each exact implementation, a mark for each approximation."""
    with style():
        limit = SLOWEST * min(one.end_to_end_median_s for one in found.spots)
        near = [one for one in found.spots if one.end_to_end_median_s <= limit]
        lines = {
            name: list(own)
            for name, own in groupby(
                sorted(near, key=lambda one: (one.name, -one.operator_norm_error)),
                key=lambda one: one.name,
            )
        }
        right = gutter([plain(name) for name in lines]) + RIGHT
        width = LEFT + PANEL_WIDTH + right
        caption = wrapped(_caption(found), width - 0.4, SMALL)
        height = TOP + PANEL_HEIGHT + BOTTOM + CAPTION_LINE * len(caption)
        figure = Figure((width, height), dpi=DPI)
        FigureCanvasAgg(figure)
        _write(figure, f"sigma {found.sigma:g}: error against time", TOP - 0.45, SIZE + 2, TEXT)
        _write(figure, f"time of one {SIDE}x{SIDE} float32 image", TOP - 0.15, SIZE, FAINT)
        for number, line in enumerate(reversed(caption)):
            _write(figure, line, height - 0.12 - CAPTION_LINE * number, SMALL, FAINT)
        bottom = 1 - (TOP + PANEL_HEIGHT) / height
        box = LEFT / width, bottom, PANEL_WIDTH / width, PANEL_HEIGHT / height
        _draw(figure.add_axes(box), lines, [one for one in found.best if one in near])
        return figure


def _write(figure: Figure, text: str, top: float, size: float, colour: str) -> None:
    width, height = figure.get_size_inches()
    figure.text(0.2 / width, 1 - top / height, text, fontsize=size, color=colour, va="baseline")


def _draw(axes: Axes, lines: dict[str, list[Spot]], best: Sequence[Spot]) -> None:
    looks = Looks.of(lines)
    spots = [one for own in lines.values() for one in own]
    _scale(axes, spots)
    axes.grid(axis="y")
    errors, times = (
        [one.operator_norm_error for one in best],
        [one.end_to_end_median_s for one in best],
    )
    axes.plot(errors, times, color=TEXT, linewidth=6, alpha=0.15, solid_capstyle="round")
    axes.set_xlabel("largest error for values from -1 to 1; to the right, smaller", color=FAINT)
    labels = []
    for name, own in lines.items():
        errors, times = (
            [one.operator_norm_error for one in own],
            [one.end_to_end_median_s for one in own],
        )
        colour = looks.colour(name)
        axes.plot(
            *(errors, times),
            color=colour,
            linestyle=looks.dash(name.split(":", 1)[0]),
            linewidth=1.2,
        )
        for spot in own:
            _mark(axes, spot, colour, looks.marker(name))
        labels.append(EndLabel(plain(name), errors[-1], times[-1], ink(colour)))
    label_ends(axes, labels)


def _mark(axes: Axes, spot: Spot, colour: str, marker: str) -> None:
    """A marker, open where it has no interval."""
    low, high, face = spot.end_to_end_ci95_low_s, spot.end_to_end_ci95_high_s, "white"
    if low is not None and high is not None:
        axes.vlines(spot.operator_norm_error, low, high, color=colour, linewidth=1.2)
        face = colour
    axes.plot(
        spot.operator_norm_error,
        spot.end_to_end_median_s,
        marker,
        color=colour,
        markerfacecolor=face,
        markersize=5.5,
    )


def _scale(axes: Axes, spots: Sequence[Spot]) -> None:
    width, height = extent(axes)
    axes.set_xscale("log")
    low, high = log_limits([one.operator_norm_error for one in spots], width)
    axes.set_xlim(high, low)
    powers = [one for one in (10.0**-n for n in range(12)) if low <= one <= high]
    set_ticks(axes, "x", powers, [f"{one:.0e}" for one in powers])
    axes.set_yscale("log")
    ends = [
        end
        for one in spots
        for end in (one.end_to_end_ci95_low_s, one.end_to_end_median_s, one.end_to_end_ci95_high_s)
        if end
    ]
    axes.set_ylim(log_limits(ends, height))
    ticks = log_ticks(*axes.get_ylim())
    set_ticks(axes, "y", ticks, [tick_text(one) for one in ticks])


def _caption(found: Frontier) -> str:
    sizes = sorted({one.size for one in found.spots if one.size is not None})
    answer = found.answers[0]
    return (
        f"Exact blurs, joined, at {', '.join(f'{one}x{one}' for one in sizes)}: kernels cut where "
        "their tails hold 1e-2, 1e-4 and 1e-6. Approximations need no kernel. Under the grey line "
        "nothing is both faster and nearer to the Gaussian. Open marks: measured once. "
        f"{answer.problem.threads} threads. {machine_text(answer.machine, answer.versions)}."
    )
