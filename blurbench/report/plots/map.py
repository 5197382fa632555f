"""The map of winners: the fastest over kernel size and image size."""

from __future__ import annotations

from collections.abc import Iterator
from string import ascii_lowercase, ascii_uppercase

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from blurbench.report.plots.data import Territory, WinnerMap
from blurbench.report.plots.labels import extent
from blurbench.report.plots.panels import set_ticks
from blurbench.report.plots.style import SMALL, Looks, mixed, plain, width_of, without_crowding


def draw_map(axes: Axes, found: WinnerMap, looks: Looks) -> None:
    """The fastest over kernel size and image size; hatched where it is not proven."""
    axes.set_xlim(0, len(found.sizes))
    axes.set_ylim(0, len(found.extents))
    width = extent(axes)[0]
    centres = [(n + 0.5) * width / len(found.sizes) for n in range(len(found.sizes))]
    shown = without_crowding(found.sizes, centres, least=0.09)
    set_ticks(
        axes, "x", [found.sizes.index(one) + 0.5 for one in shown], [str(one) for one in shown]
    )
    set_ticks(axes, "y", [n + 0.5 for n in range(len(found.extents))], found.extents)
    axes.spines["left"].set_visible(False)
    axes.spines["bottom"].set_visible(False)
    for one, text in zip(found.territories, map_texts(found, width), strict=True):
        _draw_territory(axes, one, text, mixed(looks.colour(one.name), "white", 0.62))


def _draw_territory(axes: Axes, one: Territory, text: str, tint: str) -> None:
    cells = one.last - one.first + 1
    corner = (one.first, one.row)
    axes.add_patch(
        Rectangle(
            corner,
            cells,
            1,
            facecolor=tint,
            edgecolor=mixed(tint, "black", 0.35),
            hatch=None if one.proven else "////",
            linewidth=0,
            label=one.name,
        )
    )
    axes.add_patch(Rectangle(corner, cells, 1, fill=False, edgecolor="white", linewidth=1.6))
    axes.text(
        one.first + cells / 2,
        one.row + 0.5,
        text,
        ha="center",
        va="center",
        fontsize=SMALL,
        linespacing=1.05,
        parse_math=False,
        bbox={"facecolor": tint, "edgecolor": "none", "pad": 1.2} if not one.proven else None,
    )


def map_texts(found: WinnerMap, width: float) -> list[str]:
    """A text for each territory that it can hold: its name, in one line or two, or a letter."""
    cell = width / len(found.sizes)
    letters = {name: letter for letter, name in _letters(found)}
    texts = []
    for one in found.territories:
        room = (one.last - one.first + 1) * cell - 0.08
        mark = "" if one.proven else " ?"
        letter = letters.get(one.label, "") + mark
        texts.append(next(_that_fit(plain(one.label), mark, room), letter))
    return texts


def _that_fit(name: str, mark: str, room: float) -> Iterator[str]:
    for text in (f"{name}{mark}", f"{name.replace(':', chr(10), 1)}{mark}"):
        if max(width_of(line, SMALL) for line in text.split("\n")) <= room:
            yield text


def _letters(found: WinnerMap) -> Iterator[tuple[str, str]]:
    names = sorted({one.label for one in found.territories})
    return zip(ascii_uppercase + ascii_lowercase, names, strict=False)


def map_key(found: WinnerMap, width: float) -> str:
    """What the letters stand for; empty where there are none."""
    used = {text.removesuffix(" ?") for text in map_texts(found, width)}
    return "   ".join(
        f"{letter}: {plain(name)}" for letter, name in _letters(found) if letter in used
    )
