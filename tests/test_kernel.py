"""The kernel: which taps a sigma or a size gives, which are refused, and what their response is."""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given
from hypothesis import strategies as st

from blurbench.kernel import MAX_RADIUS, MAX_SIGMA, MIN_SIGMA, GaussianKernel, make_kernel
from helpers.refused import refusal

KERNELS = [
    GaussianKernel.from_size(1),
    GaussianKernel.from_size(3),
    GaussianKernel.from_size(15),
    GaussianKernel.from_size(101),
    GaussianKernel.from_size(7, sigma=30.0),
    GaussianKernel.from_size(9, sigma=MIN_SIGMA),
    GaussianKernel.from_size(9, sigma=MAX_SIGMA),
    GaussianKernel.from_sigma(0.3),
    GaussianKernel.from_sigma(2.5),
    GaussianKernel.from_sigma(10.0, truncate=1.5),
    GaussianKernel.from_sigma(1.7, radius=11),
]

from_sigma, from_size = GaussianKernel.from_sigma, GaussianKernel.from_size


def name_of(kernel: GaussianKernel) -> str:
    return f"{kernel.size} taps, sigma {kernel.sigma:g}"


each_kernel = pytest.mark.parametrize("kernel", KERNELS, ids=name_of)


def plain_taps(sigma: float, radius: int) -> list[float]:
    """The taps in plain Python, each from the definition."""
    weights = []
    for offset in range(-radius, radius + 1):
        try:
            weights.append(math.exp(-((offset / sigma) ** 2) / 2))
        except OverflowError:
            weights.append(0.0)
    total = math.fsum(weights)
    return [weight / total for weight in weights]


@each_kernel
def test_the_taps_are_the_sampled_gaussian_divided_by_its_sum(kernel: GaussianKernel) -> None:
    np.testing.assert_allclose(
        kernel.taps, plain_taps(kernel.sigma, kernel.radius), rtol=1e-13, atol=0
    )


@each_kernel
def test_the_taps_sum_to_one(kernel: GaussianKernel) -> None:
    assert math.fsum(kernel.taps) == pytest.approx(1.0, abs=1e-15)


@each_kernel
def test_the_taps_are_exactly_symmetric(kernel: GaussianKernel) -> None:
    assert np.array_equal(kernel.taps, kernel.taps[::-1])


@each_kernel
def test_the_taps_are_float64(kernel: GaussianKernel) -> None:
    assert kernel.taps.dtype == np.float64


@each_kernel
def test_there_are_as_many_taps_as_the_size_says(kernel: GaussianKernel) -> None:
    assert kernel.taps.shape == (kernel.size,) == (2 * kernel.radius + 1,)


def test_the_taps_cannot_be_written_to() -> None:
    with pytest.raises(ValueError, match="read-only"):
        from_size(5).taps[0] = 1.0


@pytest.mark.parametrize(
    "again", [lambda one: pickle.loads(pickle.dumps(one)), copy.deepcopy], ids=("pickle", "copy")
)
def test_the_taps_that_arrive_are_the_same_and_cannot_be_written_to(
    again: Callable[[GaussianKernel], GaussianKernel],
) -> None:
    arrived = again(from_size(5))
    assert arrived.taps.tolist() == from_size(5).taps.tolist()
    assert not arrived.taps.flags.writeable


def test_a_kernel_of_size_one_changes_nothing() -> None:
    assert from_size(1).taps.tolist() == [1.0]


@pytest.mark.parametrize("size", [1, 3, 5, 7, 15, 31, 101, 255])
def test_a_size_alone_takes_its_sigma_from_the_formula_of_opencv(size: int) -> None:
    assert from_size(size).sigma == pytest.approx(0.15 * size + 0.35, rel=1e-14)


def test_a_size_with_a_sigma_keeps_both() -> None:
    kernel = from_size(7, sigma=3.25)
    assert (kernel.size, kernel.sigma) == (7, 3.25)


