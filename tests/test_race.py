"""Races on a simulated clock: contenders of known speed, seeded noise, nobody waits."""

from __future__ import annotations

import gc
import math
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from statistics import median
from typing import Any

import pytest

from blurbench.measure.contest import Contender, ContenderError, Contest
from blurbench.measure.judge import Result, Rules, rates_of
from blurbench.measure.race import Ranking, explodes, race
from blurbench.measure.rounds import CONTROL, Rounds, Sample
from blurbench.measure.side_by_side import side_by_side
from blurbench.measure.stats import is_look

ENDLESS = 1e6  # seconds that end no race
PILOT = Rules.pilot


@dataclass
class World:
    """A clock that only measuring moves, and the noise of the machine under it.

    Attributes:
        noise: standard deviation of the logarithm of every measurement.
        pace: by how much everything is slower at a moment.
        before: is told the name of each contender that is about to be measured.
    """

    seed: int = 0
    noise: float = 0.02
    pace: Callable[[float], float] = lambda now: 1.0
    before: Callable[[str], None] = lambda name: None
    now: float = 0.0
    samples: list[Sample] = field(default_factory=list, repr=False)
    controls: list[str] = field(default_factory=list)
    left: list[float] = field(default_factory=list)
    rankings: list[Ranking] = field(default_factory=list)
    rng: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)

    def contender(
        self,
        name: str,
        seconds: float,
        bias: Callable[[int], float] = lambda turn: 1.0,
        cost_s: float | None = None,
        launch_s: float = 0.0,
    ) -> Contender:
        """One whose call takes `seconds`, times `bias` of how often it was measured before.

        What launching takes besides is in no sample.
        """
        turns = iter(range(10**9))

        def measure(loops: int) -> float:
            self.before(name)
            noise = math.exp(self.rng.gauss(0, self.noise))
            elapsed = loops * seconds * bias(next(turns)) * noise * self.pace(self.now)
            self.now += elapsed + loops * launch_s
            return elapsed

        cost_s = seconds if cost_s is None else cost_s
        return Contender(name, measure, cost_s, launch_s=launch_s)

    def race(
        self,
        *speeds: float | Contender,
        seconds: float = ENDLESS,
        control_bias: float = 1.0,
        keep: Callable[[Sample], None] | None = None,
        rng: random.Random | None = None,
        **contest: Any,
    ) -> Result:
        """Race contenders `a`, `b`, ... of the given seconds a call in such a contest."""
        names = "abcdefgh"
        contenders = [
            one if isinstance(one, Contender) else self.contender(names[index], one)
            for index, one in enumerate(speeds)
        ]
        costs = {one.name: one.cost_s for one in contenders}

        def make_control(reference: str) -> Contender:
            self.controls.append(reference)
            return self.contender(
                CONTROL, costs[reference], lambda turn: control_bias, costs[reference]
            )

        return race(
            Contest(contenders, **{"rules": Rules(), "make_control": make_control, **contest}),
            seconds=seconds,
            rng=rng or random.Random(self.seed),
            keep=keep or self.samples.append,
            progress=self._progress,
            now=lambda: self.now,
        )

    def _progress(self, rounds: int, left_s: float, ranking: Ranking) -> None:
        self.left.append(left_s)
        self.rankings.append(ranking)

    def rounds(self) -> Iterator[tuple[int, list[Sample]]]:
        """The samples round by round, in the order of their taking."""
        for number, samples in groupby(self.samples, key=lambda sample: sample.round):
            yield number, list(samples)

    def longest_round(self) -> float:
        return max(sum(one.elapsed_s for one in samples) for _, samples in self.rounds())

    def ratios(self, name: str, reference: str) -> list[float]:
        """The measured ratios of a contender to its reference and to the control, in all rounds."""
        found = []
        for number, samples in self.rounds():
            times = [(one.contender, one.elapsed_s / one.loops) for one in samples if number > 0]
            own = [seconds for one, seconds in times if one == name]
            others = [seconds for one, seconds in times if one in (reference, CONTROL)]
            found += [seconds / other for seconds in own for other in others]
        return found

    def sampled(self) -> dict[int, Counter[str]]:
        """How often each was measured, by round."""
        return {number: Counter(one.contender for one in own) for number, own in self.rounds()}


def verdicts(result: Result) -> dict[str, str]:
    return {name: standing.verdict for name, standing in result.standings.items()}


def other(result: Result) -> str:
    """Of two contenders, the one that does not lead."""
    return next(name for name in result.standings if name != result.leader)


def slow_at_first(turn: int) -> float:
    """Bad luck for as long as the pilot lasts."""
    return 3.0 if turn < PILOT else 1.0


