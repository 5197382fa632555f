"""As much of `cupy.cuda` as this project uses: one device, whose work is done when it is queued."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np

from cupy.cuda import cublas as cublas
from cupy.cuda import runtime as runtime
from helpers import cuda_on_cpu

nvrtc = SimpleNamespace(getVersion=lambda: (13, 0))
_here = threading.local()
_numbers = itertools.count(1)


class Event:
    """A moment of the stream."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self.at = 0.0
        self.done = True

    def record(self, stream: Any = None) -> None:
        self.at = time.perf_counter()

    def synchronize(self) -> None: ...


def get_elapsed_time(start: Event, stop: Event) -> float:
    """Milliseconds."""
    return (stop.at - start.at) * 1e3


class Graph:
    """The launches of kernels that were captured."""

    def __init__(self, launches: list[Callable[[], Any]]) -> None:
        self._launches = launches

    def launch(self, stream: Any = None) -> None:
        for launch in self._launches:
            launch()

    def upload(self, stream: Any = None) -> None: ...


class Stream:
    """Does what it is given at once; while it captures, kernels are kept for the graph."""

    def __init__(self, null: bool = False, non_blocking: bool = False, ptds: bool = False) -> None:
        self.ptr = 0 if null else next(_numbers)
        self.captured: list[Callable[[], Any]] | None = None
        self.done = True
        self._before: list[Any] = []

    def use(self) -> Stream:
        _here.stream = self
        return self

    def __enter__(self) -> Stream:
        self._before.append(get_current_stream())
        return self.use()

    def __exit__(self, *_: Any) -> None:
        self._before.pop().use()

    def synchronize(self) -> None: ...

    def record(self, event: Event | None = None) -> Event:
        event = event or Event()
        event.record()
        return event

    def wait_event(self, event: Event) -> None: ...

    def begin_capture(self, mode: Any = None) -> None:
        self.captured = []

    def end_capture(self) -> Graph:
        graph = Graph(self.captured or [])
        self.captured = None
        return graph

    def is_capturing(self) -> bool:
        return self.captured is not None


Stream.null = Stream(null=True)  # type: ignore[attr-defined]
ExternalStream = Stream


def get_current_stream(device_id: int | None = None) -> Stream:
    return getattr(_here, "stream", Stream.null)  # type: ignore[attr-defined]


class Device:
    """The only one."""

    id = 0
    compute_capability = "90"
    attributes = {"MultiProcessorCount": cuda_on_cpu.PROCESSORS}  # noqa: RUF012
    mem_info = runtime.memGetInfo()

    def __init__(self, number: int | None = None) -> None:
        if number:
            raise runtime.CUDARuntimeError("cudaErrorInvalidDevice: invalid device ordinal")

    def use(self) -> None: ...

    def synchronize(self) -> None: ...

    def __enter__(self) -> Device:
        return self

    def __exit__(self, *_: Any) -> None: ...


def get_cublas_handle() -> int:
    return cublas.HANDLE


class MemoryPool:
    """Its memory is the host's, and goes with its arrays."""

    def malloc(self, nbytes: int) -> None: ...


@contextmanager
def using_allocator(allocator: Any = None) -> Iterator[None]:
    yield


class RawKernel:
    """A kernel compiled by g++ when it is first needed. What reads the device's clock only waits
    for a device to be busy, as this one never is, and does nothing.
    """

    _lock = threading.Lock()  # a kernel's shared memory is static: one launch at a time

    def __init__(
        self, code: str, name: str, options: tuple[str, ...] = (), *_: Any, **__: Any
    ) -> None:
        self._waits = "globaltimer" in code or "clock64" in code
        self._given = code, name, tuple(options)

    def compile(self) -> None:
        if not self._waits:
            cuda_on_cpu.build(*self._given)

    def __call__(
        self, grid: tuple[int, ...], block: tuple[int, ...], arguments: tuple[Any, ...], **_: Any
    ) -> None:
        for one in arguments:
            check_argument(one)
        if self._waits:
            return
        kernel = cuda_on_cpu.CompiledForCpu(cuda_on_cpu.build(*self._given), order=0)

        def launch() -> None:
            with self._lock:
                kernel(grid, block, arguments)

        captured = get_current_stream().captured
        if captured is None:
            launch()
        else:
            captured.append(launch)


def check_argument(one: Any) -> None:
    """CuPy takes arrays of the device by address; of the host, one element by value."""
    import cupy

    if isinstance(one, (cupy.ndarray, np.generic)):
        return
    if isinstance(one, np.ndarray) and one.size == 1:
        return
    raise TypeError(f"a kernel takes arrays of the device and NumPy's scalars, not {type(one)}")


class RawModule:
    """The kernels of a source, compiled when one is asked for."""

    def __init__(self, *, code: str, options: tuple[str, ...] = (), **_: Any) -> None:
        self._code, self._options = code, options

    def get_function(self, name: str) -> RawKernel:
        kernel = RawKernel(self._code, name, self._options)
        kernel.compile()
        return kernel
