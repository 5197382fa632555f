"""The GPU: why it cannot be used, its clock and its cells, and the contract where there is one.

Most of it runs without a GPU, on a CuPy and a device that are made up here; the tests marked `gpu`
are skipped with the reason where no GPU can be used.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from itertools import count, product
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import blurbench
from blurbench.backends import cupy_packages, gpu
from blurbench.backends.backend import Availability, Backend, Implementation
from blurbench.backends.device import Call, Clocks, EventClock, LaunchClock
from blurbench.backends.driver import INSTALL_DRIVER, NO_DRIVER, Card, Driver
from blurbench.backends.gpu import examine
from blurbench.backends.nvml import clock_reader
from blurbench.backends.registry import collect, find_backend, find_implementation, probe
from blurbench.backends.staging import Staging
from blurbench.border import BORDERS
from blurbench.errors import InputError
from blurbench.kernel import GaussianKernel
from blurbench.names import DTYPES
from blurbench.plan import Plan
from blurbench.problem import Problem
from blurbench.records.scopes import ALONE
from blurbench.study.point.cells import Cell
from blurbench.study.point.device_cells import DeviceCell, DevicePlace, place_on
from blurbench.study.point.pipeline import Pipeline
from blurbench.study.point.prediction import predict
from helpers.contract import reference, share_of_allowed

Array = np.ndarray[Any, Any]
Break = Callable[[SimpleNamespace], None]


def on_gpu(test: Any) -> Any:
    """Mark a test that needs a GPU; what CuPy itself warns of is shown and fails nothing."""
    return pytest.mark.gpu(pytest.mark.filterwarnings("default")(test))


# Why a GPU cannot be used.


class CompileError(Exception):
    """As CuPy's CompileException, which is no RuntimeError."""


CARD = Card("Device 0", (9, 0))


def working_cupy() -> SimpleNamespace:
    """As much of CuPy as `examine` asks, with the driver, on a machine where everything works."""

    def add(grid: tuple[int], block: tuple[int], arrays: tuple[Array, Array]) -> None:
        arrays[1][0] = arrays[0].sum()

    runtime = SimpleNamespace(
        getDeviceCount=lambda: 2,
        getDeviceProperties=lambda number: {
            "name": f"Device {number}".encode(),
            "major": 9,
            "minor": 0,
        },
        runtimeGetVersion=lambda: 13000,
        is_hip=False,
    )
    nvrtc = SimpleNamespace(getVersion=lambda: (13, 0))
    return SimpleNamespace(
        __version__="14.2.0",
        cuda=SimpleNamespace(runtime=runtime, nvrtc=nvrtc),
        ones=np.ones,
        zeros=np.zeros,
        matmul=np.matmul,
        RawKernel=lambda code, name: add,
        fft=SimpleNamespace(rfft=np.fft.rfft),
        packages=("cupy-cuda13x",),
        driver=Driver((13, 0), (CARD,)),
    )


def raising(error: Exception) -> Callable[..., Any]:
    """A function that raises this, whatever it is given."""

    def fail(*_: Any, **__: Any) -> Any:
        raise error.with_traceback(None)  # it may be raised in many tests

    return fail


def setting(place: str, value: Any) -> Break:
    """Replace what stands at a dotted place in CuPy."""

    def change(cupy: SimpleNamespace) -> None:
        *path, last = place.split(".")
        target = cupy
        for name in path:
            target = getattr(target, name)
        setattr(target, last, value)

    return change


def both(*changes: Break) -> Break:
    def change(cupy: SimpleNamespace) -> None:
        for one in changes:
            one(cupy)

    return change


def examined(change: Break = lambda cupy: None, error: Exception | None = None) -> Availability:
    """What `examine` finds on a machine where this was changed, or the import raises this."""
    cupy = working_cupy()
    change(cupy)
    with pytest.MonkeyPatch.context() as patch:
        for owner in (gpu, cupy_packages):
            patch.setattr(owner, "this_driver", lambda: cupy.driver)
        patch.setattr(cupy_packages, "installed", lambda: cupy.packages)
        return examine(raising(error) if error else lambda: cupy)


NO_DEVICE = setting(
    "cuda.runtime.getDeviceCount",
    raising(RuntimeError("cudaErrorInsufficientDriver: CUDA driver version is insufficient")),
)
OLD_CARD = Card("GeForce GTX 1080", (6, 1))
FAR_DOWN = "\nTraceback in a library:\n  line 2"

