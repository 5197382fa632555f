"""Pairs of neighbouring processes: the exact test behind them, and how often they are right."""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter
from collections.abc import Sequence
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu, wilcoxon

from blurbench.analysis.gate import pairs_for, rule_pairs
from blurbench.measure.pairs import signed_rank

NOT_SLOWER, SLOWER, UNDECIDED = 0, 10, 11
DIFFERENCES = st.lists(st.integers(-5, 5).map(float), max_size=9)


# The exact test.


@pytest.mark.parametrize("n", [1, 5, 8, 13])
def test_without_equal_differences_it_is_the_test_of_scipy(n: int) -> None:
    rng = random.Random(n)
    differences = [rng.gauss(0.3, 1) for _ in range(n)]
    expected = wilcoxon(differences, alternative="greater", method="exact").pvalue
    assert signed_rank(differences) == pytest.approx(expected)


def rank_sum_of_positive(differences: Sequence[float]) -> float:
    """By definition: a rank is the mean place among all absolute differences."""
    sizes = [abs(one) for one in differences]
    below = [sum(other < one for other in sizes) for one in sizes]
    equal = [sizes.count(one) for one in sizes]
    ranks = [low + (same + 1) / 2 for low, same in zip(below, equal, strict=True)]
    return sum(rank for rank, one in zip(ranks, differences, strict=True) if one > 0)


@given(DIFFERENCES)
def test_it_counts_the_ways_to_sign_the_differences(differences: list[float]) -> None:
    told = [one for one in differences if one]
    ways = list(itertools.product(*((abs(one), -abs(one)) for one in told)))
    reached = rank_sum_of_positive(told)
    as_far = sum(rank_sum_of_positive(way) >= reached for way in ways)
    assert signed_rank(differences) == as_far / len(ways)


def test_differences_of_nothing_prove_nothing() -> None:
    assert signed_rank([0.0] * 8) == 1.0


# What pairs prove.


def figures(*changes: float) -> tuple[list[float], list[float]]:
    """Of both sides, in days that differ more and more."""
    there = [0.004 * 1.5**day for day in range(len(changes))]
    return there, [one * (1 + change) for one, change in zip(there, changes, strict=True)]


def test_a_change_in_every_pair_is_told_though_the_days_differ_more() -> None:
    ruling = rule_pairs({"blur": figures(*(0.05 + 0.001 * n for n in range(8)))}, 0.0)
    assert (ruling.code, ruling.reasons) == (
        SLOWER,
        ("slower: blur: +5.3 % in 8 pairs of processes",),
    )


def test_a_change_within_the_margin_is_not_slower() -> None:
    ruling = rule_pairs({"blur": figures(*[0.05] * 8)}, 0.1)
    assert (ruling.code, ruling.reasons) == (NOT_SLOWER, ("not slower by 10 %: blur",))


def test_changes_to_and_fro_are_undecided_without_a_margin() -> None:
    assert rule_pairs({"blur": figures(*[0.05, -0.05] * 4)}, 0.0).code == UNDECIDED


def test_one_stalled_process_is_no_proof() -> None:
    assert rule_pairs({"blur": figures(0.01, -0.01, 0.01, -0.01, 9.0)}, 0.0).code != SLOWER


def test_four_pairs_are_too_few() -> None:
    assert rule_pairs({"blur": figures(*[1.0] * 4)}, 0.0).code == UNDECIDED


@pytest.mark.parametrize(("cells", "pairs"), [(1, 8), (12, 8), (13, 9), (200, 12)])
def test_as_many_pairs_as_the_cells_need_can_prove_one_of_them_slower(
    cells: int, pairs: int
) -> None:
    timed = {f"blur {n}": figures(*[0.0 if n else 0.5] * pairs) for n in range(cells)}
    assert pairs_for(cells) == pairs
    assert rule_pairs(timed, 0.0).code == SLOWER


def test_how_many_pairs_it_takes_is_told() -> None:
    timed = {f"blur {n}": figures(*[0.0 if n else 0.5] * 8) for n in range(13)}
    assert "--processes 9" in " ".join(rule_pairs(timed, 0.0).reasons)


# How often they are right, where days, processes and rounds scatter as they do.

DAY_SD, PROCESS_SD, ROUND_SD, ROUNDS, PAIRS = 0.02, 0.0175, 0.05, 32, 8
RUNS = 400


class Days:
    """Medians of processes, made up."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def day(self) -> float:
        return self.rng.gauss(0, DAY_SD)

    def process(self, day: float, slower: float = 0.0) -> float:
        rounds = [self.rng.gauss(0, ROUND_SD) for _ in range(ROUNDS)]
        shift = day + self.rng.gauss(0, PROCESS_SD)
        return (1 + slower) * math.exp(shift + median(rounds))

    def side_by_side(self, slower: float) -> int:
        """What the gate rules on pairs of one day."""
        day = self.day()
        there = [self.process(day) for _ in range(PAIRS)]
        here = [self.process(day, slower) for _ in range(PAIRS)]
        return rule_pairs({"blur": (there, here)}, 0.0).code

    def of_another_day(self) -> bool:
        """Whether the rank-sum test calls a later day's figures of the same code slower."""
        before, now = (
            [self.process(day) for _ in range(PAIRS)] for day in (self.day(), self.day())
        )
        return bool(mannwhitneyu(now, before, alternative="greater", method="exact").pvalue <= 0.05)


def test_the_same_code_side_by_side_is_rarely_called_slower() -> None:
    days = Days(1)
    codes = Counter(days.side_by_side(0.0) for _ in range(RUNS))
    assert codes[SLOWER] / RUNS <= 0.05


def test_the_same_code_of_another_day_is_often_called_slower() -> None:
    days = Days(2)
    assert sum(days.of_another_day() for _ in range(RUNS)) / RUNS > 0.2


def test_a_slow_down_of_five_percent_is_found_in_18_of_20() -> None:
    days = Days(3)
    codes = Counter(days.side_by_side(0.05) for _ in range(RUNS))
    assert codes[SLOWER] / RUNS >= 18 / 20
