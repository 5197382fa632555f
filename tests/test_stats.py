"""Medians and their exact intervals are held against scipy.stats and against simulated truths."""

from __future__ import annotations

import itertools
import math
import random
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from blurbench.measure.stats import (
    AUTOCORRELATED,
    decorrelate,
    estimate_median,
    estimate_ratio,
    interval_rank,
    is_look,
    lag1,
    spent,
    walk_rank,
)

ALPHAS = (0.3, 0.05, 0.05 / 4 / 3, 0.001)
VALUES = st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=80)


def white(n: int, seed: int = 0) -> list[float]:
    """Independent values whose neighbours happen to be little correlated."""
    rng = random.Random(seed)
    while True:
        values = [rng.expovariate(1.0) for _ in range(n)]
        if lag1(values) <= AUTOCORRELATED:
            return values


def steps(n: int, length: int) -> list[float]:
    """Values that stay the same for `length`, then jump: up, down, up, ..."""
    return [float(index // length % 2) for index in range(n)]


def wander(n: int, keep: float, seed: int = 0) -> list[float]:
    """A value that keeps so much of itself from one moment to the next."""
    rng = random.Random(seed)
    value, values = 0.0, []
    for _ in range(n):
        value = keep * value + rng.gauss(0, 1)
        values.append(value)
    return values


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("n", [1, 5, 8, 9, 16, 31, 32, 64, 100, 128])
def test_the_rank_is_the_largest_that_the_binomial_tail_allows(n: int, alpha: float) -> None:
    allowed = [r for r in range(n // 2) if 2 * binom.cdf(r, n, 0.5) <= alpha]
    assert interval_rank(n, alpha) == max(allowed, default=None)


@pytest.mark.parametrize(("rounds", "rank"), [(8, None), (16, 1), (32, 7)])
def test_eight_rounds_have_no_interval_where_sixteen_do(rounds: int, rank: int | None) -> None:
    assert interval_rank(rounds, 0.05 / 4 / 3) == rank


def test_few_values_have_a_median_and_no_interval() -> None:
    found = estimate_median([3.0, 1.0, 2.0], 0.05)
    assert (found.value, found.low, found.high) == (2.0, None, None)


def test_no_values_have_no_median() -> None:
    with pytest.raises(ValueError, match="no values"):
        estimate_median([], 0.05)


def test_the_interval_lies_between_two_of_the_values() -> None:
    values = white(32)
    found = estimate_median(values, 0.05)
    ordered = sorted(values)
    assert (found.value, found.low, found.high) == (median(values), ordered[9], ordered[22])


def test_a_smaller_error_rate_makes_a_wider_interval() -> None:
    values = white(64)
    strict, loose = estimate_median(values, 0.001), estimate_median(values, 0.2)
    assert strict.low < loose.low < loose.high < strict.high


@pytest.mark.parametrize(
    ("draw", "truth"),
    [
        (lambda rng: rng.expovariate(1.0), math.log(2)),
        (lambda rng: rng.gauss(5.0, 2.0), 5.0),
        (lambda rng: rng.choice((-1.0, 0.0, 1.0)), 0.0),
    ],
    ids=["exponential", "normal", "three values"],
)
@pytest.mark.parametrize("n", [16, 64])
def test_the_interval_misses_the_true_median_as_rarely_as_promised(n, draw, truth) -> None:
    rng = random.Random(n)
    found = [estimate_median([draw(rng) for _ in range(n)], 0.05) for _ in range(1500)]
    missed = sum(not one.low <= truth <= one.high for one in found)
    assert missed / len(found) <= 0.05


@pytest.mark.parametrize("keep", [0.5, 0.8])
def test_the_interval_of_autocorrelated_values_is_wider_than_independence_would_make_it(
    keep: float,
) -> None:
    values = wander(128, keep)
    ordered, rank = sorted(values), interval_rank(128, 0.05)
    found = estimate_median(values, 0.05)
    assert found.high - found.low > ordered[-1 - rank] - ordered[rank]


@given(VALUES, st.sampled_from(ALPHAS))
def test_the_estimate_lies_inside_its_interval(values: list[float], alpha: float) -> None:
    found = estimate_median(values, alpha)
    assert found.low is None or found.low <= found.value <= found.high


@given(VALUES, st.sampled_from(ALPHAS))
def test_the_estimate_lies_among_the_values(values: list[float], alpha: float) -> None:
    assert min(values) <= estimate_median(values, alpha).value <= max(values)


@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=60), st.integers(-5, 5))
def test_the_estimate_moves_with_the_values(values: list[int], shift: int) -> None:
    # Powers of two keep the arithmetic exact, so nothing but the shift can differ.
    moved = estimate_median([value + 1024.0 * shift for value in values], 0.05)
    assert moved.value == estimate_median([float(value) for value in values], 0.05).value + (
        1024.0 * shift
    )


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([4.0] * 10, 0.0),
        ([7.0], 0.0),
        ([1.0, -1.0] * 50, -0.99),
        (steps(100, 50), 0.97),
    ],
    ids=["constant", "a single value", "alternating", "one step"],
)
def test_lag1_of_known_sequences(values: list[float], expected: float) -> None:
    assert lag1(values) == pytest.approx(expected)


@pytest.mark.parametrize("keep", [0.0, 0.5, 0.9])
def test_lag1_finds_the_correlation_that_was_put_in(keep: float) -> None:
    assert lag1(wander(20000, keep)) == pytest.approx(keep, abs=0.02)


@settings(max_examples=50)
@given(VALUES)
def test_lag1_is_a_correlation(values: list[float]) -> None:
    assert -1 <= lag1(values) <= 1


