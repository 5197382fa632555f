"""The device of OpenCV's OpenCL code: its memory, its one queue, and the host's clock."""

from __future__ import annotations

import functools
import math
import time
import weakref
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench import host
from blurbench.backends.device import Call, Clocks, Copy, NoHold
from blurbench.backends.opencv_ocl.arrays import DEPTHS, OpenCLArray
from blurbench.backends.opencv_ocl.selection import CHOICE, chosen, is_software, name_of
from blurbench.backends.own_arrays import OwnNamespace
from blurbench.backends.whole_copies import WholeCopies
from blurbench.errors import InputError

SOFTWARE_CAUTION = (
    "OpenCV runs on software here, which tells nothing of a GPU: use a machine that has one"
)
HOST_CAUTION = (
    "OpenCV gives no events of OpenCL, so the host's clock times its device, launches included: "
    "trust large images more than small ones"
)


class OpenCLDevice:
    """The device that OpenCV takes in this process; see `Device`.

    All threads share its one queue, so the streams are all the same one and nothing overlaps with
    the work. OpenCV gives no events and runs no kernel of ours from Python.

    Attributes:
        xp: its array namespace.
    """

    cache_bytes: int | None = None  # what OpenCL tells is the first level's on some GPUs
    peak_bytes_per_s: float | None = None

    def __init__(self) -> None:
        self._cv2 = cv2 = import_module("cv2")
        found = chosen(cv2)
        self.name = name_of(found)
        self.software = is_software(found)
        self.caution: str | None = SOFTWARE_CAUTION if self.software else HOST_CAUTION
        self._largest: int = found.maxMemAllocSize()
        self._memory: int = found.globalMemSize()
        self._shares_memory = found.hostUnifiedMemory()
        self._held = 0
        self.xp = OwnNamespace(self, tuple(DEPTHS))

    # Memory.

    def empty(
        self, shape: tuple[int, ...], dtype: np.dtype[Any], level: float | None = None
    ) -> OpenCLArray:
        """An array, not yet written or at a level throughout.

        Raises:
            MemoryError: the device has not so much memory, or not for one array.
            InputError: no filter there takes the dtype.
        """
        umat = self._umat(shape, dtype, level) if math.prod(shape) else None
        array = OpenCLArray(self, shape, dtype, umat)
        self._held += array.nbytes
        weakref.finalize(array, self._give_back, array.nbytes)
        return array

    def _umat(self, shape: tuple[int, ...], dtype: np.dtype[Any], level: float | None) -> Any:
        nbytes = math.prod(shape) * dtype.itemsize
        if nbytes > self._largest:
            most = f"{nbytes} bytes are more than {self.name} takes in one array, {self._largest}"
            raise MemoryError(most)
        height, width, *channels = shape
        kind = self._cv2.CV_MAKETYPE(self.depth(dtype), *(channels or [1]))
        fill = () if level is None else ((level,) * 4,)
        return self._on_device(self._cv2.UMat(height, width, kind, *fill))

    def _on_device(self, made: Any) -> Any:
        """A `UMat`, which OpenCV has put on the host if the device has no memory left."""
        if not made.handle(self._cv2.ACCESS_READ):
            raise MemoryError(f"{self.name} is out of memory")
        return made

    def depth(self, dtype: np.dtype[Any]) -> int:
        """OpenCV's number for a dtype.

        Raises:
            InputError: its filters keep no contract with it there.
        """
        if dtype.name not in DEPTHS:
            raise InputError(
                f"dtype {dtype.name!r} does not go with opencv_ocl: use {' or '.join(DEPTHS)}"
            )
        return int(getattr(self._cv2, DEPTHS[dtype.name]))

    def _give_back(self, nbytes: int) -> None:
        self._held -= nbytes

    def pinned(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        """Ordinary memory: OpenCV hands no other out."""
        return np.empty(shape, dtype)

    def upload(self, host: NDArray[Any], device: OpenCLArray, stream: Any = None) -> None:
        """Into fresh memory, and waits: Python's OpenCV has no call that fills a given `UMat`."""
        flat = host[..., 0] if host.ndim == 3 and host.shape[2] == 1 else host
        device.umat = self._on_device(self._cv2.UMat(np.ascontiguousarray(flat)))

    def download(self, device: OpenCLArray, host: NDArray[Any], stream: Any = None) -> None:
        """By way of fresh memory, and waits: Python's OpenCV fills no given array either."""
        assert device.umat is not None
        np.copyto(host, device.umat.get().reshape(host.shape))

    def copy(self, source: OpenCLArray, target: OpenCLArray) -> None:
        """Copy an array into another of the same size."""
        self._cv2.copyTo(source.umat, None, target.umat)

    # The queue.

    def stream(self, name: str) -> None:
        return None

    def synchronize(self) -> None:
        self._cv2.ocl.finish()

    def hold(self, seconds: float) -> NoHold:
        return NoHold()

    def record(self, stream: Any = None) -> float:
        """The host's clock, when all that is queued is done."""
        self.synchronize()
        return time.perf_counter()

    def wait(self, event: float, stream: Any = None) -> None:
        """Nothing to do: the one queue keeps the order."""

    def finish(self, event: float) -> None:
        """Nothing to do: what came before the event was waited for."""

    def elapsed_s(self, start: float, stop: float) -> float:
        return stop - start

    def copies(self) -> Sequence[Copy]:
        return (self.copy,)

    def carrier(self) -> WholeCopies:
        return WholeCopies(self)

    def capture(self, call: Call) -> Call | None:
        return None

    def multiply_adds(self, dtype: np.dtype[Any]) -> None:
        return None

    def clocks(self) -> Clocks | None:
        return None

    def release(self) -> None:
        self.synchronize()

    def held_bytes(self) -> int:
        return self._held

    def free_bytes(self) -> int:
        """What this process has not taken, of the host's where they share: OpenCL tells no more."""
        free = self._memory - self._held
        available = host.available_memory() if self._shares_memory else None
        return free if available is None else min(free, available)


@functools.cache
def current_device() -> OpenCLDevice:
    """The device, opened once a process."""
    return OpenCLDevice()


def open_device(number: int = 0) -> OpenCLDevice:
    """Device 0, the only one.

    Raises:
        InputError: another is asked for.
    """
    if number != 0:
        raise InputError(
            f"device {number} is not there: OpenCV takes one OpenCL device a process, which is 0; "
            f"set {CHOICE} to have it take another"
        )
    return current_device()
