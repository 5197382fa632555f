"""The looks of names, in all charts and in their list: a colour a method, a shape a backend."""

from __future__ import annotations

import json
from typing import Any

import altair as alt

from blurbench.measure.rounds import CONTROL
from blurbench.names import APPROXIMATE, DIRECT, FFT, SEPARABLE
from blurbench.records.kinds import KINDS, marked
from blurbench.report.groups import GPU, GROUPS
from blurbench.report.page.tables import BEST_OF, CELLS, SAMPLES, WINNERS, Tables
from blurbench.report.palette import GROUPS as COLOURS_OF_GROUPS
from blurbench.report.palette import METHODS, NEUTRAL, OTHER_METHODS, assigned

# Paths of about the same weight around 0, 0.
CIRCLE = "M1 0A1 1 0 1 1 -1 0A1 1 0 1 1 1 0Z"
SQUARE = "M-0.9 -0.9H0.9V0.9H-0.9Z"
TRIANGLE_UP = "M0 -1.1L1.1 0.9H-1.1Z"
TRIANGLE_DOWN = "M0 1.1L1.1 -0.9H-1.1Z"
TRIANGLE_LEFT = "M-1.1 0L0.9 -1.1V1.1Z"
TRIANGLE_RIGHT = "M1.1 0L-0.9 -1.1V1.1Z"
DIAMOND = "M0 -1.25L1.25 0L0 1.25L-1.25 0Z"
PLUS = "M-0.4 -1.2H0.4V-0.4H1.2V0.4H0.4V1.2H-0.4V0.4H-1.2V-0.4H-0.4Z"
CROSS = (
    "M-1.1 -0.6L-0.6 -1.1L0 -0.5L0.6 -1.1L1.1 -0.6L0.5 0"
    "L1.1 0.6L0.6 1.1L0 0.5L-0.6 1.1L-1.1 0.6L-0.5 0Z"
)
STAR = "M0 -1.4L0.4 -0.4L1.4 0L0.4 0.4L0 1.4L-0.4 0.4L-1.4 0L-0.4 -0.4Z"
HEXAGON = "M-1.15 0L-0.58 -1H0.58L1.15 0L0.58 1H-0.58Z"
HOURGLASS = "M-1 -1.1H1L0.15 0L1 1.1H-1L-0.15 0Z"
BOW = "M-1.1 -1V1L0 0.15L1.1 1V-1L0 -0.15Z"
HOUSE = "M0 -1.2L1 -0.2V1H-1V-0.2Z"
DROP = "M0 1.2L1 0.2V-1H-1V0.2Z"
CHEVRON = "M-1.1 -1.1L0 -0.4L1.1 -1.1V0.1L0 1.1L-1.1 0.1Z"
TEE = "M-1.1 -1.1H1.1V-0.3H0.4V1.2H-0.4V-0.3H-1.1Z"
BAR = "M-1.4 -0.5H1.4V0.5H-1.4Z"
POST = "M-0.5 -1.4H0.5V1.4H-0.5Z"
BACKENDS = {
    "numpy": CIRCLE,
    "scipy": SQUARE,
    "numba": TRIANGLE_UP,
    "torch": TRIANGLE_LEFT,
    "opencv": DIAMOND,
    "skimage": TRIANGLE_DOWN,
    "pyvips": HEXAGON,
    "halide": CHEVRON,
    "pillow": HOUSE,
    "cupy": PLUS,
    "cupyx": CROSS,
    "cuda": STAR,
    "cucim": HOURGLASS,
    "torch_gpu": TRIANGLE_RIGHT,
    "wgpu": BOW,
    "opencv_ocl": TEE,
}
OTHER_BACKENDS = (DROP, BAR, POST)
SHAPES = (*BACKENDS.values(), *OTHER_BACKENDS)
LEGEND = alt.Legend(orient="top", title=None, symbolOpacity=1, symbolSize=120)
SHAPES_OF_GROUPS = {
    DIRECT: SQUARE,
    SEPARABLE: CIRCLE,
    FFT: TRIANGLE_UP,
    APPROXIMATE: STAR,
    GPU: DIAMOND,
}


class Palette:
    """Which names there are, and their looks, which are the same on every page.

    Attributes:
        implementations: those that have a time, winners first.
        names: these, and `control` where it ran.
        groups: those that have a best.
    """

    def __init__(self, tables: Tables) -> None:
        winners, cells, samples = tables[WINNERS], tables[CELLS], tables[SAMPLES]
        names = winners.values("fastest")
        timed = zip(
            cells.values("implementation"), cells.values("end_to_end_median_s"), strict=True
        )
        names += [name for name, time in timed if time is not None]
        self.implementations = list(dict.fromkeys(names))
        pairs = [name.split(":", 1) for name in self.implementations]
        self._colours = assigned([method for _, method in pairs], METHODS, OTHER_METHODS)
        self._shapes = assigned([backend for backend, _ in pairs], BACKENDS, OTHER_BACKENDS)
        ran = CONTROL in samples.values("implementation")
        found = set(cells.values(BEST_OF))
        self.groups = [group for group in GROUPS if group in found]
        self.names = [*self.implementations, *([CONTROL] if ran else [])]
        kinds: dict[str, set[str]] = {}
        for name, kind in zip(cells.values("implementation"), cells.values("kind"), strict=True):
            kinds.setdefault(name, set()).add(kind)
        # What is software in one run and a GPU in another is told apart where its row is.
        self._labels = {
            name: marked(name, min(own, key=KINDS.index)) for name, own in kinds.items()
        }

    def label(self, name: str) -> str:
        """A name as people read it."""
        return self._labels.get(name, name)

    @property
    def label_expression(self) -> str:
        """The label of an axis of names, as an expression of Vega."""
        marks = {name: label for name, label in self._labels.items() if label != name}
        return f"{json.dumps(marks)}[datum.label] || datum.label"

    def colour(self, name: str) -> str:
        return NEUTRAL if name == CONTROL else self._colours[name.split(":", 1)[1]]

    def shape(self, name: str) -> str:
        return CIRCLE if name == CONTROL else self._shapes[name.split(":", 1)[0]]

    def best_of(self, channel: Any) -> Any:
        """The encoding by group, for a channel of colour or shape, with a legend."""
        looks = SHAPES_OF_GROUPS if channel is alt.Shape else COLOURS_OF_GROUPS
        scale = alt.Scale(domain=self.groups, range=[looks[one] for one in self.groups])
        return channel(f"{BEST_OF}:N", scale=scale, legend=LEGEND)

    def colours(self, field: str = "implementation", channel: Any = alt.Color) -> Any:
        """The encoding by name, for a channel of colour."""
        scale = alt.Scale(domain=self.names, range=[self.colour(one) for one in self.names])
        return channel(f"{field}:N", scale=scale, legend=None)

    def shapes(self, field: str = "implementation") -> alt.Shape:
        scale = alt.Scale(domain=self.names, range=[self.shape(one) for one in self.names])
        return alt.Shape(f"{field}:N", scale=scale, legend=None)
