"""The proof of `make trust`, with fewer runs; the same seeds give the same shares every time."""

from __future__ import annotations

import random

import pytest
from trust import BRACKET, COVERAGE, FALSE, SCENARIOS, Machine, Scenario, Shares, naive_ratio, run

RUNS = 25
GATED = [one for one in SCENARIOS if one.gated]


@pytest.fixture(scope="module")
def shares() -> dict[str, Shares]:
    return {one.scenario.name: one for one in run(GATED, RUNS)}


@pytest.mark.parametrize("name", [one.name for one in GATED])
def test_the_interval_of_a_ratio_holds_the_true_one(shares: dict[str, Shares], name: str) -> None:
    assert shares[name].coverage >= COVERAGE


@pytest.mark.parametrize("name", [one.name for one in GATED])
def test_identical_contenders_are_hardly_ever_called_different(
    shares: dict[str, Shares], name: str
) -> None:
    assert shares[name].false <= FALSE


@pytest.mark.parametrize("name", [one.name for one in GATED])
def test_the_bracket_holds_the_true_crossover(shares: dict[str, Shares], name: str) -> None:
    assert shares[name].bracket >= BRACKET
    assert shares[name].found >= BRACKET


def test_a_bracket_of_everything_would_prove_nothing(shares: dict[str, Shares]) -> None:
    assert shares["log-normal"].width < 1


def test_naive_timing_does_worse_on_the_same_noise(shares: dict[str, Shares]) -> None:
    assert shares["autocorrelation"].naive_coverage < 0.8
    assert shares["autocorrelation"].naive_false > 0.2


def test_a_quiet_machine_is_measured_as_it_is() -> None:
    low, high = naive_ratio(Machine(Scenario("log-normal"), random.Random(1)), 0.02, 0.04)
    assert low <= 2 <= high


def test_a_bound_that_is_missed_is_named(shares: dict[str, Shares]) -> None:
    kept = shares["drift"]
    assert kept.missed == []
    missed = Shares(**{**kept.__dict__, "coverage": 0.5, "false": 0.2}).missed
    assert missed == ["drift: coverage 0.500", "drift: false verdicts 0.200"]