# What is missing: how CuPy shows it, words of the reason, words of the remedy.
FAILURES: dict[str, tuple[Break, str, str]] = {
    "a CuPy that is too old": (
        both(setting("__version__", "13.6.0"), setting("packages", ("cupy-cuda12x",))),
        "CuPy 13.6.0 is too old|14",
        "install --upgrade|'cupy-cuda12x>=14'",
    ),
    "a CuPy that is too old, for a CUDA that newer ones do not know": (
        both(setting("__version__", "13.6.0"), setting("packages", ("cupy-cuda11x",))),
        "CuPy 13.6.0 is too old",
        "uninstall -y cupy-cuda11x && |'cupy-cuda13x>=14'",
    ),
    "two CuPys over one another": (
        setting("packages", ("cupy-cuda13x", "cupy-cuda12x")),
        "cupy-cuda13x and cupy-cuda12x are installed over one another",
        "uninstall -y cupy-cuda13x cupy-cuda12x && |'cupy-cuda13x>=14'",
    ),
    "no driver": (
        both(NO_DEVICE, setting("driver", Driver(None, (), NO_DRIVER, INSTALL_DRIVER))),
        "no NVIDIA driver",
        "install the NVIDIA driver",
    ),
    "a driver without a device": (
        both(NO_DEVICE, setting("driver", Driver((13, 0), (), "it sees no GPU", "--gpus all"))),
        "it sees no GPU",
        "--gpus all",
    ),
    "a driver for the CUDA before": (
        both(NO_DEVICE, setting("driver", Driver((12, 4), (CARD,)))),
        "CuPy is for CUDA 13|driver for CUDA 12.4",
        "uninstall -y cupy-cuda13x && |'cupy-cuda12x>=14'",
    ),
    "a runtime that cannot be started": (NO_DEVICE, "CUDA cannot be used", "nvidia-smi"),
    "no device": (
        setting("cuda.runtime.getDeviceCount", lambda: 0),
        "no CUDA device is visible",
        "CUDA_VISIBLE_DEVICES",
    ),
    "a card that is too old for CUDA 13": (
        setting(
            "cuda.runtime.getDeviceProperties",
            lambda number: {"name": b"GeForce GTX 1080", "major": 6, "minor": 1},
        ),
        "GeForce GTX 1080 (compute capability 6.1)|CUDA 13",
        "uninstall -y cupy-cuda13x && |'cupy-cuda12x>=14'",
    ),
    "a compiler of another CUDA": (
        both(
            setting("cuda.runtime.runtimeGetVersion", lambda: 12090),
            setting("packages", ("cupy-cuda12x",)),
        ),
        "CuPy is for CUDA 12|compiler of CUDA 13",
        "uninstall -y nvidia-cuda-nvrtc",
    ),
    "no compiler": (
        setting("cuda.nvrtc.getVersion", raising(RuntimeError(f"No such file: nvrtc{FAR_DOWN}"))),
        "NVRTC|No such file: nvrtc",
        "cuda-toolkit[",
    ),
    "a compiler that cannot be imported": (
        setting("cuda.nvrtc.getVersion", raising(ImportError("libnvrtc.so.13: not found"))),
        "NVRTC|libnvrtc.so.13",
        "cuda-toolkit[",
    ),
    "a kernel that cannot be launched": (
        setting("RawKernel", raising(RuntimeError(f"CUDA_ERROR_NO_BINARY_FOR_GPU{FAR_DOWN}"))),
        "kernel|CUDA_ERROR_NO_BINARY_FOR_GPU",
        "driver",
    ),
    "a kernel that cannot be compiled": (
        setting("RawKernel", raising(CompileError(f"invalid --gpu-architecture{FAR_DOWN}"))),
        "kernel|invalid --gpu-architecture",
        "driver",
    ),
    "a kernel whose headers are missing": (
        setting("RawKernel", raising(CompileError('cannot open source file "vector_types.h"'))),
        "headers|vector_types.h",
        "cuda-toolkit[",
    ),
    "headers that CuPy does not find": (
        setting("RawKernel", raising(RuntimeError("Failed to find CUDA headers. Please ..."))),
        "headers|Failed to find CUDA headers",
        "cuda-toolkit[",
    ),
    "no memory for a kernel": (
        setting("zeros", raising(MemoryError("Out of memory allocating 512 bytes"))),
        "kernel|Out of memory",
        "",
    ),
    "a kernel that does nothing": (
        setting("RawKernel", lambda code, name: lambda grid, block, arrays: None),
        "kernel|32 ones summed to 0.0",
        "driver",
    ),
    "an FFT that fails": (
        setting("fft.rfft", raising(RuntimeError(f"CUFFT_INTERNAL_ERROR{FAR_DOWN}"))),
        "cuFFT|CUFFT_INTERNAL_ERROR",
        "cuda-toolkit[",
    ),
    "an FFT that cannot be imported": (
        setting("fft.rfft", raising(ImportError("libcufft.so.12: not found"))),
        "cuFFT|libcufft.so.12",
        "cuda-toolkit[",
    ),
    "an FFT that is wrong": (
        setting("fft.rfft", lambda ones: np.zeros(5, complex)),
        "cuFFT|begins with 0j",
        "cuda-toolkit[",
    ),
    "a product that cannot be had": (
        setting("matmul", raising(ImportError("libcublas.so.13: not found"))),
        "cuBLAS|libcublas.so.13",
        "cuda-toolkit[",
    ),
    "an error of no words": (
        setting("fft.rfft", raising(RuntimeError())),
        "RuntimeError",
        "cuda-toolkit[",
    ),
}

