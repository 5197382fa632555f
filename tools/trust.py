"""How often the statistics are right: thousands of races on a machine whose truth is known.

    python tools/trust.py [--runs 500] [--jobs 2] [--control 10]

The races, looks, verdicts and searches are the real ones; the machine under them is simulated.
Beside them stands the naive way, put to the same noise with as many samples: all of one
implementation after all of the other, means and their standard errors. The exit code is 1 where a
bound is missed.

The true ratio is the median of the ratio within a round. Here it is that of the speeds, exactly:
all draw their noise from one distribution, and of any two either is as likely to run first in a
round, so that the logarithm of their ratio is distributed symmetrically about that of the speeds.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import random
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count, pairwise, repeat
from statistics import fmean
from typing import Any

from blurbench import host
from blurbench.analysis.gate import SLOWER, rule_pairs
from blurbench.analysis.next_size import coarse_sizes
from blurbench.analysis.ordering import Ordering
from blurbench.analysis.place import Place, places_of
from blurbench.analysis.pooling import level_of
from blurbench.analysis.proof import GROUPS
from blurbench.image import crop, testcard_image
from blurbench.kernel import GaussianKernel
from blurbench.measure.contest import Contender, Contest
from blurbench.measure.judge import Result, Rules, rates_of, verdict_beyond
from blurbench.measure.race import race
from blurbench.measure.rounds import CONTROL, Rounds, Sample
from blurbench.measure.stats import Estimate, is_look
from blurbench.study import crossover
from blurbench.study.compare import compare
from blurbench.study.options import Options

# Standard deviations of logarithms, as measured in the samples of `results`: of a sample beyond
# what the whole round has in common, and of the difference that plan and layout make to two plans
# of the same code.
SPREAD, PLANS = 0.105, 0.0175
MOST = Rules(most=128)
Stream = Iterator[float]  # logarithms of by how much sample after sample is longer

# What acts on one implementation at a time.


def log_normal(rng: random.Random) -> Stream:
    """Independent from sample to sample."""
    while True:
        yield rng.gauss(0, SPREAD)


def quiet(rng: random.Random) -> Stream:
    """The same on a machine of its own."""
    while True:
        yield rng.gauss(0, 0.05)


def outliers(rng: random.Random) -> Stream:
    """One sample in twenty takes 2 to 10 times as long."""
    for noise in log_normal(rng):
        yield noise + (math.log(rng.uniform(2, 10)) if rng.random() < 0.05 else 0.0)


def autocorrelated(rng: random.Random, rho: float, spread: float = SPREAD) -> Stream:
    """Neighbours are correlated by `rho`."""
    state = rng.gauss(0, spread)
    while True:
        yield state
        state = rho * state + math.sqrt(1 - rho * rho) * rng.gauss(0, spread)


# What acts on the machine. It moves on with every sample, within a round too.


def steady(rng: random.Random, samples_a_round: int, samples_a_run: int) -> Stream:
    """Nothing does."""
    return repeat(0.0)


def drift(rng: random.Random, samples_a_round: int, samples_a_run: int) -> Stream:
    """It slows down by 30 % over the run."""
    return (math.log1p(0.3 * done / samples_a_run) for done in count())


def steps(rng: random.Random, samples_a_round: int, samples_a_run: int) -> Stream:
    """It switches between two paces, one 40 % slower, every ten rounds or so."""
    slow = rng.random() < 0.5
    while True:
        yield math.log(1.4) if slow else 0.0
        slow ^= rng.random() < 0.1 / samples_a_round


def wander(rng: random.Random, samples_a_round: int, samples_a_run: int) -> Stream:
    """It wanders; a round and the next are correlated by 0.7."""
    return autocorrelated(rng, 0.7 ** (1 / samples_a_round), spread=0.15)


def tone(rng: random.Random, samples_a_round: int, samples_a_run: int) -> Stream:
    """It swings by 20 % each way, once a round."""
    phase = rng.uniform(0, math.tau)
    return (math.log1p(0.2 * math.sin(phase + math.tau * n / samples_a_round)) for n in count())


# Implementations that cross at known sizes.

PAIR = ("fft", "separable")
SIZES = range(3, 256, 2)
ROUND_S = 0.06  # of two implementations and the control, about


@dataclass(frozen=True)
class Crossing:
    """Two cost models that cross at a size, which need not be a whole number.

    Attributes:
        step: by which share of its first level an FFT takes longer at every padded length; those
            of 0.5 % are too small for a second crossing.
        back: times that size, where an FFT takes a third longer from there on; infinite for never.
    """

    size: float
    step: float = 0.005
    back: float = math.inf

    def speeds(self, size: float) -> dict[str, float]:
        """Seconds a call."""
        level = self._separable(self.size) / self._steps(self.size)
        return {"separable": self._separable(size), "fft": level * self._steps(size)}

    @staticmethod
    def _separable(size: float) -> float:
        return 0.001 + 0.00005 * size

    def _steps(self, size: float) -> float:
        longer = 4 / 3 if size >= self.back * self.size else 1
        return longer * (1 + self.step * (size // 16))

    @property
    def changes(self) -> list[tuple[int, bool]]:
        """The sizes from which on another is the faster one, and whether that is the FFT."""
        faster = [speeds["fft"] < speeds["separable"] for speeds in map(self.speeds, SIZES)]
        ordered = zip(SIZES[1:], pairwise(faster), strict=True)
        return [(size, after) for size, (before, after) in ordered if before != after]

    def is_told(self, place: Place) -> bool:
        """Whether the faster of two is another at both ends, and the one that was said."""
        last, first = place.bracket or (0, 0)
        within = [fft for size, fft in self.changes if last < size <= first]
        return len(within) % 2 == 1 and within[-1] == (place.faster_after == "second")


def once(size: float, rng: random.Random) -> Crossing:
    """No more than that."""
    return Crossing(size)


def with_steps(step: float) -> Callable[[float, random.Random], Crossing]:
    """An FFT takes longer by that at every padded length."""
    return lambda size, rng: Crossing(size, step)


def with_two(size: float, rng: random.Random) -> Crossing:
    """The FFT falls behind again, until the kernel has grown by as much."""
    return Crossing(size, back=rng.uniform(1.1, 2.5))


# What disturbs, and what is disturbed.


def spells(rng: random.Random, samples_a_round: int, samples_a_run: int) -> Stream:
    """A second process takes a core for one to four seconds, of samples of 20 ms, now and then."""
    while True:
        yield from repeat(0.0, int(rng.expovariate(1 / 400)))
        yield from repeat(math.log(2.0), rng.randint(50, 200))


@dataclass(frozen=True)
class Scenario:
    """What disturbs the measurements.

    Attributes:
        pace: of the machine.
        noise: of every implementation.
        noise_of_one: of the second implementation instead.
        plans: standard deviation of the logarithm of the ratio of two plans of the same code.
        gated: whether the bounds are required.
        crossing: of which models, given a size and what else is drawn by chance.
    """

    name: str
    pace: Callable[[random.Random, int, int], Stream] = steady
    noise: Callable[[random.Random], Stream] = log_normal
    noise_of_one: Callable[[random.Random], Stream] | None = None
    plans: float = 0.0
    gated: bool = True
    crossing: Callable[[float, random.Random], Crossing] = once


SCENARIOS = {
    one.name: one
    for one in (
        Scenario("log-normal"),
        Scenario("outliers", noise=outliers),
        Scenario("drift", drift),
        Scenario("steps", steps),
        Scenario("autocorrelation", wander),
        Scenario("tone", tone),
        Scenario("spells", spells),
        Scenario("plans", plans=PLANS),
        Scenario("plans, quiet", noise=quiet, plans=PLANS),
        Scenario("steps of 2 %", crossing=with_steps(0.02)),
        Scenario("steps of 15 %", crossing=with_steps(0.15)),
        Scenario("two crossings", crossing=with_two),
        Scenario("one cell at 0.3", noise_of_one=partial(autocorrelated, rho=0.3), gated=False),
        Scenario("one cell at 0.6", noise_of_one=partial(autocorrelated, rho=0.6), gated=False),
        Scenario("one cell at 0.9", noise_of_one=partial(autocorrelated, rho=0.9), gated=False),
    )
}


@dataclass(frozen=True)
class Mean:
    """A mean and its standard error, as if every sample were independent."""

    value: float
    error: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Mean:
        """The mean of at least two values."""
        mean = math.fsum(values) / len(values)
        variance = math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)
        return cls(mean, math.sqrt(variance / len(values)))

    def __truediv__(self, other: Mean) -> Mean:
        """The ratio, its error propagated."""
        ratio = self.value / other.value
        relative = math.hypot(self.error / self.value, other.error / other.value)
        return Mean(ratio, ratio * relative)

    @property
    def low(self) -> float:
        return self.value - 1.96 * self.error

    @property
    def high(self) -> float:
        return self.value + 1.96 * self.error


class Machine:
    """A clock that only measuring moves, and the noise; the same noise for the same seed.

    Attributes:
        samples: how many were taken.
    """

    def __init__(self, scenario: Scenario, seed: str, names: Sequence[str], rounds: int) -> None:
        self.now, self.samples = 0.0, 0
        samples_a_round = len(names) + 1  # the control
        self._pace = scenario.pace(random.Random(seed), samples_a_round, samples_a_round * rounds)
        makers = dict.fromkeys((*names, CONTROL), scenario.noise)
        makers[names[1]] = scenario.noise_of_one or scenario.noise
        self._noises = {
            name: make(random.Random(f"{seed} {name}")) for name, make in makers.items()
        }
        drawn = random.Random(f"{seed} plans")
        self.plans = {name: drawn.gauss(0, scenario.plans / math.sqrt(2)) for name in makers}

    def contender(self, name: str, seconds: float) -> Contender:
        """One whose call takes so long but for the noise."""
        noise, own = self._noises[name], seconds * math.exp(self.plans[name])

        def measure(loops: int) -> float:
            elapsed = loops * own * math.exp(next(noise) + next(self._pace))
            self.now += elapsed
            self.samples += 1
            return elapsed

        return Contender(name, measure, seconds)

    def race(
        self,
        speeds: dict[str, float],
        seed: str,
        seconds: float = math.inf,
        keep: Callable[[Sample], None] = lambda sample: None,
        **more: Any,
    ) -> Result:
        """The real race between implementations whose calls take so many seconds."""
        contest = Contest(
            [self.contender(name, seconds) for name, seconds in speeds.items()],
            make_control=lambda reference: self.contender(CONTROL, speeds[reference]),
            **{"rules": MOST, **more},
        )
        order = random.Random(f"{seed} order")
        return race(contest, seconds=seconds, rng=order, keep=keep, now=lambda: self.now)

    def one_after_the_other(self, speeds: dict[str, float], repetitions: int) -> list[Mean]:
        """All repetitions of the first, then all of the next."""
        contenders = [self.contender(name, seconds) for name, seconds in speeds.items()]
        return [Mean.of([one.measure(1) for _ in range(repetitions)]) for one in contenders]


Tally = dict[str, list[float]]  # what was seen, run after run; what was so counts 1


# Implementations of known speeds.

DIFFERENT = {"a": 0.0050, "b": 0.0053, "c": 0.0075}
MANY = {"a": 0.0050, "b": 0.0055} | {
    f"far {times:g}": 0.0050 * times
    for times in (1.5, 2.5, 3, 4, 6, 8, 9, 10, 12, 15, 20, 25, 30, 100, 300)
}


def holds(result: Result, speeds: dict[str, float], plans: dict[str, float]) -> bool:
    """Whether all intervals of a race hold at once; plans are what was measured, not the code."""

    def truth(name: str) -> float:
        return speeds[name] * math.exp(plans[name])

    held = [
        one.ratio.low <= truth(name) / truth(result.leader) <= one.ratio.high
        for name, one in result.standings.items()
        if name != result.leader and one.ratio.low is not None and one.ratio.high is not None
    ]
    return all(held)


def ratios(scenario: Scenario, seed: str) -> Tally:
    """Whether the intervals of a race of three hold the true ratios, all at once."""
    machine = Machine(scenario, seed, list(DIFFERENT), 128)
    result = machine.race(DIFFERENT, seed)
    naive = Machine(scenario, seed, list(DIFFERENT), 128)
    first, *means = naive.one_after_the_other(DIFFERENT, result.rounds)
    truths = [
        DIFFERENT[name] / DIFFERENT["a"] * math.exp(naive.plans[name] - naive.plans["a"])
        for name in "bc"
    ]
    quotients = [mean / first for mean in means]
    known = [one.ratio for one in result.standings.values() if one.ratio.low is not None]
    return {
        "ratio": [holds(result, DIFFERENT, machine.plans)],
        "naive ratio": [
            all(one.low <= truth <= one.high for one, truth in zip(quotients, truths, strict=True))
        ],
        "ratio's width": [one.high / one.low - 1 for one in known if one.low and one.high],
        "naive ratio's width": [one.high / one.low - 1 for one in quotients if one.low > 0],
        "leader": [result.leader == "a"],
        "wrong fastest": [
            result.leader != "a" and result.standings[result.leader].verdict == "fastest"
        ],
    }


def many(scenario: Scenario, seed: str) -> Tally:
    """The same of seventeen, most of them far slower, in a race that its deadline may end."""
    machine = Machine(scenario, seed, list(MANY), 128)
    result = machine.race(MANY, seed, seconds=15.0)
    verdicts_of = {name: one.verdict for name, one in result.standings.items()}
    return {
        "many": [holds(result, MANY, machine.plans)],
        "far at the first look": [
            result.standings[name].rounds == 4 and verdicts_of[name] == "slower"
            for name in MANY
            if name.startswith("far") and MANY[name] >= 3 * MANY["a"]
        ],
        "rows decided": [fmean(one != "unclear" for one in verdicts_of.values())],
        "seconds": [machine.now],
    }


def time_to_verdict(scenario: Scenario, seed: str) -> Tally:
    """Rounds until one of seventeen, 1.05, 1.1 or 1.2 times as slow, is proven to differ."""
    found: Tally = {}
    for times in (1.05, 1.10, 1.20):
        speeds = MANY | {"b": times * MANY["a"]}
        machine = Machine(scenario, f"{seed} {times}", list(speeds), 128)
        kept: list[Sample] = []
        result = machine.race(speeds, seed, keep=kept.append)
        here, beyond = _first_proofs(Rounds.of(kept, result.reference), list(speeds))
        found[f"{times:.2f} here"] = [min(here, 128)]
        found[f"{times:.2f} decided"] = [here <= 128]
        found[f"{times:.2f} beyond"] = [min(beyond, 128)]
    return found


def _first_proofs(rounds: Rounds, names: Sequence[str]) -> tuple[int, int]:
    """The looks at which a and b are first proven to differ, at all and beyond the margin."""
    other = "b" if rounds.reference == "a" else "a"
    rate = rates_of(rounds, names, MOST)[other]
    here = beyond = 1000
    for number in range(1, len(rounds.measured) + 1):
        so_far = replace(rounds, measured=rounds.measured[:number])
        count = so_far.count(other)
        if other in rounds.measured[number - 1] and is_look(count):
            found = so_far.ratio(other, str(rounds.reference), rate)
            if found.low is not None and found.high is not None:
                here = min(here, count if not found.low <= 1 <= found.high else 1000)
                decided = verdict_beyond(found, MOST.same) in ("slower", "faster")
                beyond = min(beyond, count if decided else 1000)
    return here, beyond


def processes(scenario: Scenario, seed: str) -> Tally:
    """Whether the interval of five processes of 32 rounds each holds, of code that has no bias."""
    speeds, rules = {name: DIFFERENT[name] for name in "ab"}, Rules(most=32)
    parts = []
    for number in range(5):
        machine = Machine(scenario, f"{seed} process {number}", "ab", 32)
        kept: list[Sample] = []
        machine.race(speeds, f"{seed} {number}", rules=rules, keep=kept.append, reference="a")
        parts.append(Rounds.of(kept, "a"))
    pooled = replace(Rounds.joined(parts), reference="a")
    found, truth = pooled.ratio("b", "a", 0.05), speeds["b"] / speeds["a"]
    return {
        "processes": [found.low is None or found.high is None or found.low <= truth <= found.high]
    }


def gates(scenario: Scenario, seed: str) -> Tally:
    """Whether a gate of eight processes a side errs; a day is worth 2 %, a process 1.75 %."""
    rng = random.Random(seed)

    def figures(count: int, change: float = 1.0, day: float = 0.0) -> list[float]:
        return [change * math.exp(day + rng.gauss(0, PLANS)) for _ in range(count)]

    today, then = rng.gauss(0, 0.02), rng.gauss(0, 0.02)
    alike = rule_pairs({"cell": (figures(8, day=today), figures(8, day=today))}, 0.0)
    slower = rule_pairs({"cell": (figures(8, day=today), figures(8, 1.05, day=today))}, 0.0)
    stored = GROUPS.probability(figures(8, day=today), figures(8, day=then)) <= 0.05
    return {
        "gate is right": [alike.code != SLOWER],
        "gate finds 5 %": [slower.code == SLOWER],
        "stored is right": [not stored],
    }


# Identical implementations.

IDENTICAL = dict.fromkeys("abc", 0.005)


def verdicts(scenario: Scenario, seed: str) -> Tally:
    """Whether none of three identical implementations is called different."""
    machine = Machine(scenario, seed, list(IDENTICAL), 128)
    result = machine.race(IDENTICAL, seed)
    naive = Machine(scenario, seed, list(IDENTICAL), 128)
    means = naive.one_after_the_other(IDENTICAL, result.rounds)
    called = {one.verdict for one in result.standings.values()}
    return {
        "identical": [not called & {"slower", "fastest"}],
        "identical here": [not called & {"slower", "slower here"}],
        "naive identical": [max(mean.low for mean in means) <= min(mean.high for mean in means)],
        "control": [result.control_passed],
    }


def looks(scenario: Scenario, seed: str) -> Tally:
    """Whether all intervals of identical implementations and the control hold at every look.

    On this the error rate is spent; at the end of a race alone far fewer are wrong.
    """
    machine = Machine(scenario, seed, list(IDENTICAL), 128)
    kept: list[Sample] = []
    reference = machine.race(IDENTICAL, seed, keep=kept.append).reference
    rounds = Rounds.of(kept, reference)
    rates = rates_of(rounds, list(IDENTICAL), MOST)
    found = [
        replace(rounds, measured=rounds.measured[:number]).ratio(name, reference, rate)
        for number in filter(is_look, range(1, len(rounds.measured) + 1))
        for name, rate in rates.items()
        if name != reference
    ]
    known = [(one.low, one.high) for one in found if one.low is not None and one.high is not None]
    return {"every look": [all(low <= 1 <= high for low, high in known)]}


# The search for where two cross.


class Search:
    """The real search for a crossover, with the default budget."""

    def __init__(self, machine: Machine, crossing: Crossing, seed: str) -> None:
        self.machine, self.crossing, self.seed = machine, crossing, seed
        self.rules = crossover.crossover_rules(Rules())
        self.coarse = coarse_sizes(SIZES[0], SIZES[-1])
        self.rounds: dict[int, Rounds] = {}
        self.ratios: dict[int, Estimate] = {}

    def run(self) -> Ordering:
        """What is known when time is up."""
        crossover.search(self.coarse, self.measure, lambda: [self.ordering])
        return self.ordering

    @property
    def ordering(self) -> Ordering:
        levels = {size: level_of(one.measured, *PAIR) for size, one in self.rounds.items()}
        known = {size: level for size, level in levels.items() if level is not None}
        return Ordering(self.ratios, self.rules.same, known)

    def measure(self, size: int) -> bool:
        """Race at a size; whether there was time for it."""
        left_s = crossover.DEFAULT_S - self.machine.now
        if left_s <= 0:
            return False
        in_grid = size in self.coarse
        part = crossover.COARSE_SHARE / len(self.coarse) if in_grid else crossover.SIZE_SHARE
        samples: list[Sample] = []
        result = self.machine.race(
            self.crossing.speeds(size),
            f"{self.seed} {size}",
            rules=self.rules,
            seconds=min(left_s, crossover.DEFAULT_S * part),
            pairs=[PAIR],
            keep=samples.append,
        )
        rounds = Rounds.of(samples)
        ratio = rounds.ratio(*PAIR, self.rules.share(len(PAIR)))
        if math.isfinite(ratio.value):
            self.ratios[size] = ratio
            if result.control_passed:
                self.rounds[size] = rounds
            else:
                self.ratios[size] = Estimate(ratio.value, None, None)
        return True


def brackets(scenario: Scenario, seed: str) -> Tally:
    """Whether what is said of the crossover is true, and how narrow it is."""
    rng = random.Random(f"{seed} crossing")
    crossing = scenario.crossing(math.exp(rng.uniform(math.log(9), math.log(150))), rng)
    rounds = round(crossover.DEFAULT_S / ROUND_S)
    machine = Machine(scenario, seed, PAIR, rounds)
    ordering = Search(machine, crossing, seed).run()
    places = [one for one in places_of(ordering) if one.bracket is not None]
    ends = [one.bracket for one in places if one.bracket is not None]
    repetitions = max(2, machine.samples // (len(PAIR) * len(SIZES)))
    naive = naive_bracket(Machine(scenario, seed, PAIR, rounds), crossing, repetitions)
    return {
        "found": [bool(places)],
        "bracket": [all(map(crossing.is_told, places))] if places else [],
        "one change": [len(places) == 1] if places else [],
        "width": [(high - low) / 2 for low, high in ends],
        "relative width": [2 * (high - low) / (high + low) for low, high in ends],
        "pointwise width": [
            (one.first_size_after - one.last_size_before) / 2 for one in ordering.changes
        ],
        "sizes": [len(ordering.outcomes)],
        "naive bracket": [naive is not None and naive[1] == crossing.changes[0][0]],
    }


def naive_bracket(machine: Machine, crossing: Crossing, repetitions: int) -> tuple[int, int] | None:
    """Of all sizes in order, the first at which the FFT's mean is lower, and the one before."""
    for before, size in pairwise((SIZES[0] - 2, *SIZES)):
        separable, fft = machine.one_after_the_other(crossing.speeds(size), repetitions)
        if fft.value < separable.value:
            return before, size
    return None