def most(rounds: int, **more: Any) -> Rules:
    return Rules(most=rounds, **more)


# Who is the fastest.


def test_the_faster_of_two_is_fastest_and_the_other_slower() -> None:
    assert verdicts(World().race(0.010, 0.012)) == {"a": "fastest", "b": "slower"}


def test_a_contender_proven_slower_leaves_the_later_rounds() -> None:
    world = World(noise=0.05)
    result = world.race(0.010, 0.0101, 0.015, rules=most(30))
    last = max(one.round for one in world.samples if one.contender == "c")
    assert is_look(last)
    assert last == result.standings["c"].rounds < result.rounds == 30


def test_a_contender_proven_slower_keeps_its_figures() -> None:
    result = World(noise=0.02).race(0.010, 0.0101, 0.015, rules=most(30))
    assert result.standings["c"].verdict == "slower"
    assert result.standings["c"].ratio.value == pytest.approx(1.5, rel=0.03)


def test_the_race_ends_when_every_verdict_is_proven() -> None:
    assert World().race(0.010, 0.015, 0.020).rounds == 8


def test_a_race_of_two_that_are_proven_tied_ends() -> None:
    result = World(noise=0.0).race(0.010, 0.0101)
    assert (result.rounds, set(verdicts(result).values())) == (8, {"tied"})


def test_a_race_that_nobody_can_decide_ends_with_its_time() -> None:
    world = World(noise=0.3)
    result = world.race(0.010, 0.0101, seconds=10.0)
    assert world.longest_round() > 10.0 - world.now >= 0
    assert verdicts(result) == {result.leader: "likely fastest", other(result): "unclear"}


@pytest.mark.parametrize("seed", range(10))
def test_two_that_take_turns_in_the_lead_race_to_the_end(seed: int) -> None:
    # Long rounds, for the far one, are rounds of the reference alone: the two have other looks.
    result = World(seed, noise=0.15).race(0.010, 0.0101, 0.030, rules=most(64))
    assert min(result.standings[name].rounds for name in "ab") == 64


@pytest.mark.parametrize("rounds", [1, 9, 20])
def test_a_given_number_of_rounds_ends_the_race(rounds: int) -> None:
    assert World(noise=0.3).race(0.010, 0.0101, rules=most(rounds)).rounds == rounds


def test_identical_contenders_are_called_different_as_rarely_as_promised() -> None:
    rules = most(16, same=0.0)
    runs = [World(seed=seed, noise=0.08).race(0.1, 0.1, 0.1, rules=rules) for seed in range(200)]
    false = [
        run
        for run in runs
        if not run.control_passed or {"slower", "slower here"} & set(verdicts(run).values())
    ]
    assert len(false) <= 10


def test_a_known_ratio_lies_in_its_interval() -> None:
    runs = [World(seed=seed, noise=0.08).race(0.10, 0.11, rules=most(23)) for seed in range(100)]
    found = [run.standings[other(run)].ratio for run in runs]
    truths = [1.1 if run.leader == "a" else 1 / 1.1 for run in runs]
    held = sum(
        one.low is not None and one.high is not None and one.low <= truth <= one.high
        for one, truth in zip(found, truths, strict=True)
    )
    assert held >= 95


def test_the_ratio_is_the_median_of_the_ratios_to_reference_and_control_within_rounds() -> None:
    world = World(noise=0.005)
    result = world.race(0.10, 0.13)
    expected = math.exp(median(math.log(one) for one in world.ratios("b", "a")))
    assert result.standings["b"].ratio.value == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("same", "verdict"), [(0.03, "slower"), (0.08, "tied")])
def test_the_margin_is_as_wide_as_it_is_told(same: float, verdict: str) -> None:
    result = World(noise=0.002).race(0.010, 0.0105, rules=Rules(same=same))
    assert verdicts(result)["b"] == verdict


def test_a_tied_contender_stays_as_long_as_another_is_undecided() -> None:
    world = World(noise=0.002)
    erratic = world.contender("c", 0.010, lambda turn: 0.8 if turn % 2 else 1.35)
    result = world.race(0.010, 0.01005, erratic, rules=most(40))
    assert (result.standings["b"].rounds, result.rounds) == (40, 40)


def test_the_leader_has_the_lowest_ratio_whomever_the_pilot_picked() -> None:
    world = World()
    unlucky = world.contender("a", 0.010, slow_at_first)
    result = world.race(unlucky, 0.012)
    assert (result.reference, result.leader) == ("b", "a")
    assert verdicts(result) == {"a": "fastest", "b": "slower"}


