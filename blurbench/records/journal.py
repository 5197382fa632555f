"""A run's records: in memory, or in a folder where each is kept before the next is taken."""

from __future__ import annotations

import dataclasses
import json
import os
import time
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from blurbench.errors import InputError
from blurbench.files import DESCRIPTION, SAMPLES, SUMMARY, write_text
from blurbench.measure.judge import Rules
from blurbench.records.declared import Declared
from blurbench.records.description import fault_of
from blurbench.records.export import to_csv, to_json
from blurbench.records.findings import Findings
from blurbench.records.record import SAMPLE_COLUMNS, Record, read_records
from blurbench.records.roofline import Rates
from blurbench.records.summary import Key, Row, summary_of

SCHEMA = "blurbench.run/1"
PATIENCE_S = 2.0  # that a process whose parent was killed has to end


@dataclass(frozen=True)
class Run:
    """What `run.json` says.

    Attributes:
        declared: the implementations that the run is about, whether they can run or not.
        rules: by which its races are judged.
        about: the question, the machine and the versions, in plain values.
    """

    run_id: str
    threads: int
    declared: tuple[Declared, ...]
    rules: Rules
    machine_id: str | None
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def images(self) -> list[dict[str, Any]]:
        """What is told of each image, in the order in which they were given."""
        return list(self.about["images"])

    @property
    def risks(self) -> list[str]:
        """What put the figures at risk, a sentence each."""
        return list(self.about.get("risks", []))

    def document(self) -> dict[str, Any]:
        """As it is written."""
        return {
            "schema": SCHEMA,
            "run_id": self.run_id,
            "machine_id": self.machine_id,
            **self.about,
            "threads": self.threads,
            "rules": dataclasses.asdict(self.rules),
            "implementations": [one.as_dict() for one in self.declared],
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Run:
        """Reads what `document` wrote.

        Raises:
            KeyError, TypeError, ValueError: it was not written by this version.
        """
        schema = document.get("schema") if isinstance(document, Mapping) else None
        if schema != SCHEMA:
            raise ValueError(f"its schema is {schema!r}, not {SCHEMA}")
        about = dict(document)
        if "image" in about:  # earlier versions took but one
            about["images"] = [about.pop("image")]
        if fault := fault_of(about):
            raise ValueError(fault)
        for name in ("schema", "run_id", "machine_id", "threads", "rules", "implementations"):
            del about[name]
        rules = {name: value for name, value in document["rules"].items() if name != "looks"}
        return cls(
            document["run_id"],
            document["threads"],
            tuple(Declared(**one) for one in document["implementations"]),
            Rules(**rules),
            document["machine_id"],
            about,
        )


class Log:
    """The records of a run, in memory, and what they say point by point.

    Attributes:
        records: in the order in which they came.
        attempt: of the records that are appended now.
        measured_s: seconds of all samples so far.
        rates: of arithmetic, measured once.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.attempt = 1
        self.measured_s = 0.0
        self.rates = Rates()
        self.records: list[Record] = []
        self.points: dict[Key, Findings] = {}  # those that have records
        self._asked: dict[Key, Findings] = {}

    def at(self, point: Key) -> Findings:
        """What is known of a point."""
        if point not in self._asked:
            run = self.run
            self._asked[point] = Findings(
                point, run.declared, run.rules, run.threads, run.machine_id, self.rates
            )
        return self._asked[point]

    def append(self, record: Record) -> None:
        """Take a record in."""
        self.records.append(record)
        point = record.key.point
        self.points.setdefault(point, self.at(point)).add(record)
        self.measured_s += record.elapsed_s or 0.0

    def add_risks(self, risks: Iterable[str]) -> None:
        """What turned out afterwards to have put the figures at risk."""
        known = dict.fromkeys([*self.run.risks, *risks])
        self.run = dataclasses.replace(self.run, about={**self.run.about, "risks": list(known)})

    def rows(self) -> list[Row]:
        """The summary: the rows of every point that has records."""
        return [row for findings in self.points.values() for row in findings.rows()]

    def only(self, names: Collection[str]) -> Log:
        """The same run, to be read as if it were about these implementations alone."""
        declared = tuple(one for one in self.run.declared if one.name in names)
        found = copy(self)
        found.run = dataclasses.replace(self.run, declared=declared)
        found.points = {point: one.only(declared) for point, one in self.points.items()}
        return found

    @property
    def image_numbers(self) -> dict[str, int]:
        """The place of each image, by name, in the order in which they were measured."""
        names = dict.fromkeys(point.image for point in self.points)
        return {name: number for number, name in enumerate(names)}

    def summary(self) -> str:
        """The text of `summary.csv`."""
        return summary_of(self.rows())

    def close(self) -> None:
        """Nothing can be appended from then on."""


class Journal(Log):
    """A log in a folder: `run.json` first, then every record, and a summary at the end.

    Each record is handed to the operating system before `append` returns. Use `create` or
    `reopen`.
    """

    def __init__(self, folder: Path, run: Run) -> None:
        super().__init__(run)
        self.folder = folder
        self._stream: Any = None

    @classmethod
    def create(cls, folder: Path, run: Run) -> Journal:
        """Begin a run in a new folder, or in one that holds none.

        Raises:
            InputError: the folder holds a run already, or cannot be written.
        """
        check_run_folder(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / SAMPLES).write_text(to_csv(SAMPLE_COLUMNS, []), "utf-8", newline="\n")
            write_text(folder / DESCRIPTION, to_json(run.document()))
        except OSError as error:
            raise unwritable(folder, error) from None
        journal = cls(folder, run)
        journal._open()
        return journal

    @classmethod
    def reopen(cls, folder: Path) -> Journal:
        """Go on with a run that was ended at any moment; a torn last line is cut.

        Raises:
            InputError: there is no run, it cannot be read, or it cannot be written.
        """
        journal = cls(folder, load(folder).run)
        path = folder / SAMPLES
        _check_columns(path)
        journal._open()
        try:
            size, whole = path.stat().st_size, _whole_lines(path.read_bytes())
            if size != len(whole):
                os.truncate(path, len(whole))
            if not whole:
                journal._stream.write(to_csv(SAMPLE_COLUMNS, []))
                journal._stream.flush()
        except OSError as error:
            raise unwritable(folder, error) from None
        log = load(folder)
        journal.points, journal._asked, journal.rates = log.points, log._asked, log.rates
        journal.records = log.records
        journal.measured_s, journal.attempt = log.measured_s, log.attempt + 1
        return journal

    def _open(self) -> None:
        try:
            self._stream = (self.folder / SAMPLES).open("a", encoding="utf-8", newline="")
        except OSError as error:
            raise unwritable(self.folder, error) from None
        self._lock()

    def _lock(self) -> None:
        """Keep others from writing here; the lock ends with the process, however that ends."""
        try:
            import fcntl
        except ImportError:  # not on Windows
            return
        give_up = time.monotonic() + PATIENCE_S
        while True:
            try:
                fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > give_up:
                    break
                time.sleep(0.05)
            except OSError:  # a file system without locks
                return
        self.close()
        raise InputError(
            f"folder {self.folder} is in use: the run is still under way; wait for its end"
        )

    def append(self, record: Record) -> None:
        try:
            self._stream.write(record.line(self.run.run_id))
            self._stream.flush()
        except OSError as error:
            raise unwritable(self.folder, error) from None
        super().append(record)

    def add_risks(self, risks: Iterable[str]) -> None:
        before = self.run.risks
        super().add_risks(risks)
        if self.run.risks == before:
            return
        try:
            write_text(self.folder / DESCRIPTION, to_json(self.run.document()))
        except OSError as error:
            raise unwritable(self.folder, error) from None

    def finish(self) -> None:
        """Write the summary of what the folder holds, and close."""
        try:
            write_text(self.folder / SUMMARY, load(self.folder).summary())
        except OSError as error:
            raise unwritable(self.folder, error) from None
        finally:
            self.close()

    def close(self) -> None:
        with suppress(OSError):  # what could not be written was told when it was appended
            self._stream.close()


def load(folder: Path) -> Log:
    """The records of a run's folder, a torn last line left out.

    Raises:
        InputError: there is no run in it, or it cannot be read.
    """
    if not (folder / DESCRIPTION).is_file():
        several = any(folder.glob(f"*/{DESCRIPTION}"))
        why = f"name those below, {folder}/*/" if several else "name one that --out has kept"
        raise InputError(f"folder {folder} holds no run: {why}")
    try:
        document = json.loads((folder / DESCRIPTION).read_text("utf-8"))
        run = Run.from_document(document)
    except OSError as error:
        raise InputError(f"{folder / DESCRIPTION} cannot be read: {error.strerror}") from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{folder / DESCRIPTION} is not a run's description: {error}; "
            "restore it, or begin a new run"
        ) from None
    log = Log(run)
    try:
        content = (folder / SAMPLES).read_bytes() if (folder / SAMPLES).exists() else b""
        attempts = [0]
        for record in read_records(_whole_lines(content).decode("utf-8")):
            log.append(record)
            attempts.append(record.attempt)
        log.attempt = max(attempts)
    except OSError as error:
        raise InputError(f"{folder / SAMPLES} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise InputError(f"{folder / SAMPLES} cannot be read: {error}") from None
    return log


def save(log: Log, folder: Path) -> None:
    """Keep a log in a new folder, as if it had been a journal.

    Raises:
        InputError: the folder holds a run already, or cannot be written.
    """
    journal = Journal.create(folder, log.run)
    for record in log.records:
        journal.append(record)
    journal.finish()


def _check_columns(path: Path) -> None:
    """Raise InputError where lines of ours do not fit below the header."""
    content = _whole_lines(path.read_bytes()) if path.is_file() else b""
    header = content.partition(b"\n")[0].decode()
    if content and header != ",".join(SAMPLE_COLUMNS):
        raise InputError(
            f"{path} has other columns: another version began this run; "
            "go on with that one, or begin a new run"
        )


def _whole_lines(content: bytes) -> bytes:
    """The content up to its last complete record: line ends inside quotes end none."""
    end, quotes, start = 0, 0, 0
    while (line_end := content.find(b"\n", start)) >= 0:
        quotes += content.count(b'"', start, line_end)
        start = line_end + 1
        if quotes % 2 == 0:
            end = start
    return content[:end]


def unwritable(folder: Path, error: OSError) -> InputError:
    """What is said of a folder that refuses."""
    return InputError(
        f"folder {folder} cannot be written: {error.strerror or error}; what it holds is kept"
    )


def check_run_folder(folder: Path) -> None:
    """Raise InputError unless a run can begin in the folder."""
    check_folder(folder, "run")
    if (folder / DESCRIPTION).exists():
        raise InputError(
            f"folder {folder} holds a run already: name another, "
            f"or go on with blurbench sweep --resume {folder}"
        )


def check_folder(folder: Path, what: str) -> None:
    """Raise InputError unless the folder is there, or can be made, and can be written to."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{what} folder {folder} is a file: name a folder")
    present = next(one for one in (folder, *folder.absolute().parents) if one.is_dir())
    if not os.access(present, os.W_OK):
        raise InputError(f"{what} folder {folder} cannot be written to: choose another place")
