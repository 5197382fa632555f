"""Races on a simulated clock: contenders of known speed, seeded noise, nobody waits."""

from __future__ import annotations

import gc
import math
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import groupby, pairwise
from statistics import median
from typing import Any

import pytest

from blurbench.measure.judge import CONTROL, Result, Rules, Sample, looks_within
from blurbench.measure.race import Contender, ContenderError, race

LONG = 1e6  # seconds that end no race


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
    rng: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)

    def contender(
        self,
        name: str,
        seconds: float,
        bias: Callable[[int], float] = lambda turn: 1.0,
        cost_s: float | None = None,
    ) -> Contender:
        """One whose call takes `seconds`, times `bias` of how often it was measured before."""
        turns = iter(range(10**9))

        def measure(loops: int) -> float:
            self.before(name)
            noise = math.exp(self.rng.gauss(0, self.noise))
            elapsed = loops * seconds * bias(next(turns)) * noise * self.pace(self.now)
            self.now += elapsed
            return elapsed

        return Contender(name, measure, seconds if cost_s is None else cost_s)

    def race(
        self,
        *speeds: float | Contender,
        seconds: float = LONG,
        rules: Rules | None = None,
        control_bias: float = 1.0,
        **more: Any,
    ) -> Result:
        """Race contenders `a`, `b`, ... of the given seconds a call."""
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

        more = {"keep": self.samples.append, "rng": random.Random(self.seed), **more}
        return race(
            contenders,
            make_control,
            rules or Rules(),
            seconds=seconds,
            progress=lambda rounds, left_s: self.left.append(left_s),
            now=lambda: self.now,
            **more,
        )

    def rounds(self) -> Iterator[tuple[int, list[Sample]]]:
        """The samples round by round, in the order of their taking."""
        for number, samples in groupby(self.samples, key=lambda sample: sample.round):
            yield number, list(samples)

    def longest_round(self) -> float:
        return max(sum(one.elapsed_s for one in samples) for _, samples in self.rounds())

    def ratios(self, name: str, reference: str, rounds: int) -> list[float]:
        """The measured ratios of a contender to another in the first so many rounds."""
        times = {(one.contender, one.round): one.elapsed_s / one.loops for one in self.samples}
        return [
            times[name, number] / times[reference, number]
            for number in range(1, rounds + 1)
            if (name, number) in times
        ]


def verdicts(result: Result) -> dict[str, str]:
    return {name: standing.verdict for name, standing in result.standings.items()}


def other(result: Result) -> str:
    """Of two contenders, the one that is not the reference."""
    return next(name for name in result.standings if name != result.reference)


def slow_at_first(turn: int) -> float:
    """Bad luck for as long as the pilot lasts."""
    return 3.0 if turn < Rules.pilot else 1.0


def test_the_faster_of_two_is_fastest_and_the_other_slower() -> None:
    assert verdicts(World().race(0.010, 0.012)) == {"a": "fastest", "b": "slower"}


def test_a_cell_proven_slower_leaves_the_later_rounds() -> None:
    world = World(noise=0.05)
    world.race(0.010, 0.0101, 0.020)
    assert max(one.round for one in world.samples if one.contender == "c") == 16


def test_a_cell_proven_slower_keeps_its_figures() -> None:
    result = World(noise=0.05).race(0.010, 0.0101, 0.020)
    assert result.rounds > 16
    assert result.standings["c"].rounds == 16
    assert result.standings["c"].ratio.value == pytest.approx(2.0, rel=0.03)


def test_the_race_ends_when_every_verdict_is_proven() -> None:
    assert World().race(0.010, 0.015, 0.020).rounds == 16


def test_the_last_look_ends_a_race_that_nobody_can_decide() -> None:
    result = World(noise=0.3).race(0.010, 0.0101)
    assert (result.rounds, verdicts(result)[other(result)]) == (128, "undecided")


def test_identical_contenders_are_called_different_as_rarely_as_promised() -> None:
    runs = [World(seed=seed, noise=0.08).race(0.1, 0.1, 0.1) for seed in range(100)]
    false = [
        run
        for run in runs
        if not run.control_passed or {"slower", "faster"} & set(verdicts(run).values())
    ]
    assert len(false) <= 5


def test_a_known_ratio_lies_in_its_interval() -> None:
    runs = [World(seed=seed, noise=0.08).race(0.10, 0.11) for seed in range(100)]
    found = [run.standings[other(run)].ratio for run in runs]
    truths = [1.1 if run.reference == "a" else 1 / 1.1 for run in runs]
    held = sum(one.low <= truth <= one.high for one, truth in zip(found, truths, strict=True))
    assert held >= 95


