"""Arrays on a WebGPU device, and the little of a namespace that plans ask for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from blurbench.backends.wgpu.device import WgpuDevice

DTYPES = ("uint8", "float32")  # what the shading language can load; bytes four a word


class DeviceArray:
    """An array in a buffer of a device, in C order.

    Attributes:
        shape, dtype: as NumPy's.
        buffer: of `nbytes` bytes, rounded up to whole words.
    """

    def __init__(self, device: WgpuDevice, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self._device = device
        self.shape, self.dtype = shape, dtype
        self.buffer = device.buffer(self.nbytes)

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
    """The functions of the array API that plans ask for, on one device."""

    uint8, float32 = np.dtype(np.uint8), np.dtype(np.float32)

    def __init__(self, device: WgpuDevice) -> None:
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
        return one.buffer is other.buffer
