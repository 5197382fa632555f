"""An image: its pixels, and what its file says of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from blurbench.image.metadata import NOTHING, Metadata
from blurbench.testcard import make_testcard


@dataclass(frozen=True)
class Image:
    """Pixels and where they come from.

    Attributes:
        name: the path as given, or `test card`.
        pixels: `(H, W)` or `(H, W, C)`; uint8, uint16, float16, float32 or float64.
        alpha: whether the last channel is the opacity of colour that is not weighted by it.
        notes: what was done to the file's pixels that a user should know.
        metadata: what the file says beside its pixels; it stands upright, as they do.
        nodata: the value that stands for "nothing measured here", where the file names one.
    """

    name: str
    pixels: NDArray[Any]
    alpha: bool = False
    notes: tuple[str, ...] = ()
    metadata: Metadata = NOTHING
    nodata: float | None = None


def testcard_image() -> Image:
    """The built-in image, 960x540 RGB."""
    return Image("test card", make_testcard())
