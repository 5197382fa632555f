"""What holds of every device that can be timed, whoever made it: asked of each that is there."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import blurbench
from blurbench.backends.backend import Backend
from blurbench.backends.device import Device, EventClock, LaunchClock
from blurbench.border import BORDERS
from blurbench.problem import Problem
from blurbench.study.point.device_cells import DeviceCell, place_on
from helpers.contract import noise, problem_of, reference, share_of_allowed
from helpers.devices import WAYS, opened, reach

Array = np.ndarray[Any, Any]
PROBLEM = problem_of(9, (20, 30))
later = pytest.mark.rest("device kernels")


@pytest.fixture(scope="module", params=WAYS)
def backend(request: pytest.FixtureRequest) -> Backend:
    return reach(request.param)


@pytest.fixture(scope="module")
def device(backend: Backend) -> Device:
    found: Device = opened(backend)
    return found


def prepare(backend: Backend, problem: Problem = PROBLEM) -> Any:
    one = backend.implementation("separable")
    assert one is not None
    return one.prepare(problem)


def placed(device: Device, image: Array) -> Any:
    """A copy of a host image on the device."""
    there = device.empty(image.shape, image.dtype)
    device.upload(image, there)
    return there


def fetched(device: Device, there: Any, like: Array) -> Array:
    """What an array on the device holds, on the host."""
    back = np.empty_like(like)
    device.download(there, back)
    device.synchronize()
    return back


def is_blur_of(result: Array, image: Array) -> bool:
    return share_of_allowed(result, reference(image, PROBLEM), image, PROBLEM) <= 1


def ticks() -> Callable[[], float]:
    """A host's clock that is made up."""
    return itertools.count(100.0, 1e-4).__next__


# Memory.


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (16, 16, 3)])
def test_an_array_comes_back_as_it_went(device: Device, dtype: str, shape: tuple[int, ...]) -> None:
    image = noise(problem_of(3, shape, dtype))
    assert np.array_equal(fetched(device, placed(device, image), image), image)


@pytest.mark.parametrize("shape", [(1, 1), (16, 16, 3)])
def test_every_way_to_copy_on_the_device_copies(device: Device, shape: tuple[int, ...]) -> None:
    image = noise(problem_of(3, shape, "uint8"))
    there = placed(device, image)
    for copy in device.copies():
        target = device.empty(image.shape, image.dtype)
        copy(there, target)
        assert np.array_equal(fetched(device, target, image), image)


def test_an_upload_comes_after_the_work_that_was_queued_before_it(
    backend: Backend, device: Device
) -> None:
    plan, image = prepare(backend), noise(PROBLEM)
    there, out = placed(device, image), device.empty(image.shape, image.dtype)
    hold = device.hold(1e-3)
    plan(there, out)
    device.upload(np.zeros_like(image), there)
    hold.let_go()
    assert is_blur_of(fetched(device, out, image), image)


def test_a_host_image_is_carried_into_the_callers_memory(backend: Backend, device: Device) -> None:
    image = noise(PROBLEM)
    result = np.empty_like(image)
    between = device.empty(image.shape, image.dtype), device.empty(image.shape, image.dtype)
    assert device.carrier().blur(prepare(backend), image, result, between) is result
    assert is_blur_of(result, image)
    assert np.array_equal(fetched(device, between[1], image), result)


def test_there_is_memory_left(device: Device) -> None:
    assert device.free_bytes() > 2**20


# A plan's life.


# A driver may take a second to compile a kernel that it has not cached: the quick run has few.
@pytest.mark.parametrize(
    "border",
    ["reflect", "mirror", *(pytest.param(one, marks=later) for one in BORDERS[2:])],
)
def test_the_adjoint_is_the_transpose(backend: Backend, device: Device, border: str) -> None:
    methods = itertools.cycle(one.method for one in backend.implementations if one.exact)
    method = dict(zip(BORDERS, methods, strict=False))[border]
    given: dict[str, Any] = {"size": 9, "border": border, "cval": 3.0, "method": method}
    plan = blurbench.prepare((11, 14, 3), backend=backend.name, **given)
    exact = blurbench.prepare((11, 14, 3), backend="numpy", dtype=np.float64, **given)
    gradient = noise(plan.problem, -1, 1)
    found = fetched(device, plan.adjoint(placed(device, gradient)), gradient)
    assert np.abs(found - exact.adjoint(gradient.astype(np.float64))).max() < 3e-6


