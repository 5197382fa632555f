"""The seconds of a point, on a clock that is set by hand."""

from __future__ import annotations

import time
from typing import Any

import pytest

from blurbench.study.point.budget import Budget
from blurbench.study.point.request import PointRequest

LONG_CALLS = {"slow": 10.0}  # seconds that a call takes, of which no race fits any budget


class Clock:
    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "perf_counter", clock)
    return clock


def budget_of(clock: Clock, earlier_s: float = 0.0, **asked: Any) -> Budget:
    return Budget(PointRequest(**asked), clock.now, earlier_s)


def test_what_earlier_attempts_spent_counts_too(clock: Clock) -> None:
    budget = budget_of(clock, earlier_s=4.0, budget=10.0)
    budget.settle({})
    clock.now += 3.0
    assert (budget.here_s, budget.spent_s, budget.left_s) == (3.0, 7.0, 3.0)


@pytest.mark.parametrize(("spare", "seconds"), [(5.0, 12.0), (1.0, 11.0)])
def test_compiling_may_take_what_is_spare_beside_a_budget(
    clock: Clock, spare: float, seconds: float
) -> None:
    budget = budget_of(clock, budget=10.0, spare=spare)
    budget.compiled_s = 2.0
    budget.settle(LONG_CALLS)
    assert budget.seconds == seconds


@pytest.mark.parametrize(("costs", "seconds"), [({"fast": 1e-6}, 15.0), (LONG_CALLS, 60.0)])
def test_without_a_budget_the_calls_decide_within_limits(
    clock: Clock, costs: dict[str, float], seconds: float
) -> None:
    budget = budget_of(clock, shortest=15.0, longest=60.0)
    budget.settle(costs)
    assert budget.seconds == seconds


def test_a_budget_that_was_asked_for_is_not_stretched(clock: Clock) -> None:
    budget = budget_of(clock, budget=10.0)
    budget.settle({})
    assert not budget.stretch(LONG_CALLS, aside_s=5.0)
    assert budget.seconds == 10.0


def test_one_that_was_not_is_stretched_by_what_was_spent_before_the_race(clock: Clock) -> None:
    costs = {"a": 0.5, "b": 0.5}
    budget = budget_of(clock, shortest=1.0, longest=1000.0)
    budget.settle(costs)
    before = budget.seconds
    clock.now += 100.0
    assert budget.stretch(costs, aside_s=5.0)
    assert budget.seconds == pytest.approx(before + 104.5)
    assert not budget.stretch(costs, aside_s=5.0)
