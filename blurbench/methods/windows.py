"""Pieces of lines that overlap, as views."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# windows(lines, width, step): all pieces of `width` samples of lines `(n, length)`, one beginning
# every `step` samples, as `(pieces, n, width)`.
Windows = Callable[[Any, int, int], Any]


def strided(xp: Any, lines: Any, width: int, step: int) -> Any:
    """`Windows` of a namespace with `lib.stride_tricks`."""
    n, length = lines.shape
    down, along = lines.strides
    shape = (length - width) // step + 1, n, width
    return xp.lib.stride_tricks.as_strided(lines, shape, (step * along, down, along))