def test_the_ratio_is_the_median_of_the_ratios_within_rounds() -> None:
    world = World(noise=0.005)
    result = world.race(0.10, 0.13)
    expected = math.exp(median(math.log(one) for one in world.ratios("b", "a", result.rounds)))
    assert result.standings["b"].ratio.value == pytest.approx(expected, rel=1e-12)


def test_speeds_within_the_band_are_the_same() -> None:
    assert verdicts(World(noise=0.002).race(0.010, 0.0101))["b"] == "same"


@pytest.mark.parametrize(("same", "verdict"), [(0.03, "slower"), (0.08, "same")])
def test_the_band_is_as_wide_as_it_is_told(same: float, verdict: str) -> None:
    result = World(noise=0.002).race(0.010, 0.0105, rules=Rules(same=same))
    assert verdicts(result)["b"] == verdict


def test_a_same_contender_stays_in_the_later_rounds() -> None:
    world = World(noise=0.002)
    erratic = world.contender("c", 0.010, lambda turn: 0.8 if turn % 2 else 1.3)
    result = world.race(0.010, world.contender("b", 0.010, slow_at_first), erratic)
    assert verdicts(result) == {"a": "fastest", "b": "same", "c": "undecided"}
    assert (result.standings["b"].rounds, result.rounds) == (128, 128)


def test_a_contender_that_the_pilot_misjudged_is_faster() -> None:
    world = World()
    unlucky = world.contender("a", 0.010, slow_at_first)
    result = world.race(unlucky, 0.012)
    assert (result.reference, verdicts(result)["a"]) == ("b", "faster")


def test_a_reference_that_was_overtaken_is_slower() -> None:
    world = World()
    result = world.race(world.contender("a", 0.010, slow_at_first), 0.012)
    assert verdicts(result)["b"] == "slower"


def test_the_reference_has_the_lowest_median_of_the_pilot() -> None:
    world = World()
    hiccup = world.contender("a", 0.010, lambda turn: 9.0 if turn == 1 else 1.0)
    assert world.race(hiccup, 0.012).reference == "a"


def test_a_budget_that_ends_before_the_first_look_decides_nothing() -> None:
    result = World().race(0.10, 0.20, seconds=3.0)
    standing = result.standings["b"]
    assert 0 < result.rounds < 9
    assert (standing.verdict, standing.ratio.low, standing.ratio.high) == ("undecided", None, None)


def test_without_an_interval_the_control_neither_fails_nor_names_a_noise_floor() -> None:
    result = World().race(0.10, 0.20, seconds=3.0)
    assert (result.control_passed, result.noise_floor) == (True, None)


def test_a_budget_without_a_round_has_no_figures() -> None:
    result = World().race(0.10, 0.20, seconds=0.5)
    assert (result.rounds, result.control) == (0, None)
    assert math.isnan(result.standings["a"].time.value)


@pytest.mark.parametrize("seconds", [0.6, 1.3, 5.0, 17.0, 60.0])
def test_the_budget_is_passed_by_one_round_at_most(seconds: float) -> None:
    world = World(noise=0.1)
    world.race(0.05, 0.05, 0.05, seconds=seconds)
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
    result = world.race(0.10, 0.11, seconds=100.0)
    assert len(world.left) == result.rounds
    assert world.left[-1] == pytest.approx(100.0 - world.now)


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
    assert result.rounds >= 16
    assert max(one.elapsed_s for one in world.samples) < 0.02


def test_a_sample_says_how_many_calls_it_holds() -> None:
    world = World(noise=0.0)
    world.race(0.001, 0.003)
    per_call = {one.contender: one.elapsed_s / one.loops for one in world.samples}
    assert per_call == pytest.approx({"a": 0.001, "b": 0.003, CONTROL: 0.001})


def test_times_are_seconds_of_one_call() -> None:
    result = World(noise=0.0).race(0.001, 0.003)
    standing = result.standings["b"]
    assert (standing.time.value, standing.min_s) == pytest.approx((0.003, 0.003))


def test_pilot_samples_are_numbered_zero_and_below() -> None:
    world = World()
    world.race(0.010, 0.012)
    assert sorted({one.round for one in world.samples if one.round < 1}) == [-2, -1, 0]


def test_pilot_samples_enter_no_interval() -> None:
    world = World(noise=0.0)
    result = world.race(world.contender("a", 0.010, slow_at_first), 0.012)
    standing = result.standings["a"]
    assert standing.rounds == 16
    assert (standing.time.low, standing.time.high) == pytest.approx((0.010, 0.010))
    assert (standing.ratio.low, standing.ratio.high) == pytest.approx((1 / 1.2, 1 / 1.2))


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
    assert len(pairs) == 3 * 2 + 16 * 3