def test_ratios_are_to_the_leader_whomever_the_pilot_picked() -> None:
    world = World(noise=0.002)
    unlucky = world.contender("a", 0.010, slow_at_first)
    result = world.race(unlucky, 0.012, 0.018)
    values = {name: one.ratio.value for name, one in result.standings.items()}
    assert values == pytest.approx({"a": 1.0, "b": 1.2, "c": 1.8}, rel=0.01)


def test_a_race_whose_leader_was_not_the_reference_ends_once_that_is_proven() -> None:
    world = World(noise=0.0)
    assert world.race(world.contender("a", 0.010, slow_at_first), 0.012).rounds == 8


def test_the_leader_stands_first_and_the_others_by_ratio() -> None:
    assert list(World().race(0.018, 0.010, 0.014).standings) == ["b", "c", "a"]


def test_the_reference_has_the_lowest_median_of_the_pilot() -> None:
    world = World()
    hiccup = world.contender("a", 0.010, lambda turn: 9.0 if turn in (1, 3) else 1.0)
    assert world.race(hiccup, 0.012).reference == "a"


# The budget.


def test_a_budget_that_ends_before_a_look_decides_nothing() -> None:
    # Five rounds of the pilot take 1.5 s, each round of the race 0.4 s.
    result = World().race(0.10, 0.20, seconds=2.9)
    standing = result.standings["b"]
    assert result.rounds == 3
    assert (standing.verdict, standing.ratio.low, standing.ratio.high) == ("unclear", None, None)


def test_without_an_interval_the_control_neither_fails_nor_names_a_noise_floor() -> None:
    result = World().race(0.10, 0.20, seconds=2.9, control_bias=2.0)
    assert (result.control_passed, result.noise_floor) == (True, None)


def test_a_budget_without_a_round_has_no_figures() -> None:
    result = World().race(0.10, 0.20, seconds=0.5)
    assert (result.rounds, result.control, result.control_rounds) == (0, None, 0)
    assert math.isnan(result.standings["a"].time.value)


@pytest.mark.parametrize("seconds", [0.6, 1.3, 5.0, 17.0, 60.0])
def test_the_budget_is_passed_by_one_round_at_most(seconds: float) -> None:
    world = World(noise=0.1)
    world.race(0.05, 0.05, 0.05, 0.4, seconds=seconds)
    assert world.now - world.longest_round() <= seconds


@pytest.mark.parametrize("seconds", [0.9, 2.0, 7.3])
def test_a_round_that_does_not_fit_is_not_begun(seconds: float) -> None:
    world = World(noise=0.0)
    world.race(0.05, 0.05, 0.05, seconds=seconds)
    assert world.now <= seconds


@pytest.mark.parametrize("seconds", [0.0, 0.2])
def test_a_budget_shorter_than_the_pilot_is_passed_by_one_round_at_most(seconds: float) -> None:
    world = World()
    world.race(0.2, 0.2, 0.2, seconds=seconds)
    assert world.now - world.longest_round() <= seconds


def test_progress_is_told_the_seconds_that_are_left() -> None:
    world = World()
    result = world.race(0.10, 0.12, seconds=100.0)
    assert len(world.left) == result.rounds
    assert world.left[-1] == pytest.approx(100.0 - world.now)


def test_progress_is_told_now_and_then_who_leads() -> None:
    world = World(noise=0.0)
    world.race(0.012, 0.010, rules=most(40))
    shown = [one for one in world.rankings if one]
    assert 0 < len(shown) < len(world.rankings)
    assert [name for name, _ in shown[-1]] == ["b", "a"]
    assert [seconds for _, seconds in shown[-1]] == pytest.approx([0.010, 0.012])


# Samples.


@pytest.mark.parametrize("cost", [1e-6, 0.0003, 0.007, 0.019, 0.02, 0.5])
def test_inner_loops_lengthen_samples_to_the_least_duration(cost: float) -> None:
    world = World(noise=0.0)
    world.race(cost, 2 * cost)
    assert all(one.elapsed_s >= 0.02 * (1 - 1e-9) for one in world.samples)


def test_samples_that_are_long_enough_are_not_repeated() -> None:
    world = World()
    world.race(0.5, 0.6)
    assert {one.loops for one in world.samples} == {1}


def test_a_small_budget_shortens_the_samples_so_that_the_first_look_is_reached() -> None:
    world = World(noise=0.001)
    result = world.race(0.001, 0.002, seconds=0.3)
    assert verdicts(result)["b"] == "slower"
    assert max(one.elapsed_s for one in world.samples) < 0.02


def test_a_sample_says_how_many_calls_it_holds() -> None:
    world = World(noise=0.0)
    world.race(0.001, 0.003)
    per_call = {one.contender: one.elapsed_s / one.loops for one in world.samples}
    assert per_call == pytest.approx({"a": 0.001, "b": 0.003, CONTROL: 0.001})