each_failure = pytest.mark.parametrize("failure", FAILURES)


@each_failure
def test_what_is_missing_is_the_reason(failure: str) -> None:
    change, words, _ = FAILURES[failure]
    reason = examined(change).reason or ""
    assert [word for word in words.split("|") if word not in reason] == [], reason


@each_failure
def test_what_is_missing_has_a_remedy(failure: str) -> None:
    change, _, words = FAILURES[failure]
    remedy = examined(change).remedy or ""
    assert remedy
    assert [word for word in words.split("|") if word not in remedy] == [], remedy


@each_failure
def test_reason_and_remedy_are_a_line_each(failure: str) -> None:
    found = examined(FAILURES[failure][0])
    assert [len((text or "").splitlines()) for text in (found.reason, found.remedy)] == [1, 1]


@each_failure
def test_what_was_found_before_the_failure_is_told(failure: str) -> None:
    change, cupy = FAILURES[failure][0], working_cupy()
    change(cupy)
    assert examined(change).versions["cupy"] == cupy.__version__


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ModuleNotFoundError("No module named 'cupy'", name="cupy"), "CuPy is not installed"),
        (
            ModuleNotFoundError("No module named 'cupy_backends'", name="cupy_backends"),
            "CuPy cannot be imported: No module named 'cupy_backends'",
        ),
        (
            ImportError("\nFailed to import CuPy.\n\nOriginal error:\n  libcuda.so"),
            "CuPy cannot be imported: Failed to import CuPy.",
        ),
        (
            RuntimeError("CuPy is not correctly installed.\nReinstall it."),
            "CuPy cannot be imported: CuPy is not correctly installed.",
        ),
    ],
    ids=["not installed", "a part not installed", "broken", "badly installed"],
)
def test_a_cupy_that_cannot_be_imported_is_the_reason(error: Exception, reason: str) -> None:
    assert examined(error=error).reason == reason


@pytest.mark.parametrize("error", [ModuleNotFoundError(name="cupy"), ImportError("broken")])
def test_a_cupy_that_cannot_be_imported_is_to_be_installed(error: Exception) -> None:
    assert "pip install" in (examined(error=error).remedy or "")


@pytest.mark.parametrize(
    ("driver", "reason", "remedy"),
    [
        (Driver((13, 1), (CARD,)), "CuPy is not installed", "cupy-cuda13x"),
        (Driver((12, 4), (CARD,)), "CuPy is not installed", "cupy-cuda12x"),
        (Driver((13, 1), (OLD_CARD, CARD)), "CuPy is not installed", "cupy-cuda12x"),
        (Driver((11, 4), (), "too old", "update it"), "too old", "update it"),
        (Driver(None, (), NO_DRIVER, INSTALL_DRIVER), NO_DRIVER, INSTALL_DRIVER),
    ],
)
def test_without_cupy_driver_and_cards_decide_what_is_said(
    driver: Driver, reason: str, remedy: str
) -> None:
    machine = both(setting("driver", driver), setting("packages", ()))
    found = examined(machine, ModuleNotFoundError(name="cupy"))
    assert found.reason == reason
    assert remedy in (found.remedy or "")


def test_a_device_on_which_no_kernel_runs_cannot_be_opened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cupy = working_cupy()
    cupy.RawKernel = raising(RuntimeError("no kernel image"))
    monkeypatch.setattr(gpu, "CudaDevice", lambda number: number)
    monkeypatch.setattr(gpu, "import_module", lambda name: cupy)
    with pytest.raises(RuntimeError, match="no kernel image"):
        gpu.open_device(97)


def test_where_everything_works_there_is_no_reason() -> None:
    assert examined().ok


def test_where_everything_works_the_devices_are_named() -> None:
    assert examined().devices == ("Device 0", "Device 1")


def test_where_everything_works_the_versions_are_told() -> None:
    assert examined().versions == {"cupy": "14.2.0", "cuda": "13000"}


def test_a_cupy_for_amd_is_not_asked_for_the_compiler_of_cuda() -> None:
    of_amd = {"is_hip": True, "runtimeGetVersion": lambda: 70226015}
    changes = [setting(f"cuda.runtime.{name}", value) for name, value in of_amd.items()]
    assert examined(both(*changes)).ok


@pytest.mark.parametrize("name", ["cupy", "cupyx"])
def test_what_needs_cupy_alone_asks_the_same_probe(name: str) -> None:
    assert find_backend(name).probe is gpu.probe


# The clock and the cells, on a device that is made up.


