"""Arrays on OpenCV's OpenCL device, and the little of a namespace that plans ask for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from blurbench.backends.opencv_ocl.device import OpenCLDevice

# OpenCV's names; its filters there sum in float32, which is too coarse for float64 images.
DEPTHS = {"uint8": "CV_8U", "uint16": "CV_16U", "float32": "CV_32F"}


class DeviceArray:
    """An array in a `UMat`, in C order.

    Attributes:
        shape, dtype: as NumPy's.
        umat: what OpenCV's calls take; an upload puts another in its place. None if there is no
            pixel.
    """

    def __init__(
        self,
        device: OpenCLDevice,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        level: float | None = None,
    ) -> None:
        """Not yet written, or at a level throughout."""
        self._device = device
        self.shape, self.dtype = shape, dtype
        self.umat = device.umat(shape, dtype, level) if self.size else None
        device.count(self)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    def numpy(self) -> NDArray[Any]:
        """A copy on the host."""
        host = np.empty(self.shape, self.dtype)
        self._device.download(self, host)
        return host


class Namespace:
    """The functions of the array API that plans ask for, on the device."""

    uint8, uint16, float32 = (np.dtype(name) for name in DEPTHS)

    def __init__(self, device: OpenCLDevice) -> None:
        self._device = device

    def empty(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> DeviceArray:
        return DeviceArray(self._device, shape, dtype)

    def asarray(self, given: DeviceArray | NDArray[Any], copy: bool | None = None) -> DeviceArray:
        """A host array on the device, or a copy of one that is there."""
        if isinstance(given, DeviceArray) and not copy:
            return given
        made = self.empty(given.shape, given.dtype)
        if isinstance(given, DeviceArray):
            self._device.copy(given, made)
        else:
            self._device.upload(given, made)
        return made

    @staticmethod
    def may_share_memory(one: DeviceArray, other: DeviceArray) -> bool:
        return one is other
