"""Can the figures be trusted? Races and searches on a simulated machine whose truth is known.

    python tests/trust.py [--runs 2000] [--jobs 2] [--control 10]

Everything runs on the real code (race, judge, search), with a simulated clock under it. The noise
of every sample has the same distribution for all contenders, so the population median of a
per-round log-ratio is the logarithm of the ratio of their speeds, whatever the noise.
"""

from __future__ import annotations

import argparse
import itertools
import math
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from statistics import fmean, median, stdev

from blurbench.measure.judge import Rounds, Rules, Sample
from blurbench.measure.race import Contender, race
from blurbench.study.crossing import Change, Ordering, coarse_sizes
from blurbench.study.crossover import crossover_rules, search

NOISE = 0.08  # standard deviation of the logarithm of a sample
SPEEDS = {"a": 0.020, "b": 0.0212, "c": 0.030}  # seconds a call
NAIVE_REPEATS = 30
SMALLEST, LARGEST = 3, 255
SEARCH_S = 60.0
COVERAGE, FALSE, BRACKET = 0.94, 0.05, 0.95  # the bounds that gated scenarios keep

Pace = Callable[[float], float]  # by how much the machine is slower at a moment


@dataclass(frozen=True)
class Scenario:
    """A kind of noise.

    Attributes:
        make_pace: draws what acts on the whole machine, over simulated seconds.
        outliers: share of samples that take 2 to 10 times as long.
        own: lag-1 correlation of each contender's own noise.
        gated: whether the bounds must hold.
    """

    name: str
    make_pace: Callable[[random.Random], Pace] = lambda rng: lambda now: 1.0
    outliers: float = 0.0
    own: float = 0.0
    gated: bool = True


def drift(rng: random.Random) -> Pace:
    """Up to 30 % slower, or faster, in a minute."""
    slope = rng.uniform(-0.3, 0.3) / 60
    return lambda now: max(0.2, 1 + slope * now)


def steps(rng: random.Random) -> Pace:
    """Two paces, 40 % apart; each lasts for 2 to 20 seconds."""
    ends = list(itertools.accumulate(rng.uniform(2, 20) for _ in range(60)))
    return lambda now: 1.4 if sum(end < now for end in ends) % 2 else 1.0


def autocorrelation(rng: random.Random) -> Pace:
    """A pace that wanders, correlated by 0.7 over half a second."""
    levels = [0.0]
    for _ in range(400):
        levels.append(0.7 * levels[-1] + rng.gauss(0, 0.1))
    return lambda now: math.exp(levels[int(now / 0.5) % len(levels)])


def tone(rng: random.Random) -> Pace:
    """A hum at about the period of a round."""
    period, phase = rng.uniform(0.08, 0.12), rng.uniform(0, 2 * math.pi)
    return lambda now: 1 + 0.1 * math.sin(2 * math.pi * now / period + phase)


SCENARIOS = (
    Scenario("log-normal"),
    Scenario("outliers", outliers=0.05),
    Scenario("drift", drift),
    Scenario("steps", steps),
    Scenario("autocorrelation", autocorrelation),
    Scenario("tone", tone),
    Scenario("one cell alone, 0.3", own=0.3, gated=False),
    Scenario("one cell alone, 0.6", own=0.6, gated=False),
)


class Machine:
    """Contenders on a simulated clock."""

    def __init__(self, scenario: Scenario, rng: random.Random) -> None:
        self.scenario, self.rng, self.now = scenario, rng, 0.0
        self._pace = scenario.make_pace(rng)
        self._own: dict[str, float] = {}

    def sample(self, name: str, seconds: float) -> float:
        """One duration of a contender that takes `seconds` on a quiet machine."""
        rng, rho = self.rng, self.scenario.own
        log = rho * self._own.get(name, 0.0) + math.sqrt(1 - rho * rho) * rng.gauss(0, NOISE)
        self._own[name] = log
        elapsed = seconds * math.exp(log) * self._pace(self.now)
        if rng.random() < self.scenario.outliers:
            elapsed *= rng.uniform(2, 10)
        self.now += elapsed
        return elapsed

    def contender(self, name: str, seconds: float) -> Contender:
        return Contender(name, lambda loops: loops * self.sample(name, seconds), seconds)

    def race(
        self, speeds: dict[str, float], rules: Rules, seconds: float, **more: object
    ) -> tuple[Rounds, object]:
        """A race of these speeds: its complete rounds, and what it found."""
        samples: list[Sample] = []
        result = race(
            [self.contender(name, own) for name, own in speeds.items()],
            lambda reference: self.contender("control", speeds[reference]),
            rules,
            seconds=seconds,
            rng=self.rng,
            keep=samples.append,
            now=lambda: self.now,
            **more,  # type: ignore[arg-type]
        )
        return Rounds.of(samples), result


