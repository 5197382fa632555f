"""The transpose of a blur, held against the blur itself and against its matrix transposed.

The matrix of an axis is what scipy.ndimage makes of its unit impulses, in float64.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy.ndimage
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import blurbench
from blurbench.backends.backend import Implementation
from blurbench.backends.registry import backends
from blurbench.border import BORDERS
from blurbench.errors import InputError
from blurbench.plan import Plan
from helpers.covering import covering

Array = np.ndarray[Any, Any]

FLOATS = ("float16", "float32", "float64")
# What an exact blur may be off, as a share of the largest value that it can make.
ROUNDING = {"float16": 2**-11, "float32": 1e-6, "float64": 1e-13}
OWN_ADJOINT = ("reflect", "wrap", "constant")

each_border = pytest.mark.parametrize("border", BORDERS)
each_dtype = pytest.mark.parametrize("dtype", FLOATS)


def plan_of(
    implementation: Implementation,
    shape: tuple[int, ...] = (6, 5),
    *,
    size: int = 5,
    border: str = "nearest",
    cval: float = 3.5,
    dtype: str = "float32",
) -> Plan:
    return blurbench.prepare(
        shape,
        size=size,
        border=border,
        cval=cval,
        dtype=dtype,
        method=implementation.method,
        backend=implementation.backend,
        threads=1,
    )


def linear_plan_of(implementation: Implementation, *args: Any, **how: Any) -> Plan:
    return plan_of(implementation, *args, cval=0.0, **how)


def noise(plan: Plan, seed: int = 0) -> Array:
    values = np.random.default_rng(seed).uniform(-1, 1, plan.problem.shape)
    return values.astype(plan.problem.dtype)


def transposed(plan: Plan, gradient: Array) -> Array:
    """The gradient times the transposed matrix of each axis, in float64."""
    result = gradient.astype(np.float64)
    for axis in (0, 1):
        matrix = scipy.ndimage.correlate1d(
            np.eye(result.shape[axis]), plan.problem.kernel.taps, 0, mode=plan.problem.border
        )
        result = np.moveaxis(np.tensordot(matrix.T, result, axes=(1, axis)), 0, axis)
    return result


def allowed(plan: Plan) -> float:
    """The rounding of an adjoint of values up to 1; under `nearest` a pixel gathers many."""
    largest = float(transposed(plan, np.ones(plan.problem.shape)).max())
    return ROUNDING[plan.problem.dtype.name] * max(1.0, largest)


def refusal(plan: Plan, gradient: Array, out: Array | None = None) -> str:
    """The message with which the adjoint is refused, which is one line."""
    with pytest.raises(InputError) as refused:
        plan.adjoint(gradient, out)
    message = str(refused.value)
    assert len(message.splitlines()) == 1
    return message


@st.composite
def extents(draw: st.DrawFn) -> tuple[tuple[int, ...], int]:
    """A shape from 1x1, and an odd size up to four times its longer side."""
    height, width = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    channels = draw(st.sampled_from([(), (1,), (2,), (3,)]))
    size = 2 * draw(st.integers(0, 2 * max(height, width) - 1)) + 1
    return (height, width, *channels), size


@settings(max_examples=30)
@given(
    data=st.data(),
    extent=extents(),
    dtype=st.sampled_from(FLOATS),
    seed=st.integers(0, 2**32),
)
def test_the_blur_and_its_adjoint_have_the_same_dot_products(
    implementation: Implementation,
    data: st.DataObject,
    extent: tuple[tuple[int, ...], int],
    dtype: str,
    seed: int,
) -> None:
    assume(dtype in implementation.dtypes)
    border = data.draw(st.sampled_from(implementation.borders))
    shape, size = extent
    plan = linear_plan_of(implementation, shape, size=size, border=border, dtype=dtype)
    x, y = noise(plan, seed), noise(plan, seed + 1)
    forward = np.vdot(plan(x).astype(np.float64), y.astype(np.float64))
    backward = np.vdot(x.astype(np.float64), plan.adjoint(y).astype(np.float64))
    in_blur = ROUNDING[dtype] * np.abs(y).sum(dtype=np.float64)
    in_adjoint = allowed(plan) * np.abs(x).sum(dtype=np.float64)
    assert abs(forward - backward) <= in_blur + in_adjoint


@covering(
    border=BORDERS,
    dtype=FLOATS,
    shape=((1, 1), (1, 7), (7, 1), (2, 5), (9, 6), (5, 4, 3)),
    size=(1, 3, 9, 35),
)
def test_it_is_the_transposed_matrix(
    implementation: Implementation, dtype: str, border: str, shape: tuple[int, ...], size: int
) -> None:
    plan = plan_of(implementation, shape, size=size, border=border, dtype=dtype)
    gradient = noise(plan)
    expected = transposed(plan, gradient)
    result = plan.adjoint(gradient).astype(np.float64)
    np.testing.assert_allclose(result, expected, rtol=0, atol=allowed(plan))


@pytest.mark.parametrize("border", ["mirror", "nearest"])
def test_sums_of_very_many_terms_keep_their_digits(
    implementation: Implementation, border: str
) -> None:
    size = 101 if implementation.method == "direct" else 255
    plan = plan_of(implementation, (48, 40), size=size, border=border)
    gradient = np.ones((48, 40), np.float32)
    expected = transposed(plan, gradient)
    np.testing.assert_allclose(plan.adjoint(gradient), expected, rtol=0, atol=allowed(plan))


@each_border
@pytest.mark.parametrize("dtype", ["float16"])
def test_float16_gradients_near_their_largest_do_not_overflow(
    implementation: Implementation, dtype: str, border: str
) -> None:
    plan = plan_of(implementation, size=3, border=border, dtype=dtype)
    gradient = np.full((6, 5), 30000, dtype)
    expected = transposed(plan, gradient)
    atol = 30000 * allowed(plan)
    np.testing.assert_allclose(plan.adjoint(gradient), expected, rtol=0, atol=atol)


@pytest.mark.parametrize("border", OWN_ADJOINT)
def test_under_the_borders_that_fold_evenly_it_is_the_blur(
    implementation: Implementation, border: str
) -> None:
    plan = linear_plan_of(implementation, (9, 7), border=border)
    assert np.array_equal(plan.adjoint(noise(plan)), plan(noise(plan)))


@each_border
def test_the_value_of_the_border_is_no_part_of_it(
    implementation: Implementation, border: str
) -> None:
    plans = [plan_of(implementation, border=border, cval=cval) for cval in (0.0, 500.0)]
    assert np.array_equal(*(plan.adjoint(noise(plan)) for plan in plans))


@each_border
def test_channels_go_back_each_on_its_own(implementation: Implementation, border: str) -> None:
    plan, flat = (plan_of(implementation, shape, border=border) for shape in ((6, 5, 3), (6, 5)))
    gradient = noise(plan)
    alone = [flat.adjoint(np.ascontiguousarray(gradient[:, :, channel])) for channel in range(3)]
    expected = np.stack(alone, axis=2)
    np.testing.assert_allclose(plan.adjoint(gradient), expected, rtol=0, atol=2 * allowed(plan))


@covering(border=BORDERS, dtype=FLOATS)
def test_the_result_is_written_into_out_and_returned(
    implementation: Implementation, dtype: str, border: str
) -> None:
    plan = plan_of(implementation, (6, 5, 3), border=border, dtype=dtype)
    gradient = noise(plan)
    kept, out = gradient.copy(), np.zeros_like(gradient)
    assert plan.adjoint(gradient, out) is out
    assert np.array_equal(out, plan.adjoint(gradient))
    assert np.array_equal(gradient, kept)


@each_border
def test_out_may_be_the_gradient_itself(implementation: Implementation, border: str) -> None:
    plan = plan_of(implementation, border=border)
    gradient = noise(plan)
    expected = plan.adjoint(gradient)
    assert np.array_equal(plan.adjoint(gradient, gradient), expected)


@each_border
def test_the_blur_is_the_same_after_it(implementation: Implementation, border: str) -> None:
    plan = plan_of(implementation, border=border)
    before = plan(noise(plan))
    plan.adjoint(noise(plan))
    assert np.array_equal(plan(noise(plan)), before)


@each_dtype
@pytest.mark.parametrize("border", ["nearest"])
def test_the_plans_that_it_takes_are_kept_and_counted(
    implementation: Implementation, border: str, dtype: str
) -> None:
    plan = plan_of(implementation, border=border, dtype=dtype)
    counts = [plan.nbytes]
    for _ in range(2):
        plan.adjoint(noise(plan))
        counts.append(plan.nbytes)
    assert counts[0] < counts[1] == counts[2]


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_a_plan_of_integers_has_none(implementation: Implementation, dtype: str) -> None:
    plan = plan_of(implementation, border="reflect", dtype=dtype)
    assert refusal(plan, noise(plan)) == (
        f"a plan of {dtype} has no adjoint, for it rounds: prepare it with dtype float32"
    )


def test_an_approximate_plan_has_none() -> None:
    how = {"border": "nearest", "backend": "pillow", "method": "extended_box"}
    plan = blurbench.prepare((6, 5), sigma=2, dtype="uint8", **how)
    assert "call blurbench.prepare with an exact method" in refusal(plan, noise(plan))


def test_a_nearest_plan_whose_method_lacks_constant_has_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    owner = backends()["numpy"]
    narrow = tuple(replace(one, borders=("nearest",)) for one in owner.implementations)
    monkeypatch.setitem(backends(), "numpy", replace(owner, implementations=narrow))
    plan = plan_of(narrow[0])
    assert refusal(plan, noise(plan)) == (
        "numpy:direct has no adjoint here: it would have to blur float32 under 'constant', "
        "which it does not; use another method or backend"
    )


@pytest.mark.parametrize("border", ["reflect"])
def test_a_gradient_or_out_of_another_shape_or_dtype_is_refused_naming_both(
    implementation: Implementation, border: str
) -> None:
    plan = plan_of(implementation, border=border)
    good, bad = noise(plan), np.zeros((5, 6))
    made_for = "this plan was made for float32 (6, 5)"
    assert refusal(plan, bad) == f"gradient is float64 (5, 6): {made_for}"
    assert refusal(plan, good, bad) == f"out is float64 (5, 6): {made_for}"