@pytest.mark.parametrize("sigma", [0.1, 0.12, 0.13, 0.5, 0.8, 1, 1.125, 2.4, 3.3, 7, 12.37])
@pytest.mark.parametrize("truncate", [1.0, 3.0, 4.0, 5.5])
def test_a_sigma_gives_the_taps_of_scipys_gaussian_filter(sigma: float, truncate: float) -> None:
    impulse = np.zeros(161)
    impulse[80] = 1.0
    response = scipy.ndimage.gaussian_filter1d(impulse, sigma, truncate=truncate, mode="constant")
    taps = from_sigma(sigma, truncate=truncate).taps
    np.testing.assert_allclose(np.trim_zeros(response), taps, rtol=1e-13)


@pytest.mark.parametrize(("sigma", "radius"), [(0.12, 0), (0.125, 1), (1.0, 4), (2.5, 10)])
def test_a_sigma_is_cut_at_four_sigmas_rounded(sigma: float, radius: int) -> None:
    assert from_sigma(sigma).radius == radius


def test_a_radius_overrides_the_cut() -> None:
    assert from_sigma(2.0, truncate=4.0, radius=3).size == 7


@pytest.mark.parametrize(
    "sigma", [2, np.float32(2), np.int64(2), Fraction(2)], ids=lambda one: type(one).__name__
)
def test_every_kind_of_real_number_is_a_sigma(sigma: float) -> None:
    assert from_sigma(sigma) == from_sigma(2.0)


@pytest.mark.parametrize("kind", [np.uint8, np.int32, np.int64])
def test_every_kind_of_integer_is_a_size(kind: type) -> None:
    assert from_size(kind(7)) == from_size(7)


@given(st.floats(0.05, 60.0), st.integers(0, 80))
def test_the_taps_fall_from_the_centre(sigma: float, radius: int) -> None:
    taps = from_sigma(sigma, radius=radius).taps
    assert np.all(np.diff(taps[radius:]) <= 0)


@pytest.mark.parametrize(("size", "neighbours"), [(2, "1 or 3"), (4, "3 or 5"), (100, "99 or 101")])
def test_an_even_size_is_refused_with_its_odd_neighbours(size: int, neighbours: str) -> None:
    assert refusal(lambda: from_size(size)).endswith(f"use {neighbours}")


def test_an_even_size_is_refused_with_the_reason() -> None:
    assert "shifts the image by half a pixel" in refusal(lambda: from_size(4))


BAD_SIZES = [
    (0, "size 0", "from 1"),
    (-1, "size -1", "from 1"),
    (-4, "size -4", "from 1"),
    (2.5, "size 2.5", "whole number"),
    (5.0, "size 5.0", "whole number"),
    (math.nan, "size nan", "whole number"),
    (math.inf, "size inf", "whole number"),
    (True, "size True", "whole number"),
    (np.True_, "True", "whole number"),
    ("5", "size '5'", "whole number"),
    ("5\n7", r"size '5\n7'", "whole number"),
    (None, "size None", "whole number"),
    (2 * MAX_RADIUS + 3, f"size {2 * MAX_RADIUS + 3}", f"largest is {2 * MAX_RADIUS + 1}"),
    (10**30, f"size {10**30} is too large", "largest"),
    (10**30 + 1, f"size {10**30 + 1}", "largest"),
]


@pytest.mark.parametrize(("size", "named", "remedy"), BAD_SIZES, ids=lambda one: repr(one)[:24])
def test_a_size_that_is_no_odd_whole_number_is_refused(
    size: object, named: str, remedy: str
) -> None:
    message = refusal(lambda: from_size(size))
    assert [part for part in (named, remedy) if part not in message] == [], message


BAD_SIGMAS = [
    (0, "sigma 0", "above 0"),
    (0.0, "sigma 0", "above 0"),
    (-1.5, "sigma -1.5", "above 0"),
    (math.nan, "sigma nan", "finite"),
    (math.inf, "sigma inf", "finite"),
    (-math.inf, "sigma -inf", "finite"),
    (True, "sigma True", "not a number"),
    (np.True_, "True", "not a number"),
    ("2", "sigma '2'", "not a number"),
    (None, "sigma None", "not a number"),
    (2j, "sigma 2j", "not a number"),
    (1e300, "sigma 1e+300", "largest is 1048576"),
    (1e-310, "sigma 1e-310", "smallest is 0.001"),
    (10**400, "sigma", ""),
]