def test_times_are_seconds_of_one_call() -> None:
    result = World(noise=0.0).race(0.001, 0.003)
    standing = result.standings["b"]
    assert standing.time.value == pytest.approx(0.003)


def test_pilot_samples_are_numbered_zero_and_below() -> None:
    world = World()
    world.race(0.010, 0.012)
    assert sorted({one.round for one in world.samples if one.round < 1}) == [-4, -3, -2, -1, 0]


def test_pilot_samples_enter_no_interval() -> None:
    world = World(noise=0.0)
    result = world.race(world.contender("a", 0.010, slow_at_first), 0.012)
    standing = result.standings["b"]
    assert standing.rounds == 8
    assert (standing.time.low, standing.time.high) == pytest.approx((0.012, 0.012))
    assert (standing.ratio.low, standing.ratio.high) == pytest.approx((1.2, 1.2))


def test_every_sample_is_kept_before_the_next_is_taken() -> None:
    events: list[str] = []
    world = World(noise=0.0, before=lambda name: events.append(f"measure {name}"))
    world.race(0.010, 0.012, keep=lambda sample: events.append(f"keep {sample.contender}"))
    pairs = list(zip(events[::2], events[1::2], strict=True))
    assert all(
        (first, second) == (f"measure {name}", f"keep {name}")
        for first, second in pairs
        for name in [first.split()[1]]
    )
    assert len(pairs) == PILOT * 2 + 6 * 3 + 2 * 2


def test_every_short_round_measures_each_once_that_stays() -> None:
    world = World(noise=0.005)
    world.race(0.010, 0.01015, 0.015, rules=most(20))
    for number, counts in world.sampled().items():
        expected = {"a": 1, "b": 1} | ({CONTROL: 1} if number >= 1 else {})
        assert counts == expected | ({"c": 1} if number <= 6 else {})


def test_samples_say_their_position_in_the_round() -> None:
    world = World()
    world.race(0.010, 0.012, 0.040)
    for _, samples in world.rounds():
        assert [one.position for one in samples] == list(range(len(samples)))


def test_a_round_is_complete_with_as_many_samples_as_each_of_them_says() -> None:
    world = World()
    world.race(0.010, 0.012, 0.040)
    for _, samples in world.rounds():
        assert {one.competitors for one in samples} == {len(samples)}


def test_nobody_keeps_a_position() -> None:
    world = World(noise=0.3)
    world.race(0.010, 0.0101, 0.0102, rules=most(20))
    assert {one.position for one in world.samples if one.contender == "b"} == {0, 1, 2, 3}


def test_rounds_follow_each_other_without_a_gap() -> None:
    world = World()
    result = world.race(0.010, 0.0105, 0.040)
    numbers = [number for number, _ in world.rounds()]
    assert all(later - earlier == 1 for earlier, later in pairwise(numbers))
    assert (numbers[0], numbers[-1]) == (1 - PILOT, result.rounds)


# The control.


def test_the_control_is_made_once_for_the_reference() -> None:
    world = World()
    result = world.race(0.020, 0.010, 0.030)
    assert (world.controls, result.reference) == (["b"], "b")


def test_the_control_is_no_competitor() -> None:
    assert set(World().race(0.010, 0.012).standings) == {"a", "b"}


def test_the_control_runs_in_every_round() -> None:
    result = World().race(0.010, 0.0115, 0.040)
    assert result.control_rounds == result.rounds


def test_a_control_like_its_reference_passes() -> None:
    result = World(seed=1, noise=0.01).race(0.010, 0.02)
    assert result.control_passed
    assert result.noise_floor is not None
    assert 0 < result.noise_floor < 0.05


@pytest.mark.parametrize("bias", [1.2, 1 / 1.2], ids=["slower", "faster"])
def test_a_biased_control_fails_and_sets_the_noise_floor(bias: float) -> None:
    result = World(seed=1, noise=0.01).race(0.010, 0.02, control_bias=bias, rules=most(16))
    assert not result.control_passed
    assert result.noise_floor == pytest.approx(0.2, abs=0.03)


@pytest.mark.parametrize(("slower", "verdict"), [(1.6, "unclear"), (1.8, "slower")])
def test_after_a_failed_control_a_verdict_takes_twice_the_noise_floor(
    slower: float, verdict: str
) -> None:
    result = World(noise=0.001).race(0.10, 0.10 * slower, control_bias=1.2, rules=most(16))
    assert result.noise_floor == pytest.approx(0.2, abs=0.01)
    assert verdicts(result)["b"] == verdict


def test_no_race_is_decided_before_its_control_has_an_interval() -> None:
    runs = [World(seed=seed, noise=0.01).race(*[0.010] + [0.02] * 5) for seed in range(20)]
    assert [seed for seed, run in enumerate(runs) if run.noise_floor is None] == []


