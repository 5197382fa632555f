"""A device that WebGPU reaches: its memory, its one queue, and its clock."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench import host
from blurbench.backends.device import Call, Clocks, Copy
from blurbench.backends.loss import loss_of, lost_text
from blurbench.backends.wgpu.adapters import adapters, is_software, name_of
from blurbench.backends.wgpu.arithmetic import multiply_adds
from blurbench.backends.wgpu.arrays import DeviceArray, Namespace
from blurbench.backends.wgpu.bands import BINDING
from blurbench.backends.wgpu.pipelines import Pipelines, threads_of
from blurbench.backends.wgpu.timestamps import Timestamps
from blurbench.backends.whole_copies import WholeCopies
from blurbench.errors import CannotRunError, DeviceLostError, InputError, lacks_memory
from blurbench.forks import Home

home = Home("wgpu")

WORD = 4  # bytes; what is copied begins and ends at whole ones
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


class Gathering:
    """Commands that gather since the hold began, and start together; it has no end of its own."""

    def __init__(self, device: WgpuDevice) -> None:
        self._device, self._lasted = device, False

    def let_go(self) -> None:
        self._lasted = self._device.gathers
        self._device.submit()

    def lasted(self) -> bool:
        return self._lasted


class WgpuDevice:
    """An adapter's device; see `Device`.

    There is one queue, so the streams are all the same one and nothing overlaps with the work.
    Nothing on it can spin for a given time; but what is encoded waits until it is submitted, so
    `hold` lets the commands that follow gather, and they start together.

    Attributes:
        limits: of the device, by WebGPU's names.
        xp: its array namespace.
        most_turns: of a shader's loops, or None where there is no end to them.
        gathers: whether commands wait until a hold lets go of them.
        lost: whether it was found to work no more.
    """

    cache_bytes: int | None = None
    peak_bytes_per_s: float | None = None

    def __init__(self, adapter: Any, lower: Mapping[str, int] = NO_LOWER) -> None:
        """Open an adapter; with limits `lower` than its own, work as on a lesser one."""
        self._wgpu = import_module("wgpu")
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
        self.xp = Namespace(self)
        self.pipelines = Pipelines(self._gpu, self.threads)
        self._lock = threading.RLock()
        self._encoder: Any = None
        self.gathers = self.lost = False
        self._staging: Any = None
        self._held = 0
        timestamps = Timestamps(self._gpu) if features else None
        self._timestamps = timestamps if timestamps and timestamps.advance() else None

    @property
    def caution(self) -> str | None:
        if self.software:
            return SOFTWARE_CAUTION
        return HOST_CAUTION if self._timestamps is None else None

    # Memory.

    def buffer(self, nbytes: int, data: NDArray[Any] | None = None) -> Any:
        """A buffer for kernels and copies, of whole words; filled if data is given."""
        usage = self._wgpu.BufferUsage
        size, most = words(max(nbytes, 1)), self.limits["max-buffer-size"]
        if size > most:
            raise MemoryError(f"{size} bytes are more than {self.name} takes in one array, {most}")
        # Where it is the host that has too little, the system would end this process.
        if self.software and size > (free := self.free_bytes()):
            raise MemoryError(f"{size} bytes are asked for and {free} are free")
        try:
            made = self._gpu.create_buffer(
                size=size, usage=usage.STORAGE | usage.COPY_SRC | usage.COPY_DST
            )
        except Exception as error:  # for wgpu, too little memory is a validation error
            if not lacks_memory(error):
                raise
            raise MemoryError(f"{size} bytes are asked for beside the {self._held} held") from error
        self._held += size
        weakref.finalize(made, self._give_back, size)
        if data is not None:
            self._write(data, made)
        return made

    def _give_back(self, size: int) -> None:
        self._held -= size

    def uniform(self, data: NDArray[Any]) -> Any:
        """A buffer for a kernel's numbers."""
        return self._gpu.create_buffer_with_data(data=data, usage=self._wgpu.BufferUsage.UNIFORM)

    def empty(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> DeviceArray:
        return self.xp.empty(shape, dtype)

    def pinned(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        """There is none: WebGPU copies through staging buffers of its own in any case."""

    def upload(self, host: NDArray[Any], device: DeviceArray, stream: Any = None) -> None:
        self._write(np.ascontiguousarray(host), device.buffer)

    def _write(self, data: NDArray[Any], buffer: Any) -> None:
        flat = data.reshape(-1).view(np.uint8)
        whole = flat.size // WORD * WORD
        with self._lock:
            self.submit()  # what is written comes before all that is not yet submitted
            if whole:
                self._gpu.queue.write_buffer(buffer, 0, flat[:whole])
            if whole < flat.size:
                last = np.zeros(WORD, np.uint8)
                last[: flat.size - whole] = flat[whole:]
                self._gpu.queue.write_buffer(buffer, whole, last)

    def download(self, device: DeviceArray, host: NDArray[Any], stream: Any = None) -> None:
        """Copy into a host array through a staging buffer; waits until it is there."""
        size = words(device.nbytes)
        with self._lock:
            staging = self._landing(size)
            with self.commands() as encoder:
                encoder.copy_buffer_to_buffer(device.buffer, 0, staging, 0, size)
            self.submit()
            self._map(staging, size)
            seen = np.frombuffer(staging.read_mapped(0, size, copy=False), np.uint8)
            np.copyto(host, seen[: device.nbytes].view(device.dtype).reshape(device.shape))
            del seen
            staging.unmap()

    def _landing(self, size: int) -> Any:
        """A staging buffer of at least this size; the last one is kept."""
        if self._staging is None or self._staging.size < size:
            usage = self._wgpu.BufferUsage
            self._staging = None
            self._staging = self._gpu.create_buffer(
                size=size, usage=usage.MAP_READ | usage.COPY_DST
            )
        return self._staging

    def _map(self, staging: Any, size: int) -> None:
        """Wait until so many bytes of a staging buffer can be read."""
        try:
            staging.map_sync("READ", 0, size)
        except BaseException:
            self._staging = None  # it may be mapped, or not
            raise

    def copy(self, source: DeviceArray, target: DeviceArray) -> None:
        """Copy an array into another of the same size."""
        with self.commands() as encoder:
            size = words(source.nbytes)
            encoder.copy_buffer_to_buffer(source.buffer, 0, target.buffer, 0, size)

    # Commands.

    @contextmanager
    def commands(self) -> Iterator[Any]:
        """An encoder; what is encoded inside the outermost block is submitted at its end."""
        home.check()
        with self._lock:
            outermost = self._encoder is None
            if outermost:
                self._encoder = self._gpu.create_command_encoder()
            try:
                yield self._encoder
            except BaseException:
                if outermost:
                    self._encoder = None
                raise
            if outermost and not self.gathers:
                self.submit()

    def submit(self) -> None:
        """Hand over what is encoded, and gather no more."""
        with self._lock:
            self.gathers = False
            if self._encoder is not None:
                encoder, self._encoder = self._encoder, None
                self._gpu.queue.submit([encoder.finish()])

    def bindings(self, resources: list[dict[str, Any]]) -> Any:
        """A bind group of buffers, or parts of them, in the order of `BINDINGS`."""
        return self._gpu.create_bind_group(
            layout=self.pipelines.layout,
            entries=[{"binding": number, "resource": one} for number, one in enumerate(resources)],
        )

    def launch(self, pipeline: Any, bindings: Any, tiles: int) -> None:
        """Queue a kernel of so many workgroups, laid out in two dimensions where one ends."""
        across = min(tiles, self.limits[MOST_GROUPS])
        with self.commands() as encoder:
            work = encoder.begin_compute_pass()
            work.set_pipeline(pipeline)
            work.set_bind_group(0, bindings)
            work.dispatch_workgroups(across, -(-tiles // across))
            work.end()

    def stream(self, name: str) -> None:
        return None

    def synchronize(self) -> None:
        """Wait until all work is done that is queued.

        Raises:
            DeviceLostError: that will never be.
        """
        try:
            self._finish_all()
        except CannotRunError:  # nothing can be asked of it in a fork
            raise
        except Exception as error:
            self.lost = loss_of(self._finish_all) is not None
            if not self.lost:
                raise
            raise DeviceLostError(lost_text("wgpu", error)) from error

    def _finish_all(self) -> None:
        # A buffer can be mapped when what was submitted up to its last use is done. The queue's own
        # on_submitted_work_done fails in wgpu 0.32.
        with self._lock:
            staging = self._landing(WORD)
            with self.commands() as encoder:
                encoder.clear_buffer(staging, 0, WORD)
            self.submit()
            self._map(staging, WORD)
            staging.unmap()

    # The clock.

    def hold(self, seconds: float) -> Gathering:
        self.submit()
        self.gathers = True
        return Gathering(self)

    def record(self, stream: Any = None) -> Any:
        if self._timestamps is None:
            self._finish_part()
            return time.perf_counter()
        with self.commands() as encoder:
            return self._timestamps.write(encoder)

    def _finish_part(self) -> None:
        """Wait for what is queued; if commands were gathered, go on gathering."""
        gathers = self.gathers
        self.synchronize()
        self.gathers = gathers

    def wait(self, event: Any, stream: Any = None) -> None:
        """Nothing to do: the one queue keeps the order."""

    def finish(self, event: Any) -> None:
        self.synchronize()

    def elapsed_s(self, start: Any, stop: Any) -> float:
        self.submit()
        if self._timestamps is None:
            return float(stop - start)
        return self._timestamps.elapsed_s(start, stop)

    def copies(self) -> Sequence[Copy]:
        return (self.copy,)

    def carrier(self) -> WholeCopies:
        return WholeCopies(self)

    def capture(self, call: Call) -> Call | None:
        return None

    def multiply_adds(self, dtype: np.dtype[Any]) -> tuple[Call, float]:
        return multiply_adds(self, dtype)

    def clocks(self) -> Clocks | None:
        return None

    def release(self) -> None:
        self._staging = None
        self.synchronize()

    def held_bytes(self) -> int:
        return self._held

    def free_bytes(self) -> int:
        """As much as one buffer may have, within the host's memory: WebGPU tells no more."""
        available = host.available_memory()
        most = self.limits["max-buffer-size"]
        return most if available is None else min(most, available)


def words(nbytes: int) -> int:
    """Bytes of the whole words that hold so many."""
    return -(-nbytes // WORD) * WORD


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
