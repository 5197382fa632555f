"""A race: competitors measured side by side in shuffled rounds until each verdict is proven.

Comparisons are paired within rounds, so what slows the whole machine cancels. The error rate is
split over the looks and over the comparisons, so looking early costs no honesty.
"""

from __future__ import annotations

import gc
import math
import random
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median

from blurbench.measure.judge import (
    CONTROL,
    Result,
    Rounds,
    Rules,
    Sample,
    judge,
    may_lead,
    verdict_beyond,
    verdict_on,
)
from blurbench.measure.schedule import shuffled_rounds

LEAVES = {"slower"}  # verdicts after which a contender is measured no more
DECIDED = {"slower", "faster", "same"}


@dataclass(frozen=True)
class Contender:
    """What is measured: `measure(loops)` gives the seconds that `loops` calls took together.

    `cost_s` is what one call takes, roughly, and `untimed_s` what a measurement takes beside the
    calls that it times.
    """

    name: str
    measure: Callable[[int], float]
    cost_s: float
    untimed_s: float = 0.0


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
    history: Iterable[Sample] = (),
    reference: str | None = None,
    pairs: Sequence[tuple[str, str]] | None = None,
    fixtures: Sequence[Contender] = (),
    approximate: Collection[str] = (),
) -> Result:
    """Measure warmed-up contenders against each other for at most `seconds`.

    Args:
        make_control: makes the double of a contender, with buffers of its own, warmed up; or
            gives None for a race without a control.
        keep: is handed each sample before the next one is taken.
        progress: is told the completed rounds and the seconds left after each round.
        now: the clock of the budget, in seconds.
        history: samples of this race that were taken earlier; it goes on from there.
        reference: whom the others are held against; by default the pilot decides.
        pairs: the comparisons that matter, (first, second); a contender leaves when all of its
            own are decided beyond the margin of `same`. By default everyone against the
            reference, and whoever is proven slower leaves.
        fixtures: are measured in every round and judged by nobody.
        approximate: names of contenders that cannot win, nor be the reference beside others.

    An interruption from the keyboard ends the race; what is complete is judged.

    Raises:
        ContenderError: a contender raised an exception while it was measured.
    """
    field = _Field(
        *(contenders, rules, seconds, rng, keep, now, history, reference, pairs, fixtures),
        approximate,
    )
    collecting = gc.isenabled()
    gc.disable()
    try:
        field.run(make_control, progress)
        return field.result()
    except KeyboardInterrupt:
        return replace(field.result(), interrupted=True)
    finally:
        if collecting:
            gc.enable()


