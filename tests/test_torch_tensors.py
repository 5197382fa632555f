"""Tensors of PyTorch really blurred, on the GPU where it finds one, else on the CPU.

The same code makes a device of either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from blurbench import gaussian_blur
from blurbench.backends.backend import Availability, Backend
from blurbench.backends.torch_gpu.accelerator import Accelerator, this_accelerator
from blurbench.backends.torch_gpu.devices import TorchDevices
from blurbench.backends.torch_gpu.dtypes import check, refusal_of
from blurbench.backends.torch_gpu.probing import probe
from blurbench.border import BORDERS
from blurbench.plan import Plan
from blurbench.problem import Problem
from blurbench.study.point.device_cells import DeviceCell, place_on
from helpers.contract import noise, problem_of, reference, share_of_allowed
from helpers.covering import covering
from helpers.refused import refusal

METHODS = ("direct", "separable")
DTYPES = ("uint8", "uint16", "float16", "float32", "float64")
SHAPES = ((1, 1), (5, 1), (33, 47), (12, 10, 1), (21, 20, 3))
ALONE = ("upload", "download", "upload_pinned", "download_pinned", "launch", "end_to_end_pipelined")


@pytest.fixture(scope="module")
def torch() -> Iterator[Any]:
    """PyTorch on one thread: what else runs here does not hold up the others."""
    library = pytest.importorskip("torch", reason="PyTorch is not installed")
    threads = library.get_num_threads()
    library.set_num_threads(1)
    yield library
    library.set_num_threads(threads)


@pytest.fixture(scope="module")
def accelerator(torch: Any) -> Accelerator:
    return this_accelerator() if probe().ok else Accelerator(torch, "cpu")


@pytest.fixture(scope="module")
def backend(accelerator: Accelerator) -> Backend:
    return TorchDevices(lambda: accelerator).backend("tensors", Availability)


@pytest.fixture
def lay(torch: Any, accelerator: Accelerator) -> Callable[..., Any]:
    """Lays a host array on the device."""
    return lambda array: torch.tensor(array, device=accelerator.device(0))


def plan_of(backend: Backend, problem: Problem, method: str = "separable") -> Plan:
    one = backend.implementation(method)
    assert one is not None
    plan = one.prepare(problem)
    plan.prepare = one.prepare_sibling
    return plan


# Plans.


@covering(method=METHODS, dtype=DTYPES, border=BORDERS, size=(1, 3, 41), shape=SHAPES)
def test_a_host_image_is_blurred_within_the_contract(
    backend: Backend,
    accelerator: Accelerator,
    method: str,
    dtype: str,
    border: str,
    size: int,
    shape: tuple[int, ...],
) -> None:
    problem = problem_of(size, shape, dtype, border)
    reason = refusal_of(accelerator, 0, dtype, problem.work_dtype.name)
    if reason is not None:
        pytest.skip(f"{accelerator.name(0)} has no {dtype}: {reason}")
    image = noise(problem)
    assert backend.carry is not None
    result = backend.carry(plan_of(backend, problem, method), image)
    assert share_of_allowed(result, reference(image, problem), image, problem) <= 1


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("shape", [(9, 11), (8, 7, 3)], ids=str)
def test_the_adjoint_is_the_transpose(
    backend: Backend, lay: Callable[..., Any], border: str, shape: tuple[int, ...]
) -> None:
    problem = problem_of(9, shape, border=border, cval=0.0)
    plan, image, gradient = plan_of(backend, problem), noise(problem), noise(problem, seed=2)
    blurred, back = plan(lay(image)).cpu().numpy(), plan.adjoint(lay(gradient)).cpu().numpy()
    forth = np.sum(blurred * gradient, dtype=np.float64)
    assert np.sum(image * back, dtype=np.float64) == pytest.approx(forth, rel=1e-6)


@pytest.mark.parametrize("border", ["mirror", "nearest"])
def test_the_adjoint_leaves_its_gradient_as_it_is(
    backend: Backend, torch: Any, lay: Callable[..., Any], border: str
) -> None:
    problem = problem_of(5, (9, 11), border=border)
    gradient = lay(noise(problem))
    before = gradient.clone()
    plan_of(backend, problem).adjoint(gradient)
    assert torch.equal(gradient, before)


@pytest.mark.parametrize("border", ["mirror", "nearest"])
def test_the_adjoint_may_overwrite_its_gradient(
    backend: Backend, torch: Any, lay: Callable[..., Any], border: str
) -> None:
    problem = problem_of(5, (9, 11), border=border)
    plan, gradient = plan_of(backend, problem), lay(noise(problem))
    expected = plan.adjoint(gradient)
    assert torch.equal(plan.adjoint(gradient, out=gradient), expected)


@pytest.mark.parametrize("shape", [(12, 10), (12, 10, 3)], ids=str)
def test_a_tensor_is_blurred_into_one_that_is_not_contiguous(
    backend: Backend, torch: Any, lay: Callable[..., Any], shape: tuple[int, ...]
) -> None:
    problem = problem_of(9, shape)
    plan, image = plan_of(backend, problem), lay(noise(problem))
    wide = torch.zeros_like(image).repeat_interleave(2, 1)
    out = plan(image, wide[:, ::2])
    assert torch.equal(out, plan(image))
    assert not wide[:, 1::2].any()


@pytest.mark.parametrize("shape", [(12, 10), (12, 10, 3)], ids=str)
def test_each_tensor_of_a_stack_is_blurred_as_alone(
    backend: Backend, torch: Any, lay: Callable[..., Any], shape: tuple[int, ...]
) -> None:
    problem = problem_of(9, shape)
    plan = plan_of(backend, problem)
    images = lay(np.stack([noise(problem), noise(problem, seed=2)])).requires_grad_()
    expected = torch.stack([plan(image) for image in images.detach()])
    assert torch.equal(plan.stack(images), expected)


def test_the_results_of_a_stack_may_overwrite_it(
    backend: Backend, torch: Any, lay: Callable[..., Any]
) -> None:
    problem = problem_of(9, (12, 10))
    plan = plan_of(backend, problem)
    images = lay(np.stack([noise(problem), noise(problem, seed=2)]))
    expected = plan.stack(images)
    assert torch.equal(plan.stack(images, out=images), expected)


def test_a_result_may_overwrite_its_image(
    backend: Backend, torch: Any, lay: Callable[..., Any]
) -> None:
    problem = problem_of(9, (12, 10))
    plan, image = plan_of(backend, problem), lay(noise(problem))
    expected = plan(image)
    assert torch.equal(plan(image, out=image), expected)


def test_two_plans_do_the_same_to_the_last_bit(
    backend: Backend, torch: Any, lay: Callable[..., Any]
) -> None:
    problem = problem_of(15, (40, 30, 3))
    image = lay(noise(problem))
    first, second = (plan_of(backend, problem)(image) for _ in range(2))
    assert torch.equal(first, second)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_cpu_takes_every_type(torch: Any, dtype: str) -> None:
    check(Accelerator(torch, "cpu"), 0, problem_of(3, (4, 5), dtype))


# What is no image for a plan.


def test_what_is_no_stack_of_tensors_is_refused(backend: Backend) -> None:
    problem = problem_of(9, (12, 10))
    said = refusal(plan_of(backend, problem).stack, [noise(problem)])
    assert said.startswith("images is builtins.list: plans of torch_gpu take PyTorch's tensors")


def test_a_host_image_is_no_image_for_a_plan(backend: Backend) -> None:
    problem = problem_of(9, (12, 10))
    said = refusal(plan_of(backend, problem), noise(problem))
    assert said == (
        "image is numpy.ndarray: plans of torch_gpu take PyTorch's tensors; "
        "give NumPy's arrays to blurbench.gaussian_blur"
    )


def test_a_tensor_that_lies_elsewhere_is_refused(
    backend: Backend, torch: Any, accelerator: Accelerator
) -> None:
    problem = problem_of(9, (12, 10))
    said = refusal(plan_of(backend, problem), torch.empty((12, 10), device="meta"))
    assert said == f"image lies on meta: this plan was made for {accelerator.device(0)}"


def test_a_tensor_of_another_type_is_refused(backend: Backend, lay: Callable[..., Any]) -> None:
    problem = problem_of(9, (12, 10))
    said = refusal(plan_of(backend, problem), lay(np.zeros((12, 10), np.uint8)))
    assert said == "image is torch.uint8 (12, 10): this plan was made for float32 (12, 10)"


# The device.


def test_every_scope_of_a_cell_is_timed(backend: Backend) -> None:
    problem = problem_of(9, (33, 47, 3))
    image = noise(problem)
    assert backend.open_device is not None
    one, device = backend.implementation("separable"), backend.open_device(0)
    assert one is not None
    cell = DeviceCell(one, problem, [image], place_on(device, image, "hot"))
    watches = [*cell.scopes.values(), *map(cell.alone, ALONE)]
    assert all(watch is not None and watch(1) > 0 for watch in watches)
    assert share_of_allowed(cell.out, reference(image, problem), image, problem) <= 1


def test_an_array_is_copied_on_the_device(backend: Backend, lay: Callable[..., Any]) -> None:
    image = noise(problem_of(3, (16, 17, 3)))
    assert backend.open_device is not None
    device = backend.open_device(0)
    for copy in device.copies():
        target = device.empty(image.shape, image.dtype)
        copy(lay(image), target)
        assert np.array_equal(target.cpu().numpy(), image)


# One call for one image.


@pytest.fixture
def planted(backend: Backend, plant: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    """The backend by the name `tensors`; every tensor counts as one that lies on a GPU."""
    plant(backend)
    tensors = "torch"
    monkeypatch.setattr(
        "blurbench.blur.lies_on_gpu", lambda image: type(image).__module__ == tensors
    )


@pytest.mark.usefixtures("planted")
def test_a_tensor_comes_back_as_one(torch: Any, lay: Callable[..., Any]) -> None:
    problem = problem_of(9, (12, 10), "uint8")
    image = noise(problem)
    blurred = gaussian_blur(lay(image), size=9, backend="tensors")
    assert blurred.dtype == torch.uint8
    expected = reference(image, problem)
    assert share_of_allowed(blurred.cpu().numpy(), expected, image, problem) <= 1


@pytest.mark.usefixtures("planted")
def test_a_stack_of_tensors_comes_back_as_one(torch: Any, lay: Callable[..., Any]) -> None:
    problem = problem_of(9, (12, 10))
    images = np.stack([noise(problem), noise(problem, seed=2)])
    blurred = gaussian_blur(lay(images), size=9, backend="tensors", stack=True)
    assert isinstance(blurred, torch.Tensor)
    for image, one in zip(images, blurred.cpu().numpy(), strict=True):
        assert share_of_allowed(one, reference(image, problem), image, problem) <= 1


@pytest.mark.usefixtures("planted")
def test_a_tensor_is_converted_where_another_type_is_asked_for(
    torch: Any, lay: Callable[..., Any]
) -> None:
    image = lay(np.ones((12, 10), np.uint8))
    assert gaussian_blur(image, size=9, backend="tensors", dtype="float32").dtype == torch.float32


@pytest.mark.usefixtures("planted")
def test_the_method_for_a_tensor_may_be_left_to_auto(lay: Callable[..., Any]) -> None:
    image = lay(np.ones((12, 10), np.float32))
    blurred = gaussian_blur(image, size=9, backend="tensors", method="auto")
    assert tuple(blurred.shape) == (12, 10)


@pytest.mark.usefixtures("planted")
def test_a_host_image_that_must_not_be_written_to_comes_back_as_one() -> None:
    problem = problem_of(9, (12, 10))
    image = noise(problem)
    image.flags.writeable = False
    blurred = gaussian_blur(image, size=9, backend="tensors")
    assert type(blurred) is np.ndarray
    assert share_of_allowed(blurred, reference(image, problem), image, problem) <= 1
