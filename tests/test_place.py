"""Where the faster of two changes: the estimate and its ends, from ratios that are made up."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest
from hypothesis import given

from blurbench.analysis.ordering import Ordering
from blurbench.analysis.place import Place, places_of
from blurbench.analysis.pooling import Level
from blurbench.measure.stats import Estimate
from helpers.orderings import ORDERINGS
from helpers.written import SAME, order, unknown, vague

SPREAD, ROUNDS = 0.15, 80
POINTWISE = 0.1  # the reach of a size by itself, in the logarithm


def measured(sizes: Iterable[int], ratio_of: Callable[[int], float]) -> Ordering:
    """Ratios that are right, but known only so well."""
    logs = {size: math.log(ratio_of(size)) for size in sizes}
    ratios = {
        size: Estimate(*(math.exp(one + reach) for reach in (0, -POINTWISE, POINTWISE)))
        for size, one in logs.items()
    }
    return Ordering(ratios, SAME, {size: Level(one, SPREAD, ROUNDS) for size, one in logs.items()})


def crossing(size: int) -> float:
    return 50 / size


WINDOW = (3, 15, 27, 37, 41, 45, 49, 51, 55, 59, 63, 67, 127, 255)


def only(ordering: Ordering) -> Place:
    (place,) = places_of(ordering)
    return place


def test_between_two_sizes_the_estimate_is_where_a_line_would_cross() -> None:
    place = only(order({3: 2.0, 27: 0.5}))
    assert (place.size, place.bracket, place.pooled) == (pytest.approx(9), (3, 27), 0)


def test_without_a_line_the_ends_are_those_of_the_pointwise_bracket() -> None:
    place = only(order({3: 2.0, 7: vague(1.1), 15: vague(0.9), 33: 0.5}))
    assert place.bracket == (3, 33)
    assert 7 < place.size < 15


def test_sizes_together_prove_more_than_each_by_itself() -> None:
    ordering = measured(WINDOW, crossing)
    (change,), place = ordering.changes, only(ordering)
    assert place.size == pytest.approx(50, abs=0.5)
    assert (change.last_size_before, change.first_size_after) == (41, 59)
    low, high = place.bracket or (0, 0)
    assert 41 < low <= 49
    assert 51 <= high < 59
    assert place.pooled >= 8


def test_the_margin_is_kept_at_both_ends() -> None:
    low, high = only(measured(WINDOW, crossing)).bracket or (0, 0)
    assert crossing(low) > 1 + SAME
    assert crossing(high) < 1 / (1 + SAME)


def test_a_wider_margin_proves_less() -> None:
    ordering = measured(WINDOW, crossing)
    narrow, wide = (only(replace(ordering, same=same)).bracket or (0, 0) for same in (0.0, 0.05))
    assert wide[0] < narrow[0]
    assert narrow[1] < wide[1]


def test_sizes_that_stray_from_the_line_prove_less() -> None:
    def straying(size: int) -> float:
        return crossing(size) * (1.05 if size % 4 == 1 else 0.95)

    (low, high), (least, most) = (
        only(measured(WINDOW, one)).bracket or (0, 0) for one in (crossing, straying)
    )
    assert least <= low
    assert high <= most
    assert most - least > high - low


def test_where_the_sizes_jump_the_bracket_of_the_jump_stands() -> None:
    place = only(measured(WINDOW, lambda size: 2.0 if size < 50 else 0.5))
    assert place.bracket == (49, 51)


def test_a_line_that_rises_where_the_ratios_fall_says_nothing() -> None:
    ordering = measured(WINDOW, crossing)
    rising = {size: replace(one, value=-one.value) for size, one in ordering.levels.items()}
    assert only(replace(ordering, levels=rising)).pooled == 0


def test_every_change_has_its_place() -> None:
    places = places_of(order({3: 2.0, 9: 0.5, 33: 0.5, 65: 2.0}))
    assert [(one.faster_after, one.bracket) for one in places] == [
        ("second", (3, 9)),
        ("first", (33, 65)),
    ]


def test_a_change_that_only_the_ratios_suggest_has_an_open_end() -> None:
    place = only(order({3: 2.0, 15: 1.5, 33: vague(0.9)}))
    assert (place.faster_after, place.low, place.high) == ("second", 15, None)
    assert 15 < place.size < 33


def test_a_change_below_all_that_is_proven_has_one_too() -> None:
    place = only(order({3: vague(1.2), 15: 0.5, 33: 0.2}))
    assert (place.faster_after, place.low, place.high) == ("second", None, 15)


@pytest.mark.parametrize(
    "ratios",
    [
        {},
        {3: 2.0},
        {3: 2.0, 7: 1.5},
        {3: 2.0, 7: vague(1.2), 15: 2.0},
        {3: vague(1.2), 7: vague(0.8)},
        {3: unknown(2.0), 7: unknown(0.5)},
    ],
)
def test_nothing_is_suggested_where_nothing_speaks_for_it(
    ratios: dict[int, Estimate | float],
) -> None:
    assert places_of(order(ratios)) == []


@given(ORDERINGS)
def test_an_estimate_lies_between_its_ends_and_these_within_the_bracket(
    ordering: Ordering,
) -> None:
    places = places_of(ordering)
    for place in places:
        assert (place.low or 0) <= place.size <= (place.high or math.inf)
    for change, place in zip(ordering.changes, places if ordering.changes else [], strict=True):
        low, high = place.bracket or (0, 0)
        assert change.last_size_before <= low < high <= change.first_size_after


# In words.


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (Place("second", 49.3, 43, 57, 9), "about 49, 43 to 57 at 95 % by 9 sizes together"),
        (Place("second", 49.3, 43, 57, 0), "about 49"),
        (Place("second", 49.3, 43, None, 0), "about 49, beyond 43 at 95 %"),
        (Place("second", 49.3, None, 57, 0), "about 49, by 57 at 95 %"),
    ],
)
def test_a_place_says_how_sure_it_is(place: Place, words: str) -> None:
    assert place.words == words
