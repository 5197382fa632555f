"""From how many blurs, and from how large an image, a GPU is the faster one: the formulas.

Times are shares of what the CPU takes.
"""

from __future__ import annotations

import math

import pytest

from blurbench.measure.stats import Estimate
from blurbench.records.break_even import blurs_until_faster, pixels_until_faster

PIXELS = 1_000_000


def sure(share: float) -> Estimate:
    return Estimate(share, share, share)


def about(share: float, off: float = 0.1) -> Estimate:
    return Estimate(share, share * (1 - off), share * (1 + off))


# How many blurs.


@pytest.mark.parametrize(
    ("end_to_end", "there", "blurs"),
    [
        (0.8, 0.1, 1),  # one is enough
        (1.0, 0.1, 1),
        (2.8, 0.1, 3),  # 2.7 for the way, 0.9 saved by each
        (2.9, 0.1, 4),
        (10.0, 1.0, math.inf),
        (10.0, 1.2, math.inf),
    ],
)
def test_as_many_blurs_pay_for_the_way_as_save_what_it_takes(
    end_to_end: float, there: float, blurs: float
) -> None:
    assert blurs_until_faster(sure(end_to_end), sure(there)).value == pytest.approx(blurs)


@pytest.mark.parametrize(("end_to_end", "there"), [(2.8, 0.125), (5.5, 0.4), (9.1, 0.8)])
def test_from_so_many_blurs_on_the_gpu_takes_less_and_with_one_less_it_does_not(
    end_to_end: float, there: float
) -> None:
    def lead(blurs: float) -> float:
        return blurs - (end_to_end - there + blurs * there)

    found = blurs_until_faster(sure(end_to_end), sure(there)).value
    assert lead(found) >= 0 > lead(found - 1)


def test_the_ends_are_those_of_the_luckiest_and_the_unluckiest_shares() -> None:
    found = blurs_until_faster(about(5), about(0.5))
    lucky = blurs_until_faster(sure(4.5), sure(0.45)).value
    unlucky = blurs_until_faster(sure(5.5), sure(0.55)).value
    assert (found.low, found.value, found.high) == (lucky, 9, unlucky)


def test_where_the_intervals_meet_no_number_may_be_enough() -> None:
    found = blurs_until_faster(about(3), about(0.95))
    assert math.isfinite(found.value)
    assert found.high == math.inf


def test_without_an_interval_of_each_share_there_is_none_of_the_number() -> None:
    found = blurs_until_faster(Estimate(5, None, None), about(0.5))
    assert found == Estimate(9, None, None)


# How large an image.


@pytest.mark.parametrize("fixed_s", [0.001, 0.004, 0.01])
@pytest.mark.parametrize("pixels", [200_000, 1_000_000, 30_000_000])
def test_an_image_brackets_where_two_straight_lines_meet(fixed_s: float, pixels: int) -> None:
    on_gpu, on_cpu, launch_s = 2e-9, 1e-8, 0.001  # seconds a pixel
    meet = fixed_s / (on_cpu - on_gpu)
    share = (fixed_s + on_gpu * pixels) / (on_cpu * pixels)
    least, most = pixels_until_faster(pixels, sure(share), launch_s / (on_cpu * pixels))
    assert least <= meet * (1 + 1e-9)
    assert most >= meet * (1 - 1e-9)


def test_a_gpu_that_pays_on_an_image_does_on_every_larger_one() -> None:
    assert pixels_until_faster(PIXELS, sure(0.4), 0.001)[1] == pytest.approx(0.4 * PIXELS)


def test_a_gpu_that_does_not_pay_may_not_on_any() -> None:
    assert pixels_until_faster(PIXELS, sure(2.5), 0.001)[1] == math.inf


def test_a_gpu_that_does_not_pay_cannot_on_a_smaller_image_than_if_all_were_fixed() -> None:
    assert pixels_until_faster(PIXELS, sure(2.5), 0.001)[0] == 2.5 * PIXELS


def test_where_nothing_is_known_of_launching_any_small_image_may_be_enough() -> None:
    assert pixels_until_faster(PIXELS, sure(0.4), 0.0)[0] == 0


def test_where_it_is_not_proven_that_it_pays_no_image_is_surely_large_enough() -> None:
    assert pixels_until_faster(PIXELS, about(0.95), 0.001)[1] == math.inf


def test_a_wider_interval_makes_a_wider_reach() -> None:
    least, most = pixels_until_faster(PIXELS, sure(0.4), 0.001)
    wide_least, wide_most = pixels_until_faster(PIXELS, about(0.4), 0.001)
    assert wide_least < least < most < wide_most
