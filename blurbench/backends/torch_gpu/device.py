"""A device that PyTorch reaches: its clock, its memory, and what it can do at best."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from blurbench.backends.device import Call, Clocks, Copy, Hold, NoHold
from blurbench.backends.nvml import clock_reader
from blurbench.backends.torch_gpu.accelerator import Accelerator, Lane
from blurbench.backends.torch_gpu.hold import filler_of
from blurbench.backends.torch_gpu.specs import specs_of
from blurbench.backends.torch_gpu.streams import TorchStreams

SIDE = 2048  # of the matrices: enough for all multiprocessors of a large GPU
FULL = ("ieee", "ieee")  # precision of convolutions and of products

METAL_CAUTION = (
    "the times on Metal are those at which the host hears that work is done: "
    "trust large images more than small ones"
)
HOST_CAUTION = (
    "PyTorch's events tell no time on {name}, so the host's clock times it, launches included: "
    "trust large images more than small ones"
)


class TorchDevice(TorchStreams):
    """Device `number` of an accelerator, with a stream for its work; see `Device`."""

    software = False

    def __init__(self, accelerator: Accelerator, number: int, stream: Any) -> None:
        super().__init__(accelerator, number, stream)
        self.name = accelerator.name(number)
        told = specs_of(accelerator.properties(number), accelerator.type)
        self.cache_bytes = told.cache_bytes
        self.peak_bytes_per_s = told.peak_bytes_per_s
        self.caution = METAL_CAUTION if accelerator.type == "mps" else None
        self._clocks = clock_reader(told.uuid or "", by="UUID")

    def use(self) -> None:
        """From now on the calling thread works on this device and its stream."""
        self._accelerator.use(self.number, self._stream)

    # The clock.

    def elapsed_s(self, start: Any, stop: Any) -> float:
        self.finish(stop)
        return float(start.elapsed_time(stop)) / 1e3

    def prepare_clock(self) -> None:
        """Find the work that holds the device, on the calling thread's stream.

        Raises:
            RuntimeError: the events do not tell time.
        """
        self._filler = filler_of(self, lambda side: self._product(side, np.dtype(np.float32)))

    def hold(self, seconds: float) -> Hold:
        return self._filler.hold(seconds)

    def clocks(self) -> Clocks | None:
        return self._clocks()

    # Work.

    def copies(self) -> Sequence[Copy]:
        return (lambda source, target: target.copy_(source),)

    def capture(self, call: Call) -> Call | None:
        if self._accelerator.type != "cuda":
            return None
        call()  # during a capture nothing may be loaded
        self.synchronize()
        graph = self._torch.cuda.CUDAGraph()
        try:
            with self._torch.cuda.graph(graph):  # on a stream, and from a pool, of its own
                call()
        except Exception:  # what waits for the device cannot be captured
            with suppress(Exception):
                self.synchronize()
            return None
        replay: Call = graph.replay
        return replay

    def multiply_adds(self, dtype: np.dtype[Any]) -> tuple[Call, float]:
        return self._product(SIDE, dtype), float(SIDE) ** 3

    def _product(self, side: int, dtype: np.dtype[Any]) -> Call:
        """What multiplies two matrices of that side, in full precision."""
        factor, out = (self.empty((side, side), dtype) for _ in range(2))
        factor.fill_(0.5)

        def multiply() -> None:
            with self._accelerator.precision.to(FULL):
                self._torch.mm(factor, factor, out=out)

        return multiply

    # Memory.

    def release(self) -> None:
        self._accelerator.release()

    def held_bytes(self) -> int:
        return self._accelerator.held_bytes(self.number)

    def free_bytes(self) -> int:
        return self._accelerator.free_bytes(self.number)


class HostTimedDevice(TorchDevice):
    """A device whose events tell no time, so that the host's clock does; all is on one stream."""

    def __init__(self, accelerator: Accelerator, number: int) -> None:
        super().__init__(accelerator, number, None)
        self.caution = HOST_CAUTION.format(name=self.name)

    def record(self, stream: Any = None) -> Any:
        self.synchronize()
        return time.perf_counter()

    def elapsed_s(self, start: Any, stop: Any) -> float:
        return float(stop - start)

    def hold(self, seconds: float) -> Hold:
        return NoHold()


def open_device(accelerator: Accelerator, number: int) -> TorchDevice:
    """A device with the best clock that it has.

    Raises:
        Exception: PyTorch's own, where the device cannot be used.
    """
    accelerator.use(number)
    stream = accelerator.new_stream(number)
    device = TorchDevice(accelerator, number, stream)
    try:
        with Lane(accelerator, stream):
            device.prepare_clock()
    except RuntimeError:
        return HostTimedDevice(accelerator, number)
    return device