class FakeDevice:
    """A device that works off its queue at once and keeps a log; its time is what work adds."""

    name = "made up"
    software = False
    peak_bytes_per_s = None
    caution = None

    def __init__(self, cache_bytes: int | None = None, free_bytes: int = 2**40) -> None:
        self.cache_bytes = cache_bytes
        self.log: list[str] = []
        self.time = 0.0
        self.held: list[float] = []
        self.inputs: list[Array] = []
        self.outputs: list[Array | None] = []
        self.page_locked: list[Array] = []
        self.readings: list[Clocks | None] = []
        self.captures: Callable[[Call], Call | None] = lambda call: call
        self._free_bytes = free_bytes

    def empty(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        return np.zeros(shape, dtype)

    def pinned(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        self.page_locked.append(np.zeros(shape, dtype))
        return self.page_locked[-1]

    def stream(self, name: str) -> str:
        return name

    def upload(self, host: Array, device: Array, stream: str | None = None) -> None:
        self.log.append(self._transfer("upload", host))
        device[...] = host

    def download(self, device: Array, host: Array, stream: str | None = None) -> None:
        self.log.append(self._transfer("download", host))
        host[...] = device

    def _transfer(self, name: str, host: Array) -> str:
        return f"pinned {name}" if any(host is one for one in self.page_locked) else name

    def synchronize(self) -> None:
        self.log.append("synchronize")

    def record(self, stream: str | None = None) -> float:
        self.log.append("record")
        return self.time

    def wait(self, event: float, stream: str | None = None) -> None:
        self.log.append("wait")

    def finish(self, event: float) -> None:
        self.log.append("finish")

    def elapsed_s(self, start: float, stop: float) -> float:
        self.log.append("elapsed")
        return stop - start

    def hold(self, seconds: float) -> FakeDevice:
        self.log.append("hold")
        self.held.append(seconds)
        self.time += 1.0
        return self

    def let_go(self) -> None:
        self.log.append("let go")

    def lasted(self) -> bool:
        return True

    def copies(self) -> list[Callable[[Array, Array], object]]:
        return [np.copyto]

    def carrier(self) -> Staging:
        return Staging(self)

    def capture(self, call: Call) -> Call | None:
        self.log.append("capture")
        return self.captures(call)

    def multiply_adds(self, dtype: np.dtype[Any]) -> tuple[Call, float]:
        return self.work, 1e6

    def clocks(self) -> Clocks | None:
        return self.readings.pop(0) if self.readings else None

    def release(self) -> None:
        self.log.append("release")

    def held_bytes(self) -> int:
        return 0

    def free_bytes(self) -> int:
        return self._free_bytes

    def work(self) -> None:
        """What a timed call does."""
        self.log.append("call")
        self.time += 2.0


def test_the_event_clock_waits_warms_holds_and_then_measures_between_two_events() -> None:
    device = FakeDevice()
    EventClock(device, count(step=1e-4).__next__).measure(device.work, 3)
    assert device.log == [
        *("synchronize", "call", "synchronize", "hold"),
        *("record", "call", "call", "call", "record", "let go", "elapsed"),
    ]


@pytest.mark.parametrize("loops", [1, 5])
def test_the_event_clock_counts_the_timed_calls_alone(loops: int) -> None:
    device = FakeDevice()
    assert EventClock(device, count().__next__).measure(device.work, loops) == 2.0 * loops


def test_the_event_clock_holds_the_device_no_longer_than_a_display_can_wait() -> None:
    device = FakeDevice()
    EventClock(device, count(step=1e-4).__next__).measure(device.work, 3)
    assert max(device.held) < 0.1


@pytest.mark.parametrize(("launch_s", "parts"), [(2**-13, [9, 9, 7]), (0.25, [1] * 25)])
def test_the_event_clock_queues_no_more_at_once_than_a_stream_takes_in(
    launch_s: float, parts: list[int]
) -> None:
    device, clock = FakeDevice(), [128.0]

    def launch() -> None:
        clock[0] += launch_s
        device.work()

    assert EventClock(device, lambda: clock[0]).measure(launch, 25) == 2.0 * 25
    calls = [log.split().count("call") for log in " ".join(device.log).split("hold")]
    assert calls == [1, *parts]


def test_the_launch_clock_begins_when_the_device_is_idle_and_waits_for_nothing() -> None:
    device = FakeDevice()
    LaunchClock(device, count().__next__).measure(device.work, 2)
    assert device.log == ["synchronize", "call", "synchronize", "call"]


def test_the_launch_clock_counts_the_calls_alone() -> None:
    device, clock = FakeDevice(), [100.0]

    def launch() -> None:
        clock[0] += 0.25

    device.synchronize = lambda: clock.insert(0, clock.pop() + 9.0)  # type: ignore[method-assign]
    assert LaunchClock(device, lambda: clock[0]).measure(launch, 3) == 0.75


class LoggedPlan:
    """A plan that tells the device's log when it runs."""

    def __init__(self, plan: Plan, device: FakeDevice) -> None:
        self._plan, self._device = plan, device
        self.problem, self.nbytes = plan.problem, plan.nbytes

    def __call__(self, image: Array, out: Array | None = None) -> Array:
        self._device.log.append("plan")
        self._device.inputs.append(image)
        self._device.outputs.append(out)
        self._device.time += 2.0
        blurred: Array = self._plan(image, out)
        return blurred


def logged(device: FakeDevice) -> Implementation:
    """An implementation in NumPy that tells the device's log what it does."""
    one = find_implementation("numpy", "separable")

    def prepare(problem: Problem) -> Any:
        device.log.append("prepare")
        return LoggedPlan(one.prepare(problem), device)

    return replace(one, prepare=prepare)


PROBLEM = Problem(GaussianKernel.from_size(5), (6, 7), np.dtype("float32"))


def noise(problem: Problem = PROBLEM, seed: int = 0) -> Array:
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 255, problem.shape).astype(problem.dtype)


def blurred(image: Array) -> Array:
    result: Array = find_implementation("numpy", "separable").prepare(PROBLEM)(image)
    return result


def made_cell(copies: int = 1, device: FakeDevice | None = None) -> tuple[DeviceCell, FakeDevice]:
    """A cell on a device that is made up, and the device with an empty log."""
    device = device or FakeDevice()
    place = DevicePlace(device, [noise() for _ in range(copies)])
    cell = DeviceCell(logged(device), PROBLEM, [noise()], place)
    device.log.clear()
    return cell, device


def measure_alone(scope: str, loops: int = 1, **more: Any) -> FakeDevice:
    """The device, with the log of one measurement."""
    cell, device = made_cell(**more)
    watch = cell.alone(scope)
    assert watch is not None
    device.log.clear()
    watch(loops)
    return device


def test_a_cell_on_a_device_races_end_to_end_and_on_what_is_there() -> None:
    assert set(made_cell()[0].scopes) == {"compute", "end_to_end"}


def test_a_cell_on_the_cpu_is_timed_end_to_end_alone() -> None:
    cell = Cell(find_implementation("numpy", "separable"), PROBLEM, [noise()])
    assert set(cell.scopes) == {"end_to_end"}


def test_end_to_end_goes_there_blurs_comes_back_and_waits() -> None:
    cell, device = made_cell()
    cell.scopes["end_to_end"](1)
    there_and_back = ["upload", "plan", "download", "synchronize"]
    steps = [step for step in device.log if step in there_and_back]
    assert steps == 2 * there_and_back  # the first of them untimed


@pytest.mark.parametrize("transfer", ["upload", "download"])
def test_a_transfer_is_timed_alone_and_waited_for(transfer: str) -> None:
    assert measure_alone(transfer, 2).log == [transfer, transfer, "synchronize"]


@pytest.mark.parametrize("transfer", ["upload", "download"])
def test_a_pinned_transfer_uses_page_locked_memory(transfer: str) -> None:
    copy = f"pinned {transfer}"
    assert measure_alone(f"{transfer}_pinned", 2).log == [copy, copy, "synchronize"]


def test_a_launch_is_timed_until_the_call_comes_back() -> None:
    assert measure_alone("launch").log == ["synchronize", "plan"]


def test_compute_blurs_what_is_already_there() -> None:
    cell, device = made_cell()
    cell.scopes["compute"](2)
    assert device.log == [
        *("synchronize", "plan", "synchronize", "hold"),
        *("record", "plan", "plan", "record", "let go", "elapsed"),
    ]


def test_compute_is_the_devices_own_time() -> None:
    cell, _ = made_cell()
    assert cell.scopes["compute"](3) == 6.0


def test_a_cell_waits_for_the_device_after_making_its_plan() -> None:
    device = FakeDevice()
    DeviceCell(logged(device), PROBLEM, [noise()], DevicePlace(device, [noise()]))
    assert device.log[:2] == ["prepare", "synchronize"]


@pytest.mark.parametrize("which", ["inputs", "outputs"])
def test_compute_goes_through_images_and_results_on_the_device_in_turn(which: str) -> None:
    cell, device = made_cell(copies=3)
    used: list[Array] = getattr(device, which)
    used.clear()
    cell.scopes["compute"](5)
    places = [id(image) for image in used]
    assert len(set(places[:3])) == 3
    assert places[:3] == places[3:]


# The rotation on the device.

KILOBYTE = np.zeros((16, 16), np.float32)


def test_a_hot_image_lies_on_the_device_once() -> None:
    assert len(place_on(FakeDevice(cache_bytes=10_000), KILOBYTE, "hot").images) == 1


def test_cold_images_are_just_more_than_twice_the_devices_cache() -> None:
    there = place_on(FakeDevice(cache_bytes=10_000), KILOBYTE, "cold").images
    assert 20_000 < sum(image.nbytes for image in there) < 20_000 + 2 * KILOBYTE.nbytes


def test_where_the_devices_cache_is_not_known_a_large_one_is_assumed() -> None:
    there = place_on(FakeDevice(), np.zeros((1024, 1024), np.float32), "cold").images
    assert sum(image.nbytes for image in there) > 100e6


def test_cold_images_and_their_blurs_leave_half_of_the_devices_memory_free() -> None:
    there = place_on(FakeDevice(10**9, free_bytes=100 * 1024), KILOBYTE, "cold").images
    assert len(there) == 26


@pytest.mark.parametrize(
    ("cache_bytes", "copies", "least"),
    [
        (None, 1, 0),  # nothing is known
        (4096, 1, 0),  # image and result stay in the cache
        (1024, 1, 1024),  # one of the two does
        (3072, 3, 1024),  # of six arrays three must move, in three calls
    ],
)
def test_what_a_cache_can_hold_need_not_move(
    cache_bytes: int | None, copies: int, least: float
) -> None:
    assert DevicePlace(FakeDevice(cache_bytes), [KILOBYTE] * copies).least_bytes == least


# Graphs.


def test_a_captured_graph_is_replayed_between_two_events() -> None:
    replayed: list[str] = []

    def captured(call: Call) -> Call:
        def replay() -> None:
            replayed.append("graph")
            call()

        return replay

    device = FakeDevice()
    device.captures = captured
    cell, _ = made_cell(device=device)
    watch = cell.alone("compute_graph")
    assert watch is not None
    replayed.clear()
    assert watch(3) == 6.0
    assert len(replayed) == 4  # one comes first, untimed


def test_what_cannot_be_captured_has_no_graph() -> None:
    device = FakeDevice()
    device.captures = lambda call: None
    assert made_cell(device=device)[0].alone("compute_graph") is None


def test_a_graph_that_does_not_blur_is_not_believed() -> None:
    device = FakeDevice()
    device.captures = lambda call: lambda: None
    assert made_cell(device=device)[0].alone("compute_graph") is None


def test_images_that_rotate_have_no_graph() -> None:
    assert made_cell(copies=2)[0].alone("compute_graph") is None


# Clocks.

FULL, CAPPED = Clocks(1980, False), Clocks(1200, True)


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        ([FULL, FULL], (1980, 1980, False)),
        ([FULL, CAPPED], (1980, 1200, True)),
        ([CAPPED, FULL], (1200, 1980, True)),
    ],
)
def test_the_clocks_are_read_before_and_after(
    readings: list[Clocks | None], expected: tuple[int, int, bool]
) -> None:
    cell, device = made_cell()
    device.readings = readings
    cell.scopes["compute"](1)
    names = ("clock_before_mhz", "clock_after_mhz", "throttled")
    assert tuple(cell.conditions[name] for name in names) == expected