@dataclass(frozen=True)
class Outcome:
    """Of one simulated run; None where there was no interval or no bracket to judge."""

    covered: tuple[bool | None, ...]
    naive_covered: bool
    false: bool
    naive_false: bool
    control_failed: bool
    bracket: bool | None
    width: float | None
    naive_bracket: bool | None


def simulate(scenario: Scenario, seed: int) -> Outcome:
    """One run of everything."""
    rng = random.Random(f"{scenario.name} {seed}")
    _, found = Machine(scenario, rng).race(SPEEDS, Rules(), 1e6)
    covered = []
    for name, standing in found.standings.items():
        if name == found.reference:
            continue
        truth, ratio = SPEEDS[name] / SPEEDS[found.reference], standing.ratio
        known = ratio.low is not None and ratio.high is not None
        covered.append(ratio.low <= truth <= ratio.high if known else None)
    same = dict.fromkeys("abc", 0.020)
    _, alike = Machine(scenario, rng).race(same, Rules(), 1e6)
    judged = alike.control_passed
    false = judged and any(one.verdict in ("slower", "faster") for one in alike.standings.values())
    low, high = naive_ratio(Machine(scenario, rng), SPEEDS["a"], SPEEDS["b"])
    naive_covered = low <= SPEEDS["b"] / SPEEDS["a"] <= high
    low, high = naive_ratio(Machine(scenario, rng), 0.020, 0.020)
    truth = rng.uniform(9, 150)
    changes = find_bracket(Machine(scenario, rng), truth)
    naive = naive_bracket(Machine(scenario, rng), truth)
    bracket = width = None
    if changes:
        bracket = len(changes) == 1 and holds(changes[0], truth)
        width = median(one.first_size_after / one.last_size_before for one in changes) - 1
    return Outcome(
        tuple(covered),
        naive_covered,
        false,
        not low <= 1 <= high,
        not judged,
        bracket,
        width,
        naive,
    )


def naive_ratio(machine: Machine, first: float, second: float) -> tuple[float, float]:
    """All of one, then all of the other; mean +- 1.96 standard errors, propagated."""
    means, errors = [], []
    for name, seconds in (("first", first), ("second", second)):
        times = [machine.sample(name, seconds) for _ in range(NAIVE_REPEATS)]
        means.append(fmean(times))
        errors.append(stdev(times) / math.sqrt(NAIVE_REPEATS) / means[-1])
    ratio, error = means[1] / means[0], 1.96 * math.hypot(*errors)
    return ratio * (1 - error), ratio * (1 + error)


def separable_s(size: int) -> float:
    """Grows with the kernel."""
    return 0.002 + 0.0005 * size


def fft_s(truth: float) -> float:
    """As long as the separable one at the true crossover, at every size."""
    return 0.002 + 0.0005 * truth


def holds(change: Change, truth: float) -> bool:
    """Whether the bracket is the right way round, and the truth lies in it."""
    inside = change.last_size_before <= truth <= change.first_size_after
    return inside and change.faster_after == "second"


def find_bracket(machine: Machine, truth: float) -> list[Change]:
    """The search as `blurbench crossover` runs it, for a minute of the machine's time."""
    rules = crossover_rules(Rules())
    found: dict[int, Rounds] = {}
    coarse = coarse_sizes(SMALLEST, LARGEST)

    def look() -> list[Ordering]:
        ratios = {
            size: rounds.ratio("fft", "separable", rules.share(2))
            for size, rounds in found.items()
            if rounds.measured
        }
        return [Ordering(ratios, rules.same)]

    def measure(size: int) -> bool:
        speeds = {"separable": separable_s(size), "fft": fft_s(truth)}
        seconds = min(SEARCH_S - machine.now, SEARCH_S / 6)
        if seconds <= 0:
            return False
        found[size], _ = machine.race(speeds, rules, seconds, pairs=[("fft", "separable")])
        return True

    search(coarse, measure, look)
    return look()[0].changes


def naive_bracket(machine: Machine, truth: float) -> bool | None:
    """The first size at which FFT has the lower mean, one after the other, size after size."""
    before = SMALLEST
    for size in coarse_sizes(SMALLEST, LARGEST):
        means = [
            fmean(machine.sample(name, seconds) for _ in range(NAIVE_REPEATS))
            for name, seconds in (("separable", separable_s(size)), ("fft", fft_s(truth)))
        ]
        if means[1] < means[0]:
            return before <= truth <= size
        before = size
    return None


