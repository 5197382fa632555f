"""What methods say that they take: multiply-adds by their formulas, memory by what plans hold."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest

from blurbench.backends.backend import Implementation
from blurbench.backends.registry import collect, find_implementation
from blurbench.methods import approximate, fft
from blurbench.problem import Problem
from helpers.contract import noise, problem_of

PROBLEM = problem_of(7, (10, 20, 3))
FIXED = 2**14  # bytes of what is no array


def exactly(n: int) -> int:
    """Every length is fast."""
    return n


def whole_tens(n: int) -> int:
    """Lengths that are multiples of ten are fast."""
    return -(-n // 10) * 10


@pytest.mark.parametrize(
    ("method", "multiply_adds"),
    [
        ("direct", 600 * 49),
        ("separable", 2 * 600 * 7),
        ("banded", 2 * 600 * (7 + 31)),
        ("dct", 3 * 2 * 200 * math.log2(200)),
    ],
)
def test_a_method_takes_the_multiply_adds_of_its_formula(method: str, multiply_adds: float) -> None:
    found = find_implementation("numpy", method).multiply_adds(PROBLEM)
    assert found == pytest.approx(multiply_adds)


@pytest.mark.parametrize(("method", "multiply_adds"), [("direct", 600 * 49), ("separable", 8400)])
def test_all_exact_blurs_of_a_method_take_the_same_multiply_adds(
    method: str, multiply_adds: float
) -> None:
    found = {
        one.name: one.multiply_adds(PROBLEM)
        for backend in collect([]).values()
        for one in backend.implementations
        if one.exact and one.method == method
    }
    assert found == dict.fromkeys(found, multiply_adds)
    assert {"numpy", "scipy", "opencv"} <= {name.partition(":")[0] for name in found}


def test_what_is_alike_everywhere_is_an_effort_of_its_multiply_adds() -> None:
    one = find_implementation("numpy", "direct")
    assert one.effort(PROBLEM) == one.multiply_adds(PROBLEM)


@pytest.mark.parametrize(
    ("shape", "slowdown"),
    [((5, 6), 6 - 5 / 30), ((7, 7), 6 - 5 / 49), ((10, 20, 3), 6 - 5 * 4 * 14 / 200)],
)
def test_scipys_dense_sum_is_six_times_the_effort_where_the_kernel_leaves_the_image(
    shape: tuple[int, ...], slowdown: float
) -> None:
    one, problem = find_implementation("scipy", "direct"), problem_of(7, shape)
    assert one.effort(problem) / one.multiply_adds(problem) == pytest.approx(slowdown)


def test_a_whole_transform_takes_those_of_the_image_with_its_margins() -> None:
    samples = 16 * 26
    found = fft.operations(PROBLEM, exactly)
    assert found == pytest.approx(3 * 2 * samples * math.log2(samples))


def test_transforms_of_lines_take_those_of_each_line_with_its_margins() -> None:
    expected = 3 * 2 * (20 * 16 * math.log2(16) + 10 * 26 * math.log2(26))
    assert fft.strip_operations(PROBLEM, exactly) == pytest.approx(expected)


def test_on_a_circle_of_a_fast_length_no_margins_are_transformed() -> None:
    expected = 3 * 2 * 200 * math.log2(200)
    found = fft.operations(problem_of(7, (10, 20, 3), border="wrap"), whole_tens)
    assert found == pytest.approx(expected)


def test_a_transform_of_one_sample_takes_something() -> None:
    pixel = problem_of(1, (1, 1))
    assert (fft.operations(pixel, exactly), fft.strip_operations(pixel, exactly)) == (2, 4)


@pytest.mark.parametrize(("method", "terms"), [("box", 3), ("deriche", 4), ("vyv", 5)])
def test_a_recursive_blur_takes_four_a_term_and_axis(method: str, terms: int) -> None:
    assert approximate.operations(PROBLEM, method) == 2 * 4 * terms * 600


def test_a_whole_transform_holds_six_channels_with_their_margins_and_spectra() -> None:
    assert fft.work_bytes(PROBLEM, exactly) == 6 * 16 * (26 + 2) * 4


@pytest.fixture(autouse=True)
def traced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plans have their arrays where `tracemalloc` sees them."""
    monkeypatch.setattr("blurbench.plan.fresh_block", bytearray)


def peak_bytes(implementation: Implementation, problem: Problem) -> int:
    """What NumPy's arrays take at most, beside image and result, for a plan and its call."""
    image = noise(problem)
    out = np.empty_like(image)
    implementation.prepare(problem)(image, out)  # what is made once a process
    tracemalloc.start()
    try:
        implementation.prepare(problem)(image, out)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_blur_takes_no_more_memory_than_it_was_said_to(implementation: Implementation) -> None:
    problem = problem_of(31, (160, 200, 3))
    assert peak_bytes(implementation, problem) <= 1.02 * implementation.work_bytes(problem) + FIXED


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float16"])
@pytest.mark.parametrize("method", ["direct", "separable"])
@pytest.mark.parametrize("shape", [(400, 500, 3), (30, 500)])
def test_an_image_that_is_converted_is_counted(
    shape: tuple[int, ...], method: str, dtype: str
) -> None:
    one, problem = find_implementation("numpy", method), problem_of(5, shape, dtype)
    assert peak_bytes(one, problem) <= one.work_bytes(problem) + FIXED


@pytest.mark.parametrize("border", ["reflect", "nearest", "constant"])
@pytest.mark.parametrize("method", ["box", "extended_box"])
@pytest.mark.parametrize("shape", [(1, 5000), (5000, 1), (160, 200, 3)])
def test_the_margins_of_boxes_are_counted(shape: tuple[int, ...], method: str, border: str) -> None:
    one, problem = find_implementation("numpy", method), problem_of(301, shape, border=border)
    assert peak_bytes(one, problem) <= one.work_bytes(problem) + FIXED


@pytest.mark.parametrize("shape", [(1, 20_000), (20_000, 1)])
def test_a_line_takes_no_more_memory_than_it_was_said_to_and_that_is_little(
    implementation: Implementation, shape: tuple[int, int]
) -> None:
    problem = problem_of(31, shape)
    said = implementation.work_bytes(problem)
    assert peak_bytes(implementation, problem) <= said + 2**20  # tables of a plan
    assert said < 2**25


def test_a_plan_counts_what_it_holds(implementation: Implementation) -> None:
    plan, larger = (implementation.prepare(problem_of(9, (side, side, 3))) for side in (16, 1024))
    assert plan.nbytes >= problem_of(9, (16, 16)).kernel.taps.size
    assert plan.nbytes <= larger.nbytes <= implementation.work_bytes(larger.problem)