def test_where_nothing_tells_the_clocks_nothing_is_said() -> None:
    cell, _ = made_cell()
    cell.scopes["end_to_end"](1)
    assert cell.conditions == {}


def nvml(reasons: int = 0, **more: Any) -> SimpleNamespace:
    """As much of NVML as is asked for."""
    told = {
        "nvmlInit": lambda: None,
        "nvmlDeviceGetHandleByPciBusId": lambda bus_id: bus_id,
        "NVML_CLOCK_SM": 1,
        "nvmlDeviceGetClockInfo": lambda handle, kind: 1980,
        "nvmlDeviceGetCurrentClocksThrottleReasons": lambda handle: reasons,
    }
    return SimpleNamespace(**{**told, **more})


@pytest.mark.parametrize(
    ("reasons", "throttled"),
    [(0x0, False), (0x1, False), (0x2, False), (0x4, True), (0x8, True), (0x61, True)],
    ids=["none", "idle", "chosen clocks", "power", "hardware", "heat"],
)
def test_power_and_heat_throttle_and_idling_does_not(reasons: int, throttled: bool) -> None:
    assert clock_reader("0000:3B:00.0", lambda: nvml(reasons))() == Clocks(1980, throttled)


@pytest.mark.parametrize(
    "load",
    [
        raising(ModuleNotFoundError("No module named 'pynvml'")),
        lambda: nvml(nvmlInit=raising(RuntimeError("NVML Shared Library Not Found"))),
        lambda: nvml(nvmlDeviceGetHandleByPciBusId=raising(RuntimeError("Not Found"))),
        lambda: nvml(nvmlDeviceGetClockInfo=raising(RuntimeError("Not Supported"))),
    ],
    ids=["no module", "no library", "no such device", "not supported"],
)
def test_a_device_without_clocks_is_normal(load: Callable[[], Any]) -> None:
    assert clock_reader("0000:3B:00.0", load)() is None