def test_independent_values_stay_as_they_are() -> None:
    values = white(64)
    assert decorrelate(values, 6) == values


def test_constant_values_stay_as_they_are() -> None:
    assert decorrelate([2.5] * 40, 6) == [2.5] * 40


def test_autocorrelated_values_become_medians_of_blocks() -> None:
    values = [value + 0.001 * index for index, value in enumerate(steps(24, 4))]
    blocks = [median(values[start : start + 2]) for start in range(0, 24, 2)]
    assert decorrelate(values, 6) == blocks


def test_blocks_are_no_longer_than_it_takes() -> None:
    values = wander(128, 0.8)
    tried = [
        [median(values[start : start + length]) for start in range(0, 128 - length + 1, length)]
        for length in range(1, 128 // 6 + 1)
    ]
    assert decorrelate(values, 6) == next(one for one in tried if lag1(one) <= AUTOCORRELATED)


@pytest.mark.parametrize("fewest", [6, 8, 10])
def test_correlation_that_outlasts_the_blocks_leaves_enough_for_an_interval(fewest: int) -> None:
    trend = [float(index) for index in range(64)]
    assert len(decorrelate(trend, fewest)) == 64 // (64 // fewest)


def test_too_few_autocorrelated_values_stay_as_they_are() -> None:
    assert decorrelate(steps(10, 5), 6) == steps(10, 5)


# Ratios, looked at again and again.

LOOKS = (4, 6, 8, 11, 16, 23, 32, 45, 64, 91, 128)


def test_looks_are_taken_by_the_root_of_two() -> None:
    assert tuple(filter(is_look, range(129))) == LOOKS


@pytest.mark.parametrize(("rounds", "share"), [(1, 0.0), (2, 0.0), (8, 0.5), (32, 0.75)])
def test_the_error_rate_is_spent_by_the_root_of_the_rounds(rounds: int, share: float) -> None:
    assert spent(rounds) == pytest.approx(share)


def enumerated_rank(samples: tuple[int, ...], alpha: float) -> int | None:
    """The rank from every walk there is, each as likely as any other."""
    walks = list(itertools.product(*(range(k + 1) for k in samples)))
    staying, out, rank = walks, 0, -1
    for n in range(1, len(samples) + 1):
        if n in LOOKS or n == len(samples):
            highest = sum(samples[:n])
            sums = {walk: sum(walk[:n]) for walk in staying}
            rank = -1
            for r in range((highest + 1) // 2):
                beyond = sum(not r < value < highest - r for value in sums.values())
                if (out + beyond) / len(walks) > alpha * (1 - math.sqrt(2 / n)):
                    break
                rank = r
            kept = [walk for walk in staying if rank < sums[walk] < highest - rank]
            out, staying = out + len(staying) - len(kept), kept
    return rank if rank >= 0 else None


@pytest.mark.parametrize("alpha", [0.4, 0.1, 0.03])
@pytest.mark.parametrize(
    "samples", [(1,) * 8, (1,) * 11, (2,) * 6, (2,) * 8, (5,) * 4, (1, 2, 1, 2, 1, 2), (2, 2, 9, 9)]
)
def test_the_rank_of_a_ratio_is_that_of_all_walks_counted(
    samples: tuple[int, ...], alpha: float
) -> None:
    assert walk_rank(samples, alpha) == enumerated_rank(samples, alpha)


def logs_of(rng: random.Random, rounds: int, k: int, ratio: float) -> list[list[float]]:
    """Log-ratios of one sample to `k` others, on a machine whose pace changes from round to round.

    The pace cancels, so only the noise of the samples is drawn.
    """
    logs = []
    for _ in range(rounds):
        own = math.log(ratio) + rng.gauss(0, 0.05)
        logs.append([own - rng.gauss(0, 0.05) for _ in range(k)])
    return logs


@pytest.mark.parametrize("k", [1, 2, 15])
def test_over_all_looks_the_interval_misses_as_rarely_as_promised(k: int) -> None:
    rng = random.Random(k)
    missed = 0
    for _ in range(400):
        logs = logs_of(rng, 32, k, 1.3)
        found = [estimate_ratio(logs[:n], 0.2) for n in LOOKS if n <= 32]
        missed += any(
            one.low is not None and one.high is not None and not one.low <= 1.3 <= one.high
            for one in found
        )
    # Three quarters of the error rate are spent by then.
    assert missed / 400 <= 0.2


def test_more_samples_of_the_reference_sharpen_a_ratio() -> None:
    rng = random.Random(3)
    widths: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(100):
        logs = logs_of(rng, 8, 2, 3.0)
        for k, own in widths.items():
            found = estimate_ratio([each[:k] for each in logs], 0.05)
            assert found.low is not None
            assert found.high is not None
            own.append(found.high / found.low - 1)
    assert median(widths[2]) < median(widths[1])


def test_correlated_ratios_near_one_have_a_wider_interval() -> None:
    drifting = [[0.01 * value] for value in wander(128, 0.5)]
    mixed = random.Random(0).sample(drifting, 128)
    wide, narrow = (estimate_ratio(logs, 0.05) for logs in (drifting, mixed))
    assert wide.low is not None
    assert narrow.low is not None
    assert wide.low < narrow.low


def test_correlation_does_not_move_what_is_far_from_one() -> None:
    drifting = [[1.0 + 0.01 * math.sin(n / 5)] for n in range(64)]
    mixed = random.Random(0).sample(drifting, 64)
    assert estimate_ratio(drifting, 0.05) == estimate_ratio(mixed, 0.05)
