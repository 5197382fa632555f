"""A colour and a shape for each name, the same in all charts and in the list of names."""

from __future__ import annotations

from typing import Any

import altair as alt

from blurbench.measure.judge import CONTROL
from blurbench.report.page.tables import CELLS, SAMPLES, WINNERS, Table

NEUTRAL = "#777777"
# Each has a contrast of 3 and more both on white and on the page's dark ground.
COLOURS = (
    *("#2f7ed8", "#d1620a", "#1a936f", "#b35cae", "#8a7a00", "#d6425a"),
    *("#3c93a8", "#7b6fd0", "#a86f3d", NEUTRAL, "#c75f8f", "#5b8c2a"),
)
# Paths of about the same weight around 0, 0.
SHAPES = (
    "M1 0A1 1 0 1 1 -1 0A1 1 0 1 1 1 0Z",  # circle
    "M-0.9 -0.9H0.9V0.9H-0.9Z",  # square
    "M0 -1.1L1.1 0.9H-1.1Z",  # triangle
    "M0 -1.25L1.25 0L0 1.25L-1.25 0Z",  # diamond
    "M0 1.1L1.1 -0.9H-1.1Z",  # triangle on its head
    "M-0.4 -1.2H0.4V-0.4H1.2V0.4H0.4V1.2H-0.4V0.4H-1.2V-0.4H-0.4Z",  # cross
    "M0 -1.4L0.4 -0.4L1.4 0L0.4 0.4L0 1.4L-0.4 0.4L-1.4 0L-0.4 -0.4Z",  # star
)


class Palette:
    """The looks: neighbours share neither colour nor shape, and none of a page's share both.

    Attributes:
        implementations: those that have a time, winners first.
        names: these, and `control` where it ran.
    """

    def __init__(self, tables: dict[str, Table]) -> None:
        winners, cells, samples = tables[WINNERS], tables[CELLS], tables[SAMPLES]
        names = winners.values("fastest")
        timed = zip(
            cells.values("implementation"), cells.values("end_to_end_median_s"), strict=True
        )
        names += [name for name, time in timed if time is not None]
        self.implementations = list(dict.fromkeys(names))
        ran = CONTROL in samples.values("implementation")
        self.names = [*self.implementations, *([CONTROL] if ran else [])]

    def colour(self, name: str) -> str:
        return COLOURS[self.names.index(name) % len(COLOURS)]

    def shape(self, name: str) -> str:
        return SHAPES[self.names.index(name) % len(SHAPES)]

    def colours(self, field: str = "implementation", channel: Any = alt.Color) -> Any:
        """The encoding by name, for a channel of colour."""
        scale = alt.Scale(domain=self.names, range=[self.colour(one) for one in self.names])
        return channel(f"{field}:N", scale=scale, legend=None)

    def shapes(self, field: str = "implementation") -> alt.Shape:
        scale = alt.Scale(domain=self.names, range=[self.shape(one) for one in self.names])
        return alt.Shape(f"{field}:N", scale=scale, legend=None)
