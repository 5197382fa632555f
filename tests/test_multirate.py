"""The blur that keeps fewer samples: its stated bounds, its borders, and its plans."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import blurbench
from blurbench.backends.backend import Implementation
from blurbench.backends.registry import backends
from blurbench.border import BORDERS
from blurbench.methods.approximate import lines_of
from blurbench.methods.recursive import Outside
from helpers.command import run
from helpers.covering import covering

Array = np.ndarray[Any, Any]

BOUNDS = {4: 1e-3, 5: 1e-4, 7: 1e-5}
USUAL = 1e-4
MULTIRATE = [
    one
    for backend in backends().values()
    if backend.kind == "cpu" and backend.probe().ok
    for one in backend.implementations
    if one.method == "multirate"
]
each = pytest.mark.parametrize("one", MULTIRATE, ids=lambda one: one.name)


def gaussian_matrix(sigma: float, n: int, border: str) -> Array:
    """The whole Gaussian on lines of `n` samples, a row a sample; the outside is 0 or the line's.

    Sample by sample, each is found by walking along the line.
    """
    reach = int(9 * sigma) + 1
    taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    modes = {"reflect": "symmetric", "mirror": "reflect", "nearest": "edge", "wrap": "wrap"}
    if border == "constant":
        wide = np.pad(np.arange(n), reach, constant_values=n)
    else:
        wide = np.pad(np.arange(n), reach, mode=modes[border])  # type: ignore[call-overload]
    matrix = np.zeros((n, n + 1))
    for row in range(n):
        np.add.at(matrix[row], wide[row : row + 2 * reach + 1], taps / taps.sum())
    return matrix[:, :n]


def expected_of(image: Array, sigma: float, border: str, cval: float = 0.0) -> Array:
    """The image blurred by the whole Gaussian, in float64."""
    down, along = (gaussian_matrix(sigma, n, border) for n in image.shape[:2])
    level = cval if border == "constant" else 0.0  # which a blur leaves as it is
    columns = np.tensordot(down, image.astype(np.float64) - level, axes=(1, 0))
    return np.asarray(np.moveaxis(np.tensordot(along, columns, axes=(1, 1)), 0, 1) + level)


def prepare(one: Implementation, shape: tuple[int, ...], sigma: float, **how: Any) -> Any:
    return blurbench.prepare(shape, sigma=sigma, method=one.method, backend=one.backend, **how)


def errors(*arguments: str) -> dict[tuple[int, float], float]:
    """By order and sigma, as `blurbench accuracy` tells them."""
    told = json.loads(run("accuracy", "--method", "multirate", *arguments, "--json", "-").out)
    return {(row["order"], row["sigma"]): row["operator_norm_error"] for row in told["rows"]}


# The operator.


def test_each_order_keeps_its_bound_at_every_sigma() -> None:
    sigmas = ("2", "2.3", "3", "5", "10", "20", "50", "200")
    found = errors("--sigma", ",".join(sigmas))
    assert {order for order, _ in found} == set(BOUNDS)
    assert {sigma for _, sigma in found} == set(map(float, sigmas))
    assert [one for one in found if found[one] > BOUNDS[one[0]]] == []


def test_no_bound_is_ten_times_what_is_found() -> None:
    found = errors("--sigma", "10")
    assert {order: found[order, 10.0] > BOUNDS[order] / 10 for order in BOUNDS} == dict.fromkeys(
        BOUNDS, True
    )


def test_below_sigma_two_no_more_is_left_out_than_the_ends_of_the_taps() -> None:
    found = errors("--sigma", "0.5,1,1.9")
    assert [one for one in found if found[one] > BOUNDS[one[0]] / 50] == []


@covering(
    border=BORDERS,
    n=(1, 2, 3, 17, 150),
    order=tuple(BOUNDS),
    sigma=(0.7, 2.0, 2.7, 3.9, 11.0, 60.0),
)
def test_lines_of_any_length_keep_the_bound(border: str, n: int, order: int, sigma: float) -> None:
    found = lines_of(np, "multirate", order, sigma, n, Outside(border, 0.0))(np.eye(n))
    error = np.abs(found - gaussian_matrix(sigma, n, border)).sum(axis=1).max()
    assert error <= BOUNDS[order]


# The implementations.


@covering(
    one=MULTIRATE,
    border=(*BORDERS, "constant 0.7"),
    shape=((23, 17), (9, 14, 3), (1, 6), (75, 40, 2), (130, 1)),
    dtype=("float32", "float64", "uint8"),
    sigma=(1.2, 2.3, 7.0, 40.0),
)
def test_an_image_is_as_near_to_its_blur_as_both_passes_may_be(
    one: Implementation, border: str, shape: tuple[int, ...], dtype: str, sigma: float
) -> None:
    border, _, value = border.partition(" ")
    scale = 255 if dtype == "uint8" else 1
    image = (np.random.default_rng(1).uniform(0, scale, shape)).astype(dtype)
    cval = round(float(value or 0) * scale) if scale > 1 else float(value or 0)
    result = prepare(one, shape, sigma, dtype=dtype, border=border, cval=cval)(image)
    allowed = 2 * USUAL * scale + (0.5 if scale > 1 else 0)
    assert result.dtype == image.dtype
    assert np.abs(result - expected_of(image, sigma, border, cval)).max() <= allowed


@each
def test_a_flat_image_stays_flat(one: Implementation) -> None:
    image = np.full((70, 50), 3.0)
    for border in BORDERS:
        result = prepare(one, image.shape, 3.1, dtype="float64", border=border, cval=3.0)(image)
        np.testing.assert_allclose(result, image, rtol=1e-6)


@each
def test_views_are_blurred_into_views(one: Implementation) -> None:
    wide, room = np.random.default_rng(2).uniform(0, 1, (2, 60, 200, 3))
    image, out = wide[:, ::2], room[::-1, 1::2]
    plan = prepare(one, image.shape, 3.0, dtype="float64")
    plan(image, out)
    np.testing.assert_array_equal(out, plan(np.ascontiguousarray(image)))


@each
def test_threads_share_the_work_without_a_trace(one: Implementation) -> None:
    image = np.random.default_rng(3).uniform(0, 1, (400, 1400)).astype(np.float32)
    alone, crowd = (prepare(one, image.shape, 5.0, threads=threads) for threads in (1, 7))
    np.testing.assert_array_equal(crowd(image), alone(image))


@each
def test_an_image_that_is_no_number_leaves_nothing_behind(one: Implementation) -> None:
    image = np.random.default_rng(4).uniform(0, 1, (50, 60)).astype(np.float32)
    for border in BORDERS:
        plan = prepare(one, image.shape, 4.0, border=border)
        expected = plan(image)
        plan(np.full_like(image, np.nan))
        np.testing.assert_array_equal(plan(image), expected)


@each
def test_a_larger_sigma_takes_less_memory(one: Implementation) -> None:
    shape = (500, 3000)
    large, small = (prepare(one, shape, sigma).nbytes for sigma in (10, 40))
    assert small < large < 500 * 3000 * 4


@covering(
    one=MULTIRATE,
    shape=((500, 400, 3), (3, 500), (500, 3)),
    sigma=(1.2, 5.0, 200.0),
    border=BORDERS,
    threads=(1, 4),
)
def test_a_plan_holds_no_more_than_it_was_said_to(
    one: Implementation, shape: tuple[int, ...], sigma: float, border: str, threads: int
) -> None:
    plan = prepare(one, shape, sigma, border=border, threads=threads)
    assert plan.nbytes <= one.work_bytes(plan.problem)