@pytest.mark.parametrize("border", ["reflect", "mirror"])
def test_the_adjoint_may_overwrite_its_gradient(
    backend: Backend, device: Device, border: str
) -> None:
    plan = blurbench.prepare((11, 14), size=5, border=border, backend=backend.name)
    gradient = noise(plan.problem)
    there = placed(device, gradient)
    expected = fetched(device, plan.adjoint(there), gradient)
    plan.adjoint(there, out=there)
    assert np.array_equal(fetched(device, there, gradient), expected)


def test_a_result_may_overwrite_its_image(backend: Backend, device: Device) -> None:
    plan, image = prepare(backend), noise(PROBLEM)
    there = placed(device, image)
    expected = fetched(device, plan(there), image)
    plan(there, out=there)
    assert np.array_equal(fetched(device, there, image), expected)


def test_a_plan_takes_another_image_into_the_same_result(backend: Backend, device: Device) -> None:
    plan, out = prepare(backend), device.empty(PROBLEM.shape, PROBLEM.dtype)
    for seed in (1, 2):
        image = noise(PROBLEM, seed=seed)
        plan(placed(device, image), out)
        assert is_blur_of(fetched(device, out, image), image)


# Its clock.


def test_work_takes_time_on_the_devices_clock(backend: Backend, device: Device) -> None:
    problem = problem_of(31, (200, 300))
    plan, image = prepare(backend, problem), placed(device, noise(problem))
    out = device.empty(problem.shape, problem.dtype)
    assert 0 < EventClock(device, ticks()).measure(lambda: plan(image, out), 3) < math.inf


def test_what_is_between_two_events_is_not_negative(device: Device) -> None:
    start = device.record()
    stop = device.record()
    device.synchronize()
    assert device.elapsed_s(start, stop) >= 0


def test_a_launch_comes_back(backend: Backend, device: Device) -> None:
    plan, image = prepare(backend), placed(device, noise(PROBLEM))
    out = device.empty(PROBLEM.shape, PROBLEM.dtype)
    assert LaunchClock(device, ticks()).measure(lambda: plan(image, out), 2) == pytest.approx(2e-4)


def test_multiply_adds_are_counted(device: Device) -> None:
    found = device.multiply_adds(np.dtype("float32"))
    if found is None:
        pytest.skip(f"{device.name} runs no kernel of ours")
    call, number = found
    call()
    device.synchronize()
    assert number > 1e6


# A cell: what a race times.


def cell(backend: Backend, device: Device, images: list[Array]) -> DeviceCell:
    one = backend.implementation("separable")
    assert one is not None
    return DeviceCell(one, PROBLEM, images, place_on(device, images[0], "hot"))


def test_a_new_cell_holds_a_result_on_the_host(backend: Backend, device: Device) -> None:
    image = noise(PROBLEM)
    assert is_blur_of(cell(backend, device, [image]).out, image)


def test_a_cell_goes_through_its_host_images_in_turn(backend: Backend, device: Device) -> None:
    images = [noise(PROBLEM, seed=seed) for seed in range(3)]
    timed, seen = cell(backend, device, images), set()
    for _ in images:
        timed.scopes["end_to_end"](1)
        seen.update(number for number, image in enumerate(images) if is_blur_of(timed.out, image))
    assert seen == {0, 1, 2}


@pytest.mark.parametrize("scope", ["upload", "download", "launch", "end_to_end_pipelined"])
def test_every_part_of_the_way_can_be_timed(backend: Backend, device: Device, scope: str) -> None:
    watch = cell(backend, device, [noise(PROBLEM)]).alone(scope)
    assert watch is not None
    assert 0 < watch(2) < math.inf


def test_every_copy_on_the_device_is_the_image(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = noise(PROBLEM)
    monkeypatch.setattr(device, "cache_bytes", 3 * image.nbytes)
    there = place_on(device, image, "cold").images
    assert len(there) > 1
    assert all(np.array_equal(fetched(device, one, image), image) for one in there)
