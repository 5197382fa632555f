"""A run's folder: samples as they are taken, then the summary and the run's description."""

from __future__ import annotations

import dataclasses
import os
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from blurbench.errors import InputError
from blurbench.records.export import to_csv, to_json
from blurbench.records.summary import SCHEMA_VERSION, Key, Row, columns

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
]


class Journal:
    """Writes `samples.csv`, `summary.csv` and `run.json` into a folder of its own.

    Every sample is handed to the operating system before `sample` returns.

    Raises:
        InputError: the folder holds a run already, or cannot be written (now or later).
    """

    def __init__(self, folder: Path) -> None:
        check_folder(folder, "run")
        if (folder / "samples.csv").exists():
            raise InputError(f"folder {folder} holds a run already: name another")
        self.folder = folder
        self.run_id = uuid.uuid4().hex
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._stream = (folder / "samples.csv").open("a", encoding="utf-8", newline="")
        except OSError as error:
            raise InputError(f"folder {folder} cannot be written: {error.strerror}") from None
        self._stream.write(to_csv(SAMPLE_COLUMNS, []))
        self._stream.flush()

    def sample(
        self,
        key: Key,
        scope: str,
        elapsed_s: float,
        *,
        round_number: int = 0,
        position: int = 0,
        inner_loops: int = 1,
        started_at: float,
        attempt: int = 1,
    ) -> None:
        """Append one measurement; `elapsed_s` is that of all inner loops together.

        A race that had to be repeated counts its rounds anew, in the next `attempt`.
        """
        row = {
            "schema_version": SCHEMA_VERSION,
            "run_id": self.run_id,
            "attempt": attempt,
            "cell_id": key.cell_id,
            "round": round_number,
            "position": position,
            **dataclasses.asdict(key),
            "scope": scope,
            "inner_loops": inner_loops,
            "elapsed_s": elapsed_s,
            "status": "ok",
            "reason": None,
            "started_at_utc": utc(started_at),
        }
        try:
            self._stream.write(to_csv(SAMPLE_COLUMNS, [row], header=False))
            self._stream.flush()
        except OSError as error:
            raise InputError(f"{self.folder} cannot be written: {error.strerror}") from None

    def finish(self, rows: Iterable[Row], run: Mapping[str, Any]) -> None:
        """Write the summary and the description, and close the samples."""
        summary = to_csv(columns(), (row.as_dict() for row in rows))
        described = to_json({**run, "schema": "blurbench.run/1", "run_id": self.run_id})
        try:
            (self.folder / "summary.csv").write_text(summary, encoding="utf-8", newline="\n")
            (self.folder / "run.json").write_text(described, encoding="utf-8", newline="\n")
        except OSError as error:
            raise InputError(f"{self.folder} cannot be written: {error.strerror}") from None
        finally:
            self.close()

    def close(self) -> None:
        """Close the samples; nothing can be kept from then on."""
        self._stream.close()


def utc(seconds: float) -> str:
    """An instant in ISO 8601, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")


def check_folder(folder: Path, what: str) -> None:
    """Raise InputError unless the folder is there, or can be made, and can be written to."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{what} folder {folder} is a file: name a folder")
    present = next(one for one in (folder, *folder.absolute().parents) if one.is_dir())
    if not os.access(present, os.W_OK):
        raise InputError(f"{what} folder {folder} cannot be written to: choose another place")


def check_output(path: str, what: str) -> None:
    """Raise InputError unless the file can be written; `-` is standard output."""
    if path == "-":
        return
    target = Path(path)
    if target.is_dir():
        raise InputError(f"{what} {path} is a folder: name a file in it")
    if not target.parent.is_dir():
        raise InputError(f"{what} folder {target.parent} does not exist: make it first")
    writable = os.access(target if target.exists() else target.parent, os.W_OK)
    if not writable:
        raise InputError(f"{what} {path} cannot be written to: choose another place")
