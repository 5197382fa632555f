"""A device that WebGPU reaches: what timing and plans ask of it."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench.backends.device import Call, Clocks, Copy
from blurbench.backends.device_loss import loss_of, lost_text
from blurbench.backends.own_arrays import OwnNamespace
from blurbench.backends.wgpu.adapters import adapters, is_software, name_of
from blurbench.backends.wgpu.arithmetic import multiply_adds
from blurbench.backends.wgpu.arrays import DTYPES, WgpuArray
from blurbench.backends.wgpu.bands import BINDING
from blurbench.backends.wgpu.memory import Memory
from blurbench.backends.wgpu.pipelines import Pipelines, threads_of
from blurbench.backends.wgpu.queue import CommandQueue, Gathering, home
from blurbench.backends.wgpu.timestamps import Timestamps
from blurbench.backends.whole_copies import WholeCopies
from blurbench.errors import CannotRunError, DeviceLostError, InputError

RAISED = (
    "max-storage-buffer-binding-size",
    "max-buffer-size",
    "max-compute-workgroup-storage-size",
)
MOST_BOUND = 2**31  # bytes: places in it fit into 32 bits
# llvmpipe leaves the loops of a shader after so many turns in all, and says nothing.
SOFTWARE_TURNS = 65535
NO_LOWER: Mapping[str, int] = MappingProxyType({})
MOST_GROUPS = "max-compute-workgroups-per-dimension"


SOFTWARE_CAUTION = (
    "wgpu runs on software here, which tells nothing of a GPU: use a machine that has one"
)
HOST_CAUTION = (
    "wgpu has no timestamps here, so the host's clock times it, launches included: "
    "trust large images more than small ones"
)


class WgpuDevice:
    """An adapter's device; see `Device`.

    There is one queue, so the streams are all the same one and nothing overlaps with the work.
    Nothing on it can spin for a given time; but what is encoded waits until it is submitted, so
    `hold` lets the commands that follow gather, and they start together.

    Attributes:
        limits: of the device, by WebGPU's names.
        threads: of a workgroup.
        xp: its array namespace.
        queue, memory, pipelines: what kernels are run by.
        most_turns: of a shader's loops, or None where there is no end to them.
        lost: whether it was found to work no more.
    """

    cache_bytes: int | None = None
    peak_bytes_per_s: float | None = None

    def __init__(self, adapter: Any, lower: Mapping[str, int] = NO_LOWER) -> None:
        """Open an adapter; with limits `lower` than its own, work as on a lesser one."""
        features = ["timestamp-query"] if "timestamp-query" in adapter.features else []
        home.check()
        self._gpu = adapter.request_device_sync(
            required_features=features,
            required_limits={**{name: adapter.limits[name] for name in RAISED}, **lower},
        )
        self.name = name_of(adapter)
        self.software = is_software(adapter)
        self.most_turns = SOFTWARE_TURNS if self.software else None
        self.limits: dict[str, int] = {**self._gpu.limits, **lower}
        self.limits[BINDING] = min(self.limits[BINDING], MOST_BOUND)
        self.threads = threads_of(self.limits)
        self.xp = OwnNamespace(self, DTYPES)
        self.queue = CommandQueue(self._gpu, self.limits[MOST_GROUPS])
        self.memory = Memory(
            self._gpu, self.queue, self.name, self.limits["max-buffer-size"], self.software
        )
        self.pipelines = Pipelines(self._gpu, self.threads)
        self.lost = False
        timestamps = Timestamps(self._gpu) if features else None
        self._timestamps = timestamps if timestamps and timestamps.advance() else None

    @property
    def caution(self) -> str | None:
        if self.software:
            return SOFTWARE_CAUTION
        return HOST_CAUTION if self._timestamps is None else None

    # Memory.

    def empty(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> WgpuArray:
        buffer = self.memory.buffer(math.prod(shape) * dtype.itemsize)
        return WgpuArray(self, shape, dtype, buffer)

    def pinned(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        """There is none: WebGPU copies through staging buffers of its own in any case."""

    def upload(self, host: NDArray[Any], device: WgpuArray, stream: Any = None) -> None:
        self.memory.write(np.ascontiguousarray(host), device.buffer)

    def download(self, device: WgpuArray, host: NDArray[Any], stream: Any = None) -> None:
        """Waits until it is there."""
        self.memory.read(device.buffer, host)

    def copy(self, source: WgpuArray, target: WgpuArray) -> None:
        """Copy an array into another of the same size."""
        self.memory.copy(source.buffer, target.buffer, source.nbytes)

    def copies(self) -> Sequence[Copy]:
        return (self.copy,)

    def carrier(self) -> WholeCopies:
        return WholeCopies(self)

    def release(self) -> None:
        self.memory.release()
        self.synchronize()

    def held_bytes(self) -> int:
        return self.memory.held_bytes

    def free_bytes(self) -> int:
        return self.memory.free_bytes()

    # Work.

    def stream(self, name: str) -> None:
        return None

    def synchronize(self) -> None:
        """Wait until all work is done that is queued.

        Raises:
            DeviceLostError: that will never be.
        """
        try:
            self.memory.finish()
        except CannotRunError:  # nothing can be asked of it in a fork
            raise
        except Exception as error:
            self.lost = loss_of(self.memory.finish) is not None
            if not self.lost:
                raise
            raise DeviceLostError(lost_text("wgpu", error)) from error

    def wait(self, event: Any, stream: Any = None) -> None:
        """Nothing to do: the one queue keeps the order."""

    def finish(self, event: Any) -> None:
        self.synchronize()

    def capture(self, call: Call) -> Call | None:
        return None

    def multiply_adds(self, dtype: np.dtype[Any]) -> tuple[Call, float]:
        return multiply_adds(self.memory, self.queue, self.pipelines, dtype)

    # The clock.

    def hold(self, seconds: float) -> Gathering:
        return self.queue.gather()

    def record(self, stream: Any = None) -> Any:
        if self._timestamps is None:
            self._finish_part()
            return time.perf_counter()
        with self.queue.commands() as encoder:
            return self._timestamps.write(encoder)

    def _finish_part(self) -> None:
        """Wait for what is queued; if commands were gathered, go on gathering."""
        gathers = self.queue.gathers
        self.synchronize()
        self.queue.gathers = gathers

    def elapsed_s(self, start: Any, stop: Any) -> float:
        self.queue.submit()
        if self._timestamps is None:
            return float(stop - start)
        return self._timestamps.elapsed_s(start, stop)

    def clocks(self) -> Clocks | None:
        return None


_opened: dict[int, WgpuDevice] = {}
_current = 0  # the number of the device that plans are made for


def open_device(number: int = 0) -> WgpuDevice:
    """Device `number`, the best adapter first; from then on plans are made for it.

    It is opened once a process, and anew where it was lost.

    Raises:
        InputError: there is none of that number.
    """
    global _current
    known = adapters()
    if not 0 <= number < len(known):
        raise InputError(
            f"device {number} is not there: wgpu has {len(known)}; see blurbench backends"
        )
    if number not in _opened or _opened[number].lost:
        _opened[number] = WgpuDevice(known[number])
    _current = number
    return _opened[number]


def current_device() -> WgpuDevice:
    """The device that was opened last, or the first."""
    return open_device(_current)
