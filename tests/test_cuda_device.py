"""What the CUDA device asks of CuPy, in which order, on a CuPy that only takes notes."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from blurbench.backends.cuda_device import CudaDevice
from blurbench.plan import empty
from helpers.cuda_assembly import assemble, compiler
from helpers.cuda_on_cpu import COMPILER, CompiledForCpu, build

needs_compiler = pytest.mark.skipif(
    COMPILER is None, reason="g++ is not installed: apt-get install g++"
)
F32 = np.dtype("float32")


class Notes:
    """What was asked, in order."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.streams: list[FakeStream] = []
        self.properties: dict[str, Any] = {"name": b"made up", "multiProcessorCount": 10}
        self.allocator: object = "the common pool"
        self.pool_of_graph = "a pool of the graph"

    @contextmanager
    def allocating(self, allocator: object) -> Iterator[None]:
        before, self.allocator = self.allocator, allocator
        yield
        self.allocator = before

    def noting(self, text: str, result: Any = None) -> Callable[..., Any]:
        def note(*_: Any, **__: Any) -> Any:
            self.log.append(text)
            return result

        return note


class FakeStream:
    def __init__(self, notes: Notes, non_blocking: bool) -> None:
        self.name = f"stream {len(notes.streams)}"
        self.non_blocking, self.capturing, self.in_use = non_blocking, False, False
        self._log = notes.log
        notes.streams.append(self)

    def use(self) -> None:
        self.in_use = True

    def synchronize(self) -> None:
        if self.capturing:
            raise RuntimeError("cudaErrorStreamCaptureUnsupported")
        self._log.append(f"synchronize {self.name}")

    def record(self) -> str:
        self._log.append(f"record {self.name}")
        return f"event of {self.name}"

    def wait_event(self, event: str) -> None:
        self._log.append(f"{self.name} waits for {event}")

    def begin_capture(self) -> None:
        self.capturing = True
        self._log.append(f"begin capture of {self.name}")

    def end_capture(self) -> Any:
        self.capturing = False
        self._log.append(f"end capture of {self.name}")
        return SimpleNamespace(launch=lambda stream: self._log.append(f"launch on {stream.name}"))


class FakeArray:
    """Memory of the device."""

    def __init__(self, notes: Notes) -> None:
        self._log = notes.log

    def set(self, host: Any, stream: FakeStream) -> None:
        self._log.append(f"set on {stream.name}")

    def get(self, stream: FakeStream, out: Any, blocking: bool) -> None:
        self._log.append(f"get on {stream.name}{' and wait' if blocking else ''}")


@pytest.fixture
def notes(monkeypatch: pytest.MonkeyPatch) -> Notes:
    """Replaces CuPy, as much of it as the device asks for."""
    notes = Notes()
    runtime = SimpleNamespace(
        getDeviceProperties=lambda number: notes.properties,
        deviceGetPCIBusId=lambda number: "0000:3B:00.0",
        memGetInfo=lambda: (1000, 5000),
    )
    pool = SimpleNamespace(
        free_all_blocks=notes.noting("free the pool"),
        total_bytes=lambda: 700,
        free_bytes=lambda: 200,
    )
    pinned_pool = SimpleNamespace(free_all_blocks=notes.noting("free the pinned pool"))
    cupy = SimpleNamespace(
        cuda=SimpleNamespace(
            runtime=runtime,
            Device=lambda number: SimpleNamespace(use=notes.noting(f"use device {number}")),
            Stream=lambda non_blocking: FakeStream(notes, non_blocking),
            get_elapsed_time=lambda start, stop: 250.0,
            MemoryPool=lambda: SimpleNamespace(malloc=notes.pool_of_graph),
            using_allocator=notes.allocating,
        ),
        RawKernel=lambda code, name, options=(): notes.noting(f"{name} {' '.join(options)}"),
        empty=lambda shape, dtype: FakeArray(notes),
        get_default_memory_pool=lambda: pool,
        get_default_pinned_memory_pool=lambda: pinned_pool,
    )
    cache = SimpleNamespace(clear=notes.noting("clear the FFT plans"))
    config = SimpleNamespace(get_plan_cache=lambda: cache)
    cupyx = SimpleNamespace(empty_pinned=lambda shape, dtype: np.zeros(shape, dtype))
    for name, module in (("cupy", cupy), ("cupy.fft.config", config), ("cupyx", cupyx)):
        fake = ModuleType(name)
        fake.__dict__.update(vars(module))
        monkeypatch.setitem(sys.modules, name, fake)
    monkeypatch.setitem(sys.modules, "cupy.fft", ModuleType("cupy.fft"))
    monkeypatch.setitem(sys.modules, "pynvml", None)  # as if it were not installed
    return notes


