"""A race: competitors measured side by side in shuffled rounds until each verdict is proven.

Comparisons are paired within rounds, so what slows the whole machine cancels, and looking early is
paid for out of the error rate, so it costs no honesty. First those who may be the fastest race to
the first look. Then whoever is far slower gets a few long rounds, each one sample among many of the
cheap reference, which prove as much as many short ones. The time that is left goes to whoever is
undecided.
"""

from __future__ import annotations

import gc
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from statistics import median

from blurbench.measure.contest import ContenderError, Contest
from blurbench.measure.decisions import Decisions
from blurbench.measure.judge import Result, judge, may_lead
from blurbench.measure.lengths import Lengths, sample_seconds
from blurbench.measure.rounds import CONTROL, Rounds, Sample
from blurbench.measure.schedule import shuffled_rounds
from blurbench.measure.stats import FIRST_LOOK, is_look

NEAR = 2.0  # times the cheapest: who takes more is far, and not expected to win
LONG = 15  # samples of the reference and its double in a long round
BRIEF = 1 / 4  # of the usual length of a sample, in a long round
LONG_ROUNDS = 8  # at most; who is undecided after them is near enough for short ones
EXPLODES, EXPLODED_S = 10.0, 0.5  # times as long as expected, and that long
SHOW_S = 0.25  # between two rankings that are shown

Ranking = Sequence[tuple[str, float]]  # names with the seconds of a call, the fastest first
Progress = Callable[[int, float, Ranking], None]


def explodes(elapsed_s: float, expected_s: float) -> bool:
    """Whether a measurement took so much longer than expected that another is too dear."""
    return elapsed_s > max(EXPLODED_S, EXPLODES * expected_s)


def race(
    contest: Contest,
    *,
    seconds: float,
    rng: random.Random,
    keep: Callable[[Sample], None] = lambda sample: None,
    progress: Progress = lambda rounds, left_s, ranking: None,
    now: Callable[[], float] = lambda: time.perf_counter(),
) -> Result:
    """Measure contenders against each other for at most `seconds`.

    Args:
        keep: is handed each sample before the next one is taken.
        progress: is told the completed rounds, the seconds left and, now and then, who leads.
        now: the clock of the budget, in seconds.

    An interruption from the keyboard ends the race; what is complete is judged.

    Raises:
        ContenderError: a contender raised an exception while it was measured.
    """
    under_way = _Race(contest, seconds, rng, keep, now)
    collecting = gc.isenabled()
    gc.disable()
    try:
        under_way.run(progress)
        return under_way.result()
    except KeyboardInterrupt:
        return replace(under_way.result(), interrupted=True)
    finally:
        if collecting:
            gc.enable()


