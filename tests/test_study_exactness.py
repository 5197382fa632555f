"""The judge is judged: its sample, its references and what it allows, against scipy.ndimage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest
import scipy.ndimage

from blurbench.backends.backend import Availability, Backend, Implementation
from blurbench.backends.registry import find_implementation
from blurbench.border import BORDERS
from blurbench.errors import InputError
from blurbench.kernel import GaussianKernel
from blurbench.names import DTYPES
from blurbench.plan import Plan
from blurbench.problem import Problem
from blurbench.study.exactness import (
    SAMPLED,
    allowed_error,
    image_scale,
    reference_sample,
    sampled_positions,
    take_sample,
)
from blurbench.study.verify import (
    cases_of,
    count_cases,
    make_image,
    plain_reference,
    reference,
    seconds_of,
    settings_of,
    under,
    verify,
)
from helpers.contract import noise

BORDER = pytest.mark.parametrize("border", BORDERS)
CVAL = -3.5


def pose(
    shape: tuple[int, ...],
    size: int = 7,
    border: str = "reflect",
    dtype: str = "float64",
    cval: float = CVAL,
) -> Problem:
    return Problem(GaussianKernel.from_size(size), shape, np.dtype(dtype), border, cval)


def scipy_blur(image: np.ndarray, problem: Problem) -> np.ndarray:
    """Two passes of correlate1d in float64."""
    blurred = image.astype(np.float64)
    for axis in (0, 1):
        blurred = scipy.ndimage.correlate1d(
            blurred, problem.kernel.taps, axis, mode=problem.border, cval=problem.cval
        )
    return blurred


def far_apart(a: np.ndarray, b: np.ndarray) -> float:
    """The largest difference between two arrays of one shape."""
    assert a.shape == b.shape
    return float(np.abs(a - b).max())


# Which pixels are sampled.


@pytest.mark.parametrize("n", [1, 2, 255, SAMPLED])
def test_all_of_a_short_line_is_sampled(n: int) -> None:
    assert list(sampled_positions(n)) == list(range(n))


LONG_LINES = pytest.mark.parametrize("n", [SAMPLED + 1, 300, 540, 960, 100_000])


@LONG_LINES
def test_a_long_line_is_sampled_at_as_many_places(n: int) -> None:
    positions = sampled_positions(n)
    assert len(positions) == len(set(positions)) == SAMPLED
    assert list(positions) == sorted(positions)


@LONG_LINES
@pytest.mark.parametrize("where", ["start", "middle", "end"])
def test_a_third_of_the_sample_lies_at_each_end_and_in_the_middle(n: int, where: str) -> None:
    third = SAMPLED // 3
    start = {"start": 0, "middle": (n - third) // 2, "end": n - third}[where]
    assert set(range(start, start + third)) <= set(sampled_positions(n))


def test_a_sample_of_an_image_holds_its_corners_sides_and_middle() -> None:
    image = np.zeros((600, 700))
    marks = [(0, 0), (0, -1), (-1, 0), (-1, -1), (0, 350), (300, 0), (300, 350), (300, -1)]
    for mark in marks:
        image[mark] = 1
    assert take_sample(image).sum() == len(marks)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_sample_is_float64_and_keeps_the_values(dtype: str) -> None:
    image = noise(pose((300, 20, 3), dtype=dtype))
    sample = take_sample(image)
    assert (sample.dtype, sample.shape) == (np.float64, (256, 20, 3))
    assert np.array_equal(sample, image[sampled_positions(300)].astype(np.float64))


# The reference for the sample.


@BORDER
@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((1, 1), 5),
        ((1, 9), 7),
        ((9, 1), 7),
        ((5, 3), 21),
        ((40, 30), 1),
        ((40, 30), 15),
        ((64, 48, 3), 31),
        ((12, 10, 4), 25),
    ],
)
def test_the_reference_of_a_small_image_is_scipys_blur(border: str, shape, size: int) -> None:
    problem = pose(shape, size, border)
    image = noise(problem)
    expected = scipy_blur(image, problem)
    assert far_apart(reference_sample(image, problem), expected) < 1e-11


@BORDER
@pytest.mark.parametrize(
    ("shape", "size"), [((300, 40), 9), ((30, 700), 101), ((280, 320, 3), 21), ((520, 260), 301)]
)
def test_the_reference_of_a_large_image_is_scipys_blur_at_the_sample(
    border: str, shape, size: int
) -> None:
    problem = pose(shape, size, border)
    image = noise(problem)
    expected = take_sample(scipy_blur(image, problem))
    assert far_apart(reference_sample(image, problem), expected) < 1e-11


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_reference_is_float64_whatever_the_image(dtype: str) -> None:
    problem = pose((20, 16), dtype=dtype)
    image = noise(problem)
    found = reference_sample(image, problem)
    assert found.dtype == np.float64
    assert far_apart(found, scipy_blur(image, problem)) < 1e-11


def test_the_reference_of_a_constant_image_is_that_constant() -> None:
    problem = pose((50, 60), 31, "constant", cval=4.0)
    assert reference_sample(np.full((50, 60), 4.0), problem) == pytest.approx(4.0, rel=1e-14)


# What is allowed.


@pytest.mark.parametrize(
    ("dtype", "scale", "allowed"),
    [
        ("float32", 1.0, 1e-6),
        ("float32", 255.0, 2.55e-4),
        ("float64", 1.0, 1e-13),
        ("float64", 60000.0, 6e-9),
        ("uint8", 255.0, 0.5 + 2.55e-4),
        ("uint16", 65535.0, 0.5 + 0.065535),
        ("float32", 0.0, 0.0),
    ],
)
def test_the_contract_in_each_dtype(dtype: str, scale: float, allowed: float) -> None:
    assert allowed_error(np.dtype(dtype), scale) == pytest.approx(allowed)


@pytest.mark.parametrize(
    ("border", "cval", "scale"),
    [
        ("reflect", 100.0, 8.0),
        ("constant", 100.0, 100.0),
        ("constant", -100.0, 100.0),
        ("constant", 1.0, 8.0),
    ],
)
def test_the_scale_is_the_largest_value_that_enters_the_blur(
    border: str, cval: float, scale: float
) -> None:
    problem = pose((2, 2), border=border, cval=cval)
    assert image_scale(np.array([[-8.0, 1.0], [2.0, 7.0]]), problem) == scale


def test_the_scale_of_unsigned_pixels_does_not_overflow() -> None:
    image = np.array([[0, 255]], dtype=np.uint8)
    assert image_scale(image, pose((1, 2), dtype="uint8")) == 255.0


# The references of verify.


@BORDER
@pytest.mark.parametrize(
    ("shape", "size"),
    [((1, 1), 9), ((1, 7), 3), ((7, 1), 15), ((2, 2), 11), ((5, 3), 31), ((3, 4, 2), 5)],
)
def test_the_plain_reference_is_scipys_blur(border: str, shape, size: int) -> None:
    problem = pose(shape, size, border)
    image = noise(problem)
    expected = scipy_blur(image, problem)
    assert far_apart(plain_reference(image, problem), expected) < 1e-11


@BORDER
@pytest.mark.parametrize("shape", [(4, 4), (5, 4), (9, 8, 3)])
def test_the_reference_of_verify_is_the_blur(border: str, shape) -> None:
    problem = pose(shape, 9, border)
    image = noise(problem)
    expected = scipy_blur(image, problem)
    assert far_apart(reference(image, problem), expected) < 1e-11


@pytest.mark.parametrize("dtype", DTYPES)
def test_images_for_verify_are_the_same_for_everybody(dtype: str) -> None:
    problem = pose((6, 5), dtype=dtype)
    first, second = (make_image(problem, (0.0, 255.0)) for _ in range(2))
    assert (first.dtype, first.shape) == (problem.dtype, (6, 5))
    assert np.array_equal(first, second)


# What verify says.


@pytest.fixture
def _few_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blurbench.study.verify.SIZES", (1, 9))
    monkeypatch.setattr("blurbench.study.verify.SHAPES", ((1, 7), (12, 10, 3)))


few_cases = pytest.mark.usefixtures("_few_cases")


class Tampered(Plan):
    """The right blur, after which something is done to the result."""

    def __init__(self, problem: Problem, tamper: Callable[[np.ndarray], Any]) -> None:
        super().__init__(np, problem)
        self._plan = find_implementation("numpy", "separable").prepare(problem)
        self._tamper = tamper

    def _run(self, image: Any, out: Any) -> None:
        self._plan(image, out)
        self._tamper(out)


def planted(
    tamper: Callable[[np.ndarray], Any] = lambda out: None, method: str = "separable"
) -> tuple[Backend, Implementation]:
    one = Implementation(
        "planted",
        method,
        "ours",
        lambda problem: Tampered(problem, tamper),
        lambda problem: 1.0,
        lambda problem: 0,
    )
    return Backend("planted", "cpu", (one,), Availability), one


def add_a_little(out: np.ndarray) -> None:
    if out.dtype.kind == "f":
        out += 1e-3


def spoil_a_corner(out: np.ndarray) -> None:
    out[-1, -1] = np.nan if out.dtype.kind == "f" else 77


def give_up(out: np.ndarray) -> None:
    raise ArithmeticError("no digits left")


@few_cases
def test_verify_passes_a_right_implementation() -> None:
    checks = verify([planted()])
    assert [check.dtype for check in checks] == list(DTYPES)
    assert [check.failures for check in checks] == [None] * len(DTYPES)
    assert all(0 < check.worst <= 1 for check in checks)


@few_cases
def test_verify_finds_a_small_error_in_every_dtype_that_it_shows_in() -> None:
    failed = {check.dtype: bool(check.failures) for check in verify([planted(add_a_little)])}
    assert [dtype for dtype, found in failed.items() if found] == ["float16", "float32", "float64"]


@few_cases
@pytest.mark.parametrize("dtype", DTYPES)
def test_verify_finds_one_bad_pixel(dtype: str) -> None:
    (check,) = (one for one in verify([planted(spoil_a_corner)]) if one.dtype == dtype)
    assert check.failures


@few_cases
def test_verify_tries_no_border_that_an_implementation_lacks() -> None:
    backend, one = planted(give_up)
    (check, *_) = verify([(backend, replace(one, borders=("mirror",)))])
    assert {case.partition(",")[0] for case in check.failures} == {"mirror"}


@few_cases
def test_verify_can_be_kept_to_some_borders() -> None:
    backend, one = planted(give_up)
    folded = replace(one, borders=("reflect",))
    (check, *_) = verify(under(["mirror"], [(backend, one), (backend, folded)]))
    assert {case.partition(",")[0] for case in check.failures} == {"mirror"}


def test_a_border_that_there_is_not_cannot_be_verified() -> None:
    with pytest.raises(InputError, match="border 'torus' is unknown: use one of reflect"):
        under(["torus"], [planted()])


def test_borders_that_nothing_can_do_cannot_be_verified() -> None:
    backend, one = planted()
    with pytest.raises(InputError, match="nothing that was asked for can do border wrap"):
        under(["wrap"], [(backend, replace(one, borders=("reflect",)))])


@few_cases
def test_verify_names_the_case_that_failed() -> None:
    check = next(one for one in verify([planted(add_a_little)]) if one.failures)
    assert check.implementation == "planted:separable"
    assert "reflect, size 1, shape (1, 7), values from 0" in check.failures[0]
    assert "of what is allowed" in check.failures[0]


@few_cases
def test_verify_counts_every_case_of_one_that_raises_as_failed() -> None:
    for check in verify([planted(give_up)]):
        assert len(check.failures) == check.cases > 0
        assert "ArithmeticError: no digits left" in check.failures[0]


@few_cases
def test_verify_leaves_out_what_a_device_refuses() -> None:
    backend, one = planted()

    def prepare(problem: Problem) -> Plan:
        if problem.dtype == np.float64:
            raise InputError("this device has no float64: use float32")
        return one.prepare(problem)

    checks = verify([(backend, replace(one, prepare=prepare))])
    assert [check.dtype for check in checks] == [name for name in DTYPES if name != "float64"]
    assert [check.failures for check in checks] == [None] * 4


@few_cases
def test_a_broken_implementation_does_not_disturb_the_others() -> None:
    checks = verify([planted(give_up), planted()])
    assert [bool(check.failures) for check in checks] == [True] * 5 + [False] * 5


@few_cases
def test_verify_tries_as_many_cases_as_it_announced() -> None:
    pairs, told = [planted(), planted(method="direct")], []
    checks = verify(pairs, lambda name, seconds: told.append(seconds))
    assert len(told) == count_cases(pairs) == sum(check.cases for check in checks)
    assert sum(told) == pytest.approx(seconds_of(pairs))


def test_software_that_stands_in_for_a_gpu_is_known_to_take_longer() -> None:
    pairs = [planted()]
    software = {one.backend for _, one in pairs}
    assert seconds_of(pairs, software=software) > 2 * seconds_of(pairs)


@few_cases
def test_a_quick_verify_tries_as_many_cases_as_it_announced() -> None:
    pairs = [planted()]
    checks = verify(pairs, quick=True)
    assert count_cases(pairs, quick=True) == sum(check.cases for check in checks)


@pytest.mark.parametrize("borders", [BORDERS, ("reflect", "mirror")], ids=len)
@pytest.mark.parametrize("dtypes", [DTYPES, ("float32",)], ids=len)
def test_any_two_settings_meet_in_a_quick_verify(
    borders: tuple[str, ...], dtypes: tuple[str, ...]
) -> None:
    one = replace(planted()[1], borders=borders, dtypes=dtypes)
    met, all_that_meet = (
        {
            two
            for case in cases_of(one, quick=quick)
            for two in combinations(enumerate(settings_of(case)), 2)
        }
        for quick in (True, False)
    )
    assert met == all_that_meet


def test_a_quick_verify_tries_a_twentieth_of_the_cases() -> None:
    pairs = [planted()]
    assert 20 * count_cases(pairs, quick=True) < count_cases(pairs)


@few_cases
def test_verify_tries_every_border() -> None:
    backend, one = planted()
    seen = set()

    def note(problem: Problem) -> Plan:
        seen.add((problem.border, problem.dtype.name))
        return one.prepare(problem)

    verify([(backend, replace(one, prepare=note))])
    assert seen == {(border, dtype) for border in BORDERS for dtype in DTYPES}


@few_cases
def test_verify_brings_host_images_to_a_device_through_its_backend() -> None:
    backend, one = planted()
    carried = []

    def carry(plan: Plan, image: np.ndarray) -> np.ndarray:
        carried.append(image.shape)
        return plan(image)

    checks = verify([(replace(backend, kind="gpu", carry=carry), one)])
    assert len(carried) >= sum(check.cases for check in checks)