# Many runs.


@dataclass(frozen=True)
class Bound:
    """How often what is counted under `key` has to be so, in all scenarios or in one `only`."""

    key: str
    least: float
    words: str
    only: str = ""


BOUNDS = (
    Bound("ratio", 0.95, "of the races of three hold all their true ratios at once"),
    Bound("many", 0.95, "of the races of seventeen hold all their true ratios at once"),
    Bound("every look", 0.95, "of the races of identical ones hold all their ratios at every look"),
    Bound("identical", 0.95, "of the races call no identical implementation different"),
    Bound("bracket", 0.95, "of the searches that find a change are right about all that they find"),
    Bound(
        "far at the first look",
        0.99,
        "of those 3 times as slow are proven at the first look",
        only="log-normal",
    ),
    Bound("processes", 0.95, "of the intervals of five processes hold the true ratio"),
    Bound("gate is right", 0.95, "of the gates side by side call no equal slower"),
    Bound("gate finds 5 %", 0.90, "of the gates side by side find 5 %"),
)

# What is asked of a scenario; crossings are no matter of races, nor the other way round.
QUESTIONS: dict[str, tuple[Callable[[Scenario, str], Tally], ...]] = {
    "log-normal": (ratios, verdicts, looks, brackets, many, time_to_verdict, gates),
    "plans": (ratios, verdicts, processes),
    "plans, quiet": (ratios, verdicts, processes),
    "steps of 2 %": (brackets,),
    "steps of 15 %": (brackets,),
    "two crossings": (brackets,),
    "one cell at 0.9": (ratios, verdicts),
}
USUAL = (ratios, verdicts, looks, brackets, many)


