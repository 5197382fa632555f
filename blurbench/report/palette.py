"""The colours of methods and of groups of them, the same in every picture and page, whoever wins.

Each has a contrast of 3 and more on white and on the page's dark ground, and to colour-blind eyes
none is another. The most used ones are the furthest apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from blurbench.names import APPROXIMATE, DIRECT, FFT, SEPARABLE
from blurbench.report.groups import GPU

METHODS = {
    "direct": "#a34db6",
    "separable": "#1f5fea",
    "fft": "#cd7c1a",
    "dct": "#b43c2d",
    "banded": "#4b874b",
    "box": "#5a6987",
    "extended_box": "#a55a00",
    "deriche": "#a578ff",
    "vyv": "#d269b4",
    "multirate": "#b14364",
}
OTHER_METHODS = ("#8787e1", "#f04b5a", "#874bd2", "#b4873c")
GROUPS = {
    DIRECT: METHODS["direct"],
    SEPARABLE: METHODS["separable"],
    FFT: METHODS["fft"],
    APPROXIMATE: METHODS["deriche"],
    GPU: "#10a47b",
}
NEUTRAL = "#777777"
COLOURS = (*METHODS.values(), *OTHER_METHODS, GROUPS[GPU], NEUTRAL)

Look = TypeVar("Look")


def assigned(
    names: Iterable[str], known: Mapping[str, Look], others: Sequence[Look]
) -> dict[str, Look]:
    """A look for each name: its own where it is known, and of the others, in turn, where not."""
    unknown = sorted(set(names) - known.keys())
    return {**known, **{name: others[n % len(others)] for n, name in enumerate(unknown)}}
