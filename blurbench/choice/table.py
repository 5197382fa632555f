"""The figures by which `auto` chooses: where they are kept, and those that are shipped."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import sys
from importlib import metadata, resources
from pathlib import Path
from typing import Any

from blurbench.backends.backend import devices_of
from blurbench.backends.registry import backends, probe
from blurbench.choice.check import check_table
from blurbench.errors import InputError
from blurbench.files import write_text
from blurbench.records.export import to_json
from blurbench.records.machine import describe_machine, machine_id
from blurbench.version import __version__

SCHEMA = "blurbench.choice/2"

Table = dict[str, Any]


def here() -> dict[str, Any]:
    """This machine and what is installed on it: `machine_id`, `machine` and `versions`."""
    known = backends().values()
    states = (probe(backend, named=False) for backend in known if backend.kind == "gpu")
    machine = describe_machine(devices_of(state for state in states if state.ok))
    versions = {"blurbench": __version__}
    # To ask for a version imports nothing.
    for name in {name for backend in known for name in backend.distributions}:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    shown = {name: machine[name] for name in ("cpu", "usable_cpus", "gpus")}
    return {"machine_id": machine_id(machine), "machine": shown, "versions": versions}


def own_path() -> Path:
    """Where the table of this machine, its usable CPUs and these versions is kept.

    It is in the user's data folder.
    """
    found = here()
    about = json.dumps([found["versions"], found["machine"]["usable_cpus"]], sort_keys=True)
    digest = hashlib.sha256(about.encode()).hexdigest()[:8]
    return _data_folder() / f"choice-{found['machine_id']}-{digest}.json"


def _data_folder() -> Path:
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "blurbench"


@functools.cache
def current() -> tuple[Table, str]:
    """The table of this machine, or the one that is shipped; and which it is, in words."""
    path = own_path()
    if path.exists():
        return read_table(path), str(path)
    shipped = resources.files("blurbench.choice").joinpath("default.json").read_text("utf-8")
    return json.loads(shipped), "the shipped figures; blurbench tune measures this machine's"


def read_table(path: Path) -> Table:
    """Read what `blurbench tune` wrote.

    Raises:
        InputError: it is missing, damaged, or no such file.
    """
    try:
        table: Table = json.loads(path.read_text("utf-8"))
        if table["schema"] != SCHEMA:
            raise ValueError(f"its schema is {table['schema']}")
        check_table(table)
    except FileNotFoundError:
        raise InputError(f"table {path} does not exist: make it with blurbench tune") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"table {path} cannot be read ({error}): run blurbench tune") from None
    return table


def write_table(path: Path, table: Table) -> None:
    """Write a table, whole or not at all.

    Raises:
        InputError: the disk refuses.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, to_json(table))
    except OSError as error:
        raise InputError(f"table {path} cannot be written: {error.strerror}") from None
