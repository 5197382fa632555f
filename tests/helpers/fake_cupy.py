"""As much of CuPy as work on devices and streams asks for; its arrays are the host's."""

from __future__ import annotations

import sys
import threading
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest


class DeviceArray(np.ndarray):
    """An array that lies on a device."""

    number = 0

    @property
    def device(self) -> FakeDevice:
        return FakeDevice(self.number)

    def set(self, host: Any, stream: Any) -> None:
        self[...] = host

    def get(self, stream: Any, out: Any, blocking: bool) -> None:
        out[...] = self


DeviceArray.__module__ = "cupy"


class Current(threading.local):
    """The device and the stream of a thread."""

    device = 0

    def __init__(self) -> None:
        self.streams: list[FakeStream] = []


current = Current()


class FakeDevice:
    """A device that a thread can be on for a while, or from now on."""

    def __init__(self, number: int = 0) -> None:
        self.number = number

    def use(self) -> None:
        current.device = self.number

    def __enter__(self) -> None:
        self._before = current.device
        self.use()

    def __exit__(self, *_: object) -> None:
        current.device = self._before


class FakeStream:
    """A stream; what is queued there is done at once."""

    def __init__(self, ptr: int | None = None, non_blocking: bool = True) -> None:
        self.ptr = id(self) if ptr is None else ptr

    def use(self) -> None:
        current.streams[-1:] = [self]

    def __enter__(self) -> FakeStream:
        current.streams.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        current.streams.pop()

    def synchronize(self) -> None:
        pass

    def record(self) -> Any:
        return SimpleNamespace(synchronize=lambda: None)

    def wait_event(self, event: Any) -> None:
        pass


def place_here() -> tuple[int, int]:
    """Device and stream of this thread, as the fake has them."""
    return current.device, current_stream().ptr


def current_stream() -> FakeStream:
    return current.streams[-1] if current.streams else FakeStream(0)


def on_device(array: Any, number: int = 0) -> DeviceArray:
    """The same memory as an array of a device."""
    there: DeviceArray = np.asarray(array).view(DeviceArray)
    there.number = number
    return there


@pytest.fixture
def cupy(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Replaces CuPy; `from_dlpack` and `asarray` take what has a `memory`."""
    fake, cupyx = ModuleType("cupy"), ModuleType("cupyx")
    pool = SimpleNamespace(free_bytes=lambda: 200)
    runtime = SimpleNamespace(
        getDevice=lambda: current.device,
        memGetInfo=lambda: (1000, 5000),
        deviceGetPCIBusId=lambda number: "0000:3B:00.0",
        getDeviceProperties=lambda number: {"name": b"made up", "multiProcessorCount": 10},
    )
    fake.__dict__.update(
        cuda=SimpleNamespace(
            Device=FakeDevice,
            Stream=FakeStream,
            get_current_stream=current_stream,
            runtime=runtime,
        ),
        empty=lambda shape, dtype: on_device(np.zeros(shape, dtype), current.device),
        from_dlpack=lambda image: on_device(image.memory, image.number),
        asarray=lambda image: on_device(image.memory, image.number),
        get_default_memory_pool=lambda: pool,
        RawKernel=lambda code, name, options=(): lambda *_: None,
    )
    cupyx.__dict__.update(empty_pinned=np.empty)
    monkeypatch.setitem(sys.modules, "cupy", fake)
    monkeypatch.setitem(sys.modules, "cupyx", cupyx)
    return fake
