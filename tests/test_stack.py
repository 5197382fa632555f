"""A stack of equal images, `(N, H, W)` or `(N, H, W, C)`, in one call: each is blurred as alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from blurbench import gaussian_blur, plan_cache, prepare
from blurbench.backends.backend import Implementation
from blurbench.backends.carried import OwnArraysPlan
from blurbench.backends.own_arrays import OwnArray
from blurbench.backends.registry import backends, find_backend
from blurbench.border import BORDERS
from blurbench.names import DTYPES
from blurbench.plan import Plan
from blurbench.problem import Problem
from helpers.contract import noise, problem_of, reference, share_of_allowed
from helpers.covering import covering
from helpers.document import examples_in
from helpers.refused import refusal

Array = np.ndarray[Any, Any]

SHAPES = ((12, 10), (12, 10, 1), (12, 10, 3))


def stack_of(problem: Problem, count: int = 3) -> Array:
    return np.stack([noise(problem, seed=seed) for seed in range(count)])


IMAGES = stack_of(problem_of(5, (12, 10, 3)))
ONE_CHANNEL = np.ascontiguousarray(IMAGES[..., 0])


def alone(images: Array, **how: Any) -> Array:
    """What gaussian_blur makes of each image, one call each."""
    return np.stack([gaussian_blur(image, size=5, **how) for image in images])


@pytest.fixture
def plan() -> Plan:
    return prepare((12, 10, 3), size=5)


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    """No test finds the plans of another."""
    plan_cache.clear()
    yield
    plan_cache.clear()


# By a plan.


@covering(1, border=BORDERS, dtype=DTYPES, shape=SHAPES)
def test_each_image_of_a_stack_is_blurred_within_the_contract(
    implementation: Implementation, border: str, dtype: str, shape: tuple[int, ...]
) -> None:
    problem = problem_of(9, shape, dtype, border)
    images = stack_of(problem)
    blurred = implementation.prepare(problem).stack(images)
    assert (blurred.shape, blurred.dtype) == (images.shape, images.dtype)
    for image, one in zip(images, blurred, strict=True):
        assert share_of_allowed(one, reference(image, problem), image, problem) <= 1


@pytest.mark.parametrize(
    "images",
    [IMAGES[::-1], IMAGES[:, ::-1], IMAGES.copy("F"), IMAGES.transpose(0, 2, 1, 3), IMAGES[:1]],
    ids=["backwards", "upside down", "Fortran", "turned", "of one"],
)
def test_a_stack_may_lie_in_memory_in_any_way(images: Array) -> None:
    plan = prepare(images.shape[1:], size=5)
    expected = [plan(image) for image in images]
    np.testing.assert_array_equal(plan.stack(images), expected)


def test_a_stack_of_no_image_is_blurred_to_none(plan: Plan) -> None:
    np.testing.assert_array_equal(plan.stack(IMAGES[:0]), IMAGES[:0], strict=True)


def test_a_list_of_images_is_a_stack(plan: Plan) -> None:
    np.testing.assert_array_equal(plan.stack(list(IMAGES)), plan.stack(IMAGES))


def test_a_stack_is_blurred_into_out_which_comes_back(plan: Plan) -> None:
    wide = np.zeros((3, 12, 20, 3), np.float32)
    out = wide[:, :, ::2]
    assert plan.stack(IMAGES, out) is out
    np.testing.assert_array_equal(out, plan.stack(IMAGES))
    assert not wide[:, :, 1::2].any()


@pytest.mark.parametrize(
    ("source", "target"),
    [(slice(3), slice(3)), (slice(2), slice(1, 3)), (slice(1, 3), slice(2))],
    ids=["the images themselves", "an image on", "an image back"],
)
def test_out_may_overlap_the_images(plan: Plan, source: slice, target: slice) -> None:
    memory, expected = IMAGES.copy(), plan.stack(IMAGES[source])
    plan.stack(memory[source], memory[target])
    np.testing.assert_array_equal(memory[target], expected)


def test_the_images_are_left_as_they_were(plan: Plan) -> None:
    images = IMAGES.copy()
    plan.stack(images)
    np.testing.assert_array_equal(images, IMAGES)


@pytest.mark.parametrize(
    "images",
    [IMAGES[0], IMAGES[None], IMAGES[:, 1:], IMAGES[..., 0], IMAGES.astype("float64")],
    ids=lambda one: f"{one.dtype} {one.shape}",
)
def test_a_stack_of_another_shape_or_dtype_is_refused_naming_both(
    plan: Plan, images: Array
) -> None:
    message = refusal(lambda: plan.stack(images))
    assert f"images is {images.dtype} {images.shape}: " in message
    assert "float32 (N, 12, 10, 3)" in message


def test_an_out_of_another_number_of_images_is_refused(plan: Plan) -> None:
    message = refusal(lambda: plan.stack(IMAGES, np.empty((2, 12, 10, 3), np.float32)))
    assert "out is float32 (2, 12, 10, 3): " in message
    assert "one N for images and out" in message


def test_an_out_that_cannot_be_written_to_is_refused(plan: Plan) -> None:
    out = IMAGES.copy()
    out.flags.writeable = False
    assert "cannot be written to" in refusal(lambda: plan.stack(IMAGES, out))
    np.testing.assert_array_equal(out, IMAGES)


def test_a_masked_stack_is_refused_for_a_blur_would_spread_what_is_hidden(plan: Plan) -> None:
    message = refusal(lambda: plan.stack(np.ma.array(IMAGES)))
    assert "give images.filled(value)" in message


def test_what_is_no_array_is_refused_in_one_line(plan: Plan) -> None:
    ragged: Any = [IMAGES[0], IMAGES[0, 1:]]
    assert "images is a list, which is no array" in refusal(lambda: plan.stack(ragged))


class Halving(Plan):
    """Blurs nothing: halves a whole stack at once."""

    def _run_stack(self, images: Any, out: Any) -> None:
        np.multiply(images, 0.5, out=out)


def test_a_plan_may_blur_a_stack_in_a_way_of_its_own() -> None:
    plan = Halving(np, problem_of(5, (12, 10, 3)))
    np.testing.assert_array_equal(plan.stack(IMAGES), IMAGES / 2)


def test_a_plan_for_a_device_s_own_arrays_says_how_to_blur_a_stack() -> None:
    device = SimpleNamespace(xp=np)
    plan = OwnArraysPlan(device, problem_of(5, (12, 10, 3)), "far", OwnArray)
    message = refusal(lambda: plan.stack(IMAGES))
    assert "plans of far" in message
    assert "gaussian_blur(images, stack=True)" in message


# By gaussian_blur.


@pytest.mark.parametrize("images", [IMAGES, ONE_CHANNEL, list(IMAGES)], ids=["C", "plain", "list"])
def test_each_image_of_a_stack_is_blurred_as_alone(images: Any) -> None:
    blurred = gaussian_blur(images, size=5, stack=True)
    np.testing.assert_array_equal(blurred, alone(images), strict=True)


def test_a_stack_of_plain_images_is_not_taken_for_channels() -> None:
    equal = np.repeat(ONE_CHANNEL[:1], 12, axis=0)
    blurred = gaussian_blur(equal, size=5, stack=True)
    assert all(np.array_equal(one, blurred[0]) for one in blurred)


def test_no_images_at_all_are_blurred_to_none() -> None:
    blurred = gaussian_blur(IMAGES[:0], size=5, stack=True)
    np.testing.assert_array_equal(blurred, IMAGES[:0], strict=True)


def test_a_stack_is_converted_first_where_a_dtype_is_asked_for() -> None:
    images = IMAGES.astype(np.uint8)
    blurred = gaussian_blur(images, size=5, dtype="float32", stack=True)
    np.testing.assert_array_equal(blurred, alone(images, dtype="float32"), strict=True)


def test_auto_chooses_for_one_image_of_a_stack() -> None:
    how = {"backend": "auto", "method": "auto"}
    blurred = gaussian_blur(IMAGES, size=5, stack=True, **how)
    np.testing.assert_array_equal(blurred, alone(IMAGES, **how), strict=True)


def test_a_stack_shares_the_plan_of_its_images(monkeypatch: pytest.MonkeyPatch) -> None:
    prepared: list[Problem] = []
    owner = find_backend("scipy")
    (one,) = (each for each in owner.implementations if each.method == "separable")

    def prepare_and_tell(problem: Problem) -> Plan:
        prepared.append(problem)
        return one.prepare(problem)

    watched = replace(owner, implementations=(replace(one, prepare=prepare_and_tell),))
    monkeypatch.setitem(backends(), "scipy", watched)
    gaussian_blur(IMAGES[0], size=5)
    gaussian_blur(IMAGES, size=5, stack=True)
    gaussian_blur(IMAGES[:2], size=5, stack=True)
    assert [problem.shape for problem in prepared] == [(12, 10, 3)]


@pytest.mark.parametrize("shape", [(), (12,), (12, 10), (2, 3, 12, 10, 3)])
def test_what_is_no_stack_is_refused_by_its_shape(shape: tuple[int, ...]) -> None:
    message = refusal(lambda: gaussian_blur(np.ones(shape), size=5, stack=True))
    assert f"stack shape {shape} is not usable: give (N, H, W) or (N, H, W, C)" in message


def test_a_stack_of_images_without_a_pixel_is_refused() -> None:
    message = refusal(lambda: gaussian_blur(np.ones((3, 0, 10)), size=5, stack=True))
    assert "image shape (0, 10)" in message


def test_a_stack_on_the_host_goes_to_a_device_image_by_image(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    carried: list[tuple[int, ...]] = []

    def carry(plan: Plan, image: Array) -> Any:
        carried.append(image.shape)
        return plan(image)

    expected = alone(IMAGES)
    monkeypatch.setitem(backends(), "scipy", replace(find_backend("scipy"), carry=carry))
    blurred = gaussian_blur(IMAGES, size=5, stack=True)
    np.testing.assert_array_equal(blurred, expected, strict=True)
    assert carried == [(12, 10, 3)] * 3


# As documented.


def test_the_examples_in_the_page_on_blurring_run() -> None:
    names = {"image": IMAGES[0], "frames": list(IMAGES), "gradient": IMAGES[0]}
    for example in examples_in("docs/blurring.md"):
        exec(example, names)
    np.testing.assert_array_equal(names["soft"], alone(IMAGES))


def test_images_in_one_array_are_blurred_only_where_one_says_so() -> None:
    message = refusal(lambda: gaussian_blur(np.ones((2, 12, 10, 3)), size=5))
    assert message.endswith("or N images with stack=True")
