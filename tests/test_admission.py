"""What a budget pays for: who races, who runs once, who stays out."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blurbench.measure.judge import Rules
from blurbench.measure.race import LONG, NEAR
from blurbench.measure.stats import FIRST_LOOK
from blurbench.study.point.admission import (
    LONGEST_S,
    NEAR_FASTEST,
    SHORTEST_S,
    Admission,
    admit,
    default_budget,
    race_seconds,
)

COSTS = st.dictionaries(st.text("abcdefgh", min_size=1), st.floats(1e-6, 1e3), max_size=8)
BUDGETS = st.floats(0, 2000)
TO_THE_FIRST_LOOK = Rules.pilot + FIRST_LOOK
FAR_ROUNDS = 4


def planned_seconds(admission: Admission, costs: dict[str, float]) -> float:
    """The least that an admission costs: the first look of all, the control too; others once."""
    racing = [costs[name] for name in admission.racing]
    best = min(racing, default=0.0)
    far = [cost for cost in racing if cost > NEAR * best]
    race = TO_THE_FIRST_LOOK * (sum(racing) - sum(far)) + FIRST_LOOK * best
    if far:
        race += FAR_ROUNDS * (sum(far) + LONG * best)
    return race + sum(costs[name] for name in admission.single)


def test_everything_races_where_it_fits() -> None:
    found = admit({"b": 0.02, "a": 0.01, "c": 0.03}, 60.0)
    assert found == Admission(("a", "b", "c"), (), ())


def test_the_dear_ones_run_once() -> None:
    found = admit({"dear": 4.0, "a": 0.01, "b": 0.02}, 15.0)
    assert found == Admission(("a", "b"), ("dear",), ())


def test_those_that_come_first_race_before_the_cheaper() -> None:
    found = admit({"a": 0.10, "b": 0.15, "c": 0.20}, 8.0, first=("a", "c"))
    assert found == Admission(("a", "c"), ("b",), ())


def test_what_does_not_fit_even_once_is_over_budget() -> None:
    found = admit({"endless": 500.0, "a": 0.01, "b": 0.02}, 15.0)
    assert found == Admission(("a", "b"), (), ("endless",))


def test_the_dearest_gives_up_its_run_before_two_cannot_race() -> None:
    found = admit({"a": 0.10, "b": 0.15, "c": 3.0, "d": 3.5}, 14.0)
    assert found == Admission(("a", "b"), ("c",), ("d",))


def test_one_that_cannot_race_is_measured_once() -> None:
    assert admit({"a": 2.0}, 5.0) == Admission((), ("a",), ())


def test_of_two_that_cannot_race_the_cheaper_is_measured() -> None:
    found = admit({"a": 2.0, "b": 2.5}, 5.0)
    assert "a" in (*found.racing, *found.single)


@pytest.mark.parametrize(
    "costs",
    [{"a": 2.0, "b": 2.5}, {"a": 0.1, "b": 5.0}],
    ids=["none can race", "only one can race"],
)
def test_what_fits_once_is_not_over_budget(costs: dict[str, float]) -> None:
    assert admit(costs, 20.0).over_budget == ()


@pytest.mark.parametrize("seconds", [0.0, -3.0, 0.5])
def test_nothing_is_admitted_where_nothing_fits(seconds: float) -> None:
    assert admit({"b": 2.0, "a": 1.0}, seconds) == Admission((), (), ("a", "b"))


@pytest.mark.parametrize("seconds", [0.0, 15.0])
def test_nothing_is_asked_for_and_nothing_is_admitted(seconds: float) -> None:
    assert admit({}, seconds) == Admission((), (), ())


@given(COSTS, BUDGETS)
def test_the_groups_share_the_names_out_in_the_order_of_cost(costs, seconds) -> None:
    found = admit(costs, seconds)
    names = [*found.racing, *found.single, *found.over_budget]
    assert sorted(names) == sorted(costs)
    assert all(costs[first] <= costs[second] for first, second in pairwise(names))


@given(COSTS, BUDGETS)
def test_the_planned_seconds_never_exceed_the_budget(costs, seconds) -> None:
    assert planned_seconds(admit(costs, seconds), costs) <= seconds * (1 + 1e-9)


@given(COSTS.filter(bool))
def test_a_budget_that_pays_for_everybody_lets_everybody_race(costs) -> None:
    everything = 5 * TO_THE_FIRST_LOOK * sum(costs.values())
    assert admit(costs, everything).racing == tuple(sorted(costs, key=lambda name: costs[name]))


@pytest.mark.parametrize("costs", [{}, {"a": 0.001}, {"a": 0.1, "b": 0.2, "endless": 900.0}])
def test_a_short_comparison_gets_the_shortest_budget(costs: dict[str, float]) -> None:
    assert default_budget(costs) == SHORTEST_S


def test_a_longer_one_gets_what_the_first_look_of_the_best_takes() -> None:
    costs = {"a": 0.5, "b": 0.9}
    assert SHORTEST_S < TO_THE_FIRST_LOOK * 1.4 < default_budget(costs) < LONGEST_S


def test_what_is_far_from_the_fastest_has_no_say_in_the_budget() -> None:
    near = {"a": 0.2, "b": 0.3}
    assert default_budget({**near, "far": NEAR_FASTEST * 0.2 + 0.1}) == default_budget(near)


def test_no_budget_is_longer_than_the_longest() -> None:
    assert default_budget({"a": 100.0, "b": 200.0}) == LONGEST_S


@given(COSTS)
def test_the_budget_lies_between_its_bounds(costs) -> None:
    assert SHORTEST_S <= default_budget(costs) <= LONGEST_S


@given(st.dictionaries(st.sampled_from("abc"), st.floats(0.01, 0.05), min_size=1))
def test_the_budget_lets_all_that_are_near_the_fastest_race(costs) -> None:
    assert len(admit(costs, default_budget(costs)).racing) == len(costs)


def test_far_slower_ones_are_charged_their_long_rounds_alone() -> None:
    near = race_seconds({"a": 1.0, "b": 1.5})
    together = race_seconds({"a": 1.0, "b": 1.5, "far": 10.0})
    warm_ups = 3 * (10.0 + 1.0)
    assert together - near == pytest.approx(FAR_ROUNDS * (10.0 + LONG * 1.0) + warm_ups)


def test_no_race_takes_no_time() -> None:
    assert race_seconds({}) == 0.0
