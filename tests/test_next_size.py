"""Which size a search for crossovers measures next, and the whole search on ratios made up."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blurbench.analysis.next_size import coarse_sizes, next_size, odd_near, uncertainty
from blurbench.analysis.ordering import Ordering
from blurbench.measure.stats import Estimate
from blurbench.study.crossover import search
from helpers.orderings import ORDERINGS, SIZES, brackets
from helpers.written import exact, order, unknown, vague

# Which size to measure next.


def test_the_next_size_lies_where_the_order_changes() -> None:
    weight, size = next_size(order({3: 4.0, 7: 2.0, 15: 0.5, 33: 0.25}), {3, 7, 15, 33})
    assert 7 < size < 15
    assert weight > 1


def test_the_next_size_halves_the_gap_in_its_logarithm() -> None:
    assert next_size(order({15: 2.0, 61: 0.5}), ()) == (pytest.approx(10 * math.log(61 / 15)), 31)


def test_the_wider_of_two_changes_comes_first() -> None:
    weight, size = next_size(order({3: 2.0, 5: 0.5, 33: 0.5, 65: 2.0}), ())
    assert 33 < size < 65
    assert weight == pytest.approx(10 * math.log(65 / 33))


def test_a_size_that_was_tried_is_not_asked_for_again() -> None:
    ordering, tried = order({3: 2.0, 15: 0.5}), set()
    for _ in range(5):
        tried.add(next_size(ordering, tried)[1])
    assert tried == {5, 7, 9, 11, 13}
    assert next_size(ordering, tried) == (0.0, 0)


def test_neighbouring_odd_sizes_leave_nothing_to_ask() -> None:
    assert next_size(order({3: 2.0, 5: 0.5}), ()) == (0.0, 0)


@pytest.mark.parametrize("ratios", [{}, {7: 0.5}])
def test_without_a_gap_there_is_no_next_size(ratios: dict[int, Estimate | float]) -> None:
    assert next_size(order(ratios), ()) == (0.0, 0)


def test_a_change_that_is_not_proven_is_looked_into_too() -> None:
    ordering = order({3: 8.0, 7: vague(1.1), 15: vague(0.9), 33: 0.1})
    assert 7 < next_size(ordering, ())[1] < 15


def test_ratios_near_1_are_looked_into_before_those_far_from_it() -> None:
    ordering = order({15: 8.0, 33: 6.0, 73: 1.05})
    assert 33 < next_size(ordering, ())[1] < 73


@given(ORDERINGS, st.sets(SIZES))
def test_the_next_size_is_new_odd_and_between_two_that_were_measured(
    ordering: Ordering, tried: set[int]
) -> None:
    weight, size = next_size(ordering, tried)
    if size == 0:
        assert weight == 0
        return
    assert size % 2 == 1
    assert size not in tried | set(ordering.outcomes)
    assert min(ordering.outcomes) < size < max(ordering.outcomes)


@given(ORDERINGS)
def test_a_size_is_as_uncertain_as_its_gap(ordering: Ordering) -> None:
    weight, size = next_size(ordering, ())
    assert size == 0 or uncertainty(ordering, size) == weight


@pytest.mark.parametrize("size", [1, 3, 7, 15, 17, 255])
def test_what_was_measured_or_lies_outside_is_not_uncertain(size: int) -> None:
    assert uncertainty(order({3: 2.0, 7: 1.0, 15: 0.5}), size) == 0


# The coarse grid.


@pytest.mark.parametrize(
    ("value", "odd"),
    [(3.0, 3), (3.9, 3), (4.0, 5), (4.1, 5), (5.99, 5), (6.0, 7), (6.6, 7), (1.0, 1), (0.4, 1)],
)
def test_the_odd_number_nearest_to_a_value(value: float, odd: int) -> None:
    assert odd_near(value) == odd


@given(st.floats(0.5, 1e6))
def test_no_odd_number_is_nearer(value: float) -> None:
    found = odd_near(value)
    assert found % 2 == 1
    assert abs(found - value) <= 1


@given(SIZES, SIZES)
def test_coarse_sizes_are_odd_and_rise_from_one_end_to_the_other(one: int, other: int) -> None:
    smallest, largest = sorted((one, other))
    sizes = coarse_sizes(smallest, largest)
    assert (sizes[0], sizes[-1]) == (smallest, largest)
    assert all(size % 2 == 1 for size in sizes)
    assert sizes == sorted(set(sizes))


def test_coarse_sizes_are_about_as_far_apart_as_their_factor_says() -> None:
    assert coarse_sizes(3, 255) == [3, 7, 15, 33, 73, 161, 255]


# The search.


class Truth:
    """Ratios that are known as soon as a size is measured."""

    def __init__(self, *ratio_of: Any, most: int = 10_000) -> None:
        self.ratio_of, self.most = ratio_of, most
        self.measured: list[int] = []

    def measure(self, size: int) -> bool:
        if len(self.measured) == self.most:
            return False
        self.measured.append(size)
        return True

    def look(self) -> list[Ordering]:
        found = []
        for ratio_of in self.ratio_of:
            ratios = {size: ratio_of(size) for size in self.measured}
            found.append(order({size: one for size, one in ratios.items() if one is not None}))
        return found

    def search(self, smallest: int = 3, largest: int = 255, tried: Iterable[int] = ()) -> Truth:
        search(coarse_sizes(smallest, largest), self.measure, self.look, list(tried))
        return self


def crossing_at(size: int) -> Any:
    """The second is faster from a size on."""
    return lambda one: exact(1.1 * (size / one) if one < size else 0.9 * (size / one))


@given(st.integers(2, 127).map(lambda n: 2 * n + 1))
def test_a_crossover_is_found_between_neighbouring_odd_sizes(size: int) -> None:
    truth = Truth(crossing_at(size)).search()
    assert brackets(truth.look()[0]) == [("second", size - 2, size)]


@given(st.lists(st.integers(2, 127).map(lambda n: 2 * n + 1), min_size=2, max_size=3))
def test_several_pairs_are_bracketed_together(sizes: list[int]) -> None:
    truth = Truth(*map(crossing_at, sizes)).search()
    assert len(truth.measured) <= 24
    for size, ordering in zip(sizes, truth.look(), strict=True):
        ((_, before, after),) = brackets(ordering)
        assert before < size <= after


def test_every_change_that_the_coarse_grid_shows_is_closed_in_on() -> None:
    steps = {range(1, 9): 2.0, range(9, 41): 0.6, range(41, 101): 1.5, range(101, 999): 0.4}

    def ratio_of(size: int) -> Estimate:
        return exact(next(ratio for sizes, ratio in steps.items() if size in sizes))

    found = brackets(Truth(ratio_of).search().look()[0])
    assert found == [("second", 7, 9), ("first", 39, 41), ("second", 99, 101)]


def test_a_stretch_that_cannot_be_told_apart_lies_within_the_bracket() -> None:
    def ratio_of(size: int) -> Estimate:
        return vague(1.0) if 21 <= size <= 51 else exact(30 / size)

    ((who, before, after),) = brackets(Truth(ratio_of).search().look()[0])
    assert who == "second"
    assert before < 21
    assert after > 51


@given(st.integers(0, 10_000), SIZES, SIZES)
def test_a_search_ends_whatever_it_finds(seed: int, one: int, other: int) -> None:
    rng, known = random.Random(seed), dict[int, Estimate | None]()

    def ratio_of(size: int) -> Estimate | None:
        if size not in known:
            ratio = math.exp(rng.gauss(0, 0.5))
            known[size] = rng.choice((exact, vague, unknown, lambda ratio: None))(ratio)
        return known[size]

    smallest, largest = sorted((one, other))
    measured = Truth(ratio_of, ratio_of).search(smallest, largest).measured
    assert len(measured) == len(set(measured)) <= 24
    assert all(smallest <= size <= largest and size % 2 == 1 for size in measured)


def test_a_search_in_which_everything_fails_ends_with_its_grid() -> None:
    assert Truth(lambda size: None).search().measured == coarse_sizes(3, 255)


@pytest.mark.parametrize("most", [0, 3, 9])
def test_a_search_ends_when_there_is_no_time_left(most: int) -> None:
    assert len(Truth(crossing_at(51), most=most).search().measured) == most


def test_a_search_goes_on_where_an_earlier_one_ended() -> None:
    whole = Truth(crossing_at(51)).search().measured
    again = Truth(crossing_at(51))
    again.measured = whole[:9]
    assert again.search(tried=whole[:9]).measured == whole


def test_a_finished_search_measures_nothing_more() -> None:
    whole = Truth(crossing_at(51)).search().measured
    again = Truth(crossing_at(51))
    again.measured = list(whole)
    assert again.search(tried=whole).measured == whole
