"""What the records of a point say, cell by cell, and judge nothing by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median

from blurbench.measure.judge import Rules
from blurbench.measure.rounds import Rounds, Sample
from blurbench.records.copies import Copies
from blurbench.records.declared import Declared
from blurbench.records.record import Record
from blurbench.records.roofline import MULTIPLY_ADD, Rates
from blurbench.records.scopes import COPY, DIFFERENCE, RANKING_SCOPE
from blurbench.records.summary import Key

RUNNABLE = ("ok", "wrong", "implausible")  # what must not win is measured once all the same


@dataclass(frozen=True)
class Difference:
    """The largest difference of two results, and as a share of the largest value, unless 0."""

    absolute: float
    relative: float | None

    @property
    def scale(self) -> float | None:
        """The largest value; None where the two tell nothing of it."""
        return self.absolute / self.relative if self.relative else None


@dataclass(frozen=True)
class Exclusion:
    """Why a cell is out of the running."""

    status: str
    reason: str | None
    predicted_s: float | None


class Evidence:
    """The times of one image at one kernel size, and what happened to whom.

    Args:
        point: the key that all its cells share.
        threads: of its cells.
        rates: of arithmetic, which all points of a run share.

    Attributes:
        measured_s: seconds of all samples, by process.
        copies: of an array of the image's size.
        difference: of separable and direct on the sampled pixels; None where not computed.
        out: why a cell is out of the running, by name.
        throttled, stalled: how many samples of a cell were, where that is told, by name.
        surprises: what is said of a run that took far longer than expected, by name.
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
        self.point, self.declared, self.rules = point, declared, rules
        self.threads, self.machine_id, self.rates = threads, machine_id, rates
        self.measured_s: dict[int, float] = {}
        self.copies = Copies()
        self.difference: Difference | None = None
        self.out: dict[str, Exclusion] = {}
        self.throttled: dict[str, int] = {}
        self.stalled: dict[str, int] = {}
        self.surprises: dict[str, str] = {}
        self._names = {one.name for one in declared}
        self._closed: set[tuple[str, int]] = set()
        self._alone: dict[tuple[str, str], list[Record]] = {}
        self._races: dict[str, dict[int, list[Sample]]] = {}
        # Complete rounds of the races by process, and of all together, until a record changes them.
        self._by_process: dict[str, dict[int, Rounds]] = {}
        self._joined: dict[str, Rounds] = {}

    def key(self, name: str) -> Key:
        """Of a cell at this point."""
        return replace(self.point, implementation=name, threads=self.threads)

    def add(self, record: Record) -> None:
        """Take in what was measured, or what happened."""
        name, scope, process = record.key.implementation, record.scope, record.process
        if scope == DIFFERENCE and record.max_abs_error is not None:
            self.difference = Difference(record.max_abs_error, record.max_relative_error)
        if record.elapsed_s is not None:
            self.measured_s[process] = self.measured_s.get(process, 0.0) + record.elapsed_s
        if record.throttled is not None:
            self.throttled[name] = self.throttled.get(name, 0) + record.throttled
        if record.stalled is not None:
            self.stalled[name] = self.stalled.get(name, 0) + record.stalled
        if self.puts_out(record):
            self.out[name] = Exclusion(record.status, record.reason, record.predicted_s)
        elif record.status in ("ok", "interrupted") and record.reason and scope is not None:
            self.surprises[name] = record.reason
        if scope is None:
            self._closed.add((name, process))
        elif record.elapsed_s is not None:
            self._add_time(name, scope, record)

    def puts_out(self, record: Record) -> bool:
        """Whether a cell is out by this; the line that closes it repeats what is known."""
        if record.status in ("ok", "interrupted"):
            return False
        return record.scope is not None or record.key.implementation not in self.out

    def _add_time(self, name: str, scope: str, record: Record) -> None:
        kind = "" if name in self._names else name.rpartition(":")[2]
        if kind == COPY:
            self.copies.add(record)
        elif kind == MULTIPLY_ADD:
            self.rates.add(record)
        elif record.competitors:
            races = self._races.setdefault(scope, {})
            races.setdefault(record.process, []).append(_sample(record))
            self._forget(scope)
        else:
            self._alone.setdefault((name, scope), []).append(record)

    def status(self, name: str) -> str:
        """`ok`, or why a cell is out of the running."""
        return self.out[name].status if name in self.out else "ok"

    def reason(self, name: str) -> str | None:
        return self.out[name].reason if name in self.out else None

    def closed(self, process: int) -> bool:
        """Whether a process has said its last word on every cell."""
        return all(
            (one.name, process) in self._closed or self._never_runs(one.name)
            for one in self.declared
        )

    def _never_runs(self, name: str) -> bool:
        ended = any(one == name for one, _ in self._closed)
        return ended and self.status(name) not in RUNNABLE

    def alone(self, name: str, scope: str, process: int | None = None) -> list[Record]:
        """Samples taken outside any round."""
        found = self._alone.get((name, scope), [])
        return [one for one in found if process in (None, one.process)]

    def timed(self, name: str, process: int | None = None) -> bool:
        """Whether there is a time in the ranking scope."""
        parts = self._parts(RANKING_SCOPE)
        chosen = [part for number, part in parts.items() if process in (None, number)]
        raced = any(part.times(name) for part in chosen)
        return raced or bool(self.alone(name, RANKING_SCOPE, process))

    def process_medians(self, name: str) -> dict[int, float]:
        """Seconds a call in the ranking scope, by process."""
        parts = self._parts(RANKING_SCOPE)
        times = {process: part.times(name) for process, part in parts.items()}
        for one in self.alone(name, RANKING_SCOPE):
            times[one.process] = times.get(one.process) or [one.seconds]
        return {process: median(own) for process, own in sorted(times.items()) if own}

    @property
    def raced_scopes(self) -> list[str]:
        """The scopes in which there was a race."""
        return list(self._races)

    def history(self, scope: str, process: int) -> list[Sample]:
        """The samples of a race that is not void."""
        return self._races.get(scope, {}).get(process, [])

    def samples(self, scope: str = RANKING_SCOPE) -> Iterator[tuple[int, Sample]]:
        """All but the pilot's, taken in a race or alone, with their process."""
        for process, raced in self._races.get(scope, {}).items():
            yield from ((process, one) for one in raced if one.round > 0)
        for (_, alone_scope), records in self._alone.items():
            if alone_scope == scope:
                yield from ((one.process, _sample(one)) for one in records)

    def joined(self, scope: str) -> Rounds:
        """The complete rounds of a race, of all processes."""
        if scope not in self._joined:
            self._joined[scope] = Rounds.joined(list(self._parts(scope).values()))
        return self._joined[scope]

    def times(self, name: str, scope: str = RANKING_SCOPE) -> list[float]:
        """Seconds a call: of the race, else of runs alone, else of the pilot."""
        rounds = self.joined(scope)
        return (
            rounds.times(name)
            or [one.seconds for one in self.alone(name, scope)]
            or [seconds for one in rounds.pilot for seconds in one.get(name, ())]
        )

    def _parts(self, scope: str) -> dict[int, Rounds]:
        if scope not in self._by_process:
            races = sorted(self._races.get(scope, {}).items())
            self._by_process[scope] = {process: Rounds.of(samples) for process, samples in races}
        return self._by_process[scope]

    def void(self, scope: str) -> None:
        """A race begins anew."""
        self._races[scope] = {}
        self._forget(scope)

    def _forget(self, scope: str) -> None:
        self._by_process.pop(scope, None)
        self._joined.pop(scope, None)


def _sample(record: Record) -> Sample:
    assert record.elapsed_s is not None
    return Sample(
        record.key.implementation,
        record.round,
        record.position,
        record.competitors,
        record.inner_loops,
        record.elapsed_s,
        record.started_at,
    )
