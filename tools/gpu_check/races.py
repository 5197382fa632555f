"""Implementations raced on large images on the device, and the record of every sample."""

from __future__ import annotations

import csv
import math
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import Any, Protocol

from blurbench.backends.backend import Implementation
from blurbench.backends.device import Clocks, Copy
from blurbench.measure.sampling import loops_for
from blurbench.problem import Problem
from gpu_check.copying import COPY
from gpu_check.report import text_of
from gpu_check.scale import OWN

SAMPLE_S, MOST_LOOPS = 0.004, 200
TOO_SLOW, TOO_DEAR_S = 50, 0.5  # times the fastest; seconds of a call: but for ours, and a copy
RACED, SLOW, FAILED = "raced", "too slow", "failed"
COLUMNS = (
    *("part", "implementation", "height", "width", "channels", "size"),
    *("status", "round", "loops", "elapsed_s", "stalled", "throttled", "reason"),
)

Call = Callable[[], object]
Images = Sequence[tuple[Any, Any]]  # an input and a result each, on the device


class CallClock(Protocol):
    """What times calls; see `EventClock`."""

    stalled: bool

    def measure(self, call: Call, loops: int) -> float:
        """Seconds that so many calls took together."""


@dataclass(frozen=True)
class TimedCalls:
    """`loops` calls of an implementation took `elapsed_s` together; no figure where it failed.

    Attributes:
        stalled: whether the device may have waited for the host meanwhile.
        throttled: whether something slowed it down before or after; None where nothing tells.
    """

    name: str
    status: str
    round: int = 0
    loops: int = 0
    elapsed_s: float = math.nan
    reason: str = ""
    stalled: bool = False
    throttled: bool | None = None


@dataclass(frozen=True)
class Timekeeper:
    """A clock, and what reads the device's own clocks."""

    clock: CallClock
    clocks: Callable[[], Clocks | None] = lambda: None

    def sample(self, name: str, number: int, call: Call, loops: int) -> TimedCalls:
        """So many calls in a round, and what was in their way."""
        before = self.clocks()
        elapsed_s, stalled = self.clock.measure(call, loops), self.clock.stalled
        told = [one.throttled for one in (before, self.clocks()) if one is not None]
        throttled = any(told) if told else None
        return TimedCalls(name, RACED, number, loops, elapsed_s, "", stalled, throttled)


@dataclass
class Race:
    """What was raced in one part at one point.

    Attributes:
        seconds: medians of a call, of the faster copy too; infinite for what is far slower.
    """

    part: str
    side: int
    channels: int
    size: int
    seconds: dict[str, float] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)


def race(calls: Mapping[str, Call], timekeeper: Timekeeper, rounds: int) -> list[TimedCalls]:
    """Samples of each, in rounds of shuffled order."""
    rng = random.Random(0)
    loops = {
        name: min(MOST_LOOPS, loops_for(SAMPLE_S, timekeeper.clock.measure(call, 1)))
        for name, call in calls.items()
    }
    return [
        timekeeper.sample(name, number, calls[name], loops[name])
        for number in range(1, rounds + 1)
        for name in rng.sample(list(calls), len(calls))
    ]


def medians(samples: Sequence[TimedCalls]) -> dict[str, float]:
    """Seconds of a call, by name."""
    each = defaultdict(list)
    for one in samples:
        each[one.name].append(one.elapsed_s / one.loops)
    return {name: median(seconds) for name, seconds in each.items()}


def rotating(work: Callable[[Any, Any], object], images: Images) -> Call:
    """Calls `work` on one pair after the other."""
    rotation = cycle(images)
    return lambda: work(*next(rotation))


class Racers:
    """Races implementations and the copies, at one point after the other."""

    def __init__(
        self,
        implementations: Sequence[Implementation],
        copies: Mapping[str, Copy],
        timekeeper: Timekeeper,
        rounds: int,
    ) -> None:
        self._implementations, self._copies = implementations, copies
        self._timekeeper, self._rounds = timekeeper, rounds
        self._rates: dict[str, float] = {}  # seconds an operation, where it was measured last

    def at(self, problem: Problem, images: Images) -> list[TimedCalls]:
        """All samples of the point; whatever a library raises ends no other, and is a sample."""
        left_out, works = self._works(problem)
        failed, calls, seconds = self._first_calls(works, images)
        called = {one.name: one for one in self._implementations if one.name in calls}
        for name, one in called.items():
            self._rates[name] = seconds[name] / one.effort(problem)
        longest = TOO_SLOW * min((seconds[name] for name in called), default=math.inf)
        slow = [name for name in called if name != OWN and seconds[name] > longest]
        left_out += [TimedCalls(name, SLOW, 0, 1, seconds[name], "not raced") for name in slow]
        raced = {name: call for name, call in calls.items() if name not in slow}
        try:
            return [*left_out, *failed, *race(raced, self._timekeeper, self._rounds)]
        except Exception as error:  # one of them has broken what they share
            broken = [TimedCalls(name, FAILED, reason=text_of(error)) for name in raced]
            return [*left_out, *failed, *broken]

    def _works(self, problem: Problem) -> tuple[list[TimedCalls], dict[str, Copy]]:
        """What is left out, and the plans of the others, after the copies."""
        left_out: list[TimedCalls] = []
        works = dict(self._copies)
        for one in self._implementations:
            expected = self._expected_s(one, problem)
            if one.name != OWN and expected > self._longest_s(problem):
                reason = f"expected to take {expected:.2g} s a call"
                left_out.append(TimedCalls(one.name, SLOW, reason=reason))
                continue
            try:
                works[one.name] = one.prepare(problem)
            except Exception as error:
                left_out.append(TimedCalls(one.name, FAILED, reason=text_of(error)))
        return left_out, works

    def _first_calls(
        self, works: Mapping[str, Copy], images: Images
    ) -> tuple[list[TimedCalls], dict[str, Call], dict[str, float]]:
        """What failed; what can be called, and the seconds of its second call, by name."""
        failed: list[TimedCalls] = []
        calls: dict[str, Call] = {}
        seconds: dict[str, float] = {}
        for name, work in works.items():
            try:
                call = rotating(work, images)
                call()  # the first call compiles
                seconds[name], calls[name] = self._timekeeper.clock.measure(call, 1), call
            except Exception as error:
                failed.append(TimedCalls(name, FAILED, reason=text_of(error)))
        return failed, calls, seconds

    def _expected_s(self, one: Implementation, problem: Problem) -> float:
        return self._rates.get(one.name, 0.0) * one.effort(problem)

    def _longest_s(self, problem: Problem) -> float:
        known = [one for one in self._implementations if one.name in self._rates]
        fastest = min((self._expected_s(one, problem) for one in known), default=math.inf)
        return min(TOO_DEAR_S, TOO_SLOW * fastest)


