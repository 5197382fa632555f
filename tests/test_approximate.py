"""Blurs whose cost does not grow with sigma: their kernels, their borders and their errors."""

from __future__ import annotations

import json
import math
from functools import reduce
from typing import Any

import numpy as np
import pytest
import scipy.ndimage
import scipy.signal
import scipy.special

import blurbench
from blurbench.backends.backend import Implementation
from blurbench.backends.registry import backends, find_implementation
from blurbench.border import BORDERS
from blurbench.errors import InputError
from helpers.command import run
from helpers.covering import covering

Array = np.ndarray[Any, Any]
N = 400

APPROXIMATE = [
    one
    for backend in backends().values()
    if backend.kind == "cpu" and backend.probe().ok and backend.name != "pillow"
    for one in backend.implementations
    if not one.exact
]
each = pytest.mark.parametrize("one", APPROXIMATE, ids=lambda one: one.name)
# What multirate does to a pixel depends on where it lies: tests/test_multirate.py.
OF_ONE_KERNEL = [one for one in APPROXIMATE if one.method != "multirate"]


# Kernels by their definitions, each in its own way.


def box_taps(sigma: float, passes: int) -> Array:
    width = 2 * int(0.5 * math.sqrt(12 * sigma**2 / passes + 1)) + 1
    return np.asarray(reduce(np.convolve, [np.full(width, 1 / width)] * passes))


def extended_box_taps(sigma: float, passes: int) -> Array:
    share = sigma**2 / passes
    r = int(0.5 * math.sqrt(12 * share + 1) - 0.5)
    alpha = (2 * r + 1) * (r * (r + 1) - 3 * share) / (6 * (share - (r + 1) ** 2))
    one = np.array([alpha, *[1.0] * (2 * r + 1), alpha])
    return np.asarray(reduce(np.convolve, [one / one.sum()] * passes))


DERICHE = {
    2: [(0.48145 + 0.971j, 1.26 + 0.8448j)],
    3: [(-0.44645 + 0.5105j, 1.512 + 1.475j), (1.898 / 2, 1.556)],
    4: [(0.84 + 1.8675j, 1.783 + 0.6318j), (-0.34015 - 0.1299j, 1.723 + 1.997j)],
}


def deriche_taps(sigma: float, order: int) -> Array:
    m = np.arange(int(30 * sigma) + 30)
    terms = sum(2 * np.real(a * np.exp(-rate * m / sigma)) for a, rate in DERICHE[order])
    half = np.asarray(terms) / (sigma * math.sqrt(2 * math.pi))
    return np.concatenate([half[:0:-1], half])


VYV = {
    3: [1.4165 + 1.00829j, 1.86543],
    4: [1.13228 + 1.28114j, 1.78534 + 0.46763j],
    5: [0.8643 + 1.45389j, 1.61433 + 0.83134j, 1.87504],
}


def vyv_taps(sigma: float, order: int) -> Array:
    known = np.array([z for d in VYV[order] for z in {complex(d), complex(d).conjugate()}])

    def excess(q: float) -> float:
        z = known ** (1 / q)
        return float(np.sum(2 * z / (z - 1) ** 2).real) - sigma**2

    low, high = sigma / 10, sigma * 2
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) < 0 else (low, middle)
    back = np.poly(1 / known ** (1 / low)).real
    impulse = np.zeros(2 * int(30 * sigma) + 61)
    impulse[len(impulse) // 2] = 1
    there = scipy.signal.lfilter([back.sum()], back, impulse)
    return np.asarray(scipy.signal.lfilter([back.sum()], back, there[::-1])[::-1])


TAPS = {
    "box": box_taps,
    "extended_box": extended_box_taps,
    "deriche": deriche_taps,
    "vyv": vyv_taps,
}
ORDERS = {"box": (3, 4, 5), "extended_box": (3, 4, 5), "deriche": (2, 3, 4), "vyv": (3, 4, 5)}
USUAL = {"box": 3, "extended_box": 3, "deriche": 4, "vyv": 5}


def matrix_of(taps: Array) -> Array:
    """A column for each impulse on a line that folds at its ends."""
    return np.asarray(
        scipy.ndimage.convolve1d(np.eye(N), taps, axis=0, mode="reflect")
        if len(taps) < 4 * N
        else _folded(taps)
    )


def _folded(taps: Array) -> Array:
    """The same for kernels that are too long for scipy.ndimage's folding."""
    radius = len(taps) // 2
    wide = np.pad(np.eye(N), ((radius, radius), (0, 0)), mode="symmetric")
    return np.stack([np.convolve(column, taps, mode="valid") for column in wide.T], axis=1)


def fir_taps(sigma: float, tolerance: float) -> Array:
    radius = math.ceil(math.sqrt(2) * sigma * scipy.special.erfcinv(tolerance / 2))
    taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    return np.asarray(taps / taps.sum())


def norm(taps: Array, sigma: float) -> float:
    error = matrix_of(taps) - matrix_of(fir_taps(sigma, 1e-15))
    return float(np.abs(error).sum(axis=1).max())


def accuracy(*arguments: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(run("accuracy", *arguments, "--json", "-").out)["rows"]
    return rows


@pytest.mark.parametrize("sigma", [1.0, 4.5, 20.0])
@pytest.mark.parametrize("method", TAPS)
def test_the_error_of_each_order_is_that_of_its_kernel(method: str, sigma: float) -> None:
    rows = accuracy("--method", method, "--sigma", str(sigma))
    assert [row["order"] for row in rows] == list(ORDERS[method])
    for row in rows:
        expected = norm(TAPS[method](sigma, row["order"]), sigma)
        assert row["operator_norm_error"] == pytest.approx(expected, rel=1e-6)


def test_a_plain_sum_is_judged_by_its_tolerance() -> None:
    rows = accuracy("--method", "fir", "--sigma", "5")
    assert [(row["order"], row["tolerance"]) for row in rows] == [
        (None, 1e-2),
        (None, 1e-4),
        (None, 1e-6),
    ]
    for row in rows:
        expected = norm(fir_taps(5.0, row["tolerance"]), 5.0)
        assert row["operator_norm_error"] == pytest.approx(expected, rel=1e-6)
        assert row["operator_norm_error"] < row["tolerance"]


def test_boxes_of_one_sample_are_listed_with_their_error() -> None:
    rows = accuracy("--method", "box", "--sigma", "1")
    identity = float(np.abs(np.eye(N) - matrix_of(fir_taps(1.0, 1e-15))).sum(axis=1).max())
    assert rows[-1]["operator_norm_error"] == pytest.approx(identity)


def test_all_methods_and_five_sigmas_are_shown_within_80_columns() -> None:
    ran = run("accuracy")
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert len([line for line in lines if line.split()[0:1] in (["box"], ["deriche"])]) == 6
    assert max(len(line.rstrip()) for line in lines[1:]) <= 80


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--sigma", "two"), "two"),
        (("--sigma", "0.1"), "0.1"),
        (("--sigma", "inf"), "inf"),
        (("--method", "magic"), "magic"),
    ],
)
def test_what_cannot_be_judged_is_refused_in_a_line(arguments: tuple[str, ...], word: str) -> None:
    ran = run("accuracy", *arguments)
    assert (ran.code, len(ran.err.splitlines()), ran.out) == (2, 1, "")
    assert word in ran.err


