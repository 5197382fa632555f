"""Arrays on OpenCV's OpenCL device."""

from __future__ import annotations

from typing import Any

import numpy as np

from blurbench.backends.own_arrays import OwnArray, Owner

# OpenCV's names; its filters there sum in float32, which is too coarse for float64 images.
DEPTHS = {"uint8": "CV_8U", "uint16": "CV_16U", "float32": "CV_32F"}


class OpenCLArray(OwnArray):
    """An array in a `UMat`.

    Attributes:
        umat: what OpenCV's calls take; an upload puts another in its place. None if there is no
            pixel.
    """

    def __init__(
        self, device: Owner, shape: tuple[int, ...], dtype: np.dtype[Any], umat: Any
    ) -> None:
        super().__init__(device, shape, dtype)
        self.umat = umat
