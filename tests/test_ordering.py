"""Which of two is faster, size by size, from ratios that are made up."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given

from blurbench.analysis.ordering import Ordering, outcome
from blurbench.measure.stats import Estimate
from helpers.orderings import ORDERINGS, brackets
from helpers.written import SAME, exact, order, unknown, vague

# Which of two is proven faster.


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [
        (Estimate(1.5, 1.4, 1.6), "first"),
        (Estimate(0.5, 0.4, 0.6), "second"),
        (Estimate(1.2, 0.9, 1.6), "undecided"),
        (Estimate(1.0, 0.99, 1.01), "undecided"),
        (Estimate(1.02, 1.01, 1.029), "undecided"),
        (Estimate(1.05, 1.02, 1.08), "undecided"),
        (Estimate(1.05, 1.031, 1.08), "first"),
        (Estimate(0.95, 0.93, 0.98), "undecided"),
        (Estimate(0.95, 0.93, 0.970), "second"),
        (Estimate(9.0, None, None), "undecided"),
        (Estimate(math.nan, None, None), "undecided"),
    ],
)
def test_a_ratio_of_the_seconds_time_to_the_firsts_says_who_is_faster(
    ratio: Estimate, expected: str
) -> None:
    assert outcome(ratio, SAME) == expected


def test_without_a_margin_any_proven_difference_counts() -> None:
    assert outcome(Estimate(1.01, 1.005, 1.015), 0.0) == "first"


# Changes.


def test_a_change_is_a_bracket_between_two_proven_sizes() -> None:
    assert brackets(order({3: 2.0, 7: 1.2, 15: 0.8, 33: 0.4})) == [("second", 7, 15)]


def test_a_change_says_who_was_faster_before() -> None:
    (change,) = order({3: 0.5, 7: 2.0}).changes
    assert (change.faster_before, change.faster_after) == ("second", "first")


def test_all_changes_are_reported_in_order_of_size() -> None:
    ordering = order({127: 0.7, 3: 2.0, 15: 0.8, 65: 1.3, 33: 0.6})
    assert brackets(ordering) == [("second", 3, 15), ("first", 33, 65), ("second", 65, 127)]


@pytest.mark.parametrize("between", [exact(1.0), vague(1.1), vague(0.9), unknown(3.0)])
def test_sizes_that_prove_nothing_lie_within_the_bracket(between: Estimate) -> None:
    assert brackets(order({3: 2.0, 7: between, 15: between, 33: 0.5})) == [("second", 3, 33)]


@pytest.mark.parametrize("between", [exact(1.0), vague(0.9), unknown(0.1)])
def test_one_that_proves_nothing_between_two_that_agree_is_no_change(between: Estimate) -> None:
    ordering = order({3: 2.0, 7: between, 15: between, 33: 2.0})
    assert ordering.changes == []
    assert ordering.always_faster == "first"


@pytest.mark.parametrize("end", [unknown(0.2), vague(0.9)])
def test_an_end_that_proves_nothing_is_no_change(end: Estimate) -> None:
    ordering = order({3: end, 7: 2.0, 15: 2.0, 33: end})
    assert (ordering.changes, ordering.always_faster) == ([], "first")


@pytest.mark.parametrize(
    ("ratios", "expected"),
    [
        ({3: 2.0, 7: 3.0}, "first"),
        ({3: 0.5, 7: 0.3}, "second"),
        ({3: 1.0, 7: vague(2.0)}, "undecided"),
        ({3: 2.0, 7: 0.5}, None),
        ({5: 0.5}, "second"),
        ({}, "undecided"),
    ],
)
def test_who_is_always_faster(ratios: dict[int, Estimate | float], expected: str | None) -> None:
    assert order(ratios).always_faster == expected


def test_the_second_faster_from_the_smallest_size_on_is_no_change() -> None:
    ordering = order({3: 0.9, 7: 0.6, 15: 0.4})
    assert (ordering.always_faster, ordering.changes) == ("second", [])


@given(ORDERINGS)
def test_both_ends_of_every_bracket_are_proven(ordering: Ordering) -> None:
    for one in ordering.changes:
        assert ordering.outcomes[one.last_size_before] == one.faster_before
        assert ordering.outcomes[one.first_size_after] == one.faster_after


@given(ORDERINGS)
def test_nothing_is_proven_within_a_bracket(ordering: Ordering) -> None:
    for one in ordering.changes:
        within = range(one.last_size_before + 1, one.first_size_after)
        assert {ordering.outcomes.get(size, "undecided") for size in within} <= {"undecided"}


@given(ORDERINGS)
def test_changes_rise_and_take_turns(ordering: Ordering) -> None:
    for earlier, later in pairwise(ordering.changes):
        assert earlier.first_size_after <= later.last_size_before
        assert earlier.faster_after == later.faster_before


@given(ORDERINGS)
def test_where_there_are_changes_nobody_is_always_faster(ordering: Ordering) -> None:
    assert (ordering.always_faster is None) == bool(ordering.changes)


@given(ORDERINGS)
def test_who_is_always_faster_is_slower_nowhere(ordering: Ordering) -> None:
    if ordering.always_faster in ("first", "second"):
        assert set(ordering.outcomes.values()) <= {ordering.always_faster, "undecided"}


# Falling ever further behind.


@pytest.mark.parametrize(
    ("ratios", "outpaced"),
    [
        ({3: 0.5, 7: 0.3, 15: 0.1}, True),
        ({3: 0.5, 7: 0.1, 15: 0.2}, False),
        ({3: 0.6, 7: 0.5, 15: 0.4}, False),
        ({3: 2.0, 7: 0.3, 15: 0.1}, True),
        ({3: 0.1, 7: 0.3, 15: 5.0}, False),
        ({7: 0.3, 15: unknown(0.1)}, False),
        ({7: 2.0, 15: 0.1}, False),
        ({7: 5.0, 15: 9.0}, False),
        ({15: 0.1}, False),
        ({}, False),
    ],
)
def test_the_first_is_outpaced_where_it_is_far_behind_and_falls_further(
    ratios: dict[int, Estimate | float], outpaced: bool
) -> None:
    assert order(ratios).outpaced is outpaced