def test_a_race_without_a_control_ranks_the_others() -> None:
    world = World()
    result = world.race(0.010, 0.020, make_control=lambda reference: None)
    assert verdicts(result) == {"a": "fastest", "b": "slower"}
    assert (result.control, result.noise_floor) == (None, None)
    assert {one.contender for one in world.samples} == {"a", "b"}


def test_a_control_that_cannot_be_made_voids_the_race_and_is_named() -> None:
    def refuse(reference: str) -> Contender:
        raise MemoryError

    with pytest.raises(ContenderError) as raised:
        World().race(0.1, make_control=refuse)
    assert raised.value.name == CONTROL


# Interruptions and failures.


class Interrupter:
    """Presses the keys before measurement number `at`."""

    def __init__(self, at: int) -> None:
        self.at, self.count = at, 0

    def __call__(self, name: str) -> None:
        if self.count == self.at:
            raise KeyboardInterrupt
        self.count += 1


IN_ROUND_20 = PILOT * 2 + 19 * 3  # measurements before it, of two contenders and the control


def test_an_interruption_ends_the_race_with_what_is_complete() -> None:
    result = World(before=Interrupter(IN_ROUND_20 + 1), noise=0.2).race(0.10, 0.101)
    assert (result.interrupted, result.rounds) == (True, 19)


@pytest.mark.parametrize("torn", [0, 1, 2])
def test_a_torn_round_enters_no_figure(torn: int) -> None:
    world = World(before=Interrupter(IN_ROUND_20 + torn), noise=0.2)
    # What is measured in the torn round takes next to nothing.
    world.pace = lambda now: 1e-6 if len(world.samples) >= IN_ROUND_20 else 1.0
    result = world.race(0.10, 0.101)
    assert {one.rounds for one in result.standings.values()} == {result.control_rounds} == {19}
    assert min(one.time.low for one in result.standings.values()) > 0.01


def test_an_interruption_in_the_pilot_leaves_nothing_to_judge() -> None:
    result = World(before=Interrupter(3)).race(0.10, 0.20)
    assert (result.interrupted, result.rounds, result.control) == (True, 0, None)
    assert "slower" not in verdicts(result).values()


def test_an_interruption_while_the_control_is_made_ends_the_race() -> None:
    def interrupted(reference: str) -> Contender:
        raise KeyboardInterrupt

    result = World().race(0.1, make_control=interrupted)
    assert (result.interrupted, result.rounds) == (True, 0)


class Breaker:
    """Raises when the named contender is measured for the `at`-th time."""

    def __init__(self, name: str, at: int) -> None:
        self.name, self.left = name, at

    def __call__(self, name: str) -> None:
        self.left -= name == self.name
        if self.left == 0:
            raise ArithmeticError("no digits left")


@pytest.mark.parametrize("name", ["a", "b", CONTROL])
@pytest.mark.parametrize("at", [1, 8])
def test_one_that_raises_voids_the_race_and_is_named(name: str, at: int) -> None:
    with pytest.raises(ContenderError, match="no digits left") as raised:
        World(before=Breaker(name, at)).race(0.010, 0.012)
    assert (raised.value.name, type(raised.value.error)) == (name, ArithmeticError)


def test_a_race_that_ran_to_its_end_was_not_interrupted() -> None:
    assert not World().race(0.10, 0.20).interrupted


def test_a_single_contender_is_measured_to_the_first_look() -> None:
    result = World(noise=0.0).race(0.010)
    assert (result.reference, verdicts(result), result.rounds) == ("a", {"a": "fastest"}, 8)
    assert result.standings["a"].ratio.value == 1.0


# The pace of the machine.


def test_what_slows_the_whole_machine_does_not_bias_the_ratio() -> None:
    world = World(noise=0.005)
    world.pace = lambda now: 1.0 + now / 3.0  # twice as slow after 3 s
    result = world.race(0.05, 0.06, rules=most(16, same=0.2))
    assert world.samples[-1].elapsed_s > 2 * world.samples[0].elapsed_s
    ratio = result.standings["b"].ratio
    assert ratio.low is not None
    assert ratio.high is not None
    assert ratio.low <= 1.2 <= ratio.high
    assert ratio.value == pytest.approx(1.2, rel=0.03)


def test_a_slow_spell_of_the_machine_does_not_bias_the_ratio() -> None:
    world = World(noise=0.005)
    world.pace = lambda now: 2.0 if 1.0 < now < 2.0 else 1.0
    ratio = world.race(0.05, 0.06, rules=most(16, same=0.2)).standings["b"].ratio
    assert ratio.low is not None
    assert ratio.high is not None
    assert ratio.low <= 1.2 <= ratio.high


