"""The life of a plan: made once for a problem, then called on image after image."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import blurbench
from blurbench.backends.backend import Implementation
from blurbench.border import BORDERS
from blurbench.kernel import GaussianKernel
from blurbench.names import DTYPES
from blurbench.plan import Plan
from blurbench.problem import Problem
from helpers.covering import covering
from helpers.refused import refusal

Array = np.ndarray[Any, Any]

KERNEL = GaussianKernel.from_size(9)
SHAPES = ((12, 10), (12, 10, 3))

each_dtype = pytest.mark.parametrize("dtype", DTYPES)
each_image = covering(shape=SHAPES, dtype=DTYPES)


def plan_of(
    implementation: Implementation, shape: tuple[int, ...] = (12, 10), dtype: str = "float32"
) -> Plan:
    return implementation.prepare(Problem(KERNEL, shape, np.dtype(dtype)))


def noise(shape: tuple[int, ...] = (12, 10), dtype: str = "float32", seed: int = 0) -> Array:
    return np.random.default_rng(seed).uniform(0, 255, shape).astype(dtype)


@each_image
def test_one_plan_blurs_many_images_as_plans_of_their_own_would(
    implementation: Implementation, dtype: str, shape: tuple[int, ...]
) -> None:
    plan = plan_of(implementation, shape, dtype)
    for seed in range(4):
        image = noise(shape, dtype, seed)
        assert np.array_equal(plan(image), plan_of(implementation, shape, dtype)(image))


@each_dtype
def test_the_result_is_written_into_out_and_returned(
    implementation: Implementation, dtype: str
) -> None:
    plan, image = plan_of(implementation, dtype=dtype), noise(dtype=dtype)
    expected, out = plan(image), np.zeros_like(image)
    assert plan(image, out) is out
    assert np.array_equal(out, expected)


def test_without_out_every_result_is_a_fresh_array(implementation: Implementation) -> None:
    plan, image = plan_of(implementation), noise()
    first, second = plan(image), plan(image)
    assert not np.shares_memory(first, second)


@covering(border=BORDERS, size=(1, 9), dtype=DTYPES, shape=SHAPES)
def test_a_result_outlives_the_calls_that_follow(
    implementation: Implementation, border: str, size: int, dtype: str, shape: tuple[int, ...]
) -> None:
    problem = Problem(GaussianKernel.from_size(size), shape, np.dtype(dtype), border)
    plan = implementation.prepare(problem)
    first = plan(noise(shape, dtype, seed=1))
    kept = first.copy()
    plan(noise(shape, dtype, seed=2))
    assert np.array_equal(first, kept)


def test_a_result_can_be_changed_without_harm_to_the_next(
    implementation: Implementation,
) -> None:
    plan, image = plan_of(implementation), noise()
    first = plan(image)
    kept = first.copy()
    first[...] = np.nan
    assert np.array_equal(plan(image), kept)


@each_image
def test_out_may_be_the_image_itself(
    implementation: Implementation, dtype: str, shape: tuple[int, ...]
) -> None:
    plan, image = plan_of(implementation, shape, dtype), noise(shape, dtype)
    expected = plan(image)
    assert plan(image, image) is image
    assert np.array_equal(image, expected)


@pytest.mark.parametrize(
    "view",
    [
        lambda both: (both[:12], both[1:13]),
        lambda both: (both[1:13], both[:12]),
        lambda both: (both[:12], both[11::-1]),
    ],
    ids=["a row below", "a row above", "upside down"],
)
def test_out_may_overlap_the_image(implementation: Implementation, view: Any) -> None:
    image, out = view(noise((13, 10)))
    plan = plan_of(implementation)
    expected = plan(image.copy())
    assert np.array_equal(plan(image, out), expected)


@pytest.mark.parametrize(
    "view",
    [
        lambda both: (both[:, :, :3], both[:, :, 1:]),
        lambda both: (both[:, :, 1:], both[:, :, :3]),
        lambda both: (both[:, :, :3], both[:, :, 2::-1]),
    ],
    ids=["a channel on", "a channel back", "channels backwards"],
)
def test_the_channels_of_out_may_overlap_others_of_the_image(
    implementation: Implementation, view: Any
) -> None:
    image, out = view(noise((12, 10, 4)))
    plan = plan_of(implementation, (12, 10, 3))
    expected = plan(image.copy())
    assert np.array_equal(plan(image, out), expected)


@each_dtype
def test_the_image_is_not_changed(implementation: Implementation, dtype: str) -> None:
    plan, image = plan_of(implementation, dtype=dtype), noise(dtype=dtype)
    before = image.copy()
    plan(image)
    assert np.array_equal(image, before)


def test_an_image_that_cannot_be_written_to_is_blurred(implementation: Implementation) -> None:
    plan, image = plan_of(implementation), noise()
    expected = plan(image)
    image.flags.writeable = False
    assert np.array_equal(plan(image), expected)


# The same pixels, laid out in memory in other ways.
LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "columns first": np.asfortranarray,
    "every second row": lambda image: np.repeat(image, 2, axis=0)[::2],
    "every third column": lambda image: np.repeat(image, 3, axis=1)[:, ::3],
    "rows backwards": lambda image: np.flip(np.flip(image, 0).copy(), 0),
    "columns backwards": lambda image: np.flip(np.flip(image, 1).copy(), 1),
    "transposed": lambda image: np.swapaxes(np.swapaxes(image, 0, 1).copy(), 0, 1),
    "channels first": lambda image: np.moveaxis(np.moveaxis(image, -1, 0).copy(), 0, -1),
    "part of a larger image": lambda image: np.pad(image, 2)[(slice(2, -2),) * image.ndim],
    "not aligned": lambda image: np.frombuffer(
        bytearray(b"-" + image.tobytes()), image.dtype, offset=1
    ).reshape(image.shape),
}


@covering(layout=tuple(LAYOUTS), shape=SHAPES, dtype=("uint8", "uint16", "float32", "float64"))
def test_the_layout_of_the_image_in_memory_does_not_matter(
    implementation: Implementation, dtype: str, shape: tuple[int, ...], layout: str
) -> None:
    plan, image = plan_of(implementation, shape, dtype), noise(shape, dtype)
    assert np.array_equal(plan(LAYOUTS[layout](image)), plan(image))


@covering(layout=tuple(LAYOUTS), shape=SHAPES, dtype=("uint8", "float32"))
def test_the_layout_of_out_in_memory_does_not_matter(
    implementation: Implementation, dtype: str, shape: tuple[int, ...], layout: str
) -> None:
    plan, image = plan_of(implementation, shape, dtype), noise(shape, dtype)
    out = LAYOUTS[layout](np.zeros_like(image))
    assert np.array_equal(plan(image, out), plan(image))


@pytest.mark.parametrize(
    "image",
    [
        noise((10, 12)),
        noise((12, 10, 1)),
        noise((12, 10), "float64"),
        noise((12, 10), "uint8"),
        noise((12, 10)).astype(">f4"),
        noise((0, 10)),
        noise((12,)),
    ],
    ids=lambda image: f"{image.dtype.str} {image.shape}",
)
def test_an_image_of_another_shape_or_dtype_is_refused_naming_both(
    implementation: Implementation, image: Array
) -> None:
    message = refusal(lambda: plan_of(implementation)(image))
    asked_for, given = "float32 (12, 10)", f"image is {image.dtype} {image.shape}"
    assert [part for part in (asked_for, given) if part not in message] == [], message


@pytest.mark.parametrize(
    "out", [noise((10, 12)), noise(dtype="float64"), noise((12, 10, 1))], ids=lambda out: out.shape
)
def test_an_out_of_another_shape_or_dtype_is_refused_naming_both(
    implementation: Implementation, out: Array
) -> None:
    message = refusal(lambda: plan_of(implementation)(noise(), out))
    asked_for, given = "float32 (12, 10)", f"out is {out.dtype} {out.shape}"
    assert [part for part in (asked_for, given) if part not in message] == [], message


def read_only() -> Array:
    kept = noise()
    kept.setflags(write=False)
    return kept


@pytest.mark.parametrize(
    "out",
    [read_only(), np.frombuffer(bytes(480), np.float32).reshape(12, 10)],
    ids=("view", "bytes"),
)
def test_an_out_that_cannot_be_written_to_is_refused_and_not_touched(
    implementation: Implementation, out: Array
) -> None:
    before = np.array(out)
    assert "out is " in refusal(lambda: plan_of(implementation)(noise(), out))
    assert np.array_equal(out, before)


def test_an_adjoint_writes_no_memory_that_is_not_its_own() -> None:
    plan = blurbench.prepare((12, 10), size=9)
    assert "cannot be written to" in refusal(lambda: plan.adjoint(noise(), read_only()))


class Labelled:
    """What libraries wrap an array in: it gives the array when asked, and takes no arithmetic."""

    def __init__(self, values: Array) -> None:
        self._values = values
        self.shape, self.dtype = values.shape, values.dtype

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return self._values


class Kin(np.ndarray):  # a subclass, as some libraries have
    pass


@pytest.mark.parametrize("wrap", [Labelled, lambda image: image.view(Kin)], ids=("labelled", "kin"))
def test_what_wraps_an_array_is_blurred_as_the_array(
    implementation: Implementation, wrap: Callable[[Array], Any]
) -> None:
    plan, image = plan_of(implementation), noise()
    expected, result = plan(image), plan(wrap(image))
    assert type(result) is np.ndarray
    assert np.array_equal(result, expected)


def test_a_masked_image_is_refused_for_a_blur_would_spread_what_is_hidden() -> None:
    message = refusal(lambda: blurbench.prepare((12, 10), size=9)(np.ma.array(noise())))
    assert "image.filled(value)" in message


def test_what_is_no_array_is_refused_in_one_line() -> None:
    ragged: Any = [[1.0, 2.0], [3.0]]
    assert "image is a list, which is no array" in refusal(
        lambda: blurbench.prepare((12, 10), size=9)(ragged)
    )


def test_a_plan_says_why_it_cannot_be_pickled() -> None:
    with pytest.raises(TypeError, match="pickle the arguments"):
        pickle.dumps(blurbench.prepare((12, 10), size=9))


def test_a_refused_image_leaves_the_plan_usable(implementation: Implementation) -> None:
    plan, image = plan_of(implementation), noise()
    refusal(lambda: plan(noise((3, 3))))
    assert np.array_equal(plan(image), plan_of(implementation)(image))


def test_a_plan_knows_its_problem(implementation: Implementation) -> None:
    problem = Problem(KERNEL, (12, 10), np.dtype("float32"), "reflect", 3.0)
    assert implementation.prepare(problem).problem == problem


def test_a_plan_is_prepared_from_plain_arguments() -> None:
    plan = blurbench.prepare((12, 10), size=9, border="wrap", method="fft", backend="numpy")
    assert plan.problem.kernel == KERNEL
    assert (plan.problem.shape, plan.problem.border) == ((12, 10), "wrap")


@pytest.mark.parametrize(
    "shape", [(), (5,), (5, 4, 3, 2), (0, 4), (5, 0), (5, 4, 0), (-5, 4), (5, -4), (5, 4, -1)]
)
def test_a_shape_that_is_no_image_is_refused_by_name(shape: tuple[int, ...]) -> None:
    assert str(shape) in refusal(lambda: Problem(KERNEL, shape, np.dtype("float32")))


@pytest.mark.parametrize("dtype", ["int8", "int32", "complex64", "bool", "O", "U3"])
def test_a_dtype_that_no_plan_takes_is_refused_with_those_that_it_takes(dtype: str) -> None:
    name = np.dtype(dtype).name
    message = refusal(lambda: Problem(KERNEL, (12, 10), np.dtype(dtype)))
    assert [part for part in (name, *DTYPES) if part not in message] == [], message


def test_an_unknown_border_is_refused_with_the_known_ones() -> None:
    message = refusal(lambda: Problem(KERNEL, (12, 10), np.dtype("float32"), "edge"))
    assert [part for part in ("'edge'", *BORDERS) if part not in message] == [], message


@pytest.mark.parametrize("cval", [math.nan, math.inf, -math.inf])
def test_a_border_value_that_is_not_finite_is_refused(cval: float) -> None:
    dtype = np.dtype("float32")
    message = refusal(lambda: Problem(KERNEL, (12, 10), dtype, "constant", cval))
    assert f"border value {cval}" in message


@pytest.mark.parametrize(
    ("dtype", "cval", "most"),
    [
        ("uint8", 1e12, "16777216"),
        ("uint16", -(2**24) - 1, "16777216"),
        ("float16", 1e300, "3.4028235e+38"),
        ("float32", -1e300, "3.4028235e+38"),
    ],
)
def test_a_border_value_beyond_the_arithmetic_is_refused(
    dtype: str, cval: float, most: str
) -> None:
    message = refusal(lambda: Problem(KERNEL, (12, 10), np.dtype(dtype), "constant", cval))
    assert message.startswith(f"border value {cval!r} is beyond")
    assert message.endswith(f"give {most} at most")


@pytest.mark.parametrize(
    ("dtype", "cval"), [("uint8", -(2.0**24)), ("float32", 3.4e38), ("float64", 1e308)]
)
def test_a_border_value_that_the_arithmetic_holds_is_taken(dtype: str, cval: float) -> None:
    assert Problem(KERNEL, (12, 10), np.dtype(dtype), "constant", cval).cval == cval


def test_no_threads_at_all_are_refused() -> None:
    message = refusal(lambda: blurbench.prepare((12, 10), size=9, method="fft", threads=0))
    assert "threads 0" in message


@pytest.mark.parametrize(
    ("shape", "height", "width", "channels"), [((5, 4), 5, 4, 1), ((5, 4, 3), 5, 4, 3)]
)
def test_a_problem_names_the_sides_of_its_images(
    shape: tuple[int, ...], height: int, width: int, channels: int
) -> None:
    problem = Problem(KERNEL, shape, np.dtype("float32"))
    assert (problem.height, problem.width, problem.channels) == (height, width, channels)


@pytest.mark.parametrize(
    ("dtype", "work"),
    [
        ("uint8", "float32"),
        ("uint16", "float32"),
        ("float32", "float32"),
        ("float64", "float64"),
    ],
)
def test_arithmetic_is_float32_but_for_float64_images(dtype: str, work: str) -> None:
    assert Problem(KERNEL, (5, 4), np.dtype(dtype)).work_dtype == np.dtype(work)
