"""What this process may use of its machine: CPUs and memory, containers included."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path("/")


def cpu_quota(root: Path = _ROOT) -> float | None:
    """CPUs that the container's quota allows, or None where there is none (cgroup v2, then v1)."""
    limit = _read(root / "sys/fs/cgroup/cpu.max").split()
    if len(limit) == 2 and limit[0] != "max":
        return int(limit[0]) / int(limit[1])
    quota = _read(root / "sys/fs/cgroup/cpu/cpu.cfs_quota_us").strip()
    period = _read(root / "sys/fs/cgroup/cpu/cpu.cfs_period_us").strip()
    if quota and period and int(quota) > 0:
        return int(quota) / int(period)
    return None


def usable_cpus(root: Path = _ROOT) -> int:
    """CPUs that this process may use: its affinity, cut to the container's quota; at least 1."""
    count, quota = len(_affinity()), cpu_quota(root)
    return max(1, count if quota is None else min(count, int(quota)))


@dataclass(frozen=True)
class Work:
    """What CPUs have done so far, of those that this process may run on.

    Attributes:
        cpus: how many these are.
        usable: how many of them this process may use at once.
        total_s: seconds of work, whoever it was for; what the hypervisor gives to others counts.
        own_s: seconds for this process, and for those that it began and that have ended.
    """

    cpus: int
    usable: int
    total_s: float
    own_s: float


def cpu_work(root: Path = _ROOT) -> Work | None:
    """The work of the CPUs until now, or None where the system does not say (not Linux)."""
    names = {f"cpu{number}" for number in _affinity()}
    lines = [line.split() for line in _read(root / "proc/stat").splitlines()]
    counts = [list(map(int, values)) for name, *values in lines if name in names]
    if not counts:
        return None
    ticks = 0
    for user, nice, system, _idle, _waiting, interrupts, soft, stolen, *_guests in counts:
        ticks += user + nice + system + interrupts + soft + stolen
    own_s = sum(os.times()[:4])
    return Work(len(counts), usable_cpus(root), ticks / os.sysconf("SC_CLK_TCK"), own_s)


def available_memory(root: Path = _ROOT) -> int | None:
    """Bytes that this process may still take, or None where the system does not say."""
    found = []
    for line in _read(root / "proc/meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            found.append(int(line.split()[1]) * 1024)
    for folder, limit, used in (
        ("sys/fs/cgroup", "memory.max", "memory.current"),
        ("sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
    ):
        top, now = (_read(root / folder / name).strip() for name in (limit, used))
        if top.isdigit() and now.isdigit():
            found.append(max(0, int(top) - int(now) + _file_cache(root / folder)))
    if not found:
        try:
            found.append(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
        except (AttributeError, ValueError, OSError):
            return None
    return min(found)


def resident_memory(root: Path = _ROOT) -> int:
    """Bytes of memory that this process holds; 0 where the system does not say."""
    for line in _read(root / "proc/self/status").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def throttled_periods(root: Path = _ROOT) -> int | None:
    """How often the quota has stopped this container so far, or None where nothing counts it."""
    for line in _read(root / "sys/fs/cgroup/cpu.stat").splitlines():
        if line.startswith("nr_throttled "):
            return int(line.split()[1])
    return None


def caches(root: Path = _ROOT) -> dict[str, int]:
    """Bytes of each cache of CPU 0, by level and type; empty where the system does not say."""
    found = {}
    for folder in sorted((root / "sys/devices/system/cpu/cpu0/cache").glob("index*")):
        text = _read(folder / "size").strip()
        scale = {"K": 2**10, "M": 2**20, "G": 2**30}.get(text[-1:], 1)
        if text.rstrip("KMG").isdigit():
            level, kind = (_read(folder / name).strip() for name in ("level", "type"))
            name = f"L{level} {kind}" if level else folder.name
            found[name] = int(text.rstrip("KMG")) * scale
    return found


def last_level_cache(root: Path = _ROOT) -> int | None:
    """Bytes of the largest cache of CPU 0, or None where the system does not say."""
    return max(caches(root).values(), default=None)


def governors(root: Path = _ROOT) -> list[str]:
    """The frequency governors of the CPUs; empty where the system does not say."""
    paths = (root / "sys/devices/system/cpu").glob("cpu*/cpufreq/scaling_governor")
    return sorted({_read(path).strip() for path in paths} - {""})


def cpu_mhz(root: Path = _ROOT) -> float | None:
    """The clock rate of the first CPU now, or None where the system does not say."""
    for line in _read(root / "proc/cpuinfo").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "cpu MHz":
            return float(value)
    return None


def _affinity() -> set[int]:
    """The numbers of the CPUs that this process may run on."""
    try:
        return os.sched_getaffinity(0)
    except AttributeError:  # not on macOS or Windows
        return set(range(os.cpu_count() or 1))


def _file_cache(cgroup: Path) -> int:
    """Bytes counted as used that hold file pages, given up as soon as memory is wanted."""
    for line in _read(cgroup / "memory.stat").splitlines():
        if line.startswith("inactive_file "):
            return int(line.split()[1])
    return 0


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