# Predictions.


def test_a_prediction_uploads_its_crop_and_waits_for_the_device() -> None:
    device = FakeDevice()
    predict(logged(device), PROBLEM, noise(), device)
    assert device.log[:4] == ["prepare", "upload", "plan", "synchronize"]


class TimedPlan(Plan):
    """Moves the host's clock by what a call is said to take."""

    def __init__(self, problem: Problem, call: Callable[[], None]) -> None:
        super().__init__(np, problem)
        self._call = call

    def _run(self, image: Array, out: Array) -> None:
        self._call()


def predicted(
    monkeypatch: pytest.MonkeyPatch, seconds: Callable[[int], float], compiling_s: float = 0.0
) -> Any:
    """What is predicted of 64x64 pixels where a crop takes so long, by its pixels."""
    clock, pending = [100.0], [compiling_s]
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])

    def prepare(problem: Problem) -> Plan:
        def call() -> None:
            clock[0] += seconds(problem.height * problem.width) + pending[0]
            pending[0] = 0.0

        return TimedPlan(problem, call)

    one = replace(find_implementation("numpy", "separable"), prepare=prepare)
    problem = replace(PROBLEM, shape=(64, 64))
    return predict(one, problem, noise(problem), FakeDevice())


def test_what_a_device_takes_to_launch_is_not_multiplied_by_the_pixels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = predicted(monkeypatch, lambda pixels: 0.02)
    assert found.seconds == pytest.approx(0.02)


