"""The optional libraries: what is said where one is missing, and their plans on made-up twins.

The plans of PyTorch run for real in the exactness contract's tests, where it is installed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import scipy.ndimage

from blurbench.backends import conv2d, cucim, gpu, optional, torch
from blurbench.backends.backend import Availability
from blurbench.border import BORDERS
from blurbench.extras import install
from blurbench.kernel import GaussianKernel
from blurbench.names import DTYPES
from blurbench.problem import Problem
from helpers.contract import EXACT_ON_CPU, noise, reference, share_of_allowed

Array = np.ndarray[Any, Any]

REASON, REMEDY = "no NVIDIA driver was found on this machine", "install the NVIDIA driver"


def raising(error: Exception) -> Callable[..., Any]:
    """A function that raises this, whatever it is given."""

    def fail(*_: Any) -> Any:
        raise error.with_traceback(None)

    return fail


def examined(load: Callable[[], Any]) -> Availability:
    return optional.examine(load, "cucim", "cuCIM", "cucim13")


# What is missing.


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ModuleNotFoundError("No module named 'cucim'", name="cucim"), "cuCIM is not installed"),
        (
            ModuleNotFoundError("No module named 'skimage'", name="skimage"),
            "cuCIM cannot be imported: No module named 'skimage'",
        ),
        (OSError("libcudart.so\nno such file"), "cuCIM cannot be imported: libcudart.so"),
        (RuntimeError(), "cuCIM cannot be imported: RuntimeError"),
    ],
    ids=["not installed", "a part not installed", "broken", "of no words"],
)
def test_a_library_that_cannot_be_imported_is_the_reason(error: Exception, reason: str) -> None:
    remedy = install("cucim13", upgrade="cannot" in reason)
    assert examined(raising(error)) == Availability(reason, remedy)


def test_a_library_that_can_be_imported_tells_its_version() -> None:
    found = examined(lambda: SimpleNamespace(__version__="26.10.0"))
    assert found == Availability(versions={"cucim": "26.10.0"})


def test_a_missing_gpu_is_told_before_a_missing_library(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = Availability(REASON, REMEDY)
    monkeypatch.setattr(gpu, "probe", lambda: absent)
    assert optional.on_gpu(lambda: Availability("cuCIM is not installed", "")) is absent


@pytest.fixture
def on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Availability(versions={"cupy": "14.2.0"}, devices=("Device 0",))
    monkeypatch.setattr(gpu, "probe", lambda: found)


@pytest.mark.usefixtures("on_a_gpu")
def test_on_a_gpu_the_versions_of_both_and_the_devices_are_told() -> None:
    found = optional.on_gpu(lambda: Availability(versions={"cucim": "26.10.0"}))
    both = {"cupy": "14.2.0", "cucim": "26.10.0"}
    assert found == Availability(versions=both, devices=("Device 0",))


@pytest.mark.usefixtures("on_a_gpu")
def test_on_a_gpu_a_missing_library_is_the_reason() -> None:
    found = optional.on_gpu(lambda: Availability("cuCIM is not installed", "install it"))
    assert (found.reason, found.remedy) == ("cuCIM is not installed", "install it")


# cuCIM's plan, on NumPy and SciPy's filter.


class Filter:
    """SciPy's correlate1d, which refuses what the fast kernels could not take; keeps its calls."""

    def __init__(self) -> None:
        self.dtypes: list[np.dtype[Any]] = []

    def __call__(
        self, image: Array, *, weights: Array, axis: int, output: Array, mode: str, cval: float
    ) -> None:
        assert image.ndim == 2
        assert image.flags.c_contiguous
        assert output.flags.c_contiguous
        assert image.dtype == weights.dtype == output.dtype
        assert not np.shares_memory(image, output)
        self.dtypes.append(image.dtype)
        scipy.ndimage.correlate1d(image, weights, axis, output, mode, cval)


def problem_of(
    shape: tuple[int, ...], dtype: str = "float32", border: str = "reflect", size: int = 9
) -> Problem:
    return Problem(GaussianKernel.from_size(size), shape, np.dtype(dtype), border, 7.25)


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 1), (17, 23), (9, 8, 1), (17, 23, 3)], ids=str)
@pytest.mark.parametrize("size", [1, 9, 41])
def test_cucim_is_given_what_makes_the_blur(
    size: int,
    shape: tuple[int, ...],
    dtype: str,
    border: str,
) -> None:
    problem = problem_of(shape, dtype, border, size)
    image = noise(problem)
    result = cucim.SharedMemoryPlan(np, Filter(), problem)(image)
    assert share_of_allowed(result, reference(image, problem), image, problem) <= 1


