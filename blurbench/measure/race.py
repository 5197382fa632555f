"""A race: competitors measured side by side in shuffled rounds until each verdict is proven.

Comparisons are paired within rounds, so what slows the whole machine cancels. The error rate is
split over the looks and over the comparisons, so looking early costs no honesty.
"""

from __future__ import annotations

import gc
import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from statistics import median

from blurbench.measure.schedule import shuffled_rounds
from blurbench.measure.stats import Estimate, estimate_median

CONTROL = "control"


@dataclass(frozen=True)
class Contender:
    """What is measured: `measure(loops)` gives the seconds that `loops` calls took together.

    `cost_s` is what one call takes, roughly.
    """

    name: str
    measure: Callable[[int], float]
    cost_s: float


@dataclass(frozen=True)
class Rules:
    """How a race is run and judged.

    Attributes:
        looks: numbers of rounds after which verdicts are sought; the last ends the race.
        pilot: rounds that only pick the reference.
        same: ratios within 1/(1+same)..1+same count as the same speed.
        alpha: probability of any false verdict in the whole race.
        sample_s: least duration of a sample, reached by inner loops where the time allows.
    """

    looks: tuple[int, ...] = (16, 32, 64, 128)
    pilot: int = 3
    same: float = 0.03
    alpha: float = 0.05
    sample_s: float = 0.02


def looks_within(rounds: int) -> tuple[int, ...]:
    """The usual looks, ending at `rounds`."""
    return (*(look for look in Rules.looks if look < rounds), rounds)


@dataclass(frozen=True)
class Sample:
    """One measurement. Rounds from 1 are measured; 0 and below are the pilot."""

    contender: str
    round: int
    position: int
    loops: int
    elapsed_s: float
    started_at: float


@dataclass(frozen=True)
class Standing:
    """How a contender did; times in seconds a call, ratios to the reference."""

    rounds: int
    time: Estimate
    min_s: float
    ratio: Estimate
    verdict: str


@dataclass(frozen=True)
class Result:
    """What a race found.

    Attributes:
        reference: the contender with the lowest median of the pilot.
        standings: by name, without the control.
        control: the standing of the reference's double, or None if no round was completed.
        rounds: completed.
        interrupted: whether it was ended from the keyboard.
    """

    reference: str
    standings: dict[str, Standing]
    control: Standing | None
    rounds: int
    interrupted: bool

    @property
    def control_passed(self) -> bool:
        """Whether the control was not proven different from itself."""
        ratio = self.control.ratio if self.control else None
        if ratio is None or ratio.low is None or ratio.high is None:
            return True
        return ratio.low <= 1.0 <= ratio.high

    @property
    def noise_floor(self) -> float | None:
        """By how much identical code may seem to differ: the reach of the control's interval."""
        ratio = self.control.ratio if self.control else None
        if ratio is None or ratio.low is None or ratio.high is None:
            return None
        return max(ratio.high, 1 / ratio.low) - 1


def race(
    contenders: Sequence[Contender],
    make_control: Callable[[str], Contender | None],
    rules: Rules,
    *,
    seconds: float,
    rng: random.Random,
    keep: Callable[[Sample], None] = lambda sample: None,
    progress: Callable[[int, float], None] = lambda rounds, left_s: None,
    now: Callable[[], float] = time.perf_counter,
) -> Result:
    """Measure warmed-up contenders against each other for at most `seconds`.

    Args:
        make_control: makes the double of a contender, with buffers of its own, warmed up; or
            gives None for a race without a control.
        keep: is handed each sample before the next one is taken.
        progress: is told the completed rounds and the seconds left after each round.
        now: the clock of the budget, in seconds.

    An interruption from the keyboard ends the race; what is complete is judged.

    Raises:
        ContenderError: a contender raised an exception while it was measured.
    """
    field = _Field(contenders, rules, seconds, rng, keep, now)
    collecting = gc.isenabled()
    gc.disable()
    try:
        field.run(make_control, progress)
        return field.result(interrupted=False)
    except KeyboardInterrupt:
        return field.result(interrupted=True)
    finally:
        if collecting:
            gc.enable()


class ContenderError(RuntimeError):
    """A contender raised while it was measured; the race is void.

    Attributes:
        name: the contender's; `control` if its double could not be made or measured.
        error: what it raised.
    """

    def __init__(self, name: str, error: Exception) -> None:
        super().__init__(f"{name}: {error}")
        self.name, self.error = name, error


