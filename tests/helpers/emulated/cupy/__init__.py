"""A stand-in for CuPy: NumPy's arrays, and kernels compiled by g++, so that programs for a GPU run
without one.

It is put first on Python's path by those who rehearse. What it cannot show: times, and all that
works on the host and fails on a device. It is as strict as CuPy where that was overlooked before:
kernels take scalars of NumPy's types alone.
"""

from __future__ import annotations

import ctypes
import functools
import types
from collections.abc import Callable
from typing import Any

import numpy as np

__version__ = "14.2.0"


class Memory:
    """An array's memory on the device."""

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        self.ptr = array.ctypes.data

    def copy_from_device_async(self, source: Memory, nbytes: int, stream: Any = None) -> None:
        ctypes.memmove(self.ptr, source.ptr, nbytes)


class ndarray(np.ndarray):  # noqa: N801  CuPy's name
    """An array on the device."""

    @property
    def data(self) -> Memory:
        return Memory(self)

    @property
    def device(self) -> Any:
        from cupy import cuda

        return cuda.Device()

    def set(self, host: Any, stream: Any = None) -> None:
        np.copyto(self, host)

    def get(
        self, stream: Any = None, order: str = "C", out: Any = None, blocking: bool = True
    ) -> np.ndarray[Any, Any]:
        if out is None:
            return np.array(self, order=order)
        np.copyto(out, self)
        return out


def on_device(found: Any) -> Any:
    """The arrays among what NumPy gave, as the device's."""
    if isinstance(found, np.ndarray):
        return found.view(ndarray)
    if type(found) in (tuple, list):
        return type(found)(map(on_device, found))
    return found


def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of NumPy or SciPy that gives arrays of the device."""

    @functools.wraps(function)
    def call(*given: Any, **named: Any) -> Any:
        return on_device(function(*given, **named))

    return call


class Namespace:
    """A module of NumPy or SciPy whose functions give arrays of the device."""

    def __init__(self, module: types.ModuleType) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._module, name)
        if isinstance(found, types.ModuleType):
            return Namespace(found)
        if isinstance(found, (type, np.ufunc)) or not callable(found):
            return found
        return wrapped(found)


_numpy = Namespace(np)


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return getattr(_numpy, name)


def array(given: Any, *rest: Any, **named: Any) -> Any:
    return on_device(np.array(given, *rest, **named))


def asarray(given: Any, dtype: Any = None, order: Any = None, *, copy: bool | None = None) -> Any:
    """Copies from the host, as CuPy does."""
    copy = True if copy is None and not isinstance(given, ndarray) else copy
    return on_device(np.asarray(given, dtype, order, copy=copy))


def ascontiguousarray(given: Any, dtype: Any = None) -> Any:
    if isinstance(given, ndarray):
        return on_device(np.ascontiguousarray(given, dtype))
    return asarray(given, dtype, "C")


def asnumpy(
    given: Any, stream: Any = None, order: str = "C", out: Any = None, *, blocking: bool = True
) -> Any:
    if out is None:
        return np.array(given, order=order)
    np.copyto(out, given)
    return out


class Pool:
    """A memory pool that keeps nothing."""

    def free_all_blocks(self, *_: Any) -> None: ...

    def total_bytes(self) -> int:
        return 0

    used_bytes = free_bytes = n_free_blocks = total_bytes


def get_default_memory_pool() -> Pool:
    return Pool()


get_default_pinned_memory_pool = get_default_memory_pool

from cupy import cuda, fft  # noqa: E402  they need what is above
from cupy.cuda import RawKernel, RawModule  # noqa: E402

__all__ = ["RawKernel", "RawModule", "cuda", "fft", "ndarray"]