def test_the_order_follows_the_seed() -> None:
    runs = []
    for seed in (1, 1, 2):
        world = World()
        world.race(0.010, 0.012, 0.014, rng=random.Random(seed))
        runs.append([one.contender for one in world.samples])
    assert runs[0] == runs[1] != runs[2]


# Garbage.


@pytest.fixture
def garbage_collection() -> Iterator[None]:
    """Leaves the collector as it was."""
    before = gc.isenabled()
    yield
    (gc.enable if before else gc.disable)()


@pytest.mark.usefixtures("garbage_collection")
def test_no_garbage_is_collected_while_it_is_measured() -> None:
    gc.enable()
    seen = []
    World(before=lambda name: seen.append(gc.isenabled())).race(0.010, 0.012)
    assert not any(seen)


@pytest.mark.usefixtures("garbage_collection")
@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_is_left_as_it_was(enabled: bool) -> None:
    (gc.enable if enabled else gc.disable)()
    World().race(0.010, 0.012)
    assert gc.isenabled() is enabled


@pytest.mark.usefixtures("garbage_collection")
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_the_collector_is_back_after_a_contender_raised(error: type[BaseException]) -> None:
    gc.enable()

    def fail(name: str) -> None:
        raise error

    with suppress(RuntimeError):
        World(before=fail).race(0.010, 0.012)
    assert gc.isenabled()


# Those that are far slower.


def test_one_of_three_times_the_cost_is_proven_slower_in_four_long_rounds() -> None:
    world = World()
    result = world.race(0.010, 0.012, 0.030)
    assert (result.standings["c"].verdict, result.standings["c"].rounds) == ("slower", 4)
    assert result.standings["c"].ratio.value == pytest.approx(3.0, rel=0.05)


def test_a_long_round_holds_one_sample_of_each_far_one_among_fifteen_of_the_reference() -> None:
    world = World()
    world.race(0.010, 0.012, 0.030, 0.050)
    for number in range(9, 13):
        assert world.sampled()[number] == {"a": 8, CONTROL: 7, "c": 1, "d": 1}


def test_the_likely_ones_come_to_their_first_look_before_a_far_one_runs() -> None:
    world = World()
    world.race(0.010, 0.012, 0.030)
    assert min(one.round for one in world.samples if one.contender == "c") == 9


def test_twice_the_cost_is_the_most_that_is_likely() -> None:
    world = World()
    world.race(0.010, 0.020, 0.0201)
    assert {one.contender for one in world.samples if one.round < 1} == {"a", "b"}


def test_a_sole_likely_one_needs_no_first_look_before_the_far_ones_run() -> None:
    world = World()
    result = world.race(0.010, 0.030)
    assert verdicts(result) == {"a": "fastest", "b": "slower"}
    assert world.sampled()[1] == {"a": 8, CONTROL: 7, "b": 1}


def test_of_the_far_ones_as_many_of_the_cheapest_run_as_fit() -> None:
    # The likely ones take 0.4 s in the pilot and 0.96 s to their look, four long rounds 11.6 s.
    world = World(noise=0.0)
    result = world.race(0.04, 0.04, 2.0, 0.3, seconds=6.0)
    assert {name: one.rounds for name, one in result.standings.items() if name in "cd"} == {
        "c": 0,
        "d": 4,
    }


def test_a_far_one_that_turns_out_near_joins_the_short_rounds() -> None:
    world = World(noise=0.005)
    nearer = world.contender("c", 0.0103, cost_s=0.030)
    result = world.race(0.010, 0.015, nearer, rules=most(24))
    rounds = {number for number, counts in world.sampled().items() if counts["c"]}
    assert rounds == set(range(9, 33))
    assert world.sampled()[32] == {"a": 1, "c": 1, CONTROL: 1}
    assert result.standings["c"].verdict != "slower"


def test_one_that_takes_ten_times_what_was_expected_is_measured_no_more() -> None:
    world = World()
    result = world.race(0.10, 0.12, world.contender("c", 6.0, cost_s=0.5))
    assert (result.standings["c"].rounds, result.standings["c"].verdict) == (1, "far slower")


@pytest.mark.parametrize(
    ("elapsed_s", "expected_s", "is_one"),
    [(0.51, 0.01, True), (0.49, 0.01, False), (5.1, 0.5, True), (4.9, 0.5, False)],
)
def test_an_explosion_is_ten_times_the_cost_and_more_than_half_a_second(
    elapsed_s: float, expected_s: float, is_one: bool
) -> None:
    assert explodes(elapsed_s, expected_s) is is_one


