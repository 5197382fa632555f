"""As much of PyTorch as its accelerators are asked for: devices, streams, events and one queue.

Launching costs the host time, and the device works on its own; all on a clock that is made up.
Tensors are the host's arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import numpy as np

from blurbench.names import DTYPES
from helpers.queueing import LAUNCH_S, HostClock

RATE = 1e13  # multiply-adds a second
FREE, RESERVED, ALLOCATED = 1000, 300, 200  # bytes


class FakeTensor(np.ndarray):
    """An array that lies on a device, or in page-locked memory of the host."""

    place: Any = SimpleNamespace(type="cpu", index=None)
    pinned = False

    @property
    def device(self) -> Any:
        return self.place

    def fill_(self, value: float) -> None:
        self.fill(value)

    def to(self, dtype: Any) -> FakeTensor:
        return self.astype(dtype).view(FakeTensor)

    def copy_(self, source: Any, non_blocking: bool = False) -> None:
        np.copyto(self, source, casting="unsafe")

    def detach(self) -> FakeTensor:
        return self

    def is_pinned(self) -> bool:
        return self.pinned

    def numpy(self) -> Any:
        return np.asarray(self)


FakeTensor.__module__ = "torch"


class FakeStream:
    """A stream of a device, with a number of its own."""

    def __init__(self, torch: FakeTorch, number: int, stream_id: int) -> None:
        self._torch, self.number, self.stream_id = torch, number, stream_id
        self.waited: list[Any] = []

    def synchronize(self) -> None:
        self._torch.wait_until(self._torch.free)

    def wait_event(self, event: Any) -> None:
        self.waited.append(event)


class FakeEvent:
    """What comes when all is done that was queued before it was recorded."""

    def __init__(self, torch: FakeTorch) -> None:
        self._torch, self.at = torch, 0.0

    def record(self, stream: Any = None) -> None:
        if not self._torch.times:
            raise RuntimeError("this backend doesn't support events")
        self.at = max(self._torch.free, self._torch.host.now)

    def query(self) -> bool:
        return self.at <= self._torch.host.now

    def synchronize(self) -> None:
        self._torch.wait_until(self.at)

    def elapsed_time(self, other: FakeEvent) -> float:
        return (other.at - self.at) * 1e3


class FakeTorch:
    """The library, with devices of one type.

    Attributes:
        times: whether events can be had.
        lacks: dtypes that its devices do not have.
        log: what was asked for that has no result.
        free: when what is queued will be done.
    """

    __version__ = "2.13.0"
    Tensor = FakeTensor
    inference_mode = nullcontext

    def __init__(self, kind: str = "cuda", names: Sequence[str] = ("a GPU",)) -> None:
        self.host, self.times, self.lacks = HostClock(), True, ()
        self.log: list[str] = []
        self.free, self._streams = 0.0, 0
        self.version = SimpleNamespace(cuda="13.0", hip=None, xpu=None)
        self.number, self.streams = 0, [self._new_stream(0) for _ in names]
        precise = ("cudnn.conv", "cuda.matmul", "mkldnn.conv", "mkldnn.matmul")
        self.settings = {name: SimpleNamespace(fp32_precision="tf32") for name in precise}
        self.backends = SimpleNamespace(
            cudnn=SimpleNamespace(conv=self.settings["cudnn.conv"]),
            cuda=SimpleNamespace(matmul=self.settings["cuda.matmul"]),
            mkldnn=SimpleNamespace(
                conv=self.settings["mkldnn.conv"], matmul=self.settings["mkldnn.matmul"]
            ),
            mps=SimpleNamespace(is_built=lambda: False),
        )
        self.nn = SimpleNamespace(functional=SimpleNamespace(conv2d=self._conv2d))
        self.accelerator = SimpleNamespace(
            current_accelerator=lambda check_available=False: SimpleNamespace(type=kind),
            current_device_index=lambda: self.number,
            set_device_index=lambda number: setattr(self, "number", number),
            current_stream=lambda: self.streams[self.number],
            set_stream=self._set_stream,
            device_index=lambda number: nullcontext(),
        )
        self.module = SimpleNamespace(
            device_count=lambda: len(names),
            get_device_name=lambda number: names[number],
            synchronize=lambda: self.wait_until(self.free),
            empty_cache=lambda: self.log.append("empty the cache"),
            memory_reserved=lambda number: RESERVED + number,
            memory_allocated=lambda number: ALLOCATED,
            mem_get_info=lambda number: (FREE, 5000),
        )
        self.cuda = SimpleNamespace(
            CUDAGraph=lambda: SimpleNamespace(replay=lambda: None),
            graph=lambda graph: nullcontext(),
        )
        vars(self).update({name: np.dtype(name) for name in DTYPES})

    def get_device_module(self, kind: str) -> Any:
        return self.module

    # Work.

    def wait_until(self, moment: float) -> None:
        self.host.now = max(self.host.now, moment)

    def launch(self, seconds: float, launching_s: float = LAUNCH_S) -> None:
        """Queue a kernel that takes so long."""
        self.host.now += launching_s
        self.free = max(self.free, self.host.now) + seconds

    def mm(self, factor: Any, other: Any, out: Any) -> None:
        self.log.append("mm in " + self.settings["cuda.matmul"].fp32_precision)
        self.launch(len(factor) ** 3 / RATE)

    def _conv2d(self, image: Any, taps: Any) -> Any:
        return tensor(np.full((1, 1, 1, 1), float((image * taps).sum())))

    # Devices and streams.

    def device(self, kind: str, index: int) -> Any:
        return SimpleNamespace(type=kind, index=index)

    def Stream(self, device: Any) -> FakeStream:  # noqa: N802
        return self._new_stream(device.index)

    def Event(self, device: Any, enable_timing: bool) -> FakeEvent:  # noqa: N802
        return FakeEvent(self)

    def _new_stream(self, number: int) -> FakeStream:
        self._streams += 1
        return FakeStream(self, number, self._streams)

    def _set_stream(self, stream: FakeStream) -> None:
        self.number, self.streams[stream.number] = stream.number, stream

    # Tensors.

    def empty(
        self, shape: Any, dtype: Any = np.float32, device: Any = None, pin_memory: bool = False
    ) -> FakeTensor:
        if np.dtype(dtype).name in self.lacks:
            raise TypeError(f"the framework has no {np.dtype(dtype).name}.\nUse another.")
        made = tensor(np.zeros(shape, dtype))
        if device not in (None, "cpu"):
            made.place = device
        made.pinned = pin_memory
        if pin_memory:
            self.log.append("lock memory")
        return made

    def from_numpy(self, array: Any) -> FakeTensor:
        return tensor(array)

    def ones(self, shape: Any, dtype: Any = np.float32, device: Any = None) -> FakeTensor:
        made = self.empty(shape, dtype, device)
        made.fill(1)
        return made


def tensor(array: Any) -> FakeTensor:
    """The same memory as a tensor."""
    made: FakeTensor = np.asarray(array).view(FakeTensor)
    return made
