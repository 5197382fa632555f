"""What the records of one point say: the same rows live and from a file, by the same code."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import asdict, dataclass, replace
from statistics import median
from typing import Any

from blurbench.measure.judge import (
    APPROXIMATE,
    CONTROL,
    FAR_SLOWER,
    LIKELY,
    STAND_IN,
    UNCLEAR,
    Result,
    Rounds,
    Rules,
    Sample,
    is_far,
    judge,
    may_lead,
)
from blurbench.names import group_of
from blurbench.records.kinds import CPU, SOFTWARE, marked
from blurbench.records.lead import CLAIMS, Lead, lead_of
from blurbench.records.record import Record
from blurbench.records.roofline import MULTIPLY_ADD, Rates, set_roofline
from blurbench.records.summary import Key, Row

RANKING_SCOPE = "end_to_end"
# What is measured outside any race, on a device alone.
ALONE = (
    *("upload", "download", "upload_pinned", "download_pinned"),
    *("end_to_end_pipelined", "launch", "compute_graph"),
)
SCOPES = ("compute", "end_to_end", *ALONE)
COPY = "copy"
DIFFERENCE = "difference"  # of separable and direct
ONCE = "measured once, no time for a race"
FAR = "measured once, far from the best of its side or no time for a race"
_BYTES = {"uint8": 1, "uint16": 2, "float16": 2, "float32": 4, "float64": 8}


@dataclass(frozen=True)
class Declared:
    """What a run keeps of an implementation, so that its records can be read anywhere.

    Attributes:
        kind: of what it runs on, one of `KINDS`.
    """

    backend: str
    method: str
    origin: str
    exact: bool
    kind: str
    own_kernel: bool = False

    @property
    def name(self) -> str:
        return f"{self.backend}:{self.method}"

    @property
    def label(self) -> str:
        """Its name as people read it."""
        return marked(self.name, self.kind)

    @property
    def group(self) -> str | None:
        """Of its method; None where that is not known."""
        return group_of(self.method, self.origin)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class CopySpeed:
    """Seconds of one copy: the median, and the best, beyond which a blur is not believed."""

    median_s: float
    best_s: float


@dataclass(frozen=True)
class Difference:
    """The largest difference of two results, and as a share of the largest value, unless 0."""

    absolute: float
    relative: float | None

    @property
    def scale(self) -> float | None:
        """The largest value; None where the two tell nothing of it."""
        return self.absolute / self.relative if self.relative else None


class Findings:
    """One image at one kernel size, as far as the records go.

    A contender that turns out `wrong`, `implausible` or broken leaves its race; if it was the
    reference, the race is void and begins anew.

    Args:
        point: the key that all its cells share.
        threads: of its cells.
        rates: of arithmetic, which all points of a run share.

    Attributes:
        difference: of separable and direct on the sampled pixels; None where not computed.
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
        self.rates = rates
        self.point, self.declared, self.rules = point, declared, rules
        self._raced = declared  # of whom one is the reference
        self.threads, self.machine_id = threads, machine_id
        self.measured_s: dict[int, float] = {}  # by process
        self.difference: Difference | None = None
        self._names = {one.name for one in declared}
        self._out: dict[str, tuple[str, str | None, float | None]] = {}
        self._closed: set[tuple[str, int]] = set()
        self._alone: dict[tuple[str, str], list[Record]] = {}
        self._copies: dict[str, dict[tuple[int, int], list[Record]]] = {}
        self._races: dict[str, dict[int, list[Sample]]] = {}
        # Of the races, until a record changes them: rounds, also by process, and how they stand.
        self._rounds: dict[str, Rounds] = {}
        self._parts: dict[str, dict[int, Rounds]] = {}
        self._judged: dict[str, Result | None] = {}
        self._throttled: dict[str, int] = {}
        self._stalled: dict[str, int] = {}
        self._surprises: dict[str, str] = {}

    def only(self, declared: Sequence[Declared]) -> Findings:
        """The same records, read as if they were of these implementations alone.

        The races stay as they were run, against a reference that may not be among these.
        """
        found = copy(self)
        found.declared, found._names = declared, {one.name for one in declared}
        found._judged = {}
        return found

    def key(self, name: str) -> Key:
        """Of a cell at this point."""
        return replace(self.point, implementation=name, threads=self.threads)

    def add(self, record: Record) -> None:
        """Take in what was measured, or what happened."""
        name, scope, process = record.key.implementation, record.scope, record.process
        if scope == DIFFERENCE and record.max_abs_error is not None:
            self.difference = Difference(record.max_abs_error, record.max_relative_error)
        self._judged.clear()
        if record.elapsed_s is not None:
            self.measured_s[process] = self.measured_s.get(process, 0.0) + record.elapsed_s
        if record.throttled is not None:
            self._throttled[name] = self._throttled.get(name, 0) + record.throttled
        if record.stalled is not None:
            self._stalled[name] = self._stalled.get(name, 0) + record.stalled
        if record.status not in ("ok", "interrupted"):
            self._disqualify(name, record)
        elif record.reason and scope is not None:
            self._surprises[name] = record.reason
        if scope is None:
            self._closed.add((name, process))
        elif record.elapsed_s is None:
            return
        elif name.rpartition(":")[2] == COPY and name not in self._names:
            own = self._copies.setdefault(name, {})
            own.setdefault((process, record.key.threads), []).append(record)
        elif name.rpartition(":")[2] == MULTIPLY_ADD and name not in self._names:
            self.rates.add(record)
        elif record.competitors:
            races = self._races.setdefault(scope, {})
            races.setdefault(process, []).append(_sample(record))
            self._forget(scope)
        else:
            self._alone.setdefault((name, scope), []).append(record)

    def _disqualify(self, name: str, record: Record) -> None:
        if name in self._out and record.scope is None:
            return
        for scope in self._races:
            if self._reference(scope) == name:
                self._races[scope] = {}
                self._forget(scope)
        self._out[name] = (record.status, record.reason, record.predicted_s)

    def status(self, name: str) -> str:
        """`ok`, or why a cell is out of the running."""
        return self._out[name][0] if name in self._out else "ok"

    def reason(self, name: str) -> str | None:
        return self._out[name][1] if name in self._out else None

    @property
    def control_failure(self) -> str | None:
        """Why no control could run, if none could."""
        return self.reason(CONTROL)

    def closed(self, process: int) -> bool:
        """Whether a process has said its last word on every cell."""
        return all(
            (one.name, process) in self._closed or self._never_runs(one.name)
            for one in self.declared
        )

    def _never_runs(self, name: str) -> bool:
        return self.status(name) not in ("ok", "wrong", "implausible") and bool(
            {process for one, process in self._closed if one == name}
        )

    def alone(self, name: str, scope: str, process: int | None = None) -> list[Record]:
        """Samples taken outside any round."""
        found = self._alone.get((name, scope), [])
        return [one for one in found if process in (None, one.process)]

    def timed(self, name: str, process: int | None = None) -> bool:
        """Whether there is a time in the ranking scope."""
        parts = self._by_process(RANKING_SCOPE)
        chosen = [part for number, part in parts.items() if process in (None, number)]
        raced = any(part.times(name) for part in chosen)
        return raced or bool(self.alone(name, RANKING_SCOPE, process))

    def copies(self, name: str, process: int, threads: int) -> int:
        """How many copies were timed so."""
        return len(self._copies.get(name, {}).get((process, threads), []))

    def copy(self, backend: str | None = None) -> CopySpeed | None:
        """Of an array of the image's size: on the host, or inside a backend's device."""
        by_threads: dict[int, list[float]] = {}
        own = self._copies.get(f"{backend}:{COPY}" if backend else COPY, {})
        for (_, threads), records in own.items():
            by_threads.setdefault(threads, []).extend(one.seconds for one in records)
        speeds = [CopySpeed(median(times), min(times)) for times in by_threads.values()]
        return min(speeds, key=lambda speed: speed.median_s, default=None)

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

    def rounds(self, scope: str = RANKING_SCOPE) -> Rounds:
        """All complete rounds of all processes, and whom they are held against."""
        if scope not in self._rounds:
            rounds = Rounds.joined(list(self._by_process(scope).values()))
            self._rounds[scope] = rounds
            rounds.reference = self._reference(scope)
        return self._rounds[scope]

    def _by_process(self, scope: str) -> dict[int, Rounds]:
        if scope not in self._parts:
            races = sorted(self._races.get(scope, {}).items())
            self._parts[scope] = {process: Rounds.of(samples) for process, samples in races}
        return self._parts[scope]

    def _forget(self, scope: str) -> None:
        self._rounds.pop(scope, None)
        self._parts.pop(scope, None)

    def racers(self, scope: str) -> list[str]:
        """Who ran in a complete round, the pilot's too, and is still in the running."""
        return self._racers(scope, self.declared)

    def _racers(self, scope: str, declared: Sequence[Declared]) -> list[str]:
        rounds = self.rounds(scope)
        ran = {name for one in (*rounds.pilot, *rounds.measured) for name in one}
        return [one.name for one in declared if one.name in ran and one.name not in self._out]

    @property
    def approximate(self) -> set[str]:
        """Those that do another thing than was asked for, and neither win nor lose."""
        return self._approximate(self.declared)

    def _approximate(self, declared: Sequence[Declared]) -> set[str]:
        inexact = {one.name for one in declared if not one.exact}
        return {name for name in inexact if not self._is_tolerable(name)}

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

    def _is_tolerable(self, name: str) -> bool:
        calls, tolerance = self.alone(name, "first_call"), self.rules.tolerance
        error = calls[0].max_relative_error if calls else None
        return tolerance is not None and error is not None and error <= tolerance

    def _reference(self, scope: str) -> str | None:
        rounds = self.rounds(scope)
        first = (rounds.pilot or [{}])[0]
        piloted = [name for name in self._racers(scope, self._raced) if name in first]
        return rounds.fastest_of_pilot(may_lead(piloted, self._unranked(piloted, self._raced)))

    def race(self, scope: str = RANKING_SCOPE) -> Result | None:
        """How those who raced stand; None where no pilot round was completed."""
        if scope not in self._judged:
            self._judged[scope] = self._judge(scope)
        return self._judged[scope]

    def _judge(self, scope: str) -> Result | None:
        names, rounds = self.racers(scope), self.rounds(scope)
        reference = self._reference(scope)
        able = may_lead(names, self.unranked(names))
        if reference is None or not (reference in names or any(map(rounds.count, able))):
            return None
        few = self._few(names) if scope == RANKING_SCOPE else {}
        return judge(rounds, names, reference, self.rules, self.unranked(names), few)

    def _few(self, racers: Sequence[str]) -> dict[str, float]:
        """Seconds a call, from one run or a prediction, of those able to win that did not race.

        NaN where nothing is known.
        """
        found = {}
        for name in self._names - set(racers) - self.unranked(self._able).keys():
            alone = self.alone(name, RANKING_SCOPE)
            status, _, predicted_s = self._out.get(name, ("ok", None, None))
            if status == "ok":
                found[name] = median(one.seconds for one in alone) if alone else math.nan
            elif status == "over_budget":
                found[name] = predicted_s or math.nan
        return found

    def process_medians(self, name: str) -> dict[int, float]:
        """Seconds a call in the ranking scope, by process."""
        parts = self._by_process(RANKING_SCOPE)
        times = {process: part.times(name) for process, part in parts.items()}
        for one in self.alone(name, RANKING_SCOPE):
            times[one.process] = times.get(one.process) or [one.seconds]
        return {process: median(own) for process, own in sorted(times.items()) if own}

    def rows(self) -> list[Row]:
        """One an implementation: ranked ones by time, then what must not win or did not run."""
        race = self.race()
        return sorted((self._row(one, race) for one in self.declared), key=_order)

    def lead(self) -> Lead | None:
        """Who is the fastest, how sure that is, and who comes next; None where nothing is timed."""
        return lead_of(self.rows())

    def _row(self, one: Declared, race: Result | None) -> Row:
        row = Row(
            self.key(one.name), one.backend, one.method, one.origin, one.exact, one.own_kernel
        )
        row.machine_id, row.kind = self.machine_id, one.kind
        row.throttled_samples = self._throttled.get(one.name)
        row.stalled_samples = self._stalled.get(one.name)
        if one.name in self._out:
            row.status, row.reason, row.predicted_s = self._out[one.name]
        self._set_first_call(row)
        for scope in SCOPES:
            times = self._times(one.name, scope)
            if times:
                row.set_times(scope, times, self.rules.alpha)
        row.rounds = self.rounds().count(one.name) or len(self.alone(one.name, RANKING_SCOPE))
        self._rank(row, race)
        self._set_rates(row, one)
        medians = self.process_medians(one.name)
        row.processes = len(medians)
        if len(medians) > 1:
            row.process_spread = max(medians.values()) / min(medians.values()) - 1
        if row.status == "ok" and row.end_to_end_median_s is None:
            row.status, row.reason = "interrupted", "interrupted before it was measured"
        return row

    def _set_first_call(self, row: Row) -> None:
        for compilation in self.alone(row.name, "compilation")[:1]:
            row.compilation_s = compilation.elapsed_s
        for setup in self.alone(row.name, "setup")[:1]:
            row.setup_s = setup.elapsed_s
            row.peak_device_bytes = setup.peak_device_bytes
            row.predicted_s = setup.predicted_s if row.predicted_s is None else row.predicted_s
            row.multiply_adds = setup.multiply_adds
        for call in self.alone(row.name, "first_call")[:1]:
            row.first_call_s = call.elapsed_s
            row.max_abs_error = call.max_abs_error
            row.max_relative_error = call.max_relative_error

    def _rank(self, row: Row, race: Result | None) -> None:
        """Its ratio to the leader, and the verdict."""
        if race is not None:
            row.noise_floor = race.noise_floor
        standing = race.standings.get(row.name) if race else None
        seconds = row.predicted_s if row.status == "over_budget" else row.end_to_end_median_s
        if row.status not in ("ok", "over_budget") or seconds is None:
            return
        if row.status == "ok" and standing is not None and standing.rounds:
            row.ratio_to_fastest = standing.ratio.value
            row.ratio_ci95_low, row.ratio_ci95_high = standing.ratio.low, standing.ratio.high
            row.verdict, row.reason = standing.verdict, self._surprises.get(row.name)
            return
        best = self._best_times(race)
        row.verdict = UNCLEAR
        if best:
            row.ratio_to_fastest = seconds / median(best)
            if is_far(seconds, best):
                row.verdict = FAR_SLOWER
            elif seconds == median(best) and (race is None or not race.rounds):
                row.verdict = LIKELY
        row.verdict = self.unranked(self._able).get(row.name, row.verdict)
        if row.status == "ok":
            once = ONCE if self.rules.keep is None else FAR
            row.reason = self._surprises.get(row.name, once)

    def _best_times(self, race: Result | None) -> list[float]:
        """Of the leader of a race; before there is one, of whoever took the shortest."""
        if race is not None and race.rounds:
            return self.rounds().times(race.leader)
        leaders = may_lead([one.name for one in self.declared], self.unranked(self._able))
        times = [self._times(name) for name in leaders if self.status(name) == "ok"]
        return min(filter(None, times), key=median, default=[])

    def _times(self, name: str, scope: str = RANKING_SCOPE) -> list[float]:
        """Seconds a call: of the race, else of runs alone, else of the pilot."""
        return (
            self.rounds(scope).times(name)
            or [one.seconds for one in self.alone(name, scope)]
            or [seconds for one in self.rounds(scope).pilot for seconds in one.get(name, ())]
        )

    def _set_rates(self, row: Row, one: Declared) -> None:
        median_s = row.end_to_end_median_s
        if median_s is None:
            return
        if one.kind == CPU:
            for figure in ("median", "ci95_low", "ci95_high", "q1", "q3", "min"):
                setattr(row, f"compute_{figure}_s", getattr(row, f"end_to_end_{figure}_s"))
        pixels = self.point.height * self.point.width
        image_bytes = pixels * self.point.channels * _BYTES[self.point.dtype]
        row.megapixels_per_s = pixels / median_s / 1e6
        row.gigabytes_per_s = 2 * image_bytes / median_s / 1e9
        copy = self.copy(None if one.kind == CPU else one.backend)
        if copy is not None and row.compute_median_s:
            row.copy_bandwidth_fraction = copy.median_s / row.compute_median_s
        set_roofline(row, one.kind, self.rates)


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


def _order(row: Row) -> tuple[int, bool, float]:
    """Ranked ones by their ratio to the leader, then the others by time."""
    rank = {"ok": 0, "wrong": 1, "implausible": 1, "over_budget": 2}.get(row.status, 3)
    place = row.ratio_to_fastest or row.end_to_end_median_s or row.predicted_s or 0.0
    return rank, row.verdict not in CLAIMS, place