def one_run(name: str, run: int) -> Tally:
    """All questions that are put to a scenario, once."""
    scenario, seed = SCENARIOS[name], f"{name} {run}"
    found: Tally = {}
    for question in QUESTIONS.get(name, USUAL):
        found |= question(scenario, seed)
    return found


def total(tallies: Iterable[Tally]) -> Tally:
    """All of them in one."""
    summed: Tally = {}
    for tally in tallies:
        for key, seen in tally.items():
            summed.setdefault(key, []).extend(seen)
    return summed


def run_all(runs: int, jobs: int) -> Iterator[tuple[Scenario, Tally]]:
    """Scenario by scenario; what comes out does not depend on the jobs."""
    if jobs == 1:
        for name, scenario in SCENARIOS.items():
            yield scenario, total(map(partial(one_run, name), range(runs)))
        return
    # A fork of a process that has threads, as numerical libraries have, may hang.
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        for name, scenario in SCENARIOS.items():
            yield scenario, total(pool.imap(partial(one_run, name), range(runs), chunksize=10))


def missed(scenario: Scenario, tally: Tally) -> list[str]:
    """Which bounds a scenario misses, in words."""
    gated = [bound for bound in BOUNDS if scenario.gated and bound.only in ("", scenario.name)]
    asked = [bound for bound in gated if bound.key in tally]
    rates = [(bound, fmean(tally[bound.key] or [0.0])) for bound in asked]
    return [
        f"{scenario.name}: {rate:.1%} {bound.words}, not {bound.least:.0%}"
        for bound, rate in rates
        if rate < bound.least
    ]


