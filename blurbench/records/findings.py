"""What the records of one point prove: the same rows live and from a file, by the same code."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import replace
from statistics import median

from blurbench.measure.judge import APPROXIMATE, STAND_IN, Result, Rules, judge, may_lead
from blurbench.measure.rounds import CONTROL, Rounds
from blurbench.records.declared import Declared
from blurbench.records.evidence import Evidence
from blurbench.records.kinds import SOFTWARE
from blurbench.records.lead import Lead, lead_of
from blurbench.records.record import Record
from blurbench.records.roofline import Rates
from blurbench.records.rows import RowMaker, order_of
from blurbench.records.scopes import RANKING_SCOPE
from blurbench.records.summary import Key, Row


class Findings(Evidence):
    """One image at one kernel size, as far as the records go: who raced, who leads.

    A contender that turns out `wrong`, `implausible` or broken leaves its race; if it was the
    reference, the race is void and begins anew.
    """

    def __init__(
        self,
        point: Key,
        declared: Sequence[Declared],
        rules: Rules,
        threads: int,
        machine_id: str | None,
        rates: Rates,
    ) -> None:
        super().__init__(point, declared, rules, threads, machine_id, rates)
        self._raced = declared  # of whom one is the reference
        # Until a record comes in.
        self._rounds: dict[str, Rounds] = {}
        self._judged: dict[str, Result | None] = {}

    def only(self, declared: Sequence[Declared]) -> Findings:
        """The same records, read as if they were of these implementations alone.

        The races stay as they were run, against a reference that may not be among these.
        """
        found = copy(self)
        found.declared, found._names = declared, {one.name for one in declared}
        found._judged = {}
        return found

    def add(self, record: Record) -> None:
        """Take in what was measured, or what happened."""
        if self.puts_out(record):
            for scope in self.raced_scopes:
                if self._reference(scope) == record.key.implementation:
                    self.void(scope)
        super().add(record)
        self._rounds.clear()
        self._judged.clear()

    @property
    def control_failure(self) -> str | None:
        """Why no control could run, if none could."""
        return self.reason(CONTROL)

    def rounds(self, scope: str = RANKING_SCOPE) -> Rounds:
        """All complete rounds of all processes, and whom they are held against."""
        if scope not in self._rounds:
            reference = self._reference(scope)
            self._rounds[scope] = replace(self.joined(scope), reference=reference)
        return self._rounds[scope]

    def _reference(self, scope: str) -> str | None:
        rounds = self.joined(scope)
        first = (rounds.pilot or [{}])[0]
        piloted = [name for name in self._racers(scope, self._raced) if name in first]
        return rounds.fastest_of_pilot(may_lead(piloted, self._unranked(piloted, self._raced)))

    def racers(self, scope: str) -> list[str]:
        """Who ran in a complete round, the pilot's too, and is still in the running."""
        return self._racers(scope, self.declared)

    def _racers(self, scope: str, declared: Sequence[Declared]) -> list[str]:
        rounds = self.joined(scope)
        ran = {name for one in (*rounds.pilot, *rounds.measured) for name in one}
        return [one.name for one in declared if one.name in ran and one.name not in self.out]

    @property
    def approximate(self) -> set[str]:
        """Those that do another thing than was asked for, and neither win nor lose."""
        return self._approximate(self.declared)

    def _approximate(self, declared: Sequence[Declared]) -> set[str]:
        inexact = {one.name for one in declared if not one.exact}
        return {name for name in inexact if not self._is_tolerable(name)}

    def _is_tolerable(self, name: str) -> bool:
        calls, tolerance = self.alone(name, "first_call"), self.rules.tolerance
        error = calls[0].max_relative_error if calls else None
        return tolerance is not None and error is not None and error <= tolerance

    def unranked(self, names: Iterable[str]) -> dict[str, str]:
        """The verdict of those among the names that neither win nor lose.

        They are the approximate, and software that stands in for a GPU beside what does not.
        """
        return self._unranked(names, self.declared)

    def _unranked(self, names: Iterable[str], declared: Sequence[Declared]) -> dict[str, str]:
        given = set(names)
        own = [one for one in declared if one.name in given]
        software = [one.name for one in own if one.kind == SOFTWARE]
        return {
            **dict.fromkeys(software if len(software) < len(own) else [], STAND_IN),
            **dict.fromkeys(self._approximate(declared) & given, APPROXIMATE),
        }

    @property
    def _able(self) -> list[str]:
        """Who ran or could, given the time."""
        return [name for name in self._names if self.status(name) in ("ok", "over_budget")]

    def race(self, scope: str = RANKING_SCOPE) -> Result | None:
        """How those who raced stand; None where no pilot round was completed."""
        if scope not in self._judged:
            self._judged[scope] = self._judge(scope)
        return self._judged[scope]

    def _judge(self, scope: str) -> Result | None:
        names, rounds = self.racers(scope), self.rounds(scope)
        reference, unranked = rounds.reference, self.unranked(names)
        able = may_lead(names, unranked)
        if reference is None or not (reference in names or any(map(rounds.count, able))):
            return None
        few = self._few(names) if scope == RANKING_SCOPE else {}
        return judge(rounds, names, reference, self.rules, unranked, few)

    def _few(self, racers: Sequence[str]) -> dict[str, float]:
        """Seconds a call, from one run or a prediction, of those able to win that did not race.

        NaN where nothing is known.
        """
        found = {}
        for name in self._names - set(racers) - self.unranked(self._able).keys():
            alone = self.alone(name, RANKING_SCOPE)
            if self.status(name) == "ok":
                found[name] = median(one.seconds for one in alone) if alone else math.nan
            elif self.status(name) == "over_budget":
                found[name] = self.out[name].predicted_s or math.nan
        return found

    def _best_times(self, race: Result | None) -> list[float]:
        """Of the leader of a race; before there is one, of whoever took the shortest."""
        if race is not None and race.rounds:
            return self.rounds().times(race.leader)
        leaders = may_lead([one.name for one in self.declared], self.unranked(self._able))
        times = [self.times(name) for name in leaders if self.status(name) == "ok"]
        return min(filter(None, times), key=median, default=[])

    def rows(self) -> list[Row]:
        """One an implementation: ranked ones by time, then what must not win or did not run."""
        race = self.race()
        rows = RowMaker(self, race, self._best_times(race), self.unranked(self._able))
        return sorted(map(rows.row, self.declared), key=order_of)

    def lead(self) -> Lead | None:
        """Who is the fastest, how sure that is, and who comes next; None where nothing is timed."""
        return lead_of(self.rows())
