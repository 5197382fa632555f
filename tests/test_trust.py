"""The proof of `make trust` with fewer runs, and that it would notice what is wrong."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import replace
from itertools import count, islice, pairwise, repeat
from statistics import fmean
from types import SimpleNamespace
from typing import Any

import pytest

import trust
from blurbench.analysis.place import Place
from blurbench.measure.stats import walk_rank
from helpers.covering import PRODUCTS
from trust import BOUNDS, SCENARIOS, Bound, Crossing, Machine, Mean, Scenario, Tally, total

GATED = [one for one in SCENARIOS.values() if one.gated]
UNLIKELY = 1e-3
QUESTIONS = {
    "ratio": trust.ratios,
    "identical": trust.verdicts,
    "every look": trust.looks,
    "bracket": trust.brackets,
    "many": trust.many,
    "far at the first look": trust.many,
    "processes": trust.processes,
    "gate is right": trust.gates,
    "gate finds 5 %": trust.gates,
}
RUNS = {"ratio": 80, "identical": 80, "bracket": 25, "many": 40, "far at the first look": 20}


def asked(key: str, scenario: Scenario, runs: int) -> Tally:
    return total(QUESTIONS[key](scenario, f"{scenario.name} {run}") for run in range(runs))


def is_missed(bound: Bound, seen: list[float]) -> bool:
    """Whether so many failures would be unlikely if the bound were just kept."""
    n, failures, p = len(seen), seen.count(False), 1 - bound.least
    fewer = sum(math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(failures))
    return 1 - fewer < UNLIKELY


# Each bound under the noise that shows best when it is missed, and each noise once.
TELLING = {
    *(("log-normal", "ratio"), ("tone", "ratio"), ("spells", "ratio")),
    *(("plans, quiet", "identical"), ("drift", "identical"), ("outliers", "identical")),
    *(
        ("log-normal", "every look"),
        ("log-normal", "many"),
        ("log-normal", "far at the first look"),
    ),
    *(("plans, quiet", "processes"), ("log-normal", "gate is right")),
    ("log-normal", "gate finds 5 %"),
    *(("tone", "bracket"), ("steps", "bracket")),
}


def is_kept(scenario: Scenario, bound: Bound) -> Any:
    """The case of a bound under a noise."""
    told = (scenario.name, bound.key) in TELLING
    marks = () if told else (pytest.mark.rest(PRODUCTS),)
    return pytest.param(scenario, bound, id=f"{scenario.name}-{bound.key}", marks=marks)


def is_asked(scenario: Scenario, bound: Bound) -> bool:
    if bound.only not in ("", scenario.name):
        return False
    return QUESTIONS[bound.key] in trust.QUESTIONS.get(scenario.name, trust.USUAL)


@pytest.mark.parametrize(
    ("scenario", "bound"),
    [
        is_kept(scenario, bound)
        for scenario in GATED
        for bound in BOUNDS
        if is_asked(scenario, bound)
    ],
)
def test_the_bounds_are_kept(scenario: Scenario, bound: Bound) -> None:
    runs = RUNS.get(bound.key, 100)
    seen = asked(bound.key, scenario, runs)[bound.key]
    assert len(seen) >= 0.5 * runs  # not every search finds a change
    assert not is_missed(bound, seen)


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=lambda one: one.name)
def test_the_true_ratio_is_that_of_the_speeds(scenario: Scenario) -> None:
    # Rounds of four in random order, with nothing of the code under test.
    rounds, rng = 20_000, random.Random(1)
    pace = scenario.pace(random.Random(2), 4, 4 * rounds)
    noises = [scenario.noise(random.Random(3 + i)) for i in range(4)]
    if scenario.noise_of_one is not None:
        noises[1] = scenario.noise_of_one(random.Random(9))
    logs = []
    for _ in range(rounds):
        times = {index: next(noises[index]) + next(pace) for index in rng.sample(range(4), 4)}
        logs.append(times[0] - times[1])
    above = sum(one > 0 for one in logs)
    assert above == pytest.approx(rounds / 2, abs=4 * math.sqrt(rounds) / 2)


def correlation(values: list[float], lag: int) -> float:
    mean = fmean(values)
    pairs = zip(values, values[lag:], strict=False)
    products = math.fsum((a - mean) * (b - mean) for a, b in pairs)
    return products / math.fsum((value - mean) ** 2 for value in values)


def paces(make: Callable[..., Any], samples: int, run: int = 20_000) -> list[float]:
    return list(islice(make(random.Random(5), 4, run), samples))


def test_the_machine_slows_down_by_thirty_per_cent() -> None:
    assert math.exp(paces(trust.drift, 20_001)[-1]) == pytest.approx(1.3)


def test_the_machine_wanders_from_round_to_round() -> None:
    assert correlation(paces(trust.wander, 80_000), 4) == pytest.approx(0.7, abs=0.03)


def test_the_machine_switches_every_ten_rounds() -> None:
    seen = paces(trust.steps, 80_000)
    switches = sum(a != b for a, b in pairwise(seen))
    assert sorted({math.exp(one) for one in seen}) == pytest.approx([1.0, 1.4])
    assert 80_000 / switches == pytest.approx(40, rel=0.1)


def test_the_tone_has_the_period_of_a_round() -> None:
    seen = paces(trust.tone, 40)
    assert seen[4:] == pytest.approx(seen[:-4])


@pytest.mark.parametrize("rho", [0.3, 0.6, 0.9])
def test_one_cell_alone_is_autocorrelated(rho: float) -> None:
    machine = Machine(SCENARIOS[f"one cell at {rho}"], "seed", "abc", 128)
    times = {
        name: [math.log(machine.contender(name, 1.0).measure(1)) for _ in range(20_000)]
        for name in "abc"
    }
    found = [correlation(times[name], 1) for name in "abc"]
    assert found == pytest.approx([0.0, rho, 0.0], abs=0.03)


def test_both_ways_of_measuring_meet_the_same_noise() -> None:
    machines = [Machine(SCENARIOS["outliers"], "seed", "abc", 128) for _ in range(2)]
    first, second = ([one.contender("a", 1.0).measure(1) for _ in range(50)] for one in machines)
    assert first == second


@pytest.mark.parametrize("size", [9.0, 15.999, 17.2, 47.9, 143.999, 150.0])
def test_the_models_cross_once(size: float) -> None:
    speeds = {one: Crossing(size).speeds(one) for one in trust.SIZES}
    faster = [one for one, of in speeds.items() if of["fft"] <= of["separable"]]
    assert faster == [one for one in trust.SIZES if one >= size]


def test_an_fft_that_falls_behind_again_crosses_three_times() -> None:
    assert Crossing(50.0, back=1.2).changes == [(51, True), (61, False), (75, True)]


@pytest.mark.parametrize(
    ("bracket", "after", "told"),
    [
        ((49, 53), "second", True),
        ((49, 53), "first", False),
        ((53, 57), "second", False),
        ((59, 63), "first", True),
        ((49, 61), "second", False),
        ((49, 79), "second", True),
    ],
)
def test_a_bracket_is_right_where_its_ends_are(
    bracket: tuple[int, int], after: str, told: bool
) -> None:
    place = Place(after, 55.0, *bracket, pooled=0)
    assert Crossing(50.0, back=1.2).is_told(place) is told


# What is wrong is noticed.


def test_an_interval_that_is_too_narrow_misses_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "blurbench.measure.stats.walk_rank", lambda samples, alpha: walk_rank(samples, 0.95)
    )
    assert is_missed(BOUNDS[0], asked("ratio", SCENARIOS["log-normal"], 60)["ratio"])


@pytest.mark.rest("simulations")
def test_four_times_the_error_rate_misses_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust, "MOST", replace(trust.MOST, alpha=4 * trust.MOST.alpha))
    (bound,) = (one for one in BOUNDS if one.key == "every look")
    assert is_missed(bound, asked("every look", SCENARIOS["log-normal"], 400)["every look"])


def test_verdicts_without_a_margin_miss_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then plans of the same code are called different."""
    monkeypatch.setattr(trust, "MOST", replace(trust.MOST, same=0.0))
    (bound,) = (one for one in BOUNDS if one.key == "identical")
    assert is_missed(bound, asked("identical", SCENARIOS["plans, quiet"], 80)["identical"])


