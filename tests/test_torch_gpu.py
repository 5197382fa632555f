"""PyTorch on a device: what is found, how it is timed, and whose memory and streams are whose.

On an accelerator that is made up. PyTorch itself runs in the tests of its tensors.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from blurbench import gaussian_blur
from blurbench.backends import gpu
from blurbench.backends.backend import Availability
from blurbench.backends.device import HOLD_S, Clocks, EventClock
from blurbench.backends.driver import Driver
from blurbench.backends.images_on_gpu import lies_on_gpu
from blurbench.backends.registry import find_implementation
from blurbench.backends.staging import BAND, SLOTS
from blurbench.backends.torch_gpu import probing
from blurbench.backends.torch_gpu.accelerator import Accelerator, Lane
from blurbench.backends.torch_gpu.device import SIDE, TorchDevice, open_device
from blurbench.backends.torch_gpu.devices import TorchDevices
from blurbench.backends.torch_gpu.dtypes import check
from blurbench.backends.torch_gpu.plan import DeviceRuntime
from blurbench.backends.torch_gpu.probing import examine
from blurbench.extras import install
from blurbench.study.options import Options
from blurbench.study.session import Session
from helpers.command import run
from helpers.contract import noise, problem_of, reference, share_of_allowed
from helpers.fake_torch import ALLOCATED, FREE, RESERVED, FakeStream, FakeTorch, tensor
from helpers.refused import refusal

Array = np.ndarray[Any, Any]
FOUND = Availability(versions={"torch": "2.13.0"})
KERNEL_S = 3.5e-5
METHODS = ("direct", "separable")


@pytest.fixture
def made() -> FakeTorch:
    return FakeTorch()


@pytest.fixture
def accelerator(made: FakeTorch) -> Accelerator:
    return Accelerator(made, "cuda")


@pytest.fixture
def device(accelerator: Accelerator) -> TorchDevice:
    return open_device(accelerator, 0)


def devices_of(made: FakeTorch, kind: str = "cuda") -> TorchDevices:
    accelerator = Accelerator(made, kind)
    return TorchDevices(lambda: accelerator)


# What is found.


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Callable[[Driver], None]:
    """Makes a driver that of this machine."""
    return lambda one: monkeypatch.setattr(probing, "this_driver", lambda: one)


def examined(made: FakeTorch) -> Availability:
    return examine(FOUND, lambda: made)


def without_accelerator(made: FakeTorch, **built_for: str) -> FakeTorch:
    made.accelerator.current_accelerator = lambda check_available: None
    made.version = SimpleNamespace(**{"cuda": None, "hip": None, "xpu": None, **built_for})
    return made


def test_every_gpu_of_the_machine_is_found_by_name() -> None:
    assert examined(FakeTorch(names=("One", "Two"))).devices == ("One", "Two")


def test_the_library_s_version_is_told(made: FakeTorch) -> None:
    assert examined(made).versions == {"torch": "2.13.0"}


@pytest.mark.parametrize(
    ("kind", "hip", "name"),
    [
        ("cuda", None, "A"),
        ("cuda", "6.4.43482-0f2d60242", "A (ROCm 6.4.43482)"),
        ("xpu", None, "A (XPU)"),
        ("mps", None, "Apple GPU (Metal)"),
    ],
)
def test_a_gpu_that_is_not_reached_by_cuda_tells_its_interface(
    kind: str, hip: str | None, name: str
) -> None:
    made = FakeTorch(kind, ("A",))
    made.version.hip = hip
    assert examined(made).devices == (name,)


def test_a_missing_pytorch_is_the_reason() -> None:
    missing = Availability("PyTorch is not installed", "install it")
    assert examine(missing, lambda: None) is missing


def test_a_pytorch_that_cannot_be_kept_from_tf32_is_too_old(made: FakeTorch) -> None:
    del made.backends.cudnn.conv
    found = examined(made)
    assert str(found.reason).startswith("PyTorch 2.13.0 has no way to ask for full float32")
    assert found.remedy == install("torch", upgrade=True)


@pytest.mark.parametrize(
    ("built_for", "words"),
    [
        ({}, "the CPU alone"),
        ({"cuda": "13.0"}, "CUDA 13.0"),
        ({"hip": "6.4"}, "ROCm 6.4"),
        ({"xpu": "2025"}, "XPU 2025"),
    ],
)
def test_a_pytorch_that_finds_no_gpu_tells_for_which_it_was_built(
    made: FakeTorch,
    driver: Callable[[Driver], None],
    built_for: dict[str, str],
    words: str,
) -> None:
    driver(Driver(reason="there is none", remedy="buy one"))
    found = examined(without_accelerator(made, **built_for))
    assert found.reason == f"this PyTorch, built for {words}, finds no GPU here"
    assert found.remedy == probing.FITTING


@pytest.mark.parametrize(
    ("built_for", "reason"),
    [
        ({}, "this PyTorch was built without CUDA"),
        ({"cuda": "13.0"}, "PyTorch cannot use CUDA here (it was built for CUDA 13.0)"),
    ],
)
@pytest.mark.parametrize(
    ("version", "remedy"),
    [
        ((12, 4), "install a PyTorch built for CUDA 12.4 or older"),
        ((13, 1), install("torch", instead_of=["torch"])),
    ],
)
def test_beside_an_nvidia_driver_a_fitting_pytorch_is_the_remedy(
    made: FakeTorch,
    driver: Callable[[Driver], None],
    monkeypatch: pytest.MonkeyPatch,
    built_for: dict[str, str],
    reason: str,
    version: tuple[int, int],
    remedy: str,
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    driver(Driver(version))
    found = examined(without_accelerator(made, **built_for))
    assert (found.reason, found.remedy) == (reason, remedy)


def test_a_gpu_on_which_a_convolution_fails_cannot_be_used(
    made: FakeTorch, driver: Callable[[Driver], None]
) -> None:
    def fail(*_: Any) -> Any:
        raise RuntimeError("no kernel image is available\nfor this card")

    driver(Driver())
    made.nn.functional.conv2d = fail
    found = examined(made)
    assert found.reason == "a small convolution failed on a GPU: no kernel image is available"
    assert found.remedy == probing.FITTING


def test_a_device_that_is_not_there_is_refused(made: FakeTorch) -> None:
    said = refusal(lambda: devices_of(made).open_device(1))
    assert said == "device 1 is not there: PyTorch has 1; see blurbench backends"


def test_the_device_that_was_asked_for_is_opened() -> None:
    made = FakeTorch(names=("One", "Two"))
    assert devices_of(made).open_device(1).name == "Two"
    assert made.number == 1


# Types.


def test_a_type_that_a_device_lacks_is_refused_with_its_reason(made: FakeTorch) -> None:
    made.lacks = ("float64",)
    problem = problem_of(3, (4, 5), "float64")
    assert refusal(check, Accelerator(made, "mps"), 0, problem) == (
        "dtype 'float64' does not go with Apple GPU (Metal): the framework has no float64; "
        "use float32"
    )


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float16", "float32"])
def test_the_types_that_a_device_has_are_taken(made: FakeTorch, dtype: str) -> None:
    made.lacks = ("float64",)
    check(Accelerator(made, "mps"), 0, problem_of(3, (4, 5), dtype))


# The clock.


def clock_of(made: FakeTorch, device: TorchDevice) -> EventClock:
    return EventClock(device, made.host)


@pytest.mark.parametrize("seconds", [3e-6, KERNEL_S, 1e-3])
def test_the_time_of_a_call_is_the_device_s(
    made: FakeTorch, device: TorchDevice, seconds: float
) -> None:
    clock = clock_of(made, device)
    found = clock.measure(lambda: made.launch(seconds), 500) / 500
    assert (found, clock.stalled) == (pytest.approx(seconds, rel=1e-6), False)


def test_a_call_that_takes_long_to_launch_is_held_for_longer(
    made: FakeTorch, device: TorchDevice
) -> None:
    clock = clock_of(made, device)
    found = clock.measure(lambda: made.launch(KERNEL_S, launching_s=5e-3), 4) / 4
    assert (found, clock.stalled) == (pytest.approx(KERNEL_S, rel=1e-6), False)


def test_a_call_that_is_quick_to_launch_waits_for_no_long_hold(
    made: FakeTorch, device: TorchDevice
) -> None:
    clock, began = clock_of(made, device), made.host.now
    clock.measure(lambda: made.launch(KERNEL_S), 10)
    assert made.host.now - began < HOLD_S / 4


def test_a_call_that_takes_longer_to_launch_than_any_hold_is_marked(
    made: FakeTorch, device: TorchDevice
) -> None:
    clock = clock_of(made, device)
    clock.measure(lambda: made.launch(KERNEL_S, launching_s=0.1), 2)
    assert clock.stalled


def test_a_device_is_kept_busy_in_full_precision(made: FakeTorch, device: TorchDevice) -> None:
    device.hold(1e-3)
    assert {line for line in made.log if line.startswith("mm")} == {"mm in ieee"}


def test_a_device_whose_events_tell_time_needs_no_caution(device: TorchDevice) -> None:
    assert device.caution is None


def test_metal_tells_time_by_the_host_s_ears() -> None:
    made = FakeTorch("mps")
    assert "hears that work is done" in str(open_device(Accelerator(made, "mps"), 0).caution)


@pytest.fixture
def untimed(made: FakeTorch, accelerator: Accelerator) -> TorchDevice:
    """A device that has no events."""
    made.times = False
    return open_device(accelerator, 0)


def test_a_device_without_events_is_timed_by_the_host_s_clock(
    made: FakeTorch, untimed: TorchDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blurbench.backends.torch_gpu.device.time.perf_counter", made.host)
    clock = clock_of(made, untimed)
    found = clock.measure(lambda: made.launch(1e-2), 3) / 3
    assert (found, clock.stalled) == (pytest.approx(1e-2, rel=1e-2), False)


def test_a_device_without_events_says_so(untimed: TorchDevice) -> None:
    assert "PyTorch's events tell no time on a GPU" in str(untimed.caution)


def test_on_a_device_without_events_all_is_on_one_stream(untimed: TorchDevice) -> None:
    assert untimed.stream("up") is None


def test_multiply_adds_are_counted(made: FakeTorch, device: TorchDevice) -> None:
    call, number = device.multiply_adds(np.dtype("float32"))
    found = clock_of(made, device).measure(call, 3) / 3
    assert number / found == pytest.approx(1e13)
    assert number == SIDE**3


# Graphs.


def test_a_call_is_captured_as_a_graph(device: TorchDevice) -> None:
    calls: list[int] = []
    assert device.capture(lambda: calls.append(1)) is not None
    assert len(calls) == 2  # the first loads what it needs


def test_what_waits_for_the_device_cannot_be_captured(made: FakeTorch, device: TorchDevice) -> None:
    @contextmanager
    def broken(graph: Any) -> Any:
        yield
        raise RuntimeError("the capture was invalidated")

    made.cuda.graph = broken
    assert device.capture(lambda: None) is None


def test_only_cuda_has_graphs() -> None:
    made = FakeTorch("xpu")
    assert open_device(Accelerator(made, "xpu"), 0).capture(lambda: None) is None


# Memory.


def test_memory_that_pytorch_keeps_is_held_and_still_free(device: TorchDevice) -> None:
    assert device.held_bytes() == RESERVED
    assert device.free_bytes() == FREE + RESERVED - ALLOCATED


def test_released_memory_is_what_pytorch_keeps(made: FakeTorch, device: TorchDevice) -> None:
    device.release()
    assert made.log[-1] == "empty the cache"


def test_on_metal_the_working_set_is_what_is_free() -> None:
    made = FakeTorch("mps")
    made.module.driver_allocated_memory = lambda: 700
    made.module.recommended_max_memory = lambda: 5000
    made.module.current_allocated_memory = lambda: 600
    device = open_device(Accelerator(made, "mps"), 0)
    assert (device.held_bytes(), device.free_bytes()) == (700, 4400)


@pytest.mark.parametrize(
    ("kind", "told", "expected"),
    [
        ("cuda", {"L2_cache_size": 50}, (50, None)),
        ("cuda", {"memory_clock_rate": 9_751_000, "memory_bus_width": 384}, (None, 936.096e9)),
        ("xpu", {"last_level_cache_size": 8, "memory_clock_rate": 9_751_000}, (8, None)),
        ("cuda", {}, (None, None)),
    ],
)
def test_what_the_driver_tells_of_a_device_is_known(
    kind: str, told: dict[str, int], expected: tuple[int | None, float | None]
) -> None:
    made = FakeTorch(kind)
    made.module.get_device_properties = lambda number: SimpleNamespace(**told)
    device = open_device(Accelerator(made, kind), 0)
    assert (device.cache_bytes, device.peak_bytes_per_s) == expected


def test_the_clocks_of_nvidia_s_card_are_those_of_the_very_card(
    made: FakeTorch, accelerator: Accelerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    made.module.get_device_properties = lambda number: SimpleNamespace(uuid="1-2")
    nvml = SimpleNamespace(
        nvmlInit=lambda: None,
        nvmlDeviceGetHandleByUUID=lambda name: name,
        NVML_CLOCK_SM=1,
        nvmlDeviceGetClockInfo=lambda handle, kind: {"GPU-1-2": 1500}[handle],
        nvmlDeviceGetCurrentClocksThrottleReasons=lambda handle: 0,
    )
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    assert open_device(accelerator, 0).clocks() == Clocks(1500, False)


def test_a_device_that_no_one_watches_has_no_clocks(device: TorchDevice) -> None:
    assert device.clocks() is None


# Lanes.


def test_streams_and_devices_are_told_apart() -> None:
    made = FakeTorch(names=("One", "Two"))
    lanes = devices_of(made).backend("far", Availability).lanes
    assert lanes is not None
    places = [lanes.place()]
    with lanes.open():
        places.append(lanes.place())
    made.number = 1
    places.append(lanes.place())
    assert len(set(places)) == 3


def test_after_a_lane_the_thread_is_where_it_was(made: FakeTorch, accelerator: Accelerator) -> None:
    before = made.streams[0]
    lane = Lane(accelerator, accelerator.new_stream(0))
    for _ in range(2):
        with lane:
            assert made.streams[0] is not before
        assert made.streams[0] is before


def test_metal_has_one_lane() -> None:
    lanes = devices_of(FakeTorch("mps"), "mps").backend("far", Availability).lanes
    assert lanes is not None
    with lanes.open():
        inside = lanes.place()
    assert inside == lanes.place()


def test_copies_on_another_stream_begin_after_what_they_wait_for(device: TorchDevice) -> None:
    stream: FakeStream = device.stream("up")
    event = device.record()
    device.wait(event, stream)
    assert stream.waited == [event]


def test_a_host_image_of_several_bands_goes_there_and_back(made: FakeTorch) -> None:
    problem = problem_of(5, (900, 800))
    image = noise(problem)
    assert image.nbytes > BAND
    plan = find_implementation("numpy", "separable").prepare(problem)
    result = devices_of(made).carry(plan, image)
    assert share_of_allowed(result, reference(image, problem), image, problem) <= 1


def test_page_locked_memory_is_kept_for_the_next_image(made: FakeTorch) -> None:
    devices, problem = devices_of(made), problem_of(5, (9, 8))
    plan = find_implementation("numpy", "separable").prepare(problem)
    for _ in range(3):
        devices.carry(plan, noise(problem))
    assert made.log.count("lock memory") == SLOTS


@pytest.mark.parametrize(("pinned", "goes_on"), [(True, True), (False, False)])
def test_only_copies_of_page_locked_memory_go_on_after_the_call(
    made: FakeTorch, device: TorchDevice, pinned: bool, goes_on: bool
) -> None:
    seen: list[bool] = []
    host = tensor(np.zeros(3, np.float32))
    host.pinned = pinned
    made.from_numpy = lambda array: host
    there = SimpleNamespace(copy_=lambda source, non_blocking: seen.append(non_blocking))
    device.upload(np.zeros(3, np.float32), there)
    assert seen == [goes_on]


# Precision.


def precisions(made: FakeTorch) -> dict[str, str]:
    return {name: one.fp32_precision for name, one in made.settings.items()}


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("cuda", {"cudnn.conv", "cuda.matmul"}),
        ("xpu", {"mkldnn.conv", "mkldnn.matmul"}),
        ("mps", set()),
    ],
)
def test_full_precision_is_kept_and_the_users_settings_are_left(kind: str, names: set[str]) -> None:
    made = FakeTorch(kind)
    before = precisions(made)
    with DeviceRuntime(Accelerator(made, kind)).scope():
        inside = precisions(made)
    assert {name for name, word in inside.items() if word == "ieee"} == names
    assert precisions(made) == before


def test_tf32_is_used_where_it_was_asked_for(
    made: FakeTorch, accelerator: Accelerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(gpu.TF32, "0")  # and so restored afterwards
    Session(Options(backends=("numpy",), tf32=True))
    made.settings["cudnn.conv"].fp32_precision = "none"
    with DeviceRuntime(accelerator).scope():
        assert precisions(made)["cudnn.conv"] == "tf32"


def test_the_users_settings_come_back_after_an_error(
    made: FakeTorch, accelerator: Accelerator
) -> None:
    with pytest.raises(ZeroDivisionError), DeviceRuntime(accelerator).scope():
        raise ZeroDivisionError
    assert set(precisions(made).values()) == {"tf32"}


# Images that lie on a device.


@pytest.mark.parametrize(("kind", "lies"), [("mps", True), ("xpu", True), ("cpu", False)])
def test_a_tensor_on_an_accelerator_lies_on_a_gpu(kind: str, lies: bool) -> None:
    image = tensor(np.zeros((3, 4), np.float32))
    image.place = SimpleNamespace(type=kind, index=0)
    assert lies_on_gpu(image) is lies


def test_a_tensor_is_taken_without_a_copy(made: FakeTorch) -> None:
    image = tensor(np.zeros((3, 4), np.float32))
    image.place = SimpleNamespace(type="cuda", index=0)
    there = devices_of(made).adopt(image)
    assert there.array is image
    assert there.dtype == "float32"


def test_a_tensor_of_another_accelerator_is_refused(made: FakeTorch) -> None:
    image = tensor(np.zeros((3, 4), np.float32))
    image.place = SimpleNamespace(type="meta", index=None)
    said = refusal(lambda: devices_of(made).adopt(image))
    assert said.endswith("and PyTorch works on cuda here")


def test_an_array_that_is_not_shared_is_told_in_one_line(made: FakeTorch) -> None:
    def refuse(image: Any) -> Any:
        raise BufferError("Can't export\nthis")

    made.from_dlpack = refuse
    said = refusal(lambda: devices_of(made).adopt(np.zeros(3)))
    assert said == (
        "the image of numpy cannot be shared: Can't export this; give a tensor of PyTorch"
    )


def test_a_tensor_on_an_accelerator_is_refused_by_a_cpu_backend() -> None:
    image = tensor(np.zeros((3, 4), np.float32))
    image.place = SimpleNamespace(type="mps", index=0)
    assert refusal(lambda: gaussian_blur(image, size=5)) == (
        "an image of torch on a GPU cannot go to the CPU backend 'scipy': "
        "use backend='torch_gpu', or copy it to the host first"
    )


# Records.


def test_a_record_from_when_it_ran_on_cupy_s_arrays_is_still_shown() -> None:
    folder = Path(__file__).parent.parent / "results" / "2026-11-29-testcard-15"
    shown = run("show", folder, "--all")
    assert shown.code == 0
    assert "torch_cuda" in shown.out