# What is printed.

Show = Callable[[Tally], str]


def share(key: str) -> Show:
    """How often something was so."""
    return lambda tally: f"{fmean(tally[key]):.1%}" if tally.get(key) else "-"


def rest(key: str) -> Show:
    """How often it was not."""
    return lambda tally: f"{1 - fmean(tally[key]):.1%}" if tally.get(key) else "-"


def middle(key: str, form: str, place: float = 0.5) -> Show:
    """The median of what was seen, or another quantile."""

    def show(tally: Tally) -> str:
        seen = sorted(tally.get(key, ()))
        return format(seen[int(place * (len(seen) - 1))], form) if seen else "-"

    return show


def average(key: str, form: str) -> Show:
    """The mean of what was seen."""
    return lambda tally: format(fmean(tally[key]), form) if tally.get(key) else "-"


@dataclass(frozen=True)
class TallyColumn:
    """Its heading, over two lines, and what stands below."""

    above: str
    below: str
    width: int
    show: Show


PROOF = (
    TallyColumn("3 at once", "hold", 11, share("ratio")),
    TallyColumn("", "naive", 8, share("naive ratio")),
    TallyColumn("width,", "median", 9, middle("ratio's width", ".0%")),
    TallyColumn("", "naive", 8, middle("naive ratio's width", ".0%")),
    TallyColumn("17 at once", "hold", 12, share("many")),
    TallyColumn("identical", "differ", 11, rest("identical")),
    TallyColumn("", "here", 8, rest("identical here")),
    TallyColumn("", "naive", 8, rest("naive identical")),
)
SEARCH = (
    TallyColumn("crossover", "holds", 11, share("bracket")),
    TallyColumn("", "naive", 8, share("naive bracket")),
    TallyColumn("width, odd", "median", 12, middle("width", ".1f")),
    TallyColumn("sizes", "90 %", 8, middle("width", ".1f", 0.9)),
    TallyColumn("no", "bracket", 10, rest("found")),
    TallyColumn("one", "bracket", 10, share("one change")),
    TallyColumn("sizes", "searched", 10, middle("sizes", ".0f")),
)
ASIDE = (
    TallyColumn("at every", "look", 10, share("every look")),
    TallyColumn("control", "fails", 10, rest("control")),
    TallyColumn("6 % slower", "leads", 12, rest("leader")),
    TallyColumn("and is called", "fastest", 15, share("wrong fastest")),
    TallyColumn("17: rows", "decided", 10, average("rows decided", ".1%")),
    TallyColumn("3x at the", "first look", 12, share("far at the first look")),
    TallyColumn("5 processes", "hold", 13, share("processes")),
)
TIMES = tuple(
    TallyColumn(above, below, 9, show)
    for times in ("1.05", "1.10", "1.20")
    for above, below, show in (
        (times, "here", average(f"{times} here", ".0f")),
        ("", "in 128", share(f"{times} decided")),
        ("", "beyond", average(f"{times} beyond", ".0f")),
    )
)
GATE = (
    TallyColumn("side by side", "err", 14, rest("gate is right")),
    TallyColumn("", "find 5 %", 10, share("gate finds 5 %")),
    TallyColumn("stored", "err", 8, rest("stored is right")),
)


