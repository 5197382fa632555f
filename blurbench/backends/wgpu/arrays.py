"""Arrays on a WebGPU device."""

from __future__ import annotations

from typing import Any

import numpy as np

from blurbench.backends.own_arrays import OwnArray, Owner

DTYPES = ("uint8", "float32")  # what the shading language can load; bytes four a word


class WgpuArray(OwnArray):
    """An array in a buffer.

    Attributes:
        buffer: of `nbytes` bytes, rounded up to whole words.
    """

    def __init__(
        self, device: Owner, shape: tuple[int, ...], dtype: np.dtype[Any], buffer: Any
    ) -> None:
        super().__init__(device, shape, dtype)
        self.buffer = buffer
