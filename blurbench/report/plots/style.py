"""How a picture looks: colours, dashes, markers, ticks, and text that fits."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib.style
from matplotlib import font_manager
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.colors import to_hex, to_rgb

from blurbench.records.export import printable
from blurbench.report.palette import METHODS, OTHER_METHODS, assigned

DPI = 150
SIZE = 9.0  # points; nothing is smaller than SMALL
SMALL = 8.5
TEXT, FAINT, GRID = "#222222", "#636363", "#e6e6e6"

# A marker for each method, for print without colour and for eyes that see few of them.
MARKERS = {
    "direct": "s",
    "separable": "o",
    "fft": "^",
    "banded": "D",
    "dct": "v",
    "box": "P",
    "extended_box": "p",
    "deriche": "*",
    "vyv": "h",
    "multirate": "X",
}
OTHER_MARKERS = ("<", ">", "8", "d")
Dash = tuple[float, ...]
BACKENDS: dict[str, Dash] = {
    "numpy": (),
    "scipy": (5, 1.8),
    "cupy": (1, 1.4),
    "cupyx": (5, 1.5, 1, 1.5),
    "cuda": (9, 2),
    "numba": (4, 1.2, 1, 1.2, 1, 1.2),
    "opencv": (2.2, 1.6),
}
OTHER_BACKENDS: tuple[Dash, ...] = (
    (8, 1.5, 2.5, 1.5),
    (3.5, 3.5),
    (5, 1.2, 1, 1.2, 1, 1.2, 1, 1.2),
    (10, 2, 1, 2),
    (1, 3),
    (7, 1.2, 3, 1.2, 1, 1.2),
)
_Renderer: Any = RendererAgg  # without types in Matplotlib
# Where installed, for characters that Matplotlib's own font lacks.
FALLBACK_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "PingFang SC",
    "Hiragino Sans",
    "Microsoft YaHei",
    "Yu Gothic",
    "Malgun Gothic",
    "WenQuanYi Zen Hei",
)


@contextmanager
def style() -> Iterator[None]:
    """Matplotlib's defaults with ours on top, whatever the user's own settings are.

    Text is text: nothing in a name is taken for mathematics. Characters that no font has are drawn
    as boxes, without a warning.
    """
    installed = set(font_manager.get_font_names())
    own: dict[str, Any] = {
        "font.family": ["sans-serif", *(one for one in FALLBACK_FONTS if one in installed)],
        "font.size": SIZE,
        "text.parse_math": False,
        "text.color": TEXT,
        "axes.edgecolor": FAINT,
        "axes.linewidth": 0.7,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "xtick.color": FAINT,
        "ytick.color": FAINT,
        "xtick.labelcolor": TEXT,
        "ytick.labelcolor": TEXT,
        "xtick.labelsize": SIZE,
        "ytick.labelsize": SIZE,
        "grid.color": GRID,
        "grid.linewidth": 0.7,
        "hatch.linewidth": 0.7,
        "lines.dash_capstyle": "butt",
        "pdf.fonttype": 42,  # text that can be searched and set in another font
        "svg.fonttype": "none",
        "svg.hashsalt": "blurbench",
    }
    with matplotlib.style.context(["default", own]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
        yield


@dataclass(frozen=True)
class Looks:
    """Colours and markers by method, dashes by backend."""

    colours: dict[str, str]
    markers: dict[str, str]
    dashes: dict[str, Dash]

    @classmethod
    def of(cls, names: Iterable[str]) -> Looks:
        """The looks of implementations, named `backend:method`; the same for the same names."""
        backends, methods = zip(*(name.split(":", 1) for name in names), strict=True)
        return cls(
            assigned(methods, METHODS, OTHER_METHODS),
            assigned(methods, MARKERS, OTHER_MARKERS),
            assigned(backends, BACKENDS, OTHER_BACKENDS),
        )

    def colour(self, name: str) -> str:
        return self.colours[name.split(":", 1)[1]]

    def marker(self, name: str) -> str:
        return self.markers[name.split(":", 1)[1]]

    def dash(self, backend: str) -> Any:
        """The dash of a backend, as Matplotlib takes it."""
        found = self.dashes[backend]
        return (0, found) if found else "-"


def mixed(colour: str, other: str, share: float) -> str:
    """A colour with a share of another in it."""
    pairs = zip(to_rgb(colour), to_rgb(other), strict=True)
    red, green, blue = ((1 - share) * a + share * b for a, b in pairs)
    return to_hex((red, green, blue))


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it, 0 to 1."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def ink(colour: str) -> str:
    """The colour, darkened until text in it can be read on white (contrast 4.5)."""
    while 1.05 / (luminance(colour) + 0.05) < 4.5:
        colour = mixed(colour, "black", 0.1)
    return colour


def plain(text: str) -> str:
    """One line of characters that a picture can hold; all others are escaped."""
    spaced = " ".join(printable(text).split())
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in spaced)


def width_of(text: str, size: float = SIZE, bold: bool = False) -> float:
    """The width of a text in inches. Call it within `style()`."""
    font = font_manager.FontProperties(size=size, weight="bold" if bold else "normal")
    renderer: Any = _Renderer(1, 1, DPI)
    return float(renderer.get_text_width_height_descent(text, font, ismath=False)[0]) / DPI


def fitted(text: str, width: float, size: float = SIZE, bold: bool = False) -> str:
    """The text, its middle left out where it is wider than so many inches."""
    keep = len(text)
    short = text
    while keep > 2 and width_of(short, size, bold) > width:
        keep = min(keep - 1, int(keep * 0.95))
        short = f"{text[: keep - keep // 2]}…{text[len(text) - keep // 2 :]}"
    return short


def wrapped(text: str, width: float, size: float = SMALL) -> list[str]:
    """Lines of at most so many inches; a word that is wider loses its middle."""
    lines: list[str] = []
    for word in text.split():
        joined = f"{lines[-1]} {word}" if lines else word
        if lines and width_of(joined, size) <= width:
            lines[-1] = joined
        else:
            lines.append(fitted(word, width, size))
    return lines


def without_crowding(sizes: Sequence[int], places: Sequence[float], least: float) -> list[int]:
    """As many of the sizes as have room, the first and the last among them.

    Args:
        places: of the sizes, in inches, ascending.
        least: inches between two labels.
    """
    half = [width_of(str(size)) / 2 for size in sizes]

    def apart(a: int, b: int) -> bool:
        return places[b] - places[a] >= half[a] + half[b] + least

    end = len(sizes) - 1
    kept = [0]
    for number in range(1, end):
        if apart(kept[-1], number) and apart(number, end):
            kept.append(number)
    return [sizes[number] for number in dict.fromkeys([*kept, end])]