def heading(columns: Sequence[TallyColumn]) -> str:
    """The two lines above a table."""
    above = "".join(f"{one.above:>{one.width}}" for one in columns)
    below = "".join(f"{one.below:>{one.width}}" for one in columns)
    return f"{'':18}{above}".rstrip() + f"\n{'scenario':18}{below}"


def line(columns: Sequence[TallyColumn], scenario: Scenario, tally: Tally) -> str:
    """One scenario in a table."""
    name = scenario.name + (" *" if scenario.gated else "")
    return f"{name:18}" + "".join(f"{one.show(tally):>{one.width}}" for one in columns)


def control_of_this_machine(times: int) -> str:
    """In how many short comparisons a plan and its double were not proven different."""
    image, kernel = crop(testcard_image(), 256, 256), GaussianKernel.from_size(15)
    options = Options(backends=("numpy", "scipy"), methods=("separable",), rounds=32, budget=10.0)
    races = [compare(image, kernel, options).race for _ in range(times)]
    controls = [one.control for one in races if one is not None and one.control is not None]
    proven = [one for one in controls if one.low is not None]
    held = sum(one.low <= 1 <= one.high for one in proven)
    seen = "".join(f"\n  {one.value:.3f} [{one.low:.3f} to {one.high:.3f}]" for one in proven)
    return f"The interval of this machine's control holds 1 in {held} of {len(proven)} runs:{seen}"