@pytest.fixture
def device(notes: Notes) -> CudaDevice:
    device = CudaDevice(3)
    assert notes.log == ["use device 3"]
    notes.log.clear()
    return device


def test_its_work_is_on_a_stream_that_does_not_wait_for_the_default_one(
    device: CudaDevice, notes: Notes
) -> None:
    (stream,) = notes.streams
    assert (stream.non_blocking, stream.in_use) == (True, True)


def test_copies_beside_the_work_are_on_streams_of_their_own(
    device: CudaDevice, notes: Notes
) -> None:
    streams = [device.stream(name) for name in ("up", "down", "up")]
    assert [stream.name for stream in streams] == ["stream 1", "stream 2", "stream 1"]
    assert all(stream.non_blocking and not stream.in_use for stream in streams)


@pytest.mark.parametrize(("name", "stream"), [(None, "stream 0"), ("up", "stream 1")])
def test_copies_are_queued_on_the_stream_that_is_asked_for_and_not_waited_for(
    device: CudaDevice, notes: Notes, name: str | None, stream: str
) -> None:
    there, host = device.empty((2, 2), F32), np.zeros((2, 2), F32)
    chosen = name and device.stream(name)
    device.upload(host, there, chosen)
    device.download(there, host, chosen)
    assert notes.log == [f"set on {stream}", f"get on {stream}"]


def test_one_stream_waits_for_an_event_of_another(device: CudaDevice, notes: Notes) -> None:
    device.wait(device.record(), device.stream("down"))
    assert notes.log == ["record stream 0", "stream 1 waits for event of stream 0"]