class ContenderError(RuntimeError):
    """A contender raised while it was measured.

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
        history: Iterable[Sample],
        reference: str | None,
        pairs: Sequence[tuple[str, str]] | None,
        fixtures: Sequence[Contender],
        approximate: Collection[str],
    ) -> None:
        self.names = [one.name for one in contenders]
        self.fixtures = [one.name for one in fixtures]
        self.by_name = {one.name: one for one in (*contenders, *fixtures)}
        self.rules, self.rng, self.keep, self.now = rules, rng, keep, now
        self.deadline = now() + seconds
        self.loops = _inner_loops([*contenders, *fixtures], rules, seconds)
        self.rounds = Rounds.of(history)
        self.given_reference = reference
        self.approximate = approximate
        self.leaders = may_lead(self.names, approximate)
        self.cheapest = min(self.leaders, key=lambda name: self.by_name[name].cost_s)
        self.pairs = pairs
        self.running = list(self.names)
        if self.rounds.measured:
            self.running = [name for name in self.names if name in self.rounds.measured[-1]]

    @property
    def reference(self) -> str:
        if self.given_reference is not None:
            return self.given_reference
        return self.rounds.fastest_of_pilot(self.leaders) or self.cheapest

    def run(
        self,
        make_control: Callable[[str], Contender | None],
        progress: Callable[[int, float], None],
    ) -> None:
        if not self._run_pilot():
            return
        if not self.rounds.measured:
            self._keep_who_fits()
        elif self._is_over():
            return
        try:
            control = make_control(self.reference)
        except Exception as error:
            raise ContenderError(CONTROL, error) from error
        always = [self.reference, *self.fixtures]
        if control is not None:
            always.append(CONTROL)
            self.by_name[CONTROL] = replace(control, name=CONTROL)
            self.loops[CONTROL] = self.loops[self.reference]
        racing: list[str] = []
        another_fits = True
        while another_fits and self.now() <= self.deadline:
            staying = [name for name in self.running if name != self.reference] + always
            if staying != racing:
                racing, order = staying, shuffled_rounds(len(staying), self.rng)
            number = self.rounds.highest + 1
            times, another_fits = self._round(number, racing, next(order))
            self.rounds.measured.append(times)
            self.rounds.highest = number
            progress(len(self.rounds.measured), self.deadline - self.now())
            if self._is_over():
                break

    def _run_pilot(self) -> bool:
        """Complete the pilot; whether there is time for more."""
        missing = self.rules.pilot - len(self.rounds.pilot)
        if missing <= 0 or self.given_reference is not None or self.rounds.measured:
            return True
        order = shuffled_rounds(len(self.names), self.rng)
        for number in range(self.rounds.lowest - missing, self.rounds.lowest):
            times, another_fits = self._round(number, self.names, next(order))
            self.rounds.pilot.append(times)
            if not another_fits:
                return False
        return True

    def _keep_who_fits(self) -> None:
        """Drop the dearest where the pilot shows that the first look would come too late."""
        costs = {
            name: self._cost(name) * self.loops[name] + one.untimed_s
            for name, one in self.by_name.items()
        }
        dearest = sorted(self.names, key=lambda name: -costs[name])
        first_look = self.rules.looks[0]
        for name in dearest[:-2]:
            # The control costs what the reference does.
            round_s = sum(costs[one] for one in (*self.running, *self.fixtures, self.reference))
            if self.now() + first_look * round_s <= self.deadline:
                break
            if name != self.reference:
                self.running.remove(name)

    def _cost(self, name: str) -> float:
        piloted = [one[name] for one in self.rounds.pilot if name in one]
        return median(piloted) if piloted else self.by_name[name].cost_s

    def _round(
        self, number: int, racing: list[str], order: list[int]
    ) -> tuple[dict[str, float], bool]:
        """Measure each once; whether another such round fits before the deadline."""
        began, times = self.now(), {}
        for position, index in enumerate(order):
            name = racing[index]
            loops, started = self.loops[name], time.time()
            try:
                elapsed = self.by_name[name].measure(loops)
            except Exception as error:
                raise ContenderError(name, error) from error
            self.keep(Sample(name, number, position, len(order), loops, elapsed, started))
            times[name] = elapsed / loops
        return times, 2 * self.now() - began <= self.deadline

    def _is_over(self) -> bool:
        """At a look, seek verdicts and let go who is decided; over also takes a known control."""
        number = len(self.rounds.measured)
        if number >= self.rules.looks[-1]:
            return True
        if number not in self.rules.looks:
            return False
        share = self.rules.share(len(self.names))
        pairs = self.pairs
        if pairs is None:
            pairs = [(name, self.reference) for name in self.running if name != self.reference]
        seek = verdict_on if self.pairs is None else verdict_beyond
        leaves = LEAVES if self.pairs is None else DECIDED
        verdicts = {pair: seek(self.rounds.ratio(*pair, share), self.rules.same) for pair in pairs}
        self.running = [
            name
            for name in self.running
            if any(name in pair and verdicts[pair] not in leaves for pair in pairs)
        ]
        has_control = any(CONTROL in one for one in self.rounds.measured)
        known = not has_control or self.rounds.ratio(CONTROL, self.reference, share).low is not None
        return known and all(verdict != "undecided" for verdict in verdicts.values())

    def result(self) -> Result:
        return judge(self.rounds, self.names, self.reference, self.rules, self.approximate)


def _inner_loops(contenders: Sequence[Contender], rules: Rules, seconds: float) -> dict[str, int]:
    """Loops that make samples of `sample_s`, or shorter ones where the first look needs it."""
    share = seconds / (rules.pilot + rules.looks[0])
    sample_s = rules.sample_s
    while True:
        loops = {one.name: math.ceil(sample_s / one.cost_s) for one in contenders}
        costs = [max(1, loops[one.name]) * one.cost_s + one.untimed_s for one in contenders]
        # The control is the reference's double; it costs no more than the dearest of them.
        if sum(costs) + max(costs) <= share or max(loops.values()) <= 1:
            return {name: max(1, number) for name, number in loops.items()}
        sample_s /= 2