@pytest.mark.parametrize(("sigma", "named", "remedy"), BAD_SIGMAS, ids=lambda one: repr(one)[:24])
def test_a_sigma_that_is_no_finite_number_above_zero_is_refused(
    sigma: object, named: str, remedy: str
) -> None:
    message = refusal(lambda: from_sigma(sigma))
    assert [part for part in (named, remedy) if part not in message] == [], message


@pytest.mark.parametrize("sigma", [0, -1.0, math.nan, math.inf, True, "2", 1e-310, 1e200])
def test_a_bad_sigma_is_refused_beside_a_good_size(sigma: object) -> None:
    assert "sigma" in refusal(lambda: from_size(5, sigma))


@pytest.mark.parametrize("truncate", [0, -4.0, math.nan, math.inf, True, "4", None])
def test_a_bad_cut_is_refused(truncate: object) -> None:
    message = refusal(lambda: from_sigma(2.0, truncate=truncate))
    assert message.startswith(f"truncate {truncate!r}")


@pytest.mark.parametrize("radius", [-1, 2.5, 3.0, math.nan, True, "3", MAX_RADIUS + 1])
def test_a_bad_radius_is_refused(radius: object) -> None:
    assert refusal(lambda: from_sigma(2.0, radius=radius)).startswith(f"radius {radius!r}")


@pytest.mark.parametrize("radius", [-1, 2.5, "2", None, True, MAX_RADIUS + 1])
def test_a_kernel_is_made_of_a_whole_radius(radius: object) -> None:
    assert refusal(lambda: GaussianKernel(1.0, radius)).startswith(f"radius {radius!r}")


def test_an_even_kernel_reaches_a_pixel_at_least() -> None:
    message = refusal(lambda: GaussianKernel(1.0, 0, even=True))
    assert message == f"radius 0 is out of range: use 1 to {MAX_RADIUS}"


def test_no_kernel_at_all_is_refused_naming_both_ways_to_give_one() -> None:
    assert "sigma, size or both" in refusal(make_kernel)


def test_a_size_goes_before_the_cut_of_a_sigma() -> None:
    assert make_kernel(sigma=2.0, size=5, truncate=4.0) == from_size(5, 2.0)


def test_a_sigma_alone_is_cut() -> None:
    assert make_kernel(sigma=2.0, truncate=3.0) == from_sigma(2.0, truncate=3.0)


@pytest.mark.parametrize("kernel", [from_size(1), from_size(3, 2.0), from_size(9, 0.79)])
def test_a_kernel_too_small_to_be_a_gaussian_has_a_note(kernel: GaussianKernel) -> None:
    assert kernel.note is not None
    assert f"{kernel.size} taps at sigma {kernel.sigma:g}" in kernel.note


@pytest.mark.parametrize("kernel", [from_size(5), from_size(5, 0.8), from_sigma(1.0)])
def test_a_kernel_large_enough_has_no_note(kernel: GaussianKernel) -> None:
    assert kernel.note is None


def test_the_dense_taps_are_the_products_of_the_taps() -> None:
    kernel = from_size(5)
    expected = [[down * along for along in kernel.taps] for down in kernel.taps]
    assert kernel.dense().tolist() == expected


@each_kernel
@pytest.mark.parametrize("length", [1, 2, 3, 8, 21, 240])
def test_the_response_is_the_cosine_sum_of_the_taps(kernel: GaussianKernel, length: int) -> None:
    half = kernel.taps[kernel.radius :]
    expected = [
        half[0]
        + 2
        * math.fsum(
            tap * math.cos(2 * math.pi * frequency * offset / length)
            for offset, tap in enumerate(half)
            if offset
        )
        for frequency in range(length)
    ]
    np.testing.assert_allclose(kernel.response(length), expected, rtol=0, atol=1e-13)


@given(st.integers(0, 40), st.integers(1, 50))
def test_the_response_at_frequency_zero_is_one(radius: int, length: int) -> None:
    assert from_sigma(2.0, radius=radius).response(length)[0] == pytest.approx(1.0, abs=1e-14)
