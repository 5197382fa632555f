"""The transpose of a blur: held against the blur itself, and against its matrix transposed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import blurbench
from blurbench.backends.backend import Implementation
from blurbench.border import BORDERS
from blurbench.errors import InputError
from blurbench.kernel import GaussianKernel
from blurbench.plan import Plan, Problem

Array = np.ndarray[Any, Any]

each_border = pytest.mark.parametrize("border", BORDERS)


def plan_of(implementation: Implementation, shape: tuple[int, ...], **how: Any) -> Plan:
    return blurbench.prepare(
        shape, method=implementation.method, backend=implementation.backend, **how
    )


def noise(shape: tuple[int, ...], dtype: str, seed: int) -> Array:
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(dtype)


@st.composite
def blurs(draw: st.DrawFn) -> tuple[tuple[int, ...], int]:
    """A shape, and an odd size up to four times its longer side."""
    height, width = draw(st.integers(1, 14)), draw(st.integers(1, 14))
    channels = draw(st.sampled_from([(), (1,), (3,), (4,)]))
    return (height, width, *channels), draw(st.integers(0, 2 * max(height, width) - 1)) * 2 + 1


@each_border
@settings(max_examples=12)
@given(case=blurs(), dtype=st.sampled_from(["float32", "float64"]), seed=st.integers(0, 99))
def test_both_sides_of_the_product_are_the_same(
    implementation: Implementation,
    border: str,
    case: tuple[tuple[int, ...], int],
    dtype: str,
    seed: int,
) -> None:
    shape, size = case
    plan = plan_of(implementation, shape, size=size, border=border, dtype=dtype)
    x, y = noise(shape, dtype, seed), noise(shape, dtype, seed + 1)
    forward = np.vdot(plan(x).astype(np.float64), y)
    backward = np.vdot(x.astype(np.float64), plan.adjoint(y))
    rounding = (1e-6 if dtype == "float32" else 1e-13) * x.size * max(1.0, min(size, 9))
    assert abs(forward - backward) <= rounding


@pytest.mark.parametrize("border", ["mirror", "nearest"])
@pytest.mark.parametrize(("shape", "size"), [((5, 4), 3), ((4, 6), 21), ((1, 5), 9), ((3, 2), 1)])
def test_it_is_the_transposed_matrix(
    implementation: Implementation,
    border: str,
    shape: tuple[int, ...],
    size: int,
    reference: Callable[[Array, Problem], Array],
) -> None:
    problem = Problem(GaussianKernel.from_size(size), shape, np.dtype(np.float64), border)
    impulses = np.eye(np.prod(shape)).reshape(-1, *shape)
    # A row for each impulse: the transposed matrix of the blur.
    matrix = np.stack([reference(one, problem).ravel() for one in impulses])
    gradient = noise(shape, "float64", 1)
    plan = plan_of(implementation, shape, size=size, border=border, dtype="float64")
    expected = (matrix @ gradient.ravel()).reshape(shape)
    np.testing.assert_allclose(plan.adjoint(gradient), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("border", ["reflect", "wrap", "constant"])
def test_under_three_borders_the_blur_is_its_own_adjoint(
    implementation: Implementation, border: str
) -> None:
    plan = plan_of(implementation, (9, 7), size=5, border=border)
    gradient = noise((9, 7), "float32", 2)
    assert np.array_equal(plan.adjoint(gradient), plan(gradient))


@pytest.mark.parametrize("border", ["constant"])
def test_what_lies_outside_is_no_part_of_it(implementation: Implementation, border: str) -> None:
    gradient = noise((9, 7), "float32", 3)
    plans = (plan_of(implementation, (9, 7), size=5, border=border, cval=cval) for cval in (0, 500))
    first, second = (plan.adjoint(gradient) for plan in plans)
    assert np.array_equal(first, second)


def test_what_falls_outside_keeps_its_digits_however_much_it_is() -> None:
    gradient = noise((3000, 1), "float32", 6) + np.float32(1)
    found = {
        dtype: blurbench.prepare(
            (3000, 1), sigma=1500, truncate=2, border="nearest", method="fft", dtype=dtype
        ).adjoint(gradient.astype(dtype))
        for dtype in ("float32", "float64")
    }
    np.testing.assert_allclose(found["float32"], found["float64"], rtol=2e-6, atol=1e-6)


def test_the_plan_that_it_needs_is_counted() -> None:
    plan = blurbench.prepare((30, 20), size=9, border="nearest", method="fft")
    before = plan.nbytes
    for _ in range(2):
        plan.adjoint(np.ones((30, 20), np.float32))
    enlarged = blurbench.prepare((40, 30), size=9, border="nearest", method="fft")
    assert plan.nbytes == before + enlarged.nbytes


@each_border
def test_the_gradient_is_left_as_it_was(border: str) -> None:
    gradient = noise((6, 5), "float32", 4)
    kept = gradient.copy()
    blurbench.prepare((6, 5), size=5, border=border).adjoint(gradient)
    assert np.array_equal(gradient, kept)


@each_border
def test_out_is_filled_and_returned(border: str) -> None:
    plan = blurbench.prepare((6, 5, 3), size=5, border=border)
    gradient, out = noise((6, 5, 3), "float32", 5), np.empty((6, 5, 3), np.float32)
    assert plan.adjoint(gradient, out) is out
    assert np.array_equal(out, plan.adjoint(gradient))


def test_a_blur_that_rounds_has_none() -> None:
    plan = blurbench.prepare((6, 5), size=5, dtype="uint8")
    with pytest.raises(InputError, match="rounded to uint8 has no adjoint: prepare it for float32"):
        plan.adjoint(np.zeros((6, 5), np.uint8))


def test_an_approximate_blur_has_none() -> None:
    plan = blurbench.prepare((6, 5), size=5)
    plan.prepare = None
    with pytest.raises(InputError, match="exact method"):
        plan.adjoint(np.zeros((6, 5), np.float32))


def test_a_gradient_of_another_shape_is_refused() -> None:
    plan = blurbench.prepare((6, 5), size=5)
    with pytest.raises(InputError, match="gradient is float32"):
        plan.adjoint(np.zeros((5, 6), np.float32))