# The record.


def write_samples(path: Path, part: str, problem: Problem, samples: Sequence[TimedCalls]) -> None:
    """Add a point's samples; what is written stays, should the process break later."""
    with path.open("a", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream, lineterminator="\n")
        if stream.tell() == 0:
            rows.writerow(COLUMNS)
        where = problem.height, problem.width, problem.channels, problem.kernel.size
        for one in samples:
            figures = (one.round, one.loops, one.elapsed_s) if one.loops else ("", "", "")
            told = "" if one.throttled is None else int(one.throttled)
            told = (int(one.stalled), told) if one.round else ("", "")
            rows.writerow((part, one.name, *where, one.status, *figures, *told, one.reason))


def read_races(path: Path) -> list[Race]:
    """The races of a record; the line that a process was writing when it was ended is left out."""
    found: dict[tuple[str, int, int, int], list[TimedCalls]] = defaultdict(list)
    for row in _whole_rows(path):
        status, reason = row["status"], row["reason"]
        figures = (0, 0, math.nan)
        if row["loops"]:
            figures = int(row["round"]), int(row["loops"]), float(row["elapsed_s"])
        sample = TimedCalls(row["implementation"], status, *figures, reason)
        where = (int(row[name]) for name in ("width", "channels", "size"))
        found[row["part"], *where].append(sample)
    return [_race_of(*point, samples) for point, samples in found.items()]


def _whole_rows(path: Path) -> Iterator[dict[str, str]]:
    text = path.read_text("utf-8") if path.exists() else ""
    whole = text[: text.rfind("\n") + 1].splitlines()
    yield from csv.DictReader(whole)


def disturbed(path: Path) -> tuple[int, int, int]:
    """Of how many samples, how many stalled and how many were throttled."""
    raced = [row for row in _whole_rows(path) if row["status"] == RACED]
    told = (sum(row[name] == "1" for row in raced) for name in ("stalled", "throttled"))
    return len(raced), *told


def _race_of(part: str, side: int, channels: int, size: int, samples: Sequence[TimedCalls]) -> Race:
    seconds = medians([one for one in samples if one.status == RACED])
    copies = [seconds.pop(name) for name in list(seconds) if name.startswith(COPY)]
    if copies:
        seconds = {COPY: min(copies), **seconds}
    slow = {one.name: math.inf for one in samples if one.status == SLOW}
    reasons = {one.name: _why(one) for one in samples if one.status != RACED}
    return Race(part, side, channels, size, {**seconds, **slow}, reasons)


def _why(one: TimedCalls) -> str:
    return f"a call took {one.elapsed_s:.2g} s" if one.loops else one.reason


def write_times(path: Path, races: Sequence[Race]) -> None:
    """All medians, in the words of the project's records."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream, lineterminator="\n")
        rows.writerow(
            (
                *("part", "implementation", "height", "width", "channels", "size"),
                *("compute_median_s", "copy_bandwidth_fraction", "reason"),
            )
        )
        for one in races:
            for name in dict.fromkeys((*one.seconds, *one.reasons)):
                seconds = one.seconds.get(name, math.inf)
                figures: tuple[object, object] = ("", "")
                if math.isfinite(seconds):
                    figures = seconds, one.seconds.get(COPY, math.nan) / seconds
                where = one.part, name, one.side, one.side, one.channels, one.size
                rows.writerow((*where, *figures, one.reasons.get(name, "")))


def table(races: Sequence[Race]) -> list[str]:
    """Microseconds, a row for each size; the share of the copy's bandwidth in brackets."""
    races = sorted(races, key=lambda one: one.size)
    names = [
        name for name in dict.fromkeys(n for one in races for n in one.seconds) if name != COPY
    ]
    heads = ("size", COPY, *names)
    widths = [max(15, len(head) + 2) for head in heads]
    lines = [heads]
    for one in races:
        copy = one.seconds.get(COPY, math.nan)
        cells = [_cell(one.seconds.get(name, math.inf), copy) for name in names]
        lines.append((str(one.size), f"{copy * 1e6:.1f}", *cells))
    return [
        "".join(f"{cell:>{width}}" for cell, width in zip(line, widths, strict=True))
        for line in lines
    ]


def _cell(seconds: float, copy: float) -> str:
    return f"{seconds * 1e6:.1f} ({copy / seconds:.0%})" if math.isfinite(seconds) else "-"