def test_a_likely_one_that_explodes_stays() -> None:
    world = World()
    hiccup = world.contender("b", 0.10, lambda turn: 20.0 if turn == PILOT + 1 else 1.0)
    assert world.race(0.10, hiccup, rules=most(8)).standings["b"].rounds == 8


def test_half_of_the_error_rate_is_for_the_likely_ones_and_half_for_the_others() -> None:
    pilot = [{"a": [1.0], "b": [1.0]}]
    rates = rates_of(Rounds(pilot, []), ["a", "b", "c", "d", "e", "f"], Rules(alpha=0.16))
    assert rates == pytest.approx(
        {"a": 0.04, "b": 0.04, CONTROL: 0.04, "c": 0.02, "d": 0.02, "e": 0.02, "f": 0.02}
    )


def test_the_whole_error_rate_is_for_the_likely_ones_where_there_are_no_others() -> None:
    rates = rates_of(Rounds([{"a": [1.0], "b": [1.0]}], []), ["a", "b"], Rules(alpha=0.16))
    assert rates == pytest.approx({"a": 0.08, "b": 0.08, CONTROL: 0.08})


def test_a_given_number_of_comparisons_splits_the_error_rate() -> None:
    rates = rates_of(Rounds([], []), ["a", "b"], Rules(alpha=0.16, comparisons=4))
    assert rates == pytest.approx({"a": 0.04, "b": 0.04, CONTROL: 0.04})


# Approximations.


def test_an_approximation_neither_leads_nor_is_the_reference() -> None:
    result = World().race(0.010, 0.012, 0.014, unranked={"a": "approximate"})
    assert (result.reference, result.leader) == ("b", "b")
    assert verdicts(result) == {"b": "fastest", "a": "approximate", "c": "slower"}


@pytest.mark.parametrize("seconds", [0.010, 0.0101, 0.006], ids=["tied", "near", "faster"])
def test_an_approximation_leaves_once_it_is_decided_either_way(seconds: float) -> None:
    world = World(noise=0.002)
    undecided = world.contender("c", 0.010, lambda turn: 0.8 if turn % 2 else 1.35)
    result = world.race(0.010, seconds, undecided, unranked={"b": "approximate"}, rules=most(30))
    assert (result.standings["b"].rounds, result.rounds) == (6, 30)


def test_where_all_are_approximations_one_of_them_leads() -> None:
    result = World().race(0.012, 0.010, unranked=dict.fromkeys("ab", "approximate"))
    assert (result.leader, verdicts(result)) == ("b", {"b": "approximate", "a": "approximate"})


def test_a_cheap_approximation_does_not_make_the_others_far() -> None:
    world = World()
    world.race(0.010, 0.030, unranked={"a": "approximate"}, rules=most(8))
    assert {one.contender for one in world.samples if one.round < 1} == {"a", "b"}


# Pairs, fixtures and a reference that is given.


def test_of_pairs_whoever_is_decided_in_all_of_its_own_leaves() -> None:
    world = World(noise=0.002)
    erratic = world.contender("d", 0.010, lambda turn: 0.8 if turn % 2 else 1.35)
    pairs = [("b", "a"), ("d", "c")]
    result = world.race(0.010, 0.012, 0.010, erratic, pairs=pairs, rules=most(30))
    rounds = {name: one.rounds for name, one in result.standings.items()}
    assert (rounds["b"], rounds["c"], rounds["d"]) == (8, 30, 30)


def test_where_pairs_are_compared_nobody_is_far() -> None:
    world = World()
    world.race(0.010, 0.090, pairs=[("b", "a")])
    assert {one.contender for one in world.samples if one.round < 1} == {"a", "b"}


def test_a_fixture_is_measured_in_every_round_and_judged_by_nobody() -> None:
    world = World()
    fixture = world.contender("fixed", 0.010)
    result = world.race(0.010, 0.012, 0.040, fixtures=[fixture])
    measured = {number: own["fixed"] for number, own in world.sampled().items() if number > 0}
    assert measured == dict.fromkeys(range(1, result.rounds + 1), 1)
    assert "fixed" not in result.standings


def test_a_given_reference_needs_no_pilot() -> None:
    world = World()
    result = world.race(0.010, 0.012, reference="b")
    assert (result.reference, world.controls) == ("b", ["b"])
    assert min(one.round for one in world.samples) == 1


# A race that goes on.


def kinds(samples: list[Sample]) -> Counter[tuple[str, ...]]:
    """How many complete rounds there are of who is measured in them, the pilot's apart."""
    found: dict[int, list[str]] = {}
    for one in samples:
        found.setdefault(one.round, []).append(one.contender)
    needed = {one.round: one.competitors for one in samples}
    return Counter(
        ("pilot" if number < 1 else "race", *sorted(own))
        for number, own in found.items()
        if len(own) == needed[number]
    )


