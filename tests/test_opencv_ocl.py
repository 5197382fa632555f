"""OpenCV's filters on an OpenCL device: really run, on whatever device OpenCV takes here.

A CPU device (PoCL) will do. Where there is none, what needs no device is still tested.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import blurbench
from blurbench.backends import registry
from blurbench.backends.backend import Availability, Backend
from blurbench.backends.carried import carry
from blurbench.backends.opencv_ocl import selection
from blurbench.backends.opencv_ocl.device import HOST_CAUTION, OpenCLDevice, open_device
from blurbench.backends.opencv_ocl.filters import (
    Filter,
    NotOnDeviceError,
    never_leave_the_device,
    on_host,
)
from blurbench.backends.opencv_ocl.plan import OpenCLFilterPlan
from blurbench.backends.opencv_ocl.selection import (
    ANY,
    CHOICE,
    DRIVER,
    LIBRARY,
    chosen,
    describe,
    name_of,
    probe,
)
from blurbench.backends.registry import find_implementation
from blurbench.choice.auto import DEVICE, choose
from blurbench.extras import install
from blurbench.kernel import GaussianKernel
from blurbench.problem import Problem
from helpers.contract import noise, problem_of, reference, share_of_allowed
from helpers.refused import refusal

cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed")

METHODS = ("separable", "direct")
TAPS = {"filter2D": np.full((3, 3), 1 / 9), "sepFilter2D": np.full(3, 1 / 3)}

later = pytest.mark.rest("OpenCL kernels")
needs_device = pytest.mark.skipif(not probe().ok, reason=probe().explanation)


@pytest.fixture(scope="session")
def device() -> OpenCLDevice:
    return open_device(0)


@pytest.fixture
def _without_opencl() -> Iterator[None]:
    """OpenCV goes on on the CPU, as where its OpenCL code does not take a call."""
    cv2.ocl.setUseOpenCL(False)
    yield
    cv2.ocl.setUseOpenCL(True)


def check(device: OpenCLDevice, method: str, problem: Problem) -> None:
    """Blur noise, and hold the result to the contract."""
    image = noise(problem)
    blurred = carry(OpenCLFilterPlan(device, problem, method), image)
    assert share_of_allowed(blurred, reference(image, problem), image, problem) <= 1


# Exactness. A driver takes half a second to compile a filter that it has not cached: the quick run
# has few.


QUICK = (
    ("separable", "float32", "reflect", 9, (20, 30)),
    ("direct", "uint8", "wrap", 9, (21, 20, 3)),
)
OTHERS = (
    ("separable", "float32", "reflect", 1, (20, 30)),
    ("separable", "uint16", "reflect", 9, (20, 30)),
    ("separable", "uint8", "mirror", 3, (33, 40, 4)),
    ("separable", "float32", "nearest", 15, (21, 20, 3)),
    ("separable", "uint8", "wrap", 15, (37, 53)),
    ("separable", "float32", "constant", 3, (37, 53)),
    ("separable", "float32", "mirror", 15, (1, 7)),
    ("separable", "uint8", "nearest", 15, (5, 1)),
    ("separable", "float32", "reflect", 101, (120, 130, 3)),
    ("direct", "float32", "reflect", 15, (37, 53)),
    ("direct", "float32", "nearest", 3, (33, 40, 4)),
    ("direct", "uint8", "mirror", 15, (1, 7)),
    ("direct", "uint8", "constant", 9, (37, 53)),
    ("direct", "float32", "wrap", 41, (50, 60)),
)


@needs_device
@pytest.mark.parametrize(
    ("method", "dtype", "border", "size", "shape"),
    [*QUICK, *(pytest.param(*one, marks=later) for one in OTHERS)],
)
def test_a_blur_keeps_the_contract(
    device: OpenCLDevice, method: str, dtype: str, border: str, size: int, shape: tuple[int, ...]
) -> None:
    check(device, method, problem_of(size, shape, dtype, border))


@needs_device
@later
@pytest.mark.parametrize("method", METHODS)
def test_a_border_of_0_keeps_the_contract(device: OpenCLDevice, method: str) -> None:
    check(device, method, problem_of(5, (20, 30), border="constant", cval=0))


@needs_device
@later
@pytest.mark.parametrize("method", METHODS)
def test_an_even_kernel_is_blurred_with(device: OpenCLDevice, method: str) -> None:
    kernel = GaussianKernel.from_size(8, allow_even=True)
    check(device, method, Problem(kernel, (20, 30), np.dtype("float32")))


@needs_device
@later
def test_the_errors_of_the_most_taps_that_it_takes_do_not_add_up(device: OpenCLDevice) -> None:
    one = find_implementation("opencv_ocl", "separable")
    assert one.largest is not None
    problem = problem_of(one.largest, (300, 280))
    image = noise(problem, 60000, 60255)
    blurred = carry(OpenCLFilterPlan(device, problem, "separable"), image)
    assert share_of_allowed(blurred, reference(image, problem), image, problem) <= 1


@pytest.mark.parametrize(("method", "most"), [("direct", 101), ("separable", 255)])
def test_more_taps_than_keep_the_contract_are_refused(method: str, most: int) -> None:
    one = find_implementation("opencv_ocl", method)
    said = refusal(lambda: one.check(problem_of(most + 2, (4, 5))))
    expected = f"size {most + 2} does not go with {method} of opencv_ocl: use {most} or less"
    assert said == expected


# Never on the CPU.


@pytest.mark.parametrize("name", TAPS)
def test_a_filter_that_cannot_use_opencl_fails(name: str) -> None:
    def attempt() -> None:
        image, out = cv2.UMat(noise(problem_of(3, (8, 9)))), cv2.UMat(8, 9, cv2.CV_32FC1)
        Filter(TAPS[name])(image, out, cv2.CV_32F)

    said = refusal(lambda: on_host(attempt))
    assert said == (
        f"OpenCV does not take {name} of 3 taps to the OpenCL device here, and would go on on the "
        "CPU: use fewer taps or another backend"
    )


@pytest.mark.parametrize("name", TAPS)
def test_the_same_filter_without_its_flaw_would_run_on_the_cpu(name: str) -> None:
    def attempt() -> Any:
        image, taps = cv2.UMat(noise(problem_of(3, (8, 9)))), TAPS[name]
        given = [taps] if taps.ndim == 2 else [taps, taps]
        return getattr(cv2, name)(image, -1, *given).get()

    assert on_host(attempt).shape == (8, 9)


def test_this_opencv_never_leaves_the_device() -> None:
    assert never_leave_the_device()


@needs_device
@pytest.mark.usefixtures("_without_opencl")
@pytest.mark.parametrize("border", ["reflect", pytest.param("wrap", marks=later)])
@pytest.mark.parametrize("method", METHODS)
def test_a_plan_that_opencv_would_run_on_the_cpu_fails(
    device: OpenCLDevice, method: str, border: str
) -> None:
    problem = problem_of(9, (20, 30), border=border)
    cv2.ocl.setUseOpenCL(True)
    plan = OpenCLFilterPlan(device, problem, method)
    image, out = (device.empty(problem.shape, problem.dtype) for _ in range(2))
    cv2.ocl.setUseOpenCL(False)
    with pytest.raises(NotOnDeviceError):
        plan(image, out)


@needs_device
@pytest.mark.usefixtures("_without_opencl")
def test_an_array_that_opencv_puts_on_the_host_is_out_of_memory(device: OpenCLDevice) -> None:
    with pytest.raises(MemoryError, match="is out of memory"):
        device.empty((20, 30), np.dtype("float32"))


@needs_device
@pytest.mark.usefixtures("_without_opencl")
def test_an_image_that_opencv_leaves_on_the_host_is_out_of_memory(device: OpenCLDevice) -> None:
    array = device.empty((0, 30), np.dtype("float32"))
    with pytest.raises(MemoryError, match="is out of memory"):
        device.upload(np.zeros((20, 30), np.float32), array)


@pytest.mark.parametrize("method", METHODS)
def test_the_backend_of_the_cpu_makes_the_same_image_with_opencl_and_without(method: str) -> None:
    image = noise(problem_of(9, (40, 50)))

    def blur() -> Any:
        return blurbench.gaussian_blur(image, size=9, backend="opencv", method=method)

    assert np.array_equal(blur(), on_host(blur))


# The plan's life.


@needs_device
@pytest.mark.parametrize("border", ["reflect", pytest.param("wrap", marks=later)])
def test_a_plan_takes_another_image_into_the_same_result(device: OpenCLDevice, border: str) -> None:
    plan = OpenCLFilterPlan(device, problem_of(9, (20, 30), border=border), "separable")
    out = device.empty(plan.problem.shape, plan.problem.dtype)
    for seed in (1, 2):
        image = noise(plan.problem, seed=seed)
        plan(device.xp.asarray(image), out)
        expected = reference(image, plan.problem)
        assert share_of_allowed(out.numpy(), expected, image, plan.problem) <= 1


@needs_device
def test_a_plan_has_compiled_its_filter_before_the_first_image(
    device: OpenCLDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    monkeypatch.setattr(Filter, "__call__", lambda self, image, out, depth: seen.append(depth))
    OpenCLFilterPlan(device, problem_of(9, (20, 30)), "separable")
    assert seen == [cv2.CV_32F]


@needs_device
def test_an_image_of_another_shape_is_refused(device: OpenCLDevice) -> None:
    plan = OpenCLFilterPlan(device, problem_of(9, (20, 30)), "separable")
    said = refusal(lambda: plan(device.empty((30, 20), np.dtype("float32"))))
    assert said == "image is float32 (30, 20): this plan was made for float32 (20, 30)"


@needs_device
def test_a_host_image_is_no_image_for_a_plan(device: OpenCLDevice) -> None:
    plan = OpenCLFilterPlan(device, problem_of(9, (20, 30)), "separable")
    assert refusal(lambda: plan(noise(plan.problem))) == (
        "image is numpy.ndarray: plans of opencv_ocl take arrays of its device; "
        "give NumPy's to blurbench.gaussian_blur"
    )


@needs_device
def test_too_many_channels_are_refused(device: OpenCLDevice) -> None:
    said = refusal(lambda: OpenCLFilterPlan(device, problem_of(3, (4, 5, 5)), "direct"))
    assert said == (
        "an image of 5 channels is too much for direct of opencv_ocl, which takes 4: "
        "use another backend"
    )


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_other_types_are_refused(dtype: str) -> None:
    one = find_implementation("opencv_ocl", "separable")
    said = refusal(lambda: one.check(problem_of(3, (4, 5), dtype)))
    assert said == (
        f"dtype {dtype!r} does not go with separable of opencv_ocl: use uint8 or uint16 or float32"
    )


@needs_device
def test_an_array_of_another_type_is_refused(device: OpenCLDevice) -> None:
    said = refusal(lambda: device.empty((4, 5), np.dtype("float64")))
    assert said == "dtype 'float64' does not go with opencv_ocl: use uint8 or uint16 or float32"


@needs_device
@later
def test_one_call_blurs_a_host_image() -> None:
    problem = problem_of(9, (20, 30, 3), "uint8", cval=0)
    image = noise(problem)
    blurred = blurbench.gaussian_blur(image, size=9, backend="opencv_ocl")
    assert blurred.dtype == np.uint8
    assert share_of_allowed(blurred, reference(image, problem), image, problem) <= 1


@needs_device
@later
def test_one_call_blurs_a_stack_on_the_host() -> None:
    problem = problem_of(9, (20, 30, 3), "uint8", cval=0)
    images = np.stack([noise(problem), noise(problem, seed=2)])
    blurred = blurbench.gaussian_blur(images, size=9, backend="opencv_ocl", stack=True)
    for image, one in zip(images, blurred, strict=True):
        assert share_of_allowed(one, reference(image, problem), image, problem) <= 1


@needs_device
def test_auto_hands_no_image_of_cupys_to_it() -> None:
    said = refusal(lambda: choose(problem_of(3, (4, 5)), backend="opencv_ocl", place=DEVICE))
    assert said.startswith("opencv_ocl cannot blur float32")


@needs_device
def test_auto_takes_it_where_it_is_named() -> None:
    found = choose(problem_of(3, (4, 5)), backend="opencv_ocl", method="separable")
    assert found.name == "opencv_ocl:separable"


@needs_device
def test_threads_share_the_device() -> None:
    problem = problem_of(9, (20, 30))

    def share(seed: int) -> float:
        image = noise(problem, seed=seed)
        blurred = blurbench.gaussian_blur(image, size=9, backend="opencv_ocl", method="separable")
        return share_of_allowed(blurred, reference(image, problem), image, problem)

    with ThreadPoolExecutor(4) as pool:
        assert max(pool.map(share, range(8))) <= 1


# The device.


@needs_device
def test_a_part_of_a_host_image_is_uploaded(device: OpenCLDevice) -> None:
    image = noise(problem_of(3, (20, 30)))[::2, 3:20]
    assert np.array_equal(device.xp.asarray(image).numpy(), image)


@needs_device
def test_memory_is_counted_until_its_array_is_gone(device: OpenCLDevice) -> None:
    before = device.held_bytes()
    array = device.empty((100, 100), np.dtype("float32"))
    assert device.held_bytes() == before + array.nbytes
    del array
    assert device.held_bytes() == before


@needs_device
def test_an_array_larger_than_the_device_takes_in_one_is_out_of_memory(
    device: OpenCLDevice,
) -> None:
    with pytest.raises(MemoryError, match="bytes are more than"):
        device.empty((2**40, 2**20), np.dtype("float32"))


@needs_device
def test_less_memory_is_free_than_there_is(device: OpenCLDevice) -> None:
    assert 0 < device.free_bytes() <= cv2.ocl.Device.getDefault().globalMemSize()


@needs_device
def test_the_devices_clock_is_the_hosts_when_the_queue_is_empty(
    device: OpenCLDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = []
    monkeypatch.setattr(device, "synchronize", lambda: said.append("waited"))
    ticks = iter([10.0, 13.5])
    clock = "blurbench.backends.opencv_ocl.device.time.perf_counter"
    monkeypatch.setattr(clock, lambda: next(ticks))
    assert device.elapsed_s(device.record(), device.record()) == 3.5
    assert said == ["waited", "waited"]


@needs_device
def test_it_runs_no_kernel_that_counts_multiply_adds(device: OpenCLDevice) -> None:
    assert device.multiply_adds(np.dtype("float32")) is None


@needs_device
def test_a_second_device_is_refused() -> None:
    assert refusal(lambda: open_device(1)) == (
        "device 1 is not there: OpenCV takes one OpenCL device a process, which is 0; "
        "set OPENCV_OPENCL_DEVICE to have it take another"
    )


# What is there.

CPU, GPU = 2, 4


def card(name: str = "Arc", kind: int = GPU, unified: bool = False) -> Any:
    """A made-up device."""
    return SimpleNamespace(
        name=lambda: name,
        type=lambda: kind,
        hostUnifiedMemory=lambda: unified,
        driverVersion=lambda: "1.2",
        deviceVersionMajor=lambda: 3,
        deviceVersionMinor=lambda: 0,
        maxMemAllocSize=lambda: 2**30,
        globalMemSize=lambda: 2**32,
    )


LOUD = SimpleNamespace(logging=SimpleNamespace(setLogLevel=lambda level: 3))


def opencv(
    device: Any = None, built: str = "YES (no extra features)", platform: bool = True
) -> Any:
    """A made-up OpenCV on a machine with this device."""
    taken = card("") if device is None else device
    ocl = SimpleNamespace(
        haveOpenCL=lambda: platform, Device=SimpleNamespace(getDefault=lambda: taken)
    )
    return SimpleNamespace(
        getBuildInformation=lambda: f"\n  OpenCL:        {built}\n", ocl=ocl, utils=LOUD
    )


@pytest.fixture(autouse=True)
def _unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CHOICE, raising=False)


def test_an_opencv_without_opencl_cannot_run_it() -> None:
    found = describe(opencv(card(), built="NO"), {})
    assert found.reason == "this OpenCV was built without OpenCL"
    assert found.remedy == install("peers", upgrade=True)


def test_a_machine_without_a_platform_cannot_run_it() -> None:
    found = describe(opencv(platform=False), {})
    assert (found.reason, found.remedy) == ("no OpenCL platform was found", DRIVER)


def test_a_machine_whose_platforms_have_no_device_cannot_run_it() -> None:
    assert describe(opencv(), {}).reason == "no platform of OpenCL has a device"


def test_a_device_that_was_asked_for_and_is_not_there_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(CHOICE, "AMD:GPU:")
    assert describe(opencv(), {}).explanation == (
        "OPENCV_OPENCL_DEVICE=AMD:GPU: names no OpenCL device of this machine; "
        "unset OPENCV_OPENCL_DEVICE"
    )


def test_an_opencv_that_would_go_on_on_the_cpu_cannot_run_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(selection, "never_leave_the_device", lambda: False)
    found = describe(opencv(card()), {})
    assert found.reason == "this OpenCV could go on on the CPU unseen"


def test_without_an_opencl_library_opencv_is_not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LIBRARY, "/nowhere/libOpenCL.so")
    monkeypatch.setattr(selection, "import_module", lambda name: pytest.fail("imported"))
    assert probe.__wrapped__() == Availability("no OpenCL library was found", DRIVER)


def test_without_opencv_it_is_to_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(selection, "find_spec", lambda name: None)
    monkeypatch.setattr(selection, "import_module", missing)
    assert probe.__wrapped__() == Availability("OpenCV is not installed", install("peers"))


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (card(), "Arc (discrete, OpenCL, 1.2)"),
        (card(unified=True), "Arc (integrated, OpenCL, 1.2)"),
        (card("cpu-haswell", CPU, unified=True), "cpu-haswell (software, OpenCL, 1.2)"),
    ],
)
def test_a_device_is_shown_with_its_kind_and_driver(given: Any, shown: str) -> None:
    assert name_of(given) == shown


def test_a_gpu_runs_it_with_its_versions_told() -> None:
    expected = Availability(
        versions={"cv2": "5.0", "opencl": "3.0"}, devices=("Arc (discrete, OpenCL, 1.2)",)
    )
    assert describe(opencv(card()), {"cv2": "5.0"}) == expected


def test_a_cpu_device_does_not_run_unnamed() -> None:
    cpu = card("cpu-haswell", CPU)
    backend = Backend("soft", "gpu", (), lambda: describe(opencv(cpu), {}))
    assert registry.probe(backend, named=True).ok
    assert registry.probe(backend, named=False).explanation == (
        "only software stands in for a GPU here; "
        "--backend soft runs on cpu-haswell (software, OpenCL, 1.2) all the same"
    )


@pytest.fixture
def asked() -> tuple[Any, list[str | None]]:
    """A made-up OpenCV, and what it is asked for each time it takes a device."""
    seen: list[str | None] = []

    def take() -> Any:
        seen.append(os.environ.get(CHOICE))
        return card()

    ocl = SimpleNamespace(Device=SimpleNamespace(getDefault=take))
    return SimpleNamespace(ocl=ocl, utils=LOUD), seen


def test_opencv_is_asked_for_a_gpu_or_else_a_cpu(asked: tuple[Any, list[str | None]]) -> None:
    chosen(asked[0])
    assert asked[1] == [ANY]
    assert CHOICE not in os.environ


@pytest.mark.parametrize("version", [4, 5])
def test_opencv_says_nothing_by_itself_while_it_looks_for_a_device(version: int) -> None:
    levels = [3]

    def set_level(level: int) -> int:
        levels.append(level)
        return levels[-2]

    def take() -> Any:
        assert levels[-1] == 0
        return card()

    ocl = SimpleNamespace(Device=SimpleNamespace(getDefault=take))
    four = SimpleNamespace(ocl=ocl, utils=SimpleNamespace(), setLogLevel=set_level)
    logging = SimpleNamespace(setLogLevel=set_level)
    five = SimpleNamespace(ocl=ocl, utils=SimpleNamespace(logging=logging))
    chosen(four if version == 4 else five)
    assert levels == [3, 0, 3]


def test_what_the_user_asks_for_is_left_as_it_is(
    asked: tuple[Any, list[str | None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CHOICE, "Intel:GPU:")
    chosen(asked[0])
    assert asked[1] == ["Intel:GPU:"]
    assert os.environ[CHOICE] == "Intel:GPU:"


def test_a_gpu_is_timed_with_the_caution_of_the_hosts_clock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "blurbench.backends.opencv_ocl.device.import_module", lambda name: opencv(card())
    )
    assert OpenCLDevice().caution == HOST_CAUTION


@needs_device
def test_software_is_told_from_a_gpu(device: OpenCLDevice) -> None:
    assert device.software == probe().software