@pytest.mark.parametrize("shape", [(12, 10), (12, 10, 3)], ids=str)
def test_cucim_fills_an_out_that_is_not_contiguous(shape: tuple[int, ...]) -> None:
    problem = problem_of(shape)
    plan, wide = cucim.SharedMemoryPlan(np, Filter(), problem), np.zeros((12, 20, *shape[2:]), "f4")
    out = plan(noise(problem), wide[:, ::2])
    assert np.array_equal(out, plan(noise(problem)))
    assert not wide[:, 1::2].any()


@pytest.mark.parametrize(
    ("size", "dtype", "expected"),
    [(125, "float32", "float32"), (127, "float32", "float64"), (3, "float64", "float64")],
)
def test_cucim_sums_long_kernels_in_float64(size: int, dtype: str, expected: str) -> None:
    problem, taken = problem_of((8, 9), dtype, size=size), Filter()
    cucim.SharedMemoryPlan(np, taken, problem)(noise(problem))
    assert taken.dtypes == [np.dtype(expected)] * 2


def test_cucim_tells_the_memory_that_it_holds_at_most() -> None:
    problem = problem_of((8, 9, 3), size=127)
    assert cucim.SharedMemoryPlan(np, Filter(), problem).nbytes <= cucim.work_bytes(problem)


# PyTorch's plan.


@pytest.mark.parametrize("size", [1, 3, 11, 13, 41, 101, 255])
@pytest.mark.parametrize("method", ["direct", "separable"])
def test_no_convolution_sums_more_taps_than_float32_bears(method: str, size: int) -> None:
    kernels = conv2d.kernels(GaussianKernel.from_size(size), method)
    parts = [taps for one in kernels for _, _, taps in conv2d.parts(one)]
    assert max(taps.size for taps in parts) <= conv2d.MOST_TAPS


@pytest.mark.parametrize("shape", [(1, 1), (5, 5), (1, 255), (255, 1), (41, 41), (255, 255)])
def test_the_parts_of_a_kernel_make_it_up(shape: tuple[int, int]) -> None:
    kernel, made = np.random.default_rng(0).uniform(1, 2, shape), np.zeros(shape)
    for top, left, taps in conv2d.parts(kernel):
        made[top : top + taps.shape[0], left : left + taps.shape[1]] += taps
    assert np.array_equal(made, kernel)


@pytest.mark.parametrize("method", ["direct", "separable"])
def test_pytorch_takes_part_in_the_exactness_contract(method: str) -> None:
    state = torch.probe()
    if not state.ok:
        pytest.skip(f"its part of the exactness contract was not tested: {state.explanation}")
    assert f"torch:{method}" in {one.name for one in EXACT_ON_CPU}


@pytest.fixture
def library() -> Any:
    return pytest.importorskip("torch", reason="PyTorch is not installed")


def plan_of(problem: Problem, method: str = "separable") -> Any:
    one = torch.backend.implementation(method)
    assert one is not None
    return one.prepare(problem)


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("shape", [(12, 10), (12, 10, 3)], ids=str)
def test_pytorch_fills_an_out_that_is_not_contiguous(shape: tuple[int, ...]) -> None:
    problem, wide = problem_of(shape), np.zeros((12, 20, *shape[2:]), "f4")
    plan = plan_of(problem)
    out = plan(noise(problem), wide[:, ::2])
    assert np.array_equal(out, plan(noise(problem)))
    assert not wide[:, 1::2].any()


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("shape", [(12, 10), (1, 10)], ids=str)
def test_pytorch_takes_an_image_of_any_layout_that_it_must_not_write_to(
    shape: tuple[int, ...],
) -> None:
    problem = problem_of(shape)
    image = noise(problem)[::-1]
    image.flags.writeable = False
    plan = plan_of(problem)
    assert np.array_equal(plan(image), plan(np.ascontiguousarray(image)))


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("method", ["direct", "separable"])
def test_two_plans_of_pytorch_do_the_same_to_the_last_bit(method: str) -> None:
    problem = problem_of((40, 30, 3))
    results = [plan_of(problem, method)(noise(problem)) for _ in range(8)]
    assert all(np.array_equal(results[0], other) for other in results)


def test_pytorch_takes_the_threads_of_the_problem_and_leaves_the_users(
    library: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    users, seen = library.get_num_threads(), []
    conv = library.nn.functional.conv2d

    def watched(*given: Any, **more: Any) -> Any:
        seen.append(library.get_num_threads())
        return conv(*given, **more)

    monkeypatch.setattr(library.nn.functional, "conv2d", watched)
    problem = replace(problem_of((12, 10)), threads=users + 1)
    plan_of(problem)(noise(problem))
    assert set(seen) == {users + 1}
    assert library.get_num_threads() == users