WHOLE = (0.010, 0.012, 0.030)


@pytest.mark.parametrize("taken", range(0, 96, 5))
def test_a_race_that_goes_on_has_the_same_kind_of_rounds(taken: int) -> None:
    # 10 samples of the pilot, 22 to the first look, 64 in long rounds.
    whole = World(noise=0.0)
    whole.race(*WHOLE)
    later = World(noise=0.0)
    history = whole.samples[:taken]
    result = later.race(*WHOLE, history=history)
    assert kinds([*history, *later.samples]) == kinds(whole.samples)
    assert verdicts(result) == {"a": "fastest", "b": "slower", "c": "slower"}


@pytest.mark.parametrize("taken", [1, 3, 7, 15, 35, 50])
def test_no_number_of_a_torn_round_is_given_again(taken: int) -> None:
    whole = World()
    whole.race(*WHOLE)
    later = World()
    later.race(*WHOLE, history=whole.samples[:taken])
    torn = {
        number
        for number, own in groupby(whole.samples[:taken], key=lambda one: one.round)
        if len(list(own)) < next(one.competitors for one in whole.samples if one.round == number)
    }
    assert torn
    assert not torn & {one.round for one in later.samples}


def test_a_race_that_was_decided_takes_no_more_samples() -> None:
    whole = World()
    first = whole.race(*WHOLE)
    later = World()
    again = later.race(*WHOLE, history=whole.samples)
    assert (later.samples, again) == ([], first)


# One that turns out dearer than it was said to be.


def test_one_that_would_keep_the_first_look_away_waits_for_it() -> None:
    world = World(noise=0.01)
    dear = world.contender("c", 1.0, cost_s=0.1)
    result = world.race(0.1, 0.15, dear, seconds=11.0)
    assert result.standings["c"].rounds == 0
    assert result.standings["b"].verdict == "slower"


def test_the_dearest_stays_where_there_is_time_for_it() -> None:
    world = World(noise=0.01)
    dear = world.contender("c", 1.0, cost_s=0.1)
    assert world.race(0.1, 0.15, dear, seconds=60.0).standings["c"].verdict == "slower"


# What cannot be decided any more keeps nobody.


@pytest.mark.parametrize("far", ["explodes", "does not fit"])
def test_two_that_are_tied_do_not_wait_for_one_that_is_measured_no_more(far: str) -> None:
    world = World(noise=0.0)
    third = world.contender("c", 20.0, cost_s=0.5 if far == "explodes" else 20.0)
    result = world.race(0.10, 0.1005, third, seconds=60.0, rules=most(60))
    assert result.rounds <= 11
    assert verdicts(result)["b"] == "tied"


# What is launched from the host and timed on a device.


def test_a_sample_is_as_long_with_what_its_calls_take_to_launch() -> None:
    world = World()
    launched = [world.contender(name, 1e-5, launch_s=9e-5) for name in "ab"]
    world.race(*launched, rules=Rules(most=8))
    assert {one.loops for one in world.samples if one.contender in "ab"} == {200}


def test_a_race_counts_the_launches_among_what_it_has_time_for() -> None:
    world = World()
    launched = [world.contender(name, 1e-5, launch_s=0.5) for name in "ab"]
    world.race(*launched, seconds=20.0)
    assert world.now <= 20.0


# Rounds without a verdict.


def test_side_by_side_everyone_is_in_every_round_however_slow() -> None:
    world = World()
    two = [world.contender("a", 0.010), world.contender("b", 1.0)]
    rounds = side_by_side(two, 5, random.Random(0))
    assert [set(one) for one in rounds] == [{"a", "b"}] * 5


def test_side_by_side_a_sample_is_one_call_unless_it_shall_last() -> None:
    world, loops = World(noise=0.0), []
    contender = Contender("a", lambda count: loops.append(count) or 0.25 * count, 0.25)
    assert side_by_side([contender], 2, world.rng) == [{"a": [0.25]}] * 2
    side_by_side([contender], 1, world.rng, sample_s=1.0)
    assert loops == [1, 1, 4]


def test_side_by_side_no_round_begins_that_does_not_fit() -> None:
    world = World(noise=0.0)
    two = [world.contender("a", 1.0), world.contender("b", 2.0)]
    rounds = side_by_side(two, 5, world.rng, seconds=10.0, now=lambda: world.now)
    assert (len(rounds), world.now) == (3, 9.0)


def test_side_by_side_an_interruption_is_passed_on() -> None:
    world = World(before=Interrupter(3))
    with pytest.raises(KeyboardInterrupt):
        side_by_side([world.contender("a", 1.0), world.contender("b", 1.0)], 5, world.rng)
