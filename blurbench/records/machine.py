"""The machine and the versions behind a run."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from blurbench import __version__, host


def describe_machine() -> dict[str, Any]:
    """CPU, memory, limits and system, in plain values; None where the system does not say."""
    return {
        "cpu": cpu_name(),
        "cpus": os.cpu_count(),
        "usable_cpus": host.usable_cpus(),
        "cpu_quota": host.cpu_quota(),
        "last_level_cache_bytes": host.last_level_cache(),
        "memory_bytes": _memory(),
        "system": platform.platform(),
        "architecture": platform.machine(),
    }


def describe_versions(libraries: Mapping[str, str]) -> dict[str, str]:
    """blurbench, Python, the libraries that backends named, and those that measure."""
    found = {"blurbench": __version__, "python": platform.python_version(), **libraries}
    for name in ("numpy", "scipy", "pillow", "threadpoolctl"):
        try:
            found.setdefault(name, metadata.version(name))
        except metadata.PackageNotFoundError:
            continue
    return found


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