def test_every_round_measures_each_staying_contender_once() -> None:
    world = World()
    world.race(0.010, 0.0105, 0.020)
    for number, samples in world.rounds():
        expected = ["a", "b", "c"] if number < 17 else ["a", "b"]
        expected += [CONTROL] if number >= 1 else []
        assert sorted(one.contender for one in samples) == expected


def test_samples_say_their_position_in_the_round() -> None:
    world = World()
    world.race(0.010, 0.0105, 0.020)
    for _, samples in world.rounds():
        assert [one.position for one in samples] == list(range(len(samples)))


def test_nobody_keeps_a_position() -> None:
    world = World(noise=0.3)
    world.race(0.010, 0.0101, 0.0102)
    assert {one.position for one in world.samples if one.contender == "b"} == {0, 1, 2, 3}


def test_the_control_is_made_once_for_the_reference() -> None:
    world = World()
    result = world.race(0.020, 0.010, 0.030)
    assert (world.controls, result.reference) == (["b"], "b")


def test_the_control_is_no_competitor() -> None:
    assert set(World().race(0.010, 0.012).standings) == {"a", "b"}


def test_the_control_runs_in_every_round() -> None:
    result = World().race(0.010, 0.0105, 0.020)
    assert result.control.rounds == result.rounds


def test_a_control_like_its_reference_passes() -> None:
    result = World(seed=1, noise=0.01).race(0.010, 0.02)
    assert result.control_passed
    assert 0 < result.noise_floor < 0.03


@pytest.mark.parametrize("bias", [1.2, 1 / 1.2], ids=["slower", "faster"])
def test_a_biased_control_fails_and_sets_the_noise_floor(bias: float) -> None:
    result = World(seed=1, noise=0.01).race(0.010, 0.02, control_bias=bias)
    assert not result.control_passed
    assert result.noise_floor == pytest.approx(0.2, abs=0.03)


def test_no_race_is_decided_before_its_control_has_an_interval() -> None:
    runs = [World(seed=seed, noise=0.01).race(0.010, 0.02) for seed in range(50)]
    assert [seed for seed, run in enumerate(runs) if run.noise_floor is None] == []


class Interrupter:
    """Presses the keys before measurement number `at`."""

    def __init__(self, at: int) -> None:
        self.at, self.count = at, 0

    def __call__(self, name: str) -> None:
        if self.count == self.at:
            raise KeyboardInterrupt
        self.count += 1


def test_an_interruption_ends_the_race_with_what_is_complete() -> None:
    # Two in each of 3 pilot rounds, then three a round: one of round 20 is taken.
    result = World(before=Interrupter(6 + 19 * 3 + 1), noise=0.2).race(0.10, 0.101)
    assert (result.interrupted, result.rounds) == (True, 19)


@pytest.mark.parametrize("torn", [0, 1, 2])
def test_a_torn_round_enters_no_figure(torn: int) -> None:
    world = World(before=Interrupter(6 + 19 * 3 + torn), noise=0.2)
    # What is measured in the torn round takes next to nothing.
    world.pace = lambda now: 1e-6 if len(world.samples) >= 6 + 19 * 3 else 1.0
    result = world.race(0.10, 0.101)
    standings = [*result.standings.values(), result.control]
    assert {one.rounds for one in standings} == {19}
    assert min(one.min_s for one in standings) > 0.01
    ratios = world.ratios(other(result), result.reference, 19)
    found = result.standings[other(result)].ratio
    assert min(ratios) <= found.low <= found.value <= found.high <= max(ratios)


def test_an_interruption_in_the_pilot_leaves_nothing_to_judge() -> None:
    result = World(before=Interrupter(3)).race(0.10, 0.20)
    assert (result.interrupted, result.rounds, result.control) == (True, 0, None)
    assert verdicts(result) == {"a": "undecided", "b": "undecided"}


def test_an_interruption_while_the_control_is_made_ends_the_race() -> None:
    def interrupted(reference: str) -> Contender:
        raise KeyboardInterrupt

    world = World()
    result = race(
        [world.contender("a", 0.1)],
        interrupted,
        Rules(),
        seconds=LONG,
        rng=random.Random(0),
        now=lambda: world.now,
    )
    assert (result.interrupted, result.rounds) == (True, 0)


