"""A race: competitors measured side by side in shuffled rounds until each verdict is proven.

Comparisons are paired within rounds, so what slows the whole machine cancels, and looking early is
paid for out of the error rate, so it costs no honesty. First those who may be the fastest race to
the first look. Then whoever is far slower gets a few long rounds, each one sample among many of the
cheap reference, which prove as much as many short ones. The time that is left goes to whoever is
undecided.
"""

from __future__ import annotations

import gc
import math
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from blurbench.measure.judge import (
    CONTROL,
    NOBODY,
    SLOWER,
    TIED,
    Result,
    Rounds,
    Rules,
    Sample,
    judge,
    may_lead,
    verdict_beyond,
)
from blurbench.measure.schedule import shuffled_rounds
from blurbench.measure.stats import is_look

NEAR = 2.0  # times the cheapest: who takes more is far, and not expected to win
FIRST_LOOK = 8  # rounds after which a difference can be proven
LONG = 15  # samples of the reference and its double in a long round
BRIEF = 1 / 4  # of the usual length of a sample, in a long round
LONG_ROUNDS = 8  # at most; who is undecided after them is near enough for short ones
EXPLODES, EXPLODED_S = 10.0, 0.5  # times as long as expected, and that long
SHOW_S = 0.25  # between two rankings that are shown

Ranking = Sequence[tuple[str, float]]  # names with the seconds of a call, the fastest first


@dataclass(frozen=True)
class Contender:
    """What is measured: `measure(loops)` gives the seconds that `loops` calls took together.

    `cost_s` is what one call takes, roughly, as it is timed; `launch_s` what it takes besides, and
    `untimed_s` what a measurement takes beside all its calls.
    """

    name: str
    measure: Callable[[int], float]
    cost_s: float
    untimed_s: float = 0.0
    launch_s: float = 0.0

    @property
    def call_s(self) -> float:
        """What a call takes in all."""
        return self.cost_s + self.launch_s


def explodes(elapsed_s: float, expected_s: float) -> bool:
    """Whether a measurement took so much longer than expected that another is too dear."""
    return elapsed_s > max(EXPLODED_S, EXPLODES * expected_s)


