"""A record: one line of `samples.csv`, written as it happens and read back as it was."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from blurbench.records.export import to_csv
from blurbench.records.summary import SCHEMA_VERSION, Key

SAMPLE_COLUMNS = [
    "schema_version",
    "run_id",
    "attempt",
    "cell_id",
    "round",
    "position",
    *(field.name for field in dataclasses.fields(Key)),
    "scope",
    "inner_loops",
    "elapsed_s",
    "status",
    "reason",
    "started_at_utc",
    "process",
    "competitors",
    "predicted_s",
    "max_abs_error",
    "max_relative_error",
    "peak_device_bytes",
    "clock_before_mhz",
    "clock_after_mhz",
    "throttled",
    "multiply_adds",
    "stalled",
]


@dataclass(frozen=True, slots=True)
class Record:
    """A sample, or the last word on a cell.

    Attributes:
        scope: what was measured; None in the line that closes a cell.
        attempt: counts the starts of the run, and the races that were voided.
        process: the restart that was asked for with `--processes`, from 1.
        round: from 1; the pilot has 0 and below.
        competitors: in this round; 0 for what was measured alone.
        elapsed_s: of all inner loops together; None where there was no measurement.
        started_at: seconds since 1970.
        max_abs_error, max_relative_error: of the first call's result.
        peak_device_bytes: most memory of the device that a cell took, told with its `setup`.
        clock_before_mhz, clock_after_mhz: of the device's multiprocessors, around the sample.
        throttled: whether something slowed the device down before or after; None where nothing
            tells.
        multiply_adds: of one call, by the method's formula; told with a cell's `setup`.
        stalled: whether the device may have waited for the host within the sample; None where the
            device's own events do not time it.
    """

    key: Key
    scope: str | None
    elapsed_s: float | None = None
    attempt: int = 1
    process: int = 1
    round: int = 0
    position: int = 0
    competitors: int = 0
    inner_loops: int = 1
    status: str = "ok"
    reason: str | None = None
    started_at: float = 0.0
    predicted_s: float | None = None
    max_abs_error: float | None = None
    max_relative_error: float | None = None
    peak_device_bytes: int | None = None
    clock_before_mhz: int | None = None
    clock_after_mhz: int | None = None
    throttled: bool | None = None
    multiply_adds: float | None = None
    stalled: bool | None = None

    @property
    def seconds(self) -> float:
        """Of one call."""
        assert self.elapsed_s is not None
        return self.elapsed_s / self.inner_loops

    def line(self, run_id: str) -> str:
        """As a line of `samples.csv`."""
        own = {name: getattr(self, name) for name in SAMPLE_COLUMNS if name in _FIELDS}
        row = {
            **own,
            **dataclasses.asdict(self.key),
            "schema_version": SCHEMA_VERSION,
            "run_id": run_id,
            "cell_id": self.key.cell_id,
            "started_at_utc": utc(self.started_at),
        }
        return to_csv(SAMPLE_COLUMNS, [row], header=False)


_FIELDS = {field.name: field for field in dataclasses.fields(Record)}
_WHOLE = {"attempt", "process", "round", "position", "competitors", "inner_loops"}
_TEXT = {"scope", "status", "reason"}
_WHOLE_OR_NONE = {"peak_device_bytes", "clock_before_mhz", "clock_after_mhz"}
_TRUTH_OR_NONE = {"throttled", "stalled"}
_TRUTHS = {"": None, "true": True, "false": False}


def read_records(text: str) -> Iterator[Record]:
    """The records of a whole `samples.csv`.

    Raises:
        ValueError: a line is not one of ours; its number is told.
    """
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        for row in reader:
            yield _parse(row)
    except (csv.Error, ValueError, TypeError, KeyError) as error:
        raise ValueError(f"line {reader.line_num}: {error}") from None


def _parse(row: Mapping[str, str]) -> Record:
    key = Key(**{name: read(row[name]) for name, read in _KEY_READERS.items()})
    values: dict[str, Any] = {}
    for name in SAMPLE_COLUMNS:
        if name not in _FIELDS:
            continue
        if name not in row:  # added since this was written
            continue
        text = row[name]
        if name in _WHOLE:
            values[name] = int(text)
        elif name in _WHOLE_OR_NONE:
            values[name] = int(text) if text else None
        elif name in _TRUTH_OR_NONE:
            values[name] = _TRUTHS[text]
        elif name in _TEXT:
            values[name] = text or None
        else:
            values[name] = float(text) if text else None
    started_at = datetime.fromisoformat(row["started_at_utc"]).timestamp()
    return Record(key=key, started_at=started_at, **values)


_TYPES = {"str": str, "int": int, "float": float}
_KEY_READERS = {field.name: _TYPES[str(field.type)] for field in dataclasses.fields(Key)}


def utc(seconds: float) -> str:
    """An instant in ISO 8601, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")
