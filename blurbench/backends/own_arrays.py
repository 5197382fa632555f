"""Arrays in a device's own memory, and the little of a namespace that plans ask for."""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from blurbench.backends.device import Streams


class Owner(Streams, Protocol):
    """A device with arrays of its own."""

    def copy(self, source: Any, target: Any) -> None:
        """Copy an array into another of the same size."""


class OwnArray:
    """An array on a device, in C order, which knows no arithmetic.

    Attributes:
        shape, dtype: as NumPy's.
    """

    def __init__(self, device: Owner, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self._device = device
        self.shape, self.dtype = shape, dtype

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


class OwnNamespace:
    """The functions of the array API that plans ask for, on one device.

    Args:
        dtypes: the names of those that it has; each becomes an attribute.
    """

    def __init__(self, device: Owner, dtypes: tuple[str, ...]) -> None:
        self._device = device
        for name in dtypes:
            setattr(self, name, np.dtype(name))

    def empty(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
        return self._device.empty(shape, dtype)

    def asarray(self, given: OwnArray | NDArray[Any], copy: bool | None = None) -> Any:
        """A host array on the device, or a copy of one that is there."""
        if isinstance(given, OwnArray) and not copy:
            return given
        made = self.empty(given.shape, given.dtype)
        if isinstance(given, OwnArray):
            self._device.copy(given, made)
        else:
            self._device.upload(given, made)
        return made

    @staticmethod
    def may_share_memory(one: OwnArray, other: OwnArray) -> bool:
        return one is other
