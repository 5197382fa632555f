"""The words of the judge, on intervals and verdicts that are given."""

from __future__ import annotations

import pytest

from blurbench.measure.judge import is_far, may_lead, verdict_on, verdict_on_leader
from blurbench.measure.stats import Estimate, rebased


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (1.04, 1.10, "slower"),
        (1.01, 1.02, "tied"),
        (0.98, 1.02, "tied"),
        (1.01, 1.06, "slower here"),
        (0.99, 1.06, "unclear"),
        (0.90, 1.01, "unclear"),
        (None, None, "unclear"),
    ],
)
def test_an_interval_has_its_word(low: float | None, high: float | None, verdict: str) -> None:
    assert verdict_on(Estimate(1.02, low, high), 0.03) == verdict


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(1.04, 1.10, "slower"), (1.01, 1.02, "unclear"), (1.01, 1.06, "unclear")],
)
def test_where_the_control_failed_only_what_is_beyond_the_margin_is_told(
    low: float, high: float, verdict: str
) -> None:
    assert verdict_on(Estimate(1.02, low, high), 0.03, trusted=False) == verdict


@pytest.mark.parametrize(
    ("others", "verdict"),
    [
        ([], "fastest"),
        (["slower", "far slower"], "fastest"),
        (["slower", "slower here"], "fastest here"),
        (["slower here", "tied"], "tied"),
        (["tied", "unclear"], "likely fastest"),
    ],
)
def test_a_leader_is_as_sure_as_the_least_sure_of_the_others(
    others: list[str], verdict: str
) -> None:
    assert verdict_on_leader(others) == verdict


def test_a_ratio_to_the_leader_takes_both_intervals_in() -> None:
    found = rebased(Estimate(1.2, 1.1, 1.3), Estimate(0.8, 0.5, 1.0))
    assert (found.value, found.low, found.high) == pytest.approx((1.5, 1.1, 2.6))


def test_a_ratio_to_a_leader_without_an_interval_has_none() -> None:
    found = rebased(Estimate(1.2, 1.1, 1.3), Estimate(0.8, None, None))
    assert (found.low, found.high) == (None, None)


@pytest.mark.parametrize(("seconds", "far"), [(9.1, True), (8.9, False)])
def test_few_runs_are_far_from_nine_times_the_best_on(seconds: float, far: bool) -> None:
    assert is_far(seconds, [0.5, 1.0, 4.0]) is far


def test_an_approximation_leads_only_where_there_is_nobody_else() -> None:
    assert may_lead(["a", "b"], {"a"}) == ["b"]
    assert may_lead(["a"], {"a"}) == ["a"]