@dataclass(frozen=True)
class Shares:
    """A line of the table."""

    scenario: Scenario
    coverage: float
    no_interval: float
    naive_coverage: float
    false: float
    naive_false: float
    control_failed: float
    bracket: float
    naive_bracket: float
    found: float
    width: float

    @property
    def missed(self) -> list[str]:
        """The bounds that a gated scenario does not keep."""
        if not self.scenario.gated:
            return []
        checks = {
            f"coverage {self.coverage:.3f}": self.coverage >= COVERAGE,
            f"false verdicts {self.false:.3f}": self.false <= FALSE,
            f"bracket {self.bracket:.3f}": self.bracket >= BRACKET,
        }
        return [f"{self.scenario.name}: {text}" for text, kept in checks.items() if not kept]


def share(values: Sequence[bool]) -> float:
    return sum(values) / len(values) if values else math.nan


def sum_up(scenario: Scenario, outcomes: Sequence[Outcome]) -> Shares:
    """The shares over all runs of a scenario."""
    intervals = [one for outcome in outcomes for one in outcome.covered]
    known = [one for one in intervals if one is not None]
    brackets = [one.bracket for one in outcomes if one.bracket is not None]
    return Shares(
        scenario,
        share(known),
        1 - len(known) / len(intervals),
        share([one.naive_covered for one in outcomes]),
        share([one.false for one in outcomes]),
        share([one.naive_false for one in outcomes]),
        share([one.control_failed for one in outcomes]),
        share(brackets),
        share([one.naive_bracket for one in outcomes if one.naive_bracket is not None]),
        len(brackets) / len(outcomes),
        median([one.width for one in outcomes if one.width is not None] or [math.nan]),
    )


def run(scenarios: Sequence[Scenario], runs: int, jobs: int = 1) -> Iterator[Shares]:
    """Every scenario, run after run; the number of jobs changes nothing."""
    if jobs == 1:
        for scenario in scenarios:
            yield sum_up(scenario, [simulate(scenario, seed) for seed in range(runs)])
        return
    with ProcessPoolExecutor(jobs) as pool:
        for number, scenario in enumerate(scenarios):
            work = pool.map(partial(_numbered, number), range(runs), chunksize=20)
            yield sum_up(scenario, list(work))


def _numbered(number: int, seed: int) -> Outcome:
    return simulate(SCENARIOS[number], seed)


HEAD = """\
                       ratio's interval     false verdicts   control          bracket
                       holds the truth      on equals        fails   holds the truth  found  width
scenario               ours   naive  none   ours   naive             ours   naive
"""


def line(one: Shares) -> str:
    """A scenario, at most 100 columns."""
    name = one.scenario.name + ("" if one.scenario.gated else " *")
    return (
        f"{name:22} {one.coverage:.3f}  {one.naive_coverage:.3f}  {one.no_interval:.3f}  "
        f"{one.false:.3f}  {one.naive_false:.3f}  {one.control_failed:.3f}   "
        f"{one.bracket:.3f}  {one.naive_bracket:.3f}    {one.found:.3f}  {one.width:.0%}"
    )


def check_control(runs: int) -> None:
    """Comparisons on this machine: does the control's interval contain 1?"""
    from blurbench.image import crop, testcard_image
    from blurbench.kernel import GaussianKernel
    from blurbench.study.compare import compare
    from blurbench.study.options import Options

    image = crop(testcard_image(), 256, 256)
    options = Options(("numpy", "scipy"), ("separable",), budget=6.0)
    ratios, held = [], 0
    for _ in range(runs):
        found = compare(image, GaussianKernel.from_size(15), options).race
        if found is None or found.control is None:
            continue
        ratios.append(f"{found.control.ratio.value:.3f}")
        held += found.control_passed
    print(f"\nThis machine, identical plans against each other: {held} of {len(ratios)} controls")
    print(f"passed; ratios {' '.join(ratios)}")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=2000, help="of each scenario")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--control", type=int, default=10, help="comparisons on this machine")
    given = parser.parse_args()
    print(HEAD, end="", flush=True)
    missed = []
    for one in run(SCENARIOS, given.runs, given.jobs):
        print(line(one), flush=True)
        missed += one.missed
    print("* reported, not gated. width: first size after over last size before, less 1; median.")
    print(f"naive: {NAIVE_REPEATS} in a row of each, mean +- 1.96 standard errors.")
    if given.control:
        check_control(given.control)
    print("\nMISSED: " + "; ".join(missed) if missed else "\nPASS: every gated bound is kept.")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