def test_work_on_a_device_is_predicted_from_a_crop(monkeypatch: pytest.MonkeyPatch) -> None:
    found = predicted(monkeypatch, lambda pixels: pixels * 1e-4)
    assert found.seconds == pytest.approx(64 * 64 * 1e-4)


def test_compiling_is_no_part_of_the_prediction(monkeypatch: pytest.MonkeyPatch) -> None:
    found = predicted(monkeypatch, lambda pixels: 0.001, compiling_s=3.0)
    assert found.seconds == pytest.approx(0.001)


def test_compiling_is_what_only_the_first_plan_and_call_take(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = predicted(monkeypatch, lambda pixels: 0.001, compiling_s=3.0)
    assert found.compilation_s == pytest.approx(3.0)


# What needs a GPU.


def gpu_backends() -> list[Backend]:
    return [backend for backend in collect([]).values() if backend.kind == "gpu"]


@pytest.fixture
def one(request: pytest.FixtureRequest) -> Implementation:
    """An implementation whose library is there; without it, the test is skipped with the reason."""
    found: Implementation = request.param
    state = probe(find_backend(found.backend))
    if not state.ok:
        pytest.skip(f"{found.backend}: {state.explanation}")
    return found


GPU_IMPLEMENTATIONS = [
    (backend, one) for backend in gpu_backends() for one in backend.implementations
]
# What holds of plans that take a device's own arrays is asked in test_device_contract.py.
each_of_cupys_arrays = pytest.mark.parametrize(
    ("backend", "one"),
    [
        pytest.param(backend, one, id=one.name)
        for backend, one in GPU_IMPLEMENTATIONS
        if not backend.own_arrays
    ],
    indirect=["one"],
)

# A few of each, since every new combination is compiled anew.
GPU_CASES = [
    *[(border, 9, (17, 23, 3), "float32") for border in BORDERS],
    *[("reflect", 9, (17, 23, 3), dtype) for dtype in DTYPES if dtype != "float32"],
    *[("reflect", size, (16, 21), "float32") for size in (1, 41, 101)],
    ("mirror", 31, (1, 7), "float64"),
    ("wrap", 31, (7, 1), "float32"),
    ("constant", 31, (5, 3), "uint8"),
    ("nearest", 31, (1, 1), "uint16"),
]


@on_gpu
@pytest.mark.parametrize(
    ("backend", "one", "border", "size", "shape", "dtype"),
    [
        pytest.param(backend, one, *case, id="-".join(map(str, (one.name, *case))))
        for (backend, one), case in product(GPU_IMPLEMENTATIONS, GPU_CASES)
        if case[0] in one.borders and case[3] in one.dtypes
        if one.exact or case[1] > 1  # boxes of so small a sigma would change nothing
    ],
    indirect=["one"],
)
def test_every_implementation_on_the_gpu_keeps_the_contract(
    backend: Backend,
    one: Implementation,
    border: str,
    size: int,
    shape: tuple[int, ...],
    dtype: str,
) -> None:
    problem = Problem(GaussianKernel.from_size(size), shape, np.dtype(dtype), border, 7.25)
    image = noise(problem)
    assert backend.carry is not None
    result = backend.carry(one.prepare(problem), image)
    if one.exact:
        expected = reference(image, problem)
    else:  # the same approximation on the CPU, in float64
        precise = replace(problem, dtype=np.dtype(np.float64))
        twin = find_implementation("numpy", one.method).prepare(precise)
        expected = twin(image.astype(np.float64))
    assert share_of_allowed(result, expected, image, problem) <= 1


@on_gpu
@each_of_cupys_arrays
def test_on_the_gpu_out_may_be_the_image_itself(backend: Backend, one: Implementation) -> None:
    cupy = import_module("cupy")
    plan, image = one.prepare(PROBLEM), cupy.asarray(noise())
    expected = cupy.asnumpy(plan(image))
    assert plan(image, image) is image
    assert np.array_equal(cupy.asnumpy(image), expected)


@on_gpu
@each_of_cupys_arrays
def test_on_the_gpu_a_result_outlives_the_calls_that_follow(
    backend: Backend, one: Implementation
) -> None:
    cupy = import_module("cupy")
    plan = one.prepare(PROBLEM)
    first = plan(cupy.asarray(noise(seed=1)))
    kept = cupy.asnumpy(first)
    plan(cupy.asarray(noise(seed=2)))
    assert np.array_equal(cupy.asnumpy(first), kept)


@on_gpu
@each_of_cupys_arrays
def test_on_the_gpu_the_layout_of_the_image_in_memory_does_not_matter(
    backend: Backend, one: Implementation
) -> None:
    cupy = import_module("cupy")
    plan, image = one.prepare(PROBLEM), cupy.asarray(noise())
    backwards = cupy.asarray(np.ascontiguousarray(noise()[::-1, ::-1]))[::-1, ::-1]
    assert np.array_equal(cupy.asnumpy(plan(backwards)), cupy.asnumpy(plan(image)))


@on_gpu
@pytest.mark.parametrize("backend", ["cupy", "cupyx", "cuda"])
def test_a_cupy_image_comes_back_as_a_cupy_image(backend: str) -> None:
    cupy = import_module("cupy")
    result = blurbench.gaussian_blur(cupy.asarray(noise()), size=5, backend=backend)
    assert isinstance(result, cupy.ndarray)
    np.testing.assert_allclose(cupy.asnumpy(result), blurred(noise()), rtol=0, atol=2e-6 * 255)


@on_gpu
@pytest.mark.parametrize("backend", ["cupy", "cupyx", "cuda"])
def test_a_numpy_image_comes_back_from_the_gpu_as_a_numpy_image(backend: str) -> None:
    result = blurbench.gaussian_blur(noise(), size=5, backend=backend)
    assert type(result) is np.ndarray
    np.testing.assert_allclose(result, blurred(noise()), rtol=0, atol=2e-6 * 255)


@on_gpu
def test_a_cupy_image_is_refused_by_a_backend_of_the_cpu_with_what_to_do() -> None:
    image = import_module("cupy").asarray(noise())
    with pytest.raises(InputError, match=r"'scipy'.*backend='cupy'.*image\.get\(\)"):
        blurbench.gaussian_blur(image, size=5)


@on_gpu
def test_the_event_clock_of_a_gpu_gives_a_positive_time() -> None:
    device = gpu.open_device(0)
    plan = find_implementation("cupy", "separable").prepare(PROBLEM)
    image = device.empty(PROBLEM.shape, PROBLEM.dtype)
    result = device.empty(PROBLEM.shape, PROBLEM.dtype)
    device.upload(noise(), image)
    clock = EventClock(device, time.perf_counter)
    assert clock.measure(lambda: plan(image, result), 5) > 0


@on_gpu
def test_a_cell_on_a_gpu_holds_its_result_on_the_host() -> None:
    one = find_implementation("cupy", "separable")
    device = gpu.open_device(0)
    cell = DeviceCell(one, PROBLEM, [noise()], place_on(device, noise(), "hot"))
    np.testing.assert_allclose(cell.out, blurred(noise()), rtol=0, atol=2e-6 * 255)


@pytest.fixture
def gpu_cell() -> DeviceCell:
    """A cell of our fused blur on the first GPU: a graph takes no call of a library's."""
    place = place_on(gpu.open_device(0), noise(), "hot")
    return DeviceCell(find_implementation("cuda", "separable"), PROBLEM, [noise()], place)


@on_gpu
@pytest.mark.parametrize("scope", ALONE)
def test_on_a_gpu_every_scope_can_be_measured(gpu_cell: DeviceCell, scope: str) -> None:
    watch = gpu_cell.alone(scope)
    assert watch is not None
    assert watch(8) > 0


@on_gpu
@each_of_cupys_arrays
def test_on_a_gpu_a_graph_blurs_or_there_is_none(backend: Backend, one: Implementation) -> None:
    place = place_on(gpu.open_device(0), noise(), "hot")
    cell = DeviceCell(one, PROBLEM, [noise()], place)
    cell.alone("compute_graph")
    cell.scopes["end_to_end"](1)
    assert backend.carry is not None
    expected = backend.carry(one.prepare(PROBLEM), noise())
    np.testing.assert_allclose(cell.out, expected, rtol=0, atol=2e-6 * 255)


@on_gpu
def test_a_pipeline_on_a_gpu_brings_back_blurred_images() -> None:
    plan = find_implementation("cupy", "separable").prepare(PROBLEM)
    device = gpu.open_device(0)
    pipeline = Pipeline(device, plan, noise())
    pipeline.run(5)
    device.synchronize()
    for out in pipeline.outs:
        np.testing.assert_allclose(out, blurred(noise()), rtol=0, atol=2e-6 * 255)


@on_gpu
def test_a_gpu_knows_its_cache_and_its_peak() -> None:
    device = gpu.open_device(0)
    assert device.cache_bytes is None or device.cache_bytes > 2**16
    assert device.peak_bytes_per_s is None or device.peak_bytes_per_s > 1e9


@on_gpu
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_multiply_adds_of_a_gpu_can_be_timed(dtype: str) -> None:
    device = gpu.open_device(0)
    call, number = device.multiply_adds(np.dtype(dtype))
    assert number / EventClock(device, time.perf_counter).measure(call, 3) > 1e9
