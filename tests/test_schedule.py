"""The order of the rounds: nobody keeps a position or a neighbour for long."""

from __future__ import annotations

import random
from collections import Counter
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blurbench.measure.schedule import shuffled_rounds

COUNTS = st.integers(1, 9)
SEEDS = st.integers(0, 2**32)


def orders(n: int, seed: int, rounds: int) -> list[list[int]]:
    """The first rounds of a schedule."""
    return list(islice(shuffled_rounds(n, random.Random(seed)), rounds))


@given(COUNTS, SEEDS)
def test_every_round_runs_each_competitor_once(n: int, seed: int) -> None:
    assert all(sorted(order) == list(range(n)) for order in orders(n, seed, 3 * n))


@given(COUNTS, SEEDS, st.integers(0, 3))
def test_in_every_n_rounds_each_competitor_stands_in_each_position_once(
    n: int, seed: int, square: int
) -> None:
    rounds = orders(n, seed, (square + 1) * n)[square * n :]
    assert all(sorted(position) == list(range(n)) for position in zip(*rounds, strict=True))


@given(COUNTS, SEEDS)
def test_the_same_seed_repeats_the_orders(n: int, seed: int) -> None:
    assert orders(n, seed, 20) == orders(n, seed, 20)


def test_different_seeds_give_different_orders() -> None:
    found = {tuple(map(tuple, orders(6, seed, 6))) for seed in range(50)}
    assert len(found) == 50


def test_the_squares_that_follow_each_other_differ() -> None:
    rounds = orders(6, 0, 60)
    squares = {tuple(map(tuple, rounds[start : start + 6])) for start in range(0, 60, 6)}
    assert len(squares) == 10


@pytest.mark.parametrize("n", [3, 4, 7])
def test_each_competitor_follows_each_other_one_about_equally_often(n: int) -> None:
    rounds = orders(n, 1, 400 * n)
    follows = Counter(pair for order in rounds for pair in pairwise(order))
    expected = len(rounds) * (n - 1) / (n * (n - 1))
    assert len(follows) == n * (n - 1)
    assert all(0.8 * expected < times < 1.2 * expected for times in follows.values())


def test_a_single_competitor_is_always_first() -> None:
    assert orders(1, 0, 3) == [[0], [0], [0]]
