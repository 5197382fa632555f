"""Intervals that cover what processes differ by, held against scipy.stats and simulated truths."""

from __future__ import annotations

import random
from statistics import median

import pytest
from scipy.stats import t as student

from blurbench.measure.process_scatter import t_probability, t_quantile, widen
from blurbench.measure.stats import Estimate, estimate_median

POOLED = Estimate(0.0, -0.01, 0.01)


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 7, 30])
@pytest.mark.parametrize("t", [0.0, 0.3, 1.0, 4.0, 60.0])
def test_the_probability_of_t_is_that_of_scipy(t: float, freedom: int) -> None:
    assert t_probability(t, freedom) == pytest.approx(student.cdf(t, freedom), abs=1e-13)


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 7, 30])
@pytest.mark.parametrize("alpha", [0.3, 0.05, 0.05 / 4 / 17])
def test_the_quantile_of_t_is_that_of_scipy(alpha: float, freedom: int) -> None:
    expected = student.ppf(1 - alpha / 2, freedom)
    assert t_quantile(1 - alpha / 2, freedom) == pytest.approx(expected, rel=1e-8)


def test_processes_that_agree_leave_the_interval_as_it_is() -> None:
    assert widen(POOLED, [0.0] * 5, 0.05) == POOLED


def test_processes_that_differ_widen_it_on_both_sides() -> None:
    values = [-0.02, 0.0, 0.02]
    low, high = student.interval(0.95, 2, 0.0, 0.02 / 3**0.5)
    widened = widen(POOLED, values, 0.05)
    assert (widened.low, widened.high) == pytest.approx((low, high))


def test_the_value_stays_that_of_all_rounds() -> None:
    assert widen(POOLED, [0.1, 0.2], 0.05).value == POOLED.value


def test_no_end_moves_inwards() -> None:
    widened = widen(POOLED, [0.02, 0.021, 0.022], 0.05)
    assert widened.low == POOLED.low
    assert widened.high is not None
    assert widened.high > 0.02


@pytest.mark.parametrize("values", [[], [0.3]])
def test_fewer_than_two_processes_have_no_scatter(values: list[float]) -> None:
    assert widen(POOLED, values, 0.05) == POOLED


def test_too_few_rounds_for_an_interval_stay_without() -> None:
    assert widen(Estimate(0.0, None, None), [0.0, 0.1], 0.05) == Estimate(0.0, None, None)


# How often it holds, where the rounds of a process share a bias.

BIAS_SD, ROUND_SD, PROCESSES, ROUNDS, RUNS = 0.0175, 0.05, 5, 32, 2000


def holding(alpha: float, seed: int) -> tuple[float, float]:
    """How often the interval of all rounds holds the truth, 0, and how often the widened one."""
    rng = random.Random(seed)
    holds = [0, 0]
    for _ in range(RUNS):
        processes = []
        for _ in range(PROCESSES):
            bias = rng.gauss(0, BIAS_SD)
            processes.append([bias + rng.gauss(0, ROUND_SD) for _ in range(ROUNDS)])
        pooled = estimate_median([one for rounds in processes for one in rounds], alpha)
        widened = widen(pooled, [median(rounds) for rounds in processes], alpha)
        for number, one in enumerate((pooled, widened)):
            assert one.low is not None
            assert one.high is not None
            holds[number] += one.low <= 0 <= one.high
    return holds[0] / RUNS, holds[1] / RUNS


@pytest.mark.parametrize("alpha", [0.05, 0.05 / 4 / 3])
def test_the_widened_interval_holds_where_the_pooled_one_does_not(alpha: float) -> None:
    pooled, widened = holding(alpha, seed=1)
    chance = 2 * (alpha * (1 - alpha) / RUNS) ** 0.5  # of so many runs
    assert pooled < 1 - alpha - chance
    assert widened >= 1 - alpha - chance