# The implementations.


def blurred(one: Implementation, image: Array, sigma: float, **how: Any) -> Array:
    return np.asarray(
        blurbench.gaussian_blur(image, sigma=sigma, method=one.method, backend=one.backend, **how)
    )


def expected_of(one: Implementation, image: Array, sigma: float, border: str, cval: float) -> Array:
    """By explicit taps on an explicit extension."""
    taps = TAPS[one.method](sigma, USUAL[one.method])
    radius = len(taps) // 2
    modes: dict[str, Any] = {
        "reflect": {"mode": "symmetric"},
        "mirror": {"mode": "reflect"},
        "nearest": {"mode": "edge"},
        "wrap": {"mode": "wrap"},
        "constant": {"mode": "constant", "constant_values": cval},
    }
    found = image.astype(np.float64)
    # The level that a filter leaves changes what lies outside, so both axes are extended first.
    margins = [(radius, radius)] * 2 + [(0, 0)] * (found.ndim - 2)
    found = np.pad(found, margins, **modes[border])
    for axis in (0, 1):
        found = np.apply_along_axis(np.convolve, axis, found, taps, mode="valid")
    return found


@covering(
    one=OF_ONE_KERNEL, border=(*BORDERS, "constant 0.7"), shape=((23, 17), (9, 14, 3), (1, 6))
)
def test_a_blur_is_its_kernel_under_every_border(
    one: Implementation, border: str, shape: tuple[int, ...]
) -> None:
    border, _, value = border.partition(" ")
    cval = float(value or 0)
    image = np.random.default_rng(1).uniform(0, 1, shape)
    result = blurred(one, image, 3.0, border=border, cval=cval)
    expected = expected_of(one, image, 3.0, border, cval)
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-9)


@each
@pytest.mark.parametrize("width", [1, 15, 16, 17, 33, 130])
def test_compiled_code_does_what_array_code_does(one: Implementation, width: int) -> None:
    image = np.random.default_rng(4).uniform(0, 255, (19, width, 3)).astype(np.uint16)
    plain = find_implementation("numpy", one.method)
    result, expected = (blurred(which, image, 2.5) for which in (one, plain))
    assert np.abs(result.astype(float) - expected).max() <= 1


@each
@pytest.mark.parametrize("sigma", [100.0, 500.0])
def test_a_large_sigma_neither_drifts_nor_fails_in_float32(
    one: Implementation, sigma: float
) -> None:
    image = np.random.default_rng(2).uniform(0, 1, (40, 700)).astype(np.float32)
    result = blurred(one, image, sigma)
    expected = blurred(one, image.astype(np.float64), sigma)
    assert np.abs(result - expected).max() < 1e-6
    assert abs(float(result.mean()) - float(image.mean())) < 1e-3


@each
def test_integers_are_rounded_and_clipped(one: Implementation) -> None:
    image = np.random.default_rng(3).integers(0, 256, (20, 30, 3)).astype(np.uint8)
    result = blurred(one, image, 2.0)
    exact = blurred(one, image.astype(np.float64), 2.0)
    assert result.dtype == np.uint8
    assert np.abs(result - np.clip(exact, 0, 255)).max() <= 0.5 + 1e-4


@each
def test_a_sigma_that_is_too_small_is_refused(one: Implementation) -> None:
    if one.method in ("extended_box", "multirate"):
        assert blurred(one, np.ones((4, 4), np.float32), 0.1).shape == (4, 4)
        return
    with pytest.raises(InputError, match=r"sigma 0\.1 is too small"):
        blurred(one, np.ones((4, 4), np.float32), 0.1)


@each
def test_it_has_no_adjoint(one: Implementation) -> None:
    plan = blurbench.prepare((8, 8), sigma=2, method=one.method, backend=one.backend)
    with pytest.raises(InputError, match="exact method"):
        plan.adjoint(np.zeros((8, 8), np.float32))
