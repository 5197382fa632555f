"""The pairs that never raced, and why, from logs that are written by hand."""

from __future__ import annotations

import pytest

from blurbench.analysis.crossing import find_crossovers
from blurbench.analysis.unraced import unraced
from blurbench.measure.judge import Rules
from blurbench.study.crossover import points_of
from helpers.written import Written


def missing(log: Written) -> dict[tuple[str, str], str]:
    """The reasons, by the names of the pair."""
    points = points_of(log.log)
    run = log.log.run
    found = unraced(run.declared, run.rules, points, find_crossovers(points))
    return {
        (one.first.removeprefix("fake:"), one.second.removeprefix("fake:")): one.reason
        for one in found
    }


def test_a_pair_that_raced_is_not_missing() -> None:
    assert missing(Written("direct", "fft").race(3, {"direct": 0.001, "fft": 0.002})) == {}


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("failed", "fake:fft failed (so it is)"),
        ("over_budget", "fake:fft over budget (so it is)"),
        ("unavailable", "fake cannot run"),
    ],
)
def test_who_is_out_is_the_reason(status: str, reason: str) -> None:
    log = Written("direct", "fft").out(3, "fft", status).race(3, {"direct": 0.001})
    assert missing(log) == {("direct", "fft"): reason}


def test_two_that_were_never_in_one_race_are_told() -> None:
    log = Written("direct", "fft").race(3, {"direct": 0.001}).race(5, {"fft": 0.001})
    assert missing(log) == {("direct", "fft"): "never in one race"}


def test_where_nothing_was_measured_every_pair_is_missing() -> None:
    assert missing(Written("direct", "fft")) == {("direct", "fft"): "nothing was measured"}


@pytest.mark.parametrize(("tolerance", "told"), [(None, False), (0.01, True)])
def test_approximations_are_asked_for_only_with_a_tolerance(
    tolerance: float | None, told: bool
) -> None:
    log = Written("fft", "deriche", rules=Rules(tolerance=tolerance))
    assert (("fft", "deriche") in missing(log)) is told


def test_a_group_is_missing_with_the_reasons_of_its_members() -> None:
    log = Written("one:separable", "two:fft", "three:fft").race(3, {"one:separable": 0.001})
    log.out(3, "two:fft", "unavailable").out(3, "three:fft", "failed", "worn out")
    assert missing(log) == {
        ("separable:fastest", "fft:fastest"): "three:fft failed (worn out); two cannot run"
    }