def test_a_race_without_a_control_ranks_the_others() -> None:
    world = World()
    result = race(
        [world.contender("a", 0.010), world.contender("b", 0.020)],
        lambda reference: None,
        Rules(),
        seconds=LONG,
        rng=random.Random(0),
        keep=world.samples.append,
        now=lambda: world.now,
    )
    assert verdicts(result) == {"a": "fastest", "b": "slower"}
    assert (result.control, result.noise_floor) == (None, None)
    assert {one.contender for one in world.samples} == {"a", "b"}


class Breaker:
    """Raises when the named contender is measured for the `at`-th time."""

    def __init__(self, name: str, at: int) -> None:
        self.name, self.left = name, at

    def __call__(self, name: str) -> None:
        self.left -= name == self.name
        if self.left == 0:
            raise ArithmeticError("no digits left")


@pytest.mark.parametrize("name", ["a", "b", CONTROL])
@pytest.mark.parametrize("at", [1, 9])
def test_one_that_raises_voids_the_race_and_is_named(name: str, at: int) -> None:
    with pytest.raises(ContenderError, match="no digits left") as raised:
        World(before=Breaker(name, at)).race(0.010, 0.012)
    assert (raised.value.name, type(raised.value.error)) == (name, ArithmeticError)


def test_a_control_that_cannot_be_made_voids_the_race_and_is_named() -> None:
    def refuse(reference: str) -> Contender:
        raise MemoryError

    with pytest.raises(ContenderError) as raised:
        race([World().contender("a", 0.1)], refuse, Rules(), seconds=LONG, rng=random.Random(0))
    assert raised.value.name == CONTROL


def test_a_race_that_ran_to_its_end_was_not_interrupted() -> None:
    assert not World().race(0.10, 0.20).interrupted


def test_a_single_contender_is_measured_to_the_first_look() -> None:
    result = World().race(0.010)
    assert (result.reference, verdicts(result), result.rounds) == ("a", {"a": "fastest"}, 16)
    assert result.standings["a"].ratio.value == 1.0


def test_what_slows_the_whole_machine_does_not_bias_the_ratio() -> None:
    world = World(noise=0.005)
    world.pace = lambda now: 1.0 + now / 3.0  # twice as slow after 3 s
    result = world.race(0.05, 0.06)
    assert world.samples[-1].elapsed_s > 2 * world.samples[0].elapsed_s
    ratio = result.standings["b"].ratio
    assert ratio.low <= 1.2 <= ratio.high
    assert ratio.value == pytest.approx(1.2, rel=0.02)


def test_a_slow_spell_of_the_machine_does_not_bias_the_ratio() -> None:
    world = World(noise=0.005)
    world.pace = lambda now: 2.0 if 1.0 < now < 2.0 else 1.0
    ratio = world.race(0.05, 0.06).standings["b"].ratio
    assert ratio.low <= 1.2 <= ratio.high


@pytest.mark.parametrize(
    ("rounds", "looks"),
    [(5, (5,)), (16, (16,)), (20, (16, 20)), (128, (16, 32, 64, 128)), (200, (*Rules.looks, 200))],
)
def test_a_given_number_of_rounds_is_the_last_look(rounds: int, looks: tuple[int, ...]) -> None:
    assert looks_within(rounds) == looks


def test_a_given_number_of_rounds_ends_the_race() -> None:
    rules = replace(Rules(), looks=looks_within(20))
    assert World(noise=0.3).race(0.010, 0.0101, rules=rules).rounds == 20


def test_the_order_follows_the_seed() -> None:
    runs = []
    for seed in (1, 1, 2):
        world = World()
        world.race(0.010, 0.012, 0.014, rng=random.Random(seed))
        runs.append([one.contender for one in world.samples])
    assert runs[0] == runs[1] != runs[2]


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


def test_rounds_follow_each_other_without_a_gap() -> None:
    world = World()
    result = world.race(0.010, 0.0105)
    numbers = [number for number, _ in world.rounds()]
    assert all(later - earlier == 1 for earlier, later in pairwise(numbers))
    assert (numbers[0], numbers[-1]) == (-2, result.rounds)


# One that turns out dearer than it was said to be.


def test_one_that_would_keep_the_first_look_away_leaves_after_the_pilot() -> None:
    world = World(noise=0.01)
    dear = world.contender("c", 1.0, cost_s=0.1)
    result = world.race(0.1, 0.15, dear, seconds=15.0)
    assert result.standings["c"].rounds == 0
    assert result.standings["b"].verdict == "slower"


def test_the_dearest_stays_where_there_is_time_for_it() -> None:
    world = World(noise=0.01)
    dear = world.contender("c", 1.0, cost_s=0.1)
    assert world.race(0.1, 0.15, dear, seconds=60.0).standings["c"].verdict == "slower"