@pytest.fixture
def holds(notes: Notes, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What the kernels that hold the device were given: where they look, their number, a limit."""
    given: list[tuple[Any, ...]] = []

    def raw_kernel(code: str, name: str, options: tuple[str, ...] = ()) -> Any:
        return lambda grid, block, arguments: given.append(arguments)

    monkeypatch.setattr(sys.modules["cupy"], "RawKernel", raw_kernel)
    return given


def seen_at(address: np.uint64) -> Any:
    """The two numbers that host and device tell each other there."""
    return np.ctypeslib.as_array((ctypes.c_uint32 * 2).from_address(int(address)))


def test_a_hold_looks_for_its_number_until_its_time_is_up(holds: list[tuple[Any, ...]]) -> None:
    CudaDevice(0).hold(0.02)
    ((address, number, nanoseconds),) = holds
    told = seen_at(address)
    assert (told[0] < number, nanoseconds) == (True, 20_000_000)
    assert [one.dtype for one in (address, number, nanoseconds)] == ["uint64", "uint32", "int64"]


def test_a_hold_that_lets_go_tells_its_number(holds: list[tuple[Any, ...]]) -> None:
    device = CudaDevice(0)
    for _ in range(3):
        hold = device.hold(0.02)
        address, number, _ = holds[-1]
        hold.let_go()
        assert (seen_at(address)[0] == number, hold.lasted()) == (True, True)


def test_a_hold_whose_time_was_up_did_not_last(holds: list[tuple[Any, ...]]) -> None:
    device = CudaDevice(0)
    hold = device.hold(0.02)
    address, number, _ = holds[0]
    told = seen_at(address)
    told[1] = number  # as the kernel does
    hold.let_go()
    assert not hold.lasted()
    assert device.hold(0.02).lasted()


@needs_compiler
@pytest.mark.parametrize("nbytes", [1, 15, 16, 4 * 16 * 256, 4 * 16 * 256 + 7, 100_003])
def test_both_ways_to_copy_copy_every_byte_and_no_other(
    notes: Notes, monkeypatch: pytest.MonkeyPatch, nbytes: int
) -> None:
    def on_cpu(code: str, name: str, options: tuple[str, ...] = ()) -> Any:
        return CompiledForCpu(build(code, name, options), order=2)

    device = CudaDevice(0)
    monkeypatch.setattr(sys.modules["cupy"], "RawKernel", on_cpu)
    for way in device.copies():
        source, target = (empty(np, (nbytes + 16,), np.uint8) for _ in range(2))
        source[:] = np.random.default_rng(3).integers(0, 256, source.size)
        way(source[:nbytes], target[:nbytes])
        assert np.array_equal(target[:nbytes], source[:nbytes])
        assert not target[nbytes:].any()


@pytest.mark.skipif(compiler() is None, reason="NVRTC is missing: install nvidia-cuda-nvrtc")
@pytest.mark.parametrize("architecture", ["sm_75", "sm_90", "sm_120"])
def test_what_the_device_launches_itself_compiles(
    notes: Notes, monkeypatch: pytest.MonkeyPatch, architecture: str
) -> None:
    found: dict[str, int] = {}

    def compiled(code: str, name: str, options: tuple[str, ...] = ()) -> Any:
        found[name] = assemble(code, options, architecture).spilled
        return notes.noting(name)

    monkeypatch.setattr(sys.modules["cupy"], "RawKernel", compiled)
    device = CudaDevice(0)
    device.copies()
    device.multiply_adds(F32)
    assert found == {"hold": 0, "copy": 0, "multiply_add": 0}


def test_what_is_captured_has_run_before_and_is_launched_as_one(
    device: CudaDevice, notes: Notes
) -> None:
    replay = device.capture(notes.noting("call"))
    assert replay is not None
    replay()
    assert notes.log == [
        *("call", "synchronize stream 0"),
        *("begin capture of stream 0", "call", "end capture of stream 0"),
        "launch on stream 0",
    ]


def test_what_a_graph_allocates_is_of_a_pool_of_its_own(device: CudaDevice, notes: Notes) -> None:
    used: list[object] = []
    device.capture(lambda: used.append(notes.allocator))
    assert used == 2 * ["a pool of the graph"]
    assert notes.allocator == "the common pool"


def test_what_waits_for_the_device_cannot_be_captured(device: CudaDevice) -> None:
    assert device.capture(device.synchronize) is None


def test_a_capture_that_failed_is_over(device: CudaDevice, notes: Notes) -> None:
    device.capture(device.synchronize)
    assert not notes.streams[0].capturing
    device.synchronize()


def test_a_capture_that_was_invalidated_gives_no_graph(
    device: CudaDevice, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def invalidated() -> Any:
        raise RuntimeError("cudaErrorStreamCaptureInvalidated")

    monkeypatch.setattr(notes.streams[0], "end_capture", invalidated)
    notes.streams[0].synchronize = lambda: None  # type: ignore[method-assign]
    assert device.capture(notes.noting("call")) is None


def test_released_memory_includes_what_the_plans_of_ffts_hold(
    device: CudaDevice, notes: Notes
) -> None:
    device.release()
    assert notes.log == ["clear the FFT plans", "free the pool", "free the pinned pool"]


@pytest.mark.parametrize(
    ("system", "tcc", "coarse"),
    [("win32", 0, True), ("win32", 1, False), ("linux", 0, False)],
)
def test_a_driver_that_launches_in_batches_is_told(
    notes: Notes, monkeypatch: pytest.MonkeyPatch, system: str, tcc: int, coarse: bool
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    notes.properties["tccDriver"] = tcc
    assert ("WDDM" in (CudaDevice(0).caution or "")) is coarse


def test_memory_that_the_pool_keeps_is_held_and_still_free(device: CudaDevice) -> None:
    assert (device.held_bytes(), device.free_bytes()) == (700, 1200)


def test_the_peak_of_the_memory_is_two_transfers_a_clock(notes: Notes) -> None:
    # The figures of an RTX 3090, whose memory moves 936 GB/s.
    notes.properties.update(memoryClockRate=9_751_000, memoryBusWidth=384)
    assert CudaDevice(0).peak_bytes_per_s == pytest.approx(936e9, rel=1e-3)


@pytest.mark.parametrize("told", [{}, {"memoryClockRate": 0, "l2CacheSize": 0}])
def test_what_the_driver_does_not_tell_is_not_known(notes: Notes, told: dict[str, int]) -> None:
    notes.properties.update(told)
    device = CudaDevice(0)
    assert (device.peak_bytes_per_s, device.cache_bytes) == (None, None)


def test_the_cache_is_the_second_level(notes: Notes) -> None:
    notes.properties["l2CacheSize"] = 50 * 2**20
    assert CudaDevice(0).cache_bytes == 50 * 2**20


@pytest.mark.parametrize(("dtype", "real"), [("float32", "float"), ("float64", "double")])
def test_multiply_adds_are_of_the_type_that_is_worked_in(
    device: CudaDevice, notes: Notes, dtype: str, real: str
) -> None:
    call, number = device.multiply_adds(np.dtype(dtype))
    call()
    assert notes.log[0].startswith(f"multiply_add -DReal={real} ")
    assert number == 10 * 4 * 256 * 8 * 4096


def test_without_nvml_there_are_no_clocks(device: CudaDevice) -> None:
    assert device.clocks() is None


def test_the_time_between_two_events_is_in_seconds(device: CudaDevice) -> None:
    stop = SimpleNamespace(synchronize=lambda: None)
    assert device.elapsed_s(None, stop) == 0.25