def race(
    contenders: Sequence[Contender],
    make_control: Callable[[str], Contender | None],
    rules: Rules,
    *,
    seconds: float,
    rng: random.Random,
    keep: Callable[[Sample], None] = lambda sample: None,
    progress: Callable[[int, float, Ranking], None] = lambda rounds, left_s, ranking: None,
    now: Callable[[], float] = time.perf_counter,
    history: Iterable[Sample] = (),
    reference: str | None = None,
    pairs: Sequence[tuple[str, str]] | None = None,
    fixtures: Sequence[Contender] = (),
    unranked: Mapping[str, str] = NOBODY,
) -> Result:
    """Measure warmed-up contenders against each other for at most `seconds`.

    Args:
        make_control: makes the double of a contender, with buffers of its own, warmed up; or
            gives None for a race without a control.
        keep: is handed each sample before the next one is taken.
        progress: is told the completed rounds, the seconds left and, now and then, who leads.
        now: the clock of the budget, in seconds.
        history: samples of this race that were taken earlier; it goes on from there.
        reference: whom the others are held against; by default the pilot decides.
        pairs: the comparisons that matter, (first, second); a contender leaves when all of its
            own are decided beyond the margin of `same`. By default everyone against the
            reference, and whoever is proven slower beyond the margin leaves.
        fixtures: are measured in every round and judged by nobody.
        unranked: the verdict of each that cannot win, nor be the reference beside others.

    An interruption from the keyboard ends the race; what is complete is judged.

    Raises:
        ContenderError: a contender raised an exception while it was measured.
    """
    field = _Field(
        *(contenders, rules, seconds, rng, keep, now, history, reference, pairs, fixtures),
        unranked,
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
        unranked: Mapping[str, str],
    ) -> None:
        self.names = [one.name for one in contenders]
        self.fixtures = [one.name for one in fixtures]
        self.by_name = {one.name: one for one in (*contenders, *fixtures)}
        self.rules, self.rng, self.keep, self.now = rules, rng, keep, now
        self.deadline = now() + seconds
        self.rounds = Rounds.of(history, reference)
        self.counts = Counter(name for one in self.rounds.measured for name in one)
        self.unranked, self.pairs = unranked, pairs
        self.near = self._likely()
        near = [self.by_name[name] for name in (*self.near, *self.fixtures)]
        self.sample_s = _sample_seconds(near, rules, seconds)
        self.decided: set[str] = set()
        self.exploded: set[str] = set()
        self.unclear = set(self.names)  # who has no verdict on the leader's lead yet
        self.leader: str | None = None  # at the latest look; needs no verdict while it leads
        self.control_is_known = False
        self.racing: tuple[str, ...] = ()
        self.orders: Iterator[list[int]] = iter(())
        self.shown_at = now()

    def _likely(self) -> list[str]:
        """Who may be the fastest or near it; all where pairs are compared."""
        if self.pairs is not None:
            return list(self.names)
        if self.rounds.pilot:
            return [name for name in self.names if name in self.rounds.pilot[0]]
        costs = {name: self.by_name[name].cost_s for name in self.names}
        least = min(costs[name] for name in may_lead(self.names, self.unranked))
        return [name for name in self.names if costs[name] <= NEAR * least]

    @property
    def reference(self) -> str:
        if self.rounds.reference is not None:
            return self.rounds.reference
        leaders = may_lead(self.near, self.unranked)
        cheapest = min(leaders, key=lambda name: self.by_name[name].cost_s)
        return self.rounds.fastest_of_pilot(leaders) or cheapest

    def run(
        self,
        make_control: Callable[[str], Contender | None],
        progress: Callable[[int, float, Ranking], None],
    ) -> None:
        if not self._run_pilot():
            return
        self.rounds.reference = self.reference
        if not self.rounds.measured:
            self._keep_who_fits()
        try:
            control = make_control(self.reference)
        except Exception as error:
            raise ContenderError(CONTROL, error) from error
        if control is not None:
            self.by_name[CONTROL] = replace(control, name=CONTROL)
        self._let_go()
        while racing := self._next_round():
            number = self.rounds.highest + 1
            times = self._round(number, racing)
            self.rounds.measured.append(times)
            self.rounds.highest = number
            self.counts.update(times.keys())
            self._let_go()
            progress(len(self.rounds.measured), self.deadline - self.now(), self._ranking())

    def _run_pilot(self) -> bool:
        """Complete the pilot; whether there is time for more."""
        missing = self.rules.pilot - len(self.rounds.pilot)
        if missing <= 0 or self.rounds.reference is not None or self.rounds.measured:
            return True
        for number in range(self.rounds.lowest - missing, self.rounds.lowest):
            began = self.now()
            self.rounds.pilot.append(self._round(number, tuple(self.near)))
            if 2 * self.now() - began > self.deadline:
                return False
        return True

    def _keep_who_fits(self) -> None:
        """Count the dearest as far where the first look of all would come too late."""
        for name in sorted(self.near, key=lambda name: -self._seconds([name]))[:-2]:
            # The control costs what the reference does.
            round_s = self._seconds([*self.near, *self.fixtures, self.reference])
            if self.now() + FIRST_LOOK * round_s <= self.deadline:
                break
            if name != self.reference:
                self.near.remove(name)

    def _next_round(self) -> tuple[str, ...]:
        """Who is measured next, as often as it is named; nobody where the race is over."""
        undecided = [name for name in self.names if self._is_undecided(name)]
        far = [name for name in undecided if name not in self.near]
        beginners = [name for name in far if self.counts[name] < LONG_ROUNDS]
        fitting = self._fitting(beginners) if self._likely_ones_had_their_look() else []
        if fitting:
            return (*self._references(LONG), *self.fixtures, *fitting)
        racing = [name for name in undecided if name not in beginners]
        has_control = self.control_is_known or self._has_most(self.reference)
        matters = racing and self.unclear.intersection([*racing, self.reference]) - {self.leader}
        if has_control and not matters:
            return ()
        racing += [*self._references(2), *self.fixtures]
        is_late = self.now() + (self._seconds(racing) if self.rounds.measured else 0.0)
        return () if is_late > self.deadline else tuple(racing)

    def _likely_ones_had_their_look(self) -> bool:
        first_look = min(FIRST_LOOK, self.rules.most or FIRST_LOOK)
        return self.near == [self.reference] or self.counts[self.reference] >= first_look

    def _is_undecided(self, name: str) -> bool:
        gone = name in self.decided or name in self.exploded or self._has_most(name)
        return name != self.reference and not gone

    def _has_most(self, name: str) -> bool:
        return self.rules.most is not None and self.counts[name] >= self.rules.most

    def _references(self, samples: int) -> list[str]:
        """So many samples of the reference, half of them of its double, if there is one."""
        doubles = samples // 2 if CONTROL in self.by_name else 0
        return [self.reference] * (samples - doubles) + [CONTROL] * doubles

    def _fitting(self, names: Iterable[str]) -> list[str]:
        """The cheapest, as many as come to their next look in the time left."""
        fitting: list[str] = []
        round_s = self._seconds(self._references(LONG) + self.fixtures, BRIEF)
        for name in sorted(names, key=lambda name: self._seconds([name], BRIEF)):
            count, round_s = self.counts[name], round_s + self._seconds([name], BRIEF)
            missing = next(n for n in range(1, LONG_ROUNDS) if is_look(count + n))
            if self.now() + missing * round_s > self.deadline:
                break
            fitting.append(name)
        return fitting

    def _seconds(self, names: Iterable[str], share: float = 1.0) -> float:
        """What a sample of each takes, about, where it has a `share` of the usual length."""
        return sum(
            (self._cost(name) + self.by_name[name].launch_s) * self._loops(name, share)
            + self.by_name[name].untimed_s
            for name in names
        )

    def _loops(self, name: str, share: float) -> int:
        """The calls of a sample."""
        return max(1, math.ceil(share * self.sample_s / self.by_name[name].call_s))

    def _cost(self, name: str) -> float:
        rounds = (*self.rounds.measured[-3:], *self.rounds.pilot)
        known = [seconds for one in rounds for seconds in one.get(name, ())]
        return median(known) if known else self.by_name[name].cost_s

    def _round(self, number: int, racing: tuple[str, ...]) -> dict[str, list[float]]:
        """Measure each as often as it is named, in an order drawn by lot."""
        if racing != self.racing:
            self.racing, self.orders = racing, shuffled_rounds(len(racing), self.rng)
        share = BRIEF if racing.count(self.reference) > 2 else 1.0
        times: dict[str, list[float]] = {}
        for position, index in enumerate(next(self.orders)):
            name = racing[index]
            contender, loops, started = self.by_name[name], self._loops(name, share), time.time()
            try:
                elapsed = contender.measure(loops)
            except Exception as error:
                raise ContenderError(name, error) from error
            self.keep(Sample(name, number, position, len(racing), loops, elapsed, started))
            times.setdefault(name, []).append(elapsed / loops)
            likely = name in self.near or name not in self.names
            if explodes(elapsed, loops * contender.cost_s) and not likely:
                self.exploded.add(name)
        return times

    def _let_go(self) -> None:
        """Of those who are at a look, whoever is decided; and see who is unclear yet."""
        gone = (self.decided | self.exploded) - {self.reference}
        due = {name for name in self.names if is_look(self.counts[name]) and name not in gone}
        if not due:
            return
        rates = self.rounds.rates(self.names, self.rules)
        control = self.rounds.ratio(CONTROL, self.reference, rates[CONTROL])
        alone = CONTROL not in self.by_name and self.counts[self.reference] >= FIRST_LOOK
        self.control_is_known = alone or control.low is not None
        if self.pairs is not None:
            rate = self.rules.share(len(self.names))
            undecided = {
                name
                for pair in self.pairs
                if self._beyond(*pair, rate) == "undecided"
                for name in pair
            }
            self.decided |= due - undecided
            return
        found = self.result()
        verdicts = {name: one.verdict for name, one in found.standings.items()}
        for name in due - {self.reference}:
            beyond = self._beyond(name, self.reference, rates[name])
            if name in self.unranked:
                decided = beyond != "undecided"
            else:  # a failed control asks for more
                decided = SLOWER in (verdicts[name], beyond if found.control_passed else "")
            if decided:
                self.decided.add(name)
        settled = {name for name in due if verdicts[name] in (SLOWER, TIED)}
        self.unclear = (self.unclear - due) | (due - settled)
        self.leader = found.leader

    def _beyond(self, first: str, second: str, rate: float) -> str:
        return verdict_beyond(self.rounds.ratio(first, second, rate), self.rules.same)

    def _ranking(self) -> Ranking:
        """Now and then, those who did best until now."""
        if self.now() < self.shown_at + SHOW_S:
            return ()
        self.shown_at = self.now()
        times = {name: self.rounds.times(name) for name in self.near}
        known = [(name, median(own)) for name, own in times.items() if own]
        return sorted(known, key=lambda one: one[1])

    def result(self) -> Result:
        return judge(self.rounds, self.names, self.reference, self.rules, self.unranked)


def _sample_seconds(contenders: Sequence[Contender], rules: Rules, seconds: float) -> float:
    """The length of a sample: `sample_s`, or what the first look has time for."""
    share = seconds / (rules.pilot + FIRST_LOOK)
    sample_s = rules.sample_s
    while True:
        loops = [max(1, math.ceil(sample_s / one.call_s)) for one in contenders]
        costs = [
            number * one.call_s + one.untimed_s
            for number, one in zip(loops, contenders, strict=True)
        ]
        # The control is the reference's double; it costs no more than the dearest of them.
        if sum(costs) + max(costs) <= share or max(loops) <= 1:
            return sample_s
        sample_s /= 2
