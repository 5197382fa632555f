"""The GPU: why it cannot be used, its clock and its cells, and the contract where there is one.

Most of it runs without a GPU, on a CuPy and a device that are made up here; the tests marked `gpu`
are skipped with the reason where no GPU can be used.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from itertools import count
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import blurbench
from blurbench.backends import gpu
from blurbench.backends.backend import Availability, Backend, Implementation
from blurbench.backends.gpu import EventClock, examine
from blurbench.backends.registry import collect, find_backend, find_implementation, probe
from blurbench.border import BORDERS
from blurbench.errors import InputError
from blurbench.kernel import GaussianKernel
from blurbench.plan import DTYPES, Plan, Problem
from blurbench.study.cells import Cell, predict_seconds

Array = np.ndarray[Any, Any]
Break = Callable[[SimpleNamespace], None]


def on_gpu(test: Any) -> Any:
    """Mark a test that needs a GPU; what CuPy itself warns of is shown and fails nothing."""
    return pytest.mark.gpu(pytest.mark.filterwarnings("default")(test))


# Why a GPU cannot be used.


class CompileError(Exception):
    """As CuPy's CompileException, which is no RuntimeError."""


def working_cupy() -> SimpleNamespace:
    """As much of CuPy as `examine` asks, on a machine where everything works."""

    def add(grid: tuple[int], block: tuple[int], arrays: tuple[Array, Array]) -> None:
        arrays[1][0] = arrays[0].sum()

    runtime = SimpleNamespace(
        getDeviceCount=lambda: 2,
        getDeviceProperties=lambda number: {"name": f"Device {number}".encode()},
        runtimeGetVersion=lambda: 13000,
        driverGetVersion=lambda: 13000,
    )
    nvrtc = SimpleNamespace(getVersion=lambda: (13, 0))
    return SimpleNamespace(
        __version__="14.2.0",
        cuda=SimpleNamespace(runtime=runtime, nvrtc=nvrtc),
        ones=np.ones,
        zeros=np.zeros,
        RawKernel=lambda code, name: add,
        fft=SimpleNamespace(rfft=np.fft.rfft),
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


def examined(change: Break = lambda cupy: None) -> Availability:
    """What `examine` finds on a machine where this was changed."""
    cupy = working_cupy()
    change(cupy)
    return examine(lambda: cupy)


NO_DEVICE = setting(
    "cuda.runtime.getDeviceCount",
    raising(RuntimeError("cudaErrorInsufficientDriver: CUDA driver version is insufficient")),
)
DRIVER = "cuda.runtime.driverGetVersion"
FAR_DOWN = "\nTraceback in a library:\n  line 2"

# What is missing: how CuPy shows it, words of the reason, words of the remedy.
FAILURES: dict[str, tuple[Break, str, str]] = {
    "no driver": (
        both(NO_DEVICE, setting(DRIVER, lambda: 0)),
        "no NVIDIA driver",
        "install the NVIDIA driver",
    ),
    "a driver that cannot be asked": (
        both(NO_DEVICE, setting(DRIVER, raising(RuntimeError("no library")))),
        "no NVIDIA driver",
        "install the NVIDIA driver",
    ),
    "an old driver": (
        both(NO_DEVICE, setting(DRIVER, lambda: 11040)),
        "driver version is insufficient",
        "supports CUDA 11.4|update it",
    ),
    "no device": (
        setting("cuda.runtime.getDeviceCount", lambda: 0),
        "no CUDA device is visible",
        "CUDA_VISIBLE_DEVICES",
    ),
    "no compiler": (
        setting("cuda.nvrtc.getVersion", raising(RuntimeError(f"No such file: nvrtc{FAR_DOWN}"))),
        "NVRTC|No such file: nvrtc",
        "[ctk]",
    ),
    "a compiler that cannot be imported": (
        setting("cuda.nvrtc.getVersion", raising(ImportError("libnvrtc.so.13: not found"))),
        "NVRTC|libnvrtc.so.13",
        "[ctk]",
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
        "[ctk]",
    ),
    "an FFT that cannot be imported": (
        setting("fft.rfft", raising(ImportError("libcufft.so.12: not found"))),
        "cuFFT|libcufft.so.12",
        "[ctk]",
    ),
    "an FFT that is wrong": (
        setting("fft.rfft", lambda ones: np.zeros(5, complex)),
        "cuFFT|begins with 0j",
        "[ctk]",
    ),
    "an error of no words": (setting("fft.rfft", raising(RuntimeError())), "RuntimeError", "[ctk]"),
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
    assert examined(FAILURES[failure][0]).versions["cupy"] == "14.2.0"


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
    assert examine(raising(error)).reason == reason


@pytest.mark.parametrize("error", [ModuleNotFoundError(name="cupy"), ImportError("broken")])
def test_a_cupy_that_cannot_be_imported_is_to_be_installed(error: Exception) -> None:
    assert "pip install 'blurbench[cuda13]'" in (examine(raising(error)).remedy or "")


def test_where_everything_works_there_is_no_reason() -> None:
    assert examined().ok


def test_where_everything_works_the_devices_are_named() -> None:
    assert examined().devices == ("Device 0", "Device 1")


def test_where_everything_works_the_versions_are_told() -> None:
    assert examined().versions == {"cupy": "14.2.0", "cuda": "13000"}


@pytest.mark.parametrize("name", ["cupy", "cupyx"])
def test_what_needs_cupy_alone_asks_the_same_probe(name: str) -> None:
    assert find_backend(name).probe is gpu.probe


# The clock and the cells, on a device that is made up.


class FakeDevice:
    """A device that works off its queue at once and keeps a log; its time is what work adds."""

    name = "made up"

    def __init__(self) -> None:
        self.log: list[str] = []
        self.time = 0.0
        self.held: list[float] = []
        self.inputs: list[Array] = []

    def empty(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        return np.zeros(shape, dtype)

    def upload(self, host: Array, device: Array) -> None:
        self.log.append("upload")
        device[...] = host

    def download(self, device: Array, host: Array) -> None:
        self.log.append("download")
        host[...] = device

    def synchronize(self) -> None:
        self.log.append("synchronize")

    def record(self) -> float:
        self.log.append("record")
        return self.time

    def elapsed_s(self, start: float, stop: float) -> float:
        self.log.append("elapsed")
        return stop - start

    def hold(self, seconds: float) -> None:
        self.log.append("hold")
        self.held.append(seconds)
        self.time += seconds

    def work(self) -> None:
        """What a timed call does."""
        self.log.append("call")
        self.time += 2.0


def test_the_event_clock_waits_warms_holds_and_then_measures_between_two_events() -> None:
    device = FakeDevice()
    EventClock(device, count().__next__).measure(device.work, 3)
    assert device.log == [
        *("synchronize", "call", "synchronize", "hold"),
        *("record", "call", "call", "call", "record", "elapsed"),
    ]


@pytest.mark.parametrize("loops", [1, 5])
def test_the_event_clock_counts_the_timed_calls_alone(loops: int) -> None:
    device = FakeDevice()
    assert EventClock(device, count().__next__).measure(device.work, loops) == 2.0 * loops


@pytest.mark.parametrize("loops", [1, 5])
def test_the_event_clock_holds_the_device_for_as_long_as_launching_takes(loops: int) -> None:
    device, clock = FakeDevice(), [100.0]

    def launch() -> None:
        clock[0] += 0.25

    EventClock(device, lambda: clock[0]).measure(launch, loops)
    assert 0.25 * loops <= device.held[0] <= 0.5 * loops


class LoggedPlan:
    """A plan that tells the device's log when it runs."""

    def __init__(self, plan: Plan, device: FakeDevice) -> None:
        self._plan, self._device = plan, device
        self.problem, self.nbytes = plan.problem, plan.nbytes

    def __call__(self, image: Array, out: Array | None = None) -> Array:
        self._device.log.append("plan")
        self._device.inputs.append(image)
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


def made_cell(images: int = 1) -> tuple[Cell, FakeDevice]:
    """A cell on a device that is made up, and the device with an empty log."""
    device = FakeDevice()
    cell = Cell(logged(device), PROBLEM, [noise(seed=seed) for seed in range(images)], device)
    device.log.clear()
    return cell, device


def test_a_cell_on_a_device_has_a_stopwatch_for_each_scope() -> None:
    assert set(made_cell()[0].scopes) == {"upload", "compute", "download", "end_to_end"}


def test_a_cell_on_the_cpu_is_timed_end_to_end_alone() -> None:
    cell = Cell(find_implementation("numpy", "separable"), PROBLEM, [noise()])
    assert set(cell.scopes) == {"end_to_end"}


def test_end_to_end_goes_there_blurs_comes_back_and_waits() -> None:
    cell, device = made_cell()
    cell.scopes["end_to_end"](1)
    assert device.log == ["upload", "plan", "download", "synchronize"]


@pytest.mark.parametrize("transfer", ["upload", "download"])
def test_a_transfer_is_timed_alone_and_waited_for(transfer: str) -> None:
    cell, device = made_cell()
    cell.scopes[transfer](2)
    assert device.log == [transfer, transfer, "synchronize"]


def test_compute_blurs_what_is_already_there() -> None:
    cell, device = made_cell()
    cell.scopes["compute"](2)
    assert device.log == [
        *("synchronize", "plan", "synchronize", "hold"),
        *("record", "plan", "plan", "record", "elapsed"),
    ]


def test_compute_is_the_devices_own_time() -> None:
    cell, _ = made_cell()
    assert cell.scopes["compute"](3) == 6.0


def test_a_cell_waits_for_the_device_after_making_its_plan() -> None:
    device = FakeDevice()
    Cell(logged(device), PROBLEM, [noise()], device)
    assert device.log[:2] == ["prepare", "synchronize"]


def test_a_new_cell_holds_a_result_on_the_host() -> None:
    assert np.array_equal(made_cell()[0].out, blurred(noise()))


def test_a_cell_goes_through_its_images_in_turn() -> None:
    cell, _ = made_cell(images=2)
    seen = []
    for _ in range(2):
        cell.scopes["end_to_end"](1)
        seen.append(cell.out.copy())
    expected = [blurred(noise(seed=seed)) for seed in (0, 1)]
    assert np.array_equal(seen, expected) or np.array_equal(seen, expected[::-1])


def test_compute_goes_through_the_images_on_the_device_in_turn() -> None:
    cell, device = made_cell(images=3)
    device.inputs.clear()
    cell.scopes["compute"](5)
    places = [id(image) for image in device.inputs]
    assert len(set(places[:3])) == 3
    assert places[:3] == places[3:]


def test_a_prediction_uploads_its_crop_and_waits_for_the_device() -> None:
    device = FakeDevice()
    predict_seconds(logged(device), PROBLEM, noise(), device)
    assert device.log[:4] == ["prepare", "upload", "plan", "synchronize"]


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


each_gpu_implementation = pytest.mark.parametrize(
    ("backend", "one"),
    [
        pytest.param(backend, one, id=one.name)
        for backend in gpu_backends()
        for one in backend.implementations
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
@each_gpu_implementation
@pytest.mark.parametrize(("border", "size", "shape", "dtype"), GPU_CASES)
def test_every_implementation_on_the_gpu_keeps_the_contract(
    backend: Backend,
    one: Implementation,
    border: str,
    size: int,
    shape: tuple[int, ...],
    dtype: str,
    reference: Callable[[Array, Problem], Array],
    share_of_allowed: Callable[[Array, Array, Array, Problem], float],
) -> None:
    problem = Problem(GaussianKernel.from_size(size), shape, np.dtype(dtype), border, 7.25)
    image = noise(problem)
    assert backend.carry is not None
    result = backend.carry(one.prepare(problem), image)
    assert share_of_allowed(result, reference(image, problem), image, problem) <= 1


@on_gpu
@each_gpu_implementation
def test_on_the_gpu_out_may_be_the_image_itself(backend: Backend, one: Implementation) -> None:
    cupy = import_module("cupy")
    plan, image = one.prepare(PROBLEM), cupy.asarray(noise())
    expected = cupy.asnumpy(plan(image))
    assert plan(image, image) is image
    assert np.array_equal(cupy.asnumpy(image), expected)


@on_gpu
@each_gpu_implementation
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
@each_gpu_implementation
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
    cell = Cell(one, PROBLEM, [noise()], gpu.open_device(0))
    np.testing.assert_allclose(cell.out, blurred(noise()), rtol=0, atol=2e-6 * 255)
