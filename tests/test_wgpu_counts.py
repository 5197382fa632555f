"""What `wgpu` costs on paper: the counts, the roofline, and that the document has them."""

from __future__ import annotations

import math

import pytest

import wgpu_counts
from blurbench.backends.wgpu import fft
from blurbench.methods import separable
from wgpu_counts import Adapter, ShaderCount, crossing, fft_count, problem_of, separable_count

SIZES = (3, 15, 63, 201, 301, 901)
PIXELS = wgpu_counts.SIDE**2


@pytest.mark.parametrize("size", SIZES)
def test_the_sums_are_those_of_the_formula_and_what_comes_in_fours_and_margins(size: int) -> None:
    formula = separable.operations(problem_of(size)) / PIXELS
    assert formula <= separable_count(problem_of(size)).operations <= 1.7 * formula + 14


@pytest.mark.parametrize("size", SIZES)
def test_the_transforms_take_up_to_twice_the_multiply_adds_of_the_formula(size: int) -> None:
    formula = fft.operations(problem_of(size)) / PIXELS
    assert formula <= fft_count(problem_of(size)).operations <= 2 * formula


def test_one_launch_moves_an_image_in_and_out_and_two_move_it_twice() -> None:
    few, many = (separable_count(problem_of(size)).nbytes for size in (15, 511))
    assert (few, many, fft_count(problem_of(15)).nbytes) == (8, 16, 16)


def test_a_value_takes_what_the_nearer_ceiling_lets_it() -> None:
    adapter = Adapter("made up", bandwidth=10.0, flops=8.0)
    assert adapter.least_seconds(ShaderCount(operations=4.0, nbytes=1.0)) == 1.0
    assert adapter.least_seconds(ShaderCount(operations=4.0, nbytes=20.0)) == 2.0


def test_where_operations_are_dear_fft_overtakes_where_it_has_fewer() -> None:
    size = crossing(Adapter("slow at sums", bandwidth=1e30, flops=1.0))
    assert size is not None
    before, after = (
        fft_count(problem_of(one)).operations / separable_count(problem_of(one)).operations
        for one in (size - 2, size)
    )
    assert after <= 1 < before


def test_where_bytes_are_dear_fft_waits_until_separable_takes_two_launches() -> None:
    size = crossing(Adapter("slow memory", bandwidth=1.0, flops=1e30))
    assert size is not None
    launches = [separable_count(problem_of(one)).nbytes / 8 for one in (size - 2, size)]
    assert launches == [1, 2]


def test_the_more_operations_go_to_a_byte_the_later_fft_overtakes() -> None:
    balances = {one.flops / one.bandwidth: crossing(one) for one in wgpu_counts.ADAPTERS}
    found = [balances[one] or math.inf for one in sorted(balances)]
    assert found == sorted(found)


def test_the_document_has_the_tables_of_today() -> None:
    text = wgpu_counts.DOCUMENT.read_text("utf-8")
    assert wgpu_counts.written(text) == text, "make wgpu-counts writes them anew"