EXPLANATION = """\
at once    all intervals of a race of 3, or of 17, hold the true ratios; in at least 95 % *
look       all intervals of three identical ones hold at each; in at least 95 % *
identical  of three such implementations one is called slower, or fastest; in at most 5 % *
here       the same, by what is said of that run alone
crossover  what is said of it holds the true one, where one is found; in at least 95 % *
naive      one after the other, mean +- 1.96 standard errors, with as many samples
plans      every plan is a little slower or faster than the next of the same code, by 1.75 %
*          required; the other scenarios are only reported"""
ROUNDS = """\
Rounds until one of seventeen is proven to take 1.05, 1.10, 1.20 times as long: at all (here), how
often in 128, and by more than 3 %. Noise: log-normal."""
GATES = "A gate of 8 processes a side, which differ by 1.75 % and days by 2 %, at margin 0:"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what was found, and whether the bounds are kept."""
    parser = argparse.ArgumentParser(description="How often the statistics are right.")
    parser.add_argument("--runs", type=int, default=500, help="of each scenario")
    parser.add_argument("--jobs", type=int, default=host.usable_cpus(), help="processes")
    parser.add_argument("--control", type=int, default=10, help="comparisons on this machine")
    given = parser.parse_args(arguments)
    print(f"{given.runs} simulated runs of each scenario\n\n{heading(PROOF)}", flush=True)
    found = []
    for scenario, tally in run_all(given.runs, given.jobs):
        print(line(PROOF, scenario, tally), flush=True)
        found.append((scenario, tally))
    print(f"\n{EXPLANATION}")
    for columns in (SEARCH, ASIDE):
        print(f"\n{heading(columns)}")
        print("\n".join(line(columns, *one) for one in found), flush=True)
    for words, columns in ((ROUNDS, TIMES), (GATES, GATE)):
        print(f"\n{words}\n{heading(columns)}\n{line(columns, *found[0])}", flush=True)
    if given.control:
        print(f"\n{control_of_this_machine(given.control)}")
    misses = [words for one in found for words in missed(*one)]
    print("\n" + ("\n".join(f"MISSED {one}" for one in misses) or "PASS: all bounds are kept"))
    return 1 if misses else 0


if __name__ == "__main__":
    sys.exit(main())
