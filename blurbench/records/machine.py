"""The machine and the versions behind a run."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from blurbench import host
from blurbench.version import __version__

STABLE = ("cpu", "cpus", "caches", "memory_gib", "architecture", "gpus")


def describe_machine(gpus: Sequence[str] = ()) -> dict[str, Any]:
    """CPU, memory, limits and system, in plain values; None where the system does not say."""
    memory = _memory()
    return {
        "cpu": cpu_name(),
        "cpus": os.cpu_count(),
        "usable_cpus": host.usable_cpus(),
        "cpu_quota": host.cpu_quota(),
        "cpu_mhz": host.cpu_mhz(),
        "governors": host.governors(),
        "caches": host.caches(),
        "last_level_cache_bytes": host.last_level_cache(),
        "memory_bytes": memory,
        # What the kernel keeps for itself differs from boot to boot.
        "memory_gib": None if memory is None else round(memory / 2**30),
        "gpus": list(gpus),
        "system": platform.platform(),
        "architecture": platform.machine(),
    }


def machine_id(machine: Mapping[str, Any]) -> str:
    """A short name for the machine, from what does not change between runs."""
    facts = json.dumps({name: machine.get(name) for name in STABLE}, sort_keys=True)
    return "m" + hashlib.sha256(facts.encode()).hexdigest()[:11]


def differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """In what two machines, or sets of versions, differ, in words."""
    names = sorted({*there, *here})
    return [
        f"{name} was {there.get(name)} and is {here.get(name)}"
        for name in names
        if there.get(name) != here.get(name)
    ]


def describe_versions(libraries: Mapping[str, str]) -> dict[str, str]:
    """blurbench, Python, the libraries that backends named, and those that measure."""
    found = {"blurbench": __version__, "python": platform.python_version(), **libraries}
    for name in ("numpy", "scipy", "pillow", "threadpoolctl"):
        try:
            found.setdefault(name, metadata.version(name))
        except metadata.PackageNotFoundError:
            continue
    return found


def git_revision() -> str | None:
    """The commit of the source that runs, with `-dirty` where it was changed; None if none."""
    source = Path(__file__).parent
    command = ["git", "-C", str(source), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip() or None


def cpu_name() -> str:
    """The processor's name as the system gives it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None
