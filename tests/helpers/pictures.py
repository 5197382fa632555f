"""Images to blur, and their files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image


def noise(*shape: int, dtype: Any = np.uint8) -> np.ndarray:
    """An image of any values that an integer type has."""
    top = np.iinfo(dtype).max
    return np.random.default_rng(5).integers(0, top, shape, dtype=dtype, endpoint=True)


def save(path: str | Path, pixels: np.ndarray, **options: Any) -> None:
    PIL.Image.fromarray(pixels).save(path, **options)


def profile_of(space: bytes) -> bytes:
    """The header of a colour profile, which is all that is looked at."""
    return bytes(12) + b"mntr" + space + b"XYZ " + bytes(104)
