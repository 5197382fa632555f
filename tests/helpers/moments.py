"""Runs that are stopped at any moment."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from blurbench.records.journal import Journal
from blurbench.records.record import Record
from blurbench.study.listener import Listener


class Killed(BaseException):
    """Nothing catches this, as nothing catches the kill of a process."""


@dataclass
class Moments(Listener):
    """Counts what happens, and stops the run at one of these moments."""

    stop_at: int | None = None
    error: BaseException = field(default_factory=Killed)
    count: int = 0
    told: list[tuple[int, int, str]] = field(default_factory=list)
    budgets: list[float] = field(default_factory=list)

    def passes(self) -> None:
        self.count += 1
        if self.count == self.stop_at:
            raise self.error

    def points(self, done: int, total: int, text: str, left_s: float | None = None) -> None:
        self.told.append((done, total, text))
        self.passes()

    def budget(self, seconds: float) -> None:
        self.budgets.append(seconds)

    def stage(self, text: str) -> None:
        self.passes()

    def rounds(self, done: int, left_s: float) -> None:
        self.passes()


class Stoppable(Journal):
    """Stops before or after it keeps a record."""

    moments: Moments

    def append(self, record: Record) -> None:
        self.moments.passes()
        super().append(record)
        self.moments.passes()


def samples_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "samples.csv").open(encoding="utf-8", newline="") as stream:
        return [row for row in csv.DictReader(stream, strict=True) if row["elapsed_s"]]


def doubled(folder: Path) -> list[tuple[str, ...]]:
    """Samples that cannot be told apart."""
    names = ("cell_id", "scope", "round", "position", "process", "attempt")
    known = Counter(tuple(row[name] for name in names) for row in samples_of(folder))
    return [key for key, number in known.items() if number > 1]
