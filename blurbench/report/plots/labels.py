"""Texts within a panel that must keep out of each other's way: names at line ends, brackets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from blurbench.report.plots.data import Bracket
from blurbench.report.plots.style import FAINT, SMALL, TEXT, fitted, plain, width_of

GAP = 0.07  # inches between a line's end and its name
LINE = 0.155  # inches from one line of text to the next
LONGEST = 2.8  # inches of a name, with its mark
BRACKET = "crossover"  # the label of a bracket's line


@dataclass(frozen=True)
class EndLabel:
    """A name for a line, and where the line ends, in data."""

    text: str
    size: float
    value: float
    colour: str


def spread_out(wanted: Sequence[float], least: float, low: float, high: float) -> list[float]:
    """Places as near to the wanted ones as can be, `least` apart, within low..high if they fit.

    Least squares: places that touch move together, to the mean of what they want.
    """
    order = sorted(range(len(wanted)), key=lambda n: wanted[n])
    blocks: list[tuple[float, int]] = []  # mean of the wanted places without the spacing; how many
    for rank, n in enumerate(order):
        mean, count = wanted[n] - rank * least, 1
        while blocks and blocks[-1][0] > mean:
            before, many = blocks.pop()
            mean, count = (before * many + mean * count) / (many + count), many + count
        blocks.append((mean, count))
    flat = [mean for mean, count in blocks for _ in range(count)]
    top = high - (len(wanted) - 1) * least
    places = [0.0] * len(wanted)
    for rank, n in enumerate(order):
        places[n] = max(low, min(flat[rank], top)) + rank * least
    return places


def extent(axes: Axes) -> tuple[float, float]:
    """Width and height of the axes, in inches."""
    box = axes.get_position()
    width, height = axes.figure.get_size_inches()  # type: ignore[union-attr]
    return float(box.width * width), float(box.height * height)


def inches(axes: Axes, x: float, y: float) -> tuple[float, float]:
    """Where data lies, from the lower left corner of the axes."""
    width, height = extent(axes)
    a, b = axes.transAxes.inverted().transform(axes.transData.transform((x, y)))
    return float(a) * width, float(b) * height


def gutter(texts: Sequence[str]) -> float:
    """Inches that names need to the right of the axes."""
    return max((width_of(fitted(one, LONGEST)) for one in texts), default=0.0) + 4 * GAP


def label_ends(axes: Axes, labels: Sequence[EndLabel], below: float = 0.0) -> None:
    """Write names at the right, and beside lines that end early; leaders show what has moved.

    Args:
        below: inches at the bottom that are kept free.
    """
    width, height = extent(axes)
    ends = [inches(axes, one.size, one.value) for one in labels]
    texts = [fitted(one.text, LONGEST) for one in labels]
    early = [x + width_of(text) + 6 * GAP < width for (x, _), text in zip(ends, texts, strict=True)]
    for group in (True, False):
        chosen = [n for n, one in enumerate(early) if one == group]
        places = spread_out([ends[n][1] for n in chosen], LINE, below + LINE / 2, height - LINE / 2)
        for n, place in zip(chosen, places, strict=True):
            x, y = ends[n]
            start = x + 1.5 * GAP if group else width + 1.5 * GAP
            _name(axes, texts[n], labels[n], (start - x, place - y))


def _name(axes: Axes, text: str, label: EndLabel, offset: tuple[float, float]) -> None:
    moved = offset[0] > 5 * GAP or abs(offset[1]) > 0.04
    leader = {
        "arrowstyle": "-",
        "color": label.colour,
        "linewidth": 0.6,
        "alpha": 0.7,
        "shrinkA": 1,
        "shrinkB": 4,
        "relpos": (0, 0.5),
    }
    axes.annotate(
        text,
        (label.size, label.value),
        (offset[0] * 72, offset[1] * 72),
        textcoords="offset points",
        va="center_baseline",
        color=label.colour,
        arrowprops=leader if moved else None,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.5},
        annotation_clip=False,
        parse_math=False,
    )


def brackets_height(count: int) -> float:
    """Inches that brackets need below the lines."""
    return LINE * 1.15 * count + 0.05 if count else 0.0


def draw_brackets(axes: Axes, brackets: Sequence[Bracket], beyond: float) -> None:
    """A line each, from the bottom of the axes: the brackets, and beside them who changes.

    Args:
        beyond: inches to the right of the axes that texts may use.
    """
    height = extent(axes)[1]
    for number, one in enumerate(brackets):
        place = (0.12 + LINE * 1.15 * number) / height
        tip = 0.045 / height
        for change in one.changes:
            ends = (change.last_size_before, change.first_size_after)
            axes.add_line(
                Line2D(
                    [ends[0], ends[0], ends[1], ends[1]],
                    [place + tip, place - tip, place - tip, place + tip],
                    transform=axes.get_xaxis_transform(),
                    color=TEXT,
                    linewidth=1.1,
                    solid_joinstyle="miter",
                    label=BRACKET,
                )
            )
        _beside(axes, one, place, beyond)


def _beside(axes: Axes, one: Bracket, place: float, beyond: float) -> None:
    """Who and where, to the right and to the left of the brackets."""
    first = min(change.last_size_before for change in one.changes)
    last = max(change.first_size_after for change in one.changes)
    bottom = axes.get_ylim()[0]
    left = inches(axes, first, bottom)[0] - GAP
    right = extent(axes)[0] + beyond - inches(axes, last, bottom)[0] - 2 * GAP
    before, after = _texts_beside(plain(one.pair), one.sizes, left, right)
    for size, text, side in ((first, before, "right"), (last, after, "left")):
        write_beside(
            axes, text, (size, place), side, color=FAINT, fontsize=SMALL, annotation_clip=False
        )


def write_beside(axes: Axes, text: str, at: tuple[float, float], side: str, **style: Any) -> None:
    """A text that has a place on its `side`, left or right: a size, and a share of the height."""
    axes.annotate(
        text,
        at,
        (GAP * 72 * (1 if side == "left" else -1), 0),
        xycoords=axes.get_xaxis_transform(),
        textcoords="offset points",
        ha=side,
        va="center_baseline",
        parse_math=False,
        **style,
    )


def _texts_beside(pair: str, sizes: str, left: float, right: float) -> tuple[str, str]:
    """What stands to the left and to the right: on one side, on both, or else shortened."""
    whole = f"{pair}  {sizes}"
    for before, after in (("", whole), (whole, ""), (pair, sizes), (sizes, pair)):
        if width_of(before, SMALL) <= left and width_of(after, SMALL) <= right:
            return before, after
    short = f"{fitted(pair, max(left, right) - width_of(sizes, SMALL) - 2 * GAP, SMALL)}  {sizes}"
    return (short, "") if left > right else ("", short)
