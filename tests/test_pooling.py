"""The line through the ratios of neighbouring sizes, on levels whose truth is known."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from statistics import fmean, stdev

import pytest

from blurbench.analysis.pooling import Level, Line, fit_line, level_of
from helpers.written import SAME

SIZES = range(37, 67, 3)
SPREAD, ROUNDS = 0.15, 80


def rounds_of(logs: list[float]) -> list[dict[str, list[float]]]:
    return [{"a": [math.exp(one)], "b": [1.0]} for one in logs]


def drawn(rng: random.Random, truth: Callable[[int], float]) -> dict[int, Level]:
    """Levels as they come of rounds with that spread."""
    error = SPREAD / math.sqrt(ROUNDS)
    return {size: Level(rng.gauss(truth(size), error), SPREAD, ROUNDS) for size in SIZES}


def fitted(levels: dict[int, Level]) -> Line:
    line = fit_line(levels)
    assert line is not None
    return line


def falling(size: int) -> float:
    """A ratio that is 1 at 50."""
    return 0.7 * math.log(50 / size)


# Of a size.


def test_few_rounds_have_no_say() -> None:
    assert level_of(rounds_of([0.1] * 7), "a", "b") is None


def test_rounds_without_either_do_not_count() -> None:
    rounds = [*rounds_of([0.1] * 9), {"a": 5.0}, {"b": 5.0}]
    level = level_of(rounds, "a", "b")
    assert level is not None
    assert (level.rounds, level.value) == (9, pytest.approx(0.1))


def test_outliers_move_a_level_little() -> None:
    rng = random.Random(1)
    logs = [rng.gauss(0.1, 0.1) for _ in range(40)]
    clean, dirty = (level_of(rounds_of(own), "a", "b") for own in (logs, [*logs[:-4], *[2.0] * 4]))
    assert clean is not None
    assert dirty is not None
    assert dirty.value == pytest.approx(clean.value, abs=0.05)


@pytest.mark.parametrize("rounds", [16, 64])
def test_the_spread_makes_the_standard_error(rounds: int) -> None:
    rng = random.Random(2)
    levels = [
        level_of(rounds_of([rng.gauss(0, 0.1) for _ in range(rounds)]), "a", "b")
        for _ in range(600)
    ]
    known = [one for one in levels if one is not None]
    error = math.sqrt(fmean(one.spread**2 for one in known) / rounds)
    assert stdev(one.value for one in known) == pytest.approx(error, rel=0.15)


# Of several sizes.


@pytest.mark.parametrize("count", [0, 1, 3])
def test_there_is_no_line_through_too_few(count: int) -> None:
    assert fit_line({size: Level(0.0, 0.1, 16) for size in list(SIZES)[:count]}) is None


def test_a_line_meets_a_ratio_of_1_where_the_levels_do() -> None:
    levels = {size: Level(falling(size), SPREAD, ROUNDS) for size in SIZES}
    assert fitted(levels).root == pytest.approx(50)


def test_a_level_line_meets_it_nowhere() -> None:
    levels = {size: Level(0.5, SPREAD, ROUNDS) for size in SIZES}
    assert math.isnan(fitted(levels).root)


def test_more_rounds_weigh_more() -> None:
    levels = {size: Level(falling(size), SPREAD, ROUNDS) for size in SIZES}
    few, many = (levels | {37: Level(9.0, SPREAD, rounds)} for rounds in (1, ROUNDS))
    assert abs(fitted(few).at(50)) < abs(fitted(many).at(50))


@pytest.mark.parametrize("size", [37, 50, 64])
def test_the_truth_lies_within_reach_of_the_line(size: int) -> None:
    rng = random.Random(3)
    lines = [fitted(drawn(rng, falling)) for _ in range(400)]
    held = fmean(abs(line.at(size) - falling(size)) <= line.reach(size) for line in lines)
    assert held >= 0.94


def test_together_sizes_reach_less_far_than_each_by_itself() -> None:
    line = fitted(drawn(random.Random(4), falling))
    assert line.reach(50) < 0.5 * 1.96 * SPREAD / math.sqrt(ROUNDS) + 2 * math.sqrt(line.stray)


@pytest.mark.parametrize("step", [0.05, 0.1, 0.2])
def test_steps_of_padded_lengths_lie_within_reach_and_the_margin(step: float) -> None:
    def stepped(size: int) -> float:
        return falling(size) + step * ((size // 16) % 2)

    rng = random.Random(5)
    lines = [fitted(drawn(rng, stepped)) for _ in range(100)]
    held = [
        abs(line.at(size) - stepped(size)) <= line.reach(size) + math.log1p(SAME)
        for line in lines
        for size in SIZES
    ]
    assert fmean(held) >= 0.97