def test_rounds_in_a_fixed_order_miss_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "blurbench.measure.race.shuffled_rounds", lambda n, rng: repeat(list(range(n)))
    )
    assert is_missed(BOUNDS[0], asked("ratio", SCENARIOS["tone"], 60)["ratio"])


@pytest.mark.rest("simulations")
def test_a_bracket_between_bare_medians_misses_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "blurbench.analysis.ordering.verdict_beyond",
        lambda ratio, same: "slower" if ratio.value > 1 else "faster",
    )
    (bound,) = (one for one in BOUNDS if one.key == "bracket")
    assert is_missed(bound, asked("bracket", SCENARIOS["tone"], 30)["bracket"])


@pytest.mark.parametrize("name", ["drift", "steps", "autocorrelation"])
def test_the_naive_way_fails_where_the_machine_moves(name: str) -> None:
    ratios, verdicts = (asked(key, SCENARIOS[name], 30) for key in ("ratio", "identical"))
    assert fmean(ratios["naive ratio"]) < 0.6
    assert fmean(verdicts["naive identical"]) < 0.5


def test_the_naive_way_is_right_about_independent_noise() -> None:
    found = [Mean.of(values) / Mean.of(others) for values, others in normal_pairs(400)]
    held = fmean(one.low <= 2.0 <= one.high for one in found)
    assert held == pytest.approx(0.95, abs=0.035)