class _Race:
    """The state of a race that is under way."""

    def __init__(
        self,
        contest: Contest,
        seconds: float,
        rng: random.Random,
        keep: Callable[[Sample], None],
        now: Callable[[], float],
    ) -> None:
        self.contest, self.rules, self.names = contest, contest.rules, contest.names
        self.fixtures = [one.name for one in contest.fixtures]
        self.by_name = {one.name: one for one in (*contest.contenders, *contest.fixtures)}
        self.rng, self.keep, self.now = rng, keep, now
        self.deadline = now() + seconds
        self.rounds = Rounds.of(contest.history, contest.reference)
        self.counts = Counter(name for one in self.rounds.measured for name in one)
        self.near = self._likely()
        near = [self.by_name[name] for name in (*self.near, *self.fixtures)]
        sample_s = sample_seconds(near, self.rules, seconds)
        self.lengths = Lengths(self.by_name, self.rounds, sample_s)
        self.decisions = Decisions(contest, self.rounds, self.counts)
        self.exploded: set[str] = set()
        self.racing: tuple[str, ...] = ()
        self.orders: Iterator[list[int]] = iter(())
        self.shown_at = now()

    def _likely(self) -> list[str]:
        """Who may be the fastest or near it; all where pairs are compared."""
        if self.contest.pairs is not None:
            return list(self.names)
        if self.rounds.pilot:
            return [name for name in self.names if name in self.rounds.pilot[0]]
        costs = {name: self.by_name[name].cost_s for name in self.names}
        least = min(costs[name] for name in may_lead(self.names, self.contest.unranked))
        return [name for name in self.names if costs[name] <= NEAR * least]

    @property
    def reference(self) -> str:
        if self.rounds.reference is not None:
            return self.rounds.reference
        leaders = may_lead(self.near, self.contest.unranked)
        cheapest = min(leaders, key=lambda name: self.by_name[name].cost_s)
        return self.rounds.fastest_of_pilot(leaders) or cheapest

    def run(self, progress: Progress) -> None:
        """The pilot, then round after round until nothing is undecided or the time is over."""
        if not self._run_pilot():
            return
        self.rounds.reference = self.reference
        if not self.rounds.measured:
            self._keep_who_fits()
        self._add_control()
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
        for name in sorted(self.near, key=lambda name: -self.lengths.seconds([name]))[:-2]:
            # The control costs what the reference does.
            round_s = self.lengths.seconds([*self.near, *self.fixtures, self.reference])
            if self.now() + FIRST_LOOK * round_s <= self.deadline:
                break
            if name != self.reference:
                self.near.remove(name)

    def _add_control(self) -> None:
        try:
            control = self.contest.make_control(self.reference)
        except Exception as error:
            raise ContenderError(CONTROL, error) from error
        if control is not None:
            self.by_name[CONTROL] = replace(control, name=CONTROL)

    def _next_round(self) -> tuple[str, ...]:
        """Who is measured next, as often as it is named; nobody where the race is over."""
        undecided = [name for name in self.names if self._is_undecided(name)]
        far = [name for name in undecided if name not in self.near]
        beginners = [name for name in far if self.counts[name] < LONG_ROUNDS]
        fitting = self._fitting(beginners) if self._likely_ones_had_their_look() else []
        if fitting:
            return (*self._references(LONG), *self.fixtures, *fitting)
        racing = [name for name in undecided if name not in beginners]
        has_control = self.decisions.control_is_known or self._has_most(self.reference)
        if has_control and not self.decisions.matter(racing, self.reference):
            return ()
        racing += [*self._references(2), *self.fixtures]
        is_late = self.now() + (self.lengths.seconds(racing) if self.rounds.measured else 0.0)
        return () if is_late > self.deadline else tuple(racing)

    def _likely_ones_had_their_look(self) -> bool:
        first_look = min(FIRST_LOOK, self.rules.most or FIRST_LOOK)
        return self.near == [self.reference] or self.counts[self.reference] >= first_look

    def _is_undecided(self, name: str) -> bool:
        gone = name in self.decisions.decided or name in self.exploded or self._has_most(name)
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
        round_s = self.lengths.seconds(self._references(LONG) + self.fixtures, BRIEF)
        for name in sorted(names, key=lambda name: self.lengths.seconds([name], BRIEF)):
            count = self.counts[name]
            round_s += self.lengths.seconds([name], BRIEF)
            missing = next(n for n in range(1, LONG_ROUNDS) if is_look(count + n))
            if self.now() + missing * round_s > self.deadline:
                break
            fitting.append(name)
        return fitting

    def _round(self, number: int, racing: tuple[str, ...]) -> dict[str, list[float]]:
        """Measure each as often as it is named, in an order drawn by lot."""
        if racing != self.racing:
            self.racing, self.orders = racing, shuffled_rounds(len(racing), self.rng)
        share = BRIEF if racing.count(self.reference) > 2 else 1.0
        times: dict[str, list[float]] = {}
        for position, index in enumerate(next(self.orders)):
            name = racing[index]
            contender, loops = self.by_name[name], self.lengths.loops(name, share)
            started = time.time()
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
        """Of those who are at a look, whoever is decided."""
        gone = (self.decisions.decided | self.exploded) - {self.reference}
        due = {name for name in self.names if is_look(self.counts[name]) and name not in gone}
        if due:
            self.decisions.look(due, self.reference, CONTROL in self.by_name)

    def _ranking(self) -> Ranking:
        """Now and then, those who did best until now."""
        if self.now() < self.shown_at + SHOW_S:
            return ()
        self.shown_at = self.now()
        times = {name: self.rounds.times(name) for name in self.near}
        known = [(name, median(own)) for name, own in times.items() if own]
        return sorted(known, key=lambda one: one[1])

    def result(self) -> Result:
        return judge(self.rounds, self.names, self.reference, self.rules, self.contest.unranked)
