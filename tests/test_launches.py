"""The array code on CuPy: few launches, no array turned about for nothing, and exact.

CuPy and cuBLAS are played by NumPy, which counts what they would launch.
"""

from __future__ import annotations

import tracemalloc
from functools import partial
from typing import Any

import numpy as np
import pytest
import scipy.fft

from blurbench.backends import cupy, cupyx, gpu
from blurbench.backends import numpy as host
from blurbench.border import BORDERS
from blurbench.methods.approximate import BOXES
from blurbench.methods.whole.fft import PlaneFourier, WholeFFTPlan
from blurbench.problem import Problem
from helpers import counted
from helpers.contract import noise, problem_of, reference, share_of_allowed
from helpers.covering import covering

OURS = {one.name: one for one in cupy.backend.implementations if one.origin == "ours"}
OURS["cupyx:fft"] = next(one for one in cupyx.backend.implementations if one.method == "fft")
EXACT = tuple(name for name, one in OURS.items() if one.exact)
TENS = 60
# The dense sum is one product for two rows of the kernel, beside their sum; 255 rows in tens of
# launches would take the image side by side with itself as often.
LAUNCHES = {"cupy:direct": {15: 30, 255: 280}, "cupy:box": {15: 80, 255: 80}}
LAUNCHES["cupy:extended_box"] = {15: 100, 255: 100}
TURNS = {"cupy:box": 2, "cupy:extended_box": 2}  # sums are along rows, so columns are turned

each_method = pytest.mark.parametrize("name", OURS)


def blur(name: str, problem: Problem, image: Any, *, computes: bool = True) -> Any:
    """By an implementation, after which the tally has the launches of one call."""
    with counted.installed(computes=computes) as tally:
        plan = OURS[name].prepare(problem)
        given = image.view(counted.OnDevice)
        tally.launches = tally.turns = 0
        return np.asarray(plan(given))


@each_method
@pytest.mark.parametrize("size", [15, 255])
def test_a_blur_takes_few_launches(name: str, size: int) -> None:
    problem = problem_of(size, (1024, 1024))
    blur(name, problem, np.zeros(problem.shape, problem.dtype), computes=False)
    assert 3 < counted.tally.launches <= LAUNCHES.get(name, {}).get(size, TENS)


@each_method
def test_no_array_is_turned_about_for_nothing(name: str) -> None:
    problem = problem_of(15, (96, 80))
    blur(name, problem, np.zeros(problem.shape, problem.dtype), computes=False)
    assert counted.tally.turns == TURNS.get(name, 0)


@covering(
    name_and_border=[(name, border) for name in EXACT for border in OURS[name].borders],
    dtype=("uint8", "uint16", "float16", "float32", "float64"),
    shape=((1, 1), (1, 40), (33, 1), (130, 37), (20, 131, 3), (9, 7, 4)),
    size=(1, 3, 15, 33, 101),
)
def test_a_blur_is_exact(
    name_and_border: tuple[str, str], dtype: str, shape: tuple[int, ...], size: int
) -> None:
    name, border = name_and_border
    problem = problem_of(size, shape, dtype, border)
    image = noise(problem)
    result = blur(name, problem, image)
    assert share_of_allowed(result, reference(image, problem), image, problem) <= 1


@pytest.mark.parametrize("name", EXACT)
def test_a_bright_flat_image_of_many_taps_stays_exact(name: str) -> None:
    problem = problem_of(255, (140, 10))
    image = noise(problem, 200, 201)
    result = blur(name, problem, image)
    assert share_of_allowed(result, reference(image, problem), image, problem) <= 1


@pytest.mark.parametrize("allowed", [False, True])
def test_products_round_their_factors_where_that_is_allowed(
    allowed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(gpu.TF32, "1" if allowed else "0")
    problem = problem_of(15, (20, 20))
    blur("cupy:banded", problem, noise(problem))
    assert counted.tally.rounded is allowed


@pytest.mark.parametrize("method", [*BOXES, "multirate"])
@covering(border=BORDERS, shape=((1, 40), (60, 37), (20, 31, 3)), size=(9, 41))
def test_approximations_are_those_of_numpy(
    method: str, border: str, shape: tuple[int, ...], size: int
) -> None:
    problem = problem_of(size, shape, "float64", border)
    image = noise(problem)
    one = host.backend.implementation(method)
    assert one is not None
    expected = one.prepare(problem)(image)
    np.testing.assert_allclose(blur(f"cupy:{method}", problem, image), expected, atol=1e-10)


@pytest.mark.parametrize("border", BORDERS)
def test_poor_transforms_do_not_see_the_level(border: str) -> None:
    def there(array: Any, **how: Any) -> Any:
        return scipy.fft.rfftn(array, **how) * np.float32(1 + 1e-4)

    fourier = PlaneFourier(
        there, partial(scipy.fft.irfftn, norm="forward"), scipy.fft.next_fast_len
    )
    problem = problem_of(15, (64, 50), border=border, cval=200.0)
    image = noise(problem, 199.5, 200.5)
    result = WholeFFTPlan(np, problem, fourier)(image)
    assert share_of_allowed(result, reference(image, problem), image, problem) <= 1


SMALL = 2**16  # bytes: what Python's own objects take


@each_method
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("size", [15, 201])
def test_a_call_takes_the_memory_that_was_predicted(name: str, dtype: str, size: int) -> None:
    problem = problem_of(size, (300, 200, 3), dtype)
    image = np.zeros(problem.shape, problem.dtype).view(counted.OnDevice)
    out = np.empty_like(image)
    with counted.installed(computes=False):
        OURS[name].prepare(problem)(image, out)  # what is kept from now on is there
        tracemalloc.start()
        try:
            plan = OURS[name].prepare(problem)
            tracemalloc.reset_peak()
            plan(image, out)
            _, taken = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        predicted = OURS[name].work_bytes(problem)
    assert plan.nbytes <= taken + SMALL
    assert taken <= predicted + SMALL
    assert predicted <= 2 * taken