def normal_pairs(pairs: int) -> Any:
    rng = random.Random(4)
    for _ in range(pairs):
        yield [rng.gauss(2, 0.1) for _ in range(50)], [rng.gauss(1, 0.1) for _ in range(50)]


# How it is told.


@pytest.mark.rest("simulations")
def test_the_number_of_jobs_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust, "SCENARIOS", {"steps": SCENARIOS["steps"]})
    assert list(trust.run_all(3, jobs=1)) == list(trust.run_all(3, jobs=2))


def told(monkeypatch: pytest.MonkeyPatch, name: str, *arguments: str) -> int:
    monkeypatch.setattr(trust, "SCENARIOS", {name: SCENARIOS[name]})
    return trust.main(["--runs", "4", "--jobs", "1", "--control", "0", *arguments])


def test_bounds_that_are_kept_are_said_to_be(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(monkeypatch, "steps of 2 %") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "PASS: all bounds are kept"
    assert max(map(len, lines)) <= 100


def test_a_missed_bound_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(trust, "BOUNDS", (Bound("naive ratio", 1.0, "of the means are right"),))
    assert told(monkeypatch, "drift") == 1
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("MISSED drift: ")
    assert last.endswith("% of the means are right, not 100%")


def test_what_is_only_reported_misses_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(trust, "BOUNDS", (Bound("ratio", 1.01, "cannot be"),))
    assert told(monkeypatch, "one cell at 0.6") == 0


def test_searches_that_find_nothing_miss_the_bound() -> None:
    tally: Tally = {"ratio": [True], "identical": [True], "bracket": []}
    assert trust.missed(SCENARIOS["tone"], tally) == [
        "tone: 0.0% of the searches that find a change are right about all that they find, not 95%"
    ]


def test_the_controls_of_this_machine_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    seeds = count()

    def simulated(*given: object) -> SimpleNamespace:
        seed = f"{next(seeds)}"
        machine = Machine(SCENARIOS["log-normal"], seed, "abc", 128)
        return SimpleNamespace(race=machine.race(trust.IDENTICAL, seed))

    monkeypatch.setattr(trust, "compare", simulated)
    first, *lines = trust.control_of_this_machine(3).splitlines()
    assert first == "The interval of this machine's control holds 1 in 3 of 3 runs:"
    assert len(lines) == 3
