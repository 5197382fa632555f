"""The exactness contract: every exact implementation on the CPU against float64 references.

The reference is two passes of scipy.ndimage in float64; on tiny images it is also a dense double
loop in plain Python over numpy.pad's borders, which shares no code with anyone.
"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blurbench.backends.backend import Implementation
from blurbench.backends.registry import find_backend, find_implementation
from blurbench.border import BORDERS
from blurbench.kernel import GaussianKernel
from blurbench.names import DTYPES
from blurbench.problem import Problem
from helpers.contract import noise, problem_of, reference, share_of_allowed
from helpers.covering import covering

Array = np.ndarray[Any, Any]

TINY = ((1, 1), (1, 7), (7, 1), (5, 3))
SHAPES = (*TINY, (17, 23, 1), (17, 23, 3), (16, 9, 4))
SIZES = (1, 3, 5, 15, 41, 101, 255)
DENSE_UP_TO = {2: 101, 3: 41}  # by the image's dimensions; larger dense sums take too long
RANGES = ((0.0, 1.0), (0.0, 255.0), (60000.0, 60255.0))
CVAL = 7.25
PAD_MODES = {
    "reflect": "symmetric",
    "mirror": "reflect",
    "nearest": "edge",
    "wrap": "wrap",
    "constant": "constant",
}

FLOATS = {"float32": 1e-6, "float64": 1e-13}  # and the rounding that they are allowed

each_border = pytest.mark.parametrize("border", BORDERS)
each_integer = pytest.mark.parametrize("dtype", ["uint8", "uint16"])
under_constant = pytest.mark.parametrize("border", ["constant"])


def dense_loop(image: Array, problem: Problem) -> Array:
    """The dense sum at every pixel, term by term in plain Python."""
    size, taps = problem.kernel.size, problem.kernel.taps.tolist()
    cval = {"constant_values": problem.cval} if problem.border == "constant" else {}
    mode: Any = PAD_MODES[problem.border]
    padded = np.pad(image.astype(np.float64), problem.kernel.radius, mode, **cval).tolist()
    blurred = np.empty(problem.shape)
    for row, column in np.ndindex(problem.shape):
        blurred[row, column] = math.fsum(
            taps[down] * taps[along] * padded[row + down][column + along]
            for down, along in product(range(size), range(size))
        )
    return blurred


@covering(3, border=BORDERS, dtype=DTYPES, shape=SHAPES, size=SIZES, values=RANGES)
def test_every_exact_implementation_keeps_the_contract(
    implementation: Implementation,
    shape: tuple[int, ...],
    dtype: str,
    border: str,
    size: int,
    values: tuple[float, float],
) -> None:
    if implementation.method == "direct":
        size = min(size, DENSE_UP_TO[len(shape)])
    if dtype == "uint8":
        values = min(values, RANGES[1])
    problem = problem_of(size, shape, dtype, border)
    image = noise(problem, *values, seed=sum(shape))
    result = implementation.prepare(problem)(image)
    assert share_of_allowed(result, reference(image, problem), image, problem) <= 1


@pytest.mark.parametrize("low", [0.0, 60000.0])
def test_sums_of_very_many_terms_keep_the_contract(
    implementation: Implementation,
    low: float,
) -> None:
    size = 101 if implementation.method == "direct" else 255
    problem = problem_of(size, (48, 40), "float32")
    image = noise(problem, low, low + 255)
    result = implementation.prepare(problem)(image)
    assert share_of_allowed(result, reference(image, problem), image, problem) <= 1


@each_border
def test_sides_that_are_large_primes_keep_the_contract(
    implementation: Implementation,
    border: str,
) -> None:
    problem = problem_of(3, (499, 509), "float32", border)
    image = np.full(problem.shape, -255, np.float32)
    image[:250] = 255  # most of it is of the lowest frequency, which the blur keeps
    result = implementation.prepare(problem)(image)
    assert share_of_allowed(result, reference(image, problem), image, problem) <= 1


@covering(border=BORDERS, dtype=DTYPES, shape=TINY, size=(1, 3, 5, 15))
def test_every_exact_implementation_agrees_with_a_dense_loop_in_plain_python(
    size: int,
    shape: tuple[int, ...],
    dtype: str,
    border: str,
) -> None:
    problem = problem_of(size, shape, dtype, border)
    image = noise(problem, 0, 255)
    expected = dense_loop(image, problem)
    broken = []
    shipped = [one for name in ("numpy", "scipy") for one in find_backend(name).implementations]
    for one in (one for one in shipped if one.exact and border in one.borders):
        result = one.prepare(problem)(image)
        share = share_of_allowed(result, expected, image, problem)
        if not share <= 1:
            broken.append(f"{one.name}: {share:.3g} of what is allowed")
    assert broken == []


@settings(max_examples=30)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    channels=st.sampled_from([None, 1, 2, 3, 5]),
    radius=st.integers(0, 30),
    sigma=st.floats(0.1, 40.0),
    data=st.data(),
    cval=st.floats(-300, 300),
    seed=st.integers(0, 2**32),
)
def test_any_problem_is_blurred_as_the_contract_says(
    implementation: Implementation,
    height: int,
    width: int,
    channels: int | None,
    radius: int,
    sigma: float,
    data: st.DataObject,
    cval: float,
    seed: int,
) -> None:
    border = data.draw(st.sampled_from(implementation.borders))
    dtype = data.draw(st.sampled_from(implementation.dtypes))
    shape = (height, width) if channels is None else (height, width, channels)
    kernel = GaussianKernel.from_sigma(sigma, radius=radius)
    problem = Problem(kernel, shape, np.dtype(dtype), border, cval)
    image = np.random.default_rng(seed).integers(0, 256, shape).astype(dtype)
    expected = reference(image, problem)
    if problem.dtype.kind != "f":
        expected = expected.clip(0, np.iinfo(problem.dtype).max)
    result = implementation.prepare(problem)(image)
    assert share_of_allowed(result, expected, image, problem) <= 1


@covering(dtype=DTYPES, shape=((9, 8), (9, 8, 3), (9, 8, 1)))
def test_the_result_has_the_shape_and_dtype_of_the_image(
    implementation: Implementation, shape: tuple[int, ...], dtype: str
) -> None:
    problem = problem_of(5, shape, dtype)
    result = implementation.prepare(problem)(noise(problem, 0, 255))
    assert (result.shape, result.dtype) == (shape, np.dtype(dtype))


@covering(border=BORDERS, dtype=tuple(FLOATS), size=(1, 3, 15, 41), backend=("numpy", "scipy"))
def test_separable_equals_direct_up_to_rounding(
    backend: str, size: int, dtype: str, border: str
) -> None:
    problem = problem_of(size, (19, 14, 2), dtype, border)
    image = noise(problem, 0, 255)
    separable, direct = (
        find_implementation(backend, method).prepare(problem)(image)
        for method in ("separable", "direct")
    )
    np.testing.assert_allclose(separable, direct, rtol=0, atol=2 * FLOATS[dtype] * 255)


@covering(border=BORDERS, dtype=("uint8", "uint16"))
def test_integer_results_are_the_nearest_whole_numbers(
    implementation: Implementation,
    dtype: str,
    border: str,
) -> None:
    problem = problem_of(5, (40, 30), dtype, border)
    image = noise(problem, 0, 255)
    exact = reference(image, problem)
    clear = np.abs(exact % 1 - 0.5) > 1e-3  # elsewhere rounding may go either way
    result = implementation.prepare(problem)(image)
    assert np.array_equal(result[clear], np.rint(exact)[clear])


@under_constant
@each_integer
@pytest.mark.parametrize(("cval", "end"), [(1e6, "max"), (-1e6, "min")])
def test_integer_results_beyond_the_dtype_are_clipped(
    implementation: Implementation, dtype: str, cval: float, end: str, border: str
) -> None:
    problem = problem_of(9, (3, 4), dtype, border, cval)
    result = implementation.prepare(problem)(noise(problem, 0, 255))
    assert np.all(result == getattr(np.iinfo(dtype), end))


@covering(border=BORDERS, dtype=DTYPES, size=(1, 5, 41))
def test_a_constant_image_stays_as_it_is(
    implementation: Implementation, size: int, dtype: str, border: str
) -> None:
    problem = problem_of(size, (13, 11), dtype, border, cval=200.0)
    image = np.full(problem.shape, 200, dtype)
    result = implementation.prepare(problem)(image)
    np.testing.assert_allclose(result, image, rtol=FLOATS.get(dtype, 0.0), atol=0)


@under_constant
@pytest.mark.parametrize("cval", [0.0, -3.5, 1000.0])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_constant_border_blurs_its_value_into_the_image(
    implementation: Implementation, dtype: str, cval: float, border: str
) -> None:
    problem = problem_of(3, (1, 1), dtype, border, cval)
    centre = problem.kernel.dense()[1, 1]
    result = implementation.prepare(problem)(np.full((1, 1), 8, dtype))
    expected = centre * 8 + (1 - centre) * cval
    assert result.item() == pytest.approx(expected, abs=FLOATS[dtype] * max(8, abs(cval)))


@pytest.mark.parametrize("border", [border for border in BORDERS if border != "constant"])
def test_the_border_value_shows_under_the_constant_border_alone(
    implementation: Implementation, border: str
) -> None:
    problem = problem_of(9, (6, 7), "float32", border, cval=0.0)
    image = noise(problem, 0, 1)
    results = [implementation.prepare(replace(problem, cval=c))(image) for c in (0.0, 1e6)]
    assert np.array_equal(*results)


@covering(border=BORDERS, dtype=tuple(FLOATS), size=(1, 3, 15, 31))
def test_a_centred_impulse_becomes_the_dense_taps(
    implementation: Implementation, size: int, dtype: str, border: str
) -> None:
    side = size + 2 * (size // 2)  # so wide that no border sees the impulse
    problem = problem_of(size, (side, side), dtype, border, cval=0.0)
    impulse = np.zeros((side, side), dtype)
    impulse[side // 2, side // 2] = 1
    expected = np.pad(np.outer(problem.kernel.taps, problem.kernel.taps), size // 2)
    result = implementation.prepare(problem)(impulse)
    np.testing.assert_allclose(result, expected, rtol=0, atol=FLOATS[dtype])


@covering(border=BORDERS, dtype=DTYPES)
def test_channels_are_blurred_independently(
    implementation: Implementation,
    dtype: str,
    border: str,
) -> None:
    problem = problem_of(7, (12, 10, 3), dtype, border)
    image = noise(problem, 0, 255)
    flat = implementation.prepare(replace(problem, shape=(12, 10)))
    alone = np.stack([flat(np.ascontiguousarray(image[:, :, c])) for c in range(3)], axis=2)
    result = implementation.prepare(problem)(image)
    assert share_of_allowed(result, alone.astype(np.float64), image, problem) <= 2


@each_border
def test_with_more_threads_the_contract_is_kept_too(
    implementation: Implementation,
    border: str,
) -> None:
    problem = replace(problem_of(15, (133, 120, 2), "float32", border), threads=3)
    image = noise(problem, 0, 255)
    result = implementation.prepare(problem)(image)
    assert share_of_allowed(result, reference(image, problem), image, problem) <= 1


@each_border
def test_nothing_is_left_over_from_the_image_before(
    implementation: Implementation, border: str
) -> None:
    problem = problem_of(9, (12, 10), "float32", border)
    first, second = noise(problem, 0, 1), noise(problem, 60000, 60255)
    plan = implementation.prepare(problem)
    plan(second)
    assert np.array_equal(plan(first), implementation.prepare(problem)(first))
