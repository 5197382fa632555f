"""The first panel of a picture: the best of each kind of blur, and from where on FFT pays."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from blurbench.names import APPROXIMATE, DIRECT, FFT, SEPARABLE
from blurbench.report.groups import GPU
from blurbench.report.palette import GROUPS
from blurbench.report.plots.data import Best, Column
from blurbench.report.plots.labels import (
    GAP,
    EndLabel,
    brackets_height,
    extent,
    inches,
    label_ends,
    write_beside,
)
from blurbench.report.plots.panels import (
    draw_bands,
    interval_ends,
    quiet_log_axes,
    scale_to,
    uncrowded,
)
from blurbench.report.plots.style import FAINT, MARKERS, TEXT, ink, plain, width_of

REST = "#c2c2c2"
OF_GROUPS = {
    DIRECT: MARKERS["direct"],
    SEPARABLE: MARKERS["separable"],
    FFT: MARKERS["fft"],
    APPROXIMATE: MARKERS["deriche"],
    GPU: "D",
}
NOTE = brackets_height(1)  # inches below the lines, for the note on FFT
PAYOFF = "payoff"  # the label of the line from which on FFT pays


def names_of(column: Column) -> list[str]:
    """What is written at the ends of the lines."""
    return [one.label for one in column.bests] + [one.label for one in column.unrepresented]


def scale_bests(axes: Axes, columns: Sequence[Column]) -> None:
    """The axis of the times, the same for all columns."""
    curves = [curve for column in columns for curve in column.curves]
    found = [mark.time.value for curve in curves for mark in curve.joined or curve.marks]
    bests = [one for column in columns for best in column.bests for one in best.marks]
    scale_to(axes, [*found, *(end for one in bests for end in interval_ends(one.time))], NOTE)


def draw_bests(axes: Axes, column: Column, sizes: Sequence[int]) -> None:
    """The best of each group thick, and every implementation in grey behind them.

    Args:
        sizes: that the axis must reach.
    """
    quiet_log_axes(axes, sizes)
    for curve in column.curves:
        own = curve.joined or curve.marks
        axes.plot(
            [one.size for one in own],
            [one.time.value for one in own],
            color=REST,
            linewidth=1.0,
            linestyle=(0, (3, 2)) if curve.name in column.unranked else "-",
            marker="" if len(own) > 1 else ".",
            zorder=1.5,
            label=plain(curve.name),
        )
    for best in column.bests:
        _draw_best(axes, best)
    labels = [
        EndLabel(
            plain(best.label),
            best.marks[-1].size,
            best.marks[-1].time.value,
            ink(GROUPS[best.group]),
        )
        for best in column.bests
    ]
    for curve in column.unrepresented:
        last = (curve.joined or curve.marks)[-1]
        labels.append(EndLabel(plain(curve.label), last.size, last.time.value, FAINT))
    label_ends(axes, labels, NOTE)
    _mark_payoff(axes, column)


def _draw_best(axes: Axes, best: Best) -> None:
    colour = GROUPS[best.group]
    draw_bands(axes, [(one.size, one.time) for one in best.marks], colour)
    sizes = [one.size for one in best.marks]
    axes.plot(
        sizes,
        [one.time.value for one in best.marks],
        color=colour,
        linewidth=2.8,
        marker=OF_GROUPS[best.group],
        markersize=6.5,
        markevery=uncrowded(axes, sizes),
        zorder=3,
        label=best.group,
    )


def _mark_payoff(axes: Axes, column: Column) -> None:
    """A line where FFT begins to pay, with a note; the note alone where it never does."""
    payoff = column.payoff
    if payoff is None:
        return
    place = 0.1 / extent(axes)[1]
    if payoff.size is None:
        size, side = axes.get_xlim()[0], "left"
    else:
        size = payoff.size
        axes.axvline(size, color=TEXT, linewidth=0.9, linestyle=(0, (1, 2)), zorder=2, label=PAYOFF)
        x = inches(axes, size, axes.get_ylim()[0])[0]
        room = extent(axes)[0] - x - GAP
        side = "left" if width_of(payoff.text) <= room else "right"
    write_beside(axes, payoff.text, (size, place), side, color=TEXT)
