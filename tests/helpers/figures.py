"""What a Matplotlib figure shows."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from blurbench.report.plots.style import (
    style,
)


def texts(figure: Figure) -> list[Text]:
    """All that is written, tick labels included."""
    with style():
        figure.draw_without_rendering()
        found = [one for one in figure.findobj(Text) if one.get_visible() and one.get_text()]
    hidden = {
        id(tick.label1)
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for tick in axis.get_major_ticks()
        if not tick.label1.get_visible()
    }
    return [one for one in found if isinstance(one, Text) and id(one) not in hidden]


def boxes(figure: Figure) -> list[tuple[str, Any]]:
    """Every text and where it stands, in pixels."""
    with style():
        return [(one.get_text(), Text.get_window_extent(one)) for one in texts(figure)]


def words(figure: Figure) -> str:
    """All that is written, in one line."""
    return " ".join(" ".join(one.get_text().split("\n")) for one in texts(figure))


def lines_named(axes: Axes, name: str) -> list[Any]:
    return [one for one in axes.get_lines() if one.get_label() == name]


def cut(figure: Figure) -> list[str]:
    """The texts that reach beyond the figure."""
    width, height = figure.get_size_inches() * figure.dpi
    return [
        text
        for text, box in boxes(figure)
        if box.x0 < 0 or box.y0 < 0 or box.x1 > width or box.y1 > height
    ]


def overlapping(figure: Figure) -> list[tuple[str, str]]:
    """The pairs of texts of which one lies on the other."""
    found = []
    for (one, box), (other, other_box) in combinations(boxes(figure), 2):
        apart_x = box.x1 <= other_box.x0 + 1 or other_box.x1 <= box.x0 + 1
        # Boxes have room for the tails of letters, which lines of text may share.
        apart_y = box.y1 <= other_box.y0 + 4 or other_box.y1 <= box.y0 + 4
        if not (apart_x or apart_y):
            found.append((one, other))
    return found


def smallest_text(figure: Figure) -> float:
    """Its size in points."""
    return min(float(one.get_fontsize()) for one in texts(figure))