class _Field:
    """The state of a race that is under way."""

    def __init__(
        self,
        contenders: Sequence[Contender],
        rules: Rules,
        seconds: float,
        rng: random.Random,
        keep: Callable[[Sample], None],
        now: Callable[[], float],
    ) -> None:
        self.names = [one.name for one in contenders]
        self.running = list(self.names)
        self.by_name = {one.name: one for one in contenders}
        self.rules, self.rng, self.keep, self.now = rules, rng, keep, now
        self.deadline = now() + seconds
        self.loops = _inner_loops(contenders, rules, seconds)
        self.times: dict[str, list[float]] = {name: [] for name in (*self.names, CONTROL)}
        self.pilot: dict[str, list[float]] = {name: [] for name in self.names}
        self.reference = min(contenders, key=lambda one: one.cost_s).name
        self.verdicts: dict[str, str] = {}
        self.rounds = 0

    def run(
        self,
        make_control: Callable[[str], Contender | None],
        progress: Callable[[int, float], None],
    ) -> None:
        order = shuffled_rounds(len(self.names), self.rng)
        another_fits = True
        for number in range(1 - self.rules.pilot, 1):
            another_fits = self._round(number, self.names, next(order), self.pilot)
            if not another_fits:
                break
        self.reference = min(self.names, key=lambda name: median(self.pilot[name]))
        if not another_fits:
            return
        self._keep_who_fits()
        try:
            control = make_control(self.reference)
        except Exception as error:
            raise ContenderError(CONTROL, error) from error
        always = [self.reference]
        if control is not None:
            always.append(CONTROL)
            self.by_name[CONTROL] = replace(control, name=CONTROL)
            self.loops[CONTROL] = self.loops[self.reference]
        racing: list[str] = []
        for number in count(1):
            staying = [*self._undecided_or_same(), *always]
            if staying != racing:
                racing, order = staying, shuffled_rounds(len(staying), self.rng)
            if not another_fits or self.now() > self.deadline:
                break
            another_fits = self._round(number, racing, next(order), self.times)
            self.rounds = number
            progress(number, self.deadline - self.now())
            if number in self.rules.looks and self._look(number):
                break

    def _keep_who_fits(self) -> None:
        """Drop the dearest where the pilot shows that the first look would come too late."""
        costs = {name: median(self.pilot[name]) * self.loops[name] for name in self.names}
        dearest = sorted(self.names, key=lambda name: -costs[name])
        first_look = self.rules.looks[0]
        for name in dearest[:-2]:
            # The control costs what the reference does.
            round_s = sum(costs[one] for one in self.running) + costs[self.reference]
            if self.now() + first_look * round_s <= self.deadline:
                break
            if name != self.reference:
                self.running.remove(name)

    def _undecided_or_same(self) -> list[str]:
        left = ("slower",)
        return [
            name
            for name in self.running
            if name != self.reference and self.verdicts.get(name) not in left
        ]

    def _round(
        self, number: int, racing: list[str], order: list[int], times: dict[str, list[float]]
    ) -> bool:
        """Measure each once; whether another such round fits before the deadline."""
        began = self.now()
        for position, index in enumerate(order):
            name = racing[index]
            loops, started = self.loops[name], time.time()
            try:
                elapsed = self.by_name[name].measure(loops)
            except Exception as error:
                raise ContenderError(name, error) from error
            self.keep(Sample(name, number, position, loops, elapsed, started))
            times[name].append(elapsed / loops)
        return 2 * self.now() - began <= self.deadline

    def _look(self, number: int) -> bool:
        """Seek verdicts; whether the race is over, which takes a control with an interval."""
        for name in self._undecided_or_same():
            self.verdicts[name] = self._standing(name).verdict
        settled = all(verdict != "undecided" for verdict in self.verdicts.values())
        known = CONTROL not in self.by_name or self._standing(CONTROL).ratio.low is not None
        return (settled and known) or number == self.rules.looks[-1]

    def _standing(self, name: str) -> Standing:
        """Judged on the complete rounds, at this contender's share of the error rate."""
        own, reference = self.times[name][: self.rounds], self.times[self.reference]
        if not own:
            nothing = Estimate(math.nan, None, None)
            return Standing(0, nothing, math.nan, nothing, "undecided")
        share = self.rules.alpha / len(self.rules.looks) / len(self.names)
        logs = [math.log(a / b) for a, b in zip(own, reference, strict=False)]
        ratio = _exponential(estimate_median(logs, share))
        verdict = "fastest" if name == self.reference else _verdict(ratio, self.rules.same)
        return Standing(len(own), estimate_median(own, self.rules.alpha), min(own), ratio, verdict)

    def result(self, *, interrupted: bool) -> Result:
        standings = {name: self._standing(name) for name in self.names}
        control = self._standing(CONTROL) if self.times[CONTROL] and self.rounds else None
        if any(standing.verdict == "faster" for standing in standings.values()):
            first = standings[self.reference]
            standings[self.reference] = replace(first, verdict="slower")
        return Result(self.reference, standings, control, self.rounds, interrupted)


def _verdict(ratio: Estimate, same: float) -> str:
    if ratio.low is None or ratio.high is None:
        return "undecided"
    if 1 / (1 + same) <= ratio.low and ratio.high <= 1 + same:
        return "same"
    if ratio.low > 1:
        return "slower"
    if ratio.high < 1:
        return "faster"
    return "undecided"


def _exponential(logs: Estimate) -> Estimate:
    return Estimate(
        math.exp(logs.value),
        None if logs.low is None else math.exp(logs.low),
        None if logs.high is None else math.exp(logs.high),
    )


def _inner_loops(contenders: Sequence[Contender], rules: Rules, seconds: float) -> dict[str, int]:
    """Loops that make samples of `sample_s`, or shorter ones where the first look needs it."""
    share = seconds / (rules.pilot + rules.looks[0])
    sample_s = rules.sample_s
    while True:
        loops = {one.name: math.ceil(sample_s / one.cost_s) for one in contenders}
        costs = [max(1, loops[one.name]) * one.cost_s for one in contenders]
        # The control is the reference's double; it costs no more than the dearest of them.
        if sum(costs) + max(costs) <= share or max(loops.values()) <= 1:
            return {name: max(1, number) for name, number in loops.items()}
        sample_s /= 2
