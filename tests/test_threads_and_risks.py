"""What the machine grants and what it puts at risk, read from a system's files made up here."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from threadpoolctl import threadpool_info

from blurbench import host
from blurbench.measure.risks import find_risks
from blurbench.measure.threads import limit_threads

GIB = 2**30


class System:
    """A root folder in which a test puts the files of /sys and /proc that it wants."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, path: str, text: object) -> System:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(f"{text}\n")
        return self

    def meminfo(self, available: int) -> System:
        return self.write(
            "proc/meminfo", f"MemTotal: 99999999 kB\nMemAvailable: {available // 1024} kB"
        )

    def governors(self, *names: str) -> System:
        for number, name in enumerate(names):
            folder = f"sys/devices/system/cpu/cpu{number}/cpufreq"
            self.write(f"{folder}/scaling_governor", name)
        return self

    def cache(self, *sizes: str) -> System:
        for number, size in enumerate(sizes):
            self.write(f"sys/devices/system/cpu/cpu0/cache/index{number}/size", size)
        return self

    def throttled(self, times: int) -> System:
        text = f"usage_usec 1\nnr_periods 9\nnr_throttled {times}\nthrottled_usec 5"
        return self.write("sys/fs/cgroup/cpu.stat", text)


@pytest.fixture
def system(tmp_path: Path) -> System:
    return System(tmp_path)


# Threads of BLAS and OpenMP.


def pools() -> list[tuple[str, int]]:
    return [(pool["filepath"], pool["num_threads"]) for pool in threadpool_info()]


def test_inside_the_block_every_pool_has_the_threads_it_was_given() -> None:
    with limit_threads(1):
        assert {threads for _, threads in pools()} <= {1}


def test_the_count_of_each_pool_is_told() -> None:
    with limit_threads(1) as found:
        assert found == {pool["internal_api"]: 1 for pool in threadpool_info()}


def test_after_the_block_the_pools_are_as_they_were() -> None:
    before = pools()
    with limit_threads(1):
        pass
    assert pools() == before


def test_after_an_error_in_the_block_the_pools_are_as_they_were() -> None:
    before = pools()
    with pytest.raises(KeyError), limit_threads(1):
        raise KeyError
    assert pools() == before


def test_without_threadpoolctl_no_pool_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    with limit_threads(1) as found:
        assert found == {}


# Risks.


def calm(system: System) -> System:
    system.governors("performance", "performance").throttled(3)
    system.write("sys/class/power_supply/AC/online", 1)
    return system.write("sys/class/power_supply/BAT0/status", "Charging")


def test_a_calm_machine_puts_nothing_at_risk(system: System) -> None:
    assert find_risks(4, calm(system).root, load=0.1, throttled=3) == []


def test_a_machine_that_says_nothing_puts_nothing_at_risk(system: System) -> None:
    assert find_risks(4, system.root, load=0.0, throttled=0) == []


@pytest.mark.parametrize("status", ["Charging", "Full", "Not charging", "Unknown"])
def test_only_a_battery_in_use_is_a_risk(system: System, status: str) -> None:
    system.write("sys/class/power_supply/BAT1/status", status)
    assert find_risks(4, system.root, load=0.0) == []


def test_running_on_battery_is_a_risk(system: System) -> None:
    calm(system).write("sys/class/power_supply/BAT1/status", "Discharging")
    (risk,) = find_risks(4, system.root, load=0.0)
    assert "battery" in risk


def test_slow_governors_are_a_risk_and_are_named_once(system: System) -> None:
    system.governors("powersave", "performance", "schedutil", "powersave")
    (risk,) = find_risks(4, system.root, load=0.0)
    assert "governor is powersave, schedutil:" in risk


@pytest.mark.parametrize(("cpus", "risky"), [(1, True), (3, True), (4, False), (16, False)])
def test_load_is_a_risk_where_half_the_cpus_are_taken(
    system: System, cpus: int, risky: bool
) -> None:
    assert bool(find_risks(cpus, system.root, load=2.0)) is risky


def test_load_is_told_with_the_number_of_cpus(system: System) -> None:
    (risk,) = find_risks(2, system.root, load=3.5)
    assert "load 3.5 on 2 CPUs" in risk


def test_the_system_is_asked_for_the_load(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (7.0, 0.0, 0.0), raising=False)
    (risk,) = find_risks(2, system.root)
    assert "load 7.0" in risk


def test_a_system_without_a_load_is_calm(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "getloadavg", raising=False)
    assert find_risks(1, system.root) == []


def test_throttling_meanwhile_is_a_risk(system: System) -> None:
    (risk,) = find_risks(4, system.throttled(12).root, load=0.0, throttled=5)
    assert "7 times" in risk


def test_throttling_before_the_measurement_is_no_risk(system: System) -> None:
    assert find_risks(4, system.throttled(12).root, load=0.0, throttled=12) == []


def test_throttling_that_was_not_counted_before_is_not_told(system: System) -> None:
    assert find_risks(4, system.throttled(12).root, load=0.0, throttled=None) == []


def test_every_risk_has_its_sentence(system: System) -> None:
    system.governors("ondemand").throttled(1)
    system.write("sys/class/power_supply/BAT0/status", "Discharging")
    assert len(find_risks(1, system.root, load=9.0, throttled=0)) == 4


# CPUs.


@pytest.mark.parametrize(
    ("text", "quota"),
    [("max 100000", None), ("150000 100000", 1.5), ("50000 100000", 0.5), ("", None)],
)
def test_the_quota_of_cgroup_v2(system: System, text: str, quota: float | None) -> None:
    assert host.cpu_quota(system.write("sys/fs/cgroup/cpu.max", text).root) == quota


@pytest.mark.parametrize(("microseconds", "quota"), [(-1, None), (0, None), (300000, 3.0)])
def test_the_quota_of_cgroup_v1(system: System, microseconds: int, quota: float | None) -> None:
    system.write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", microseconds)
    system.write("sys/fs/cgroup/cpu/cpu.cfs_period_us", 100000)
    assert host.cpu_quota(system.root) == quota


def test_cgroup_v2_goes_before_v1(system: System) -> None:
    system.write("sys/fs/cgroup/cpu.max", "200000 100000")
    system.write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", 900000)
    system.write("sys/fs/cgroup/cpu/cpu.cfs_period_us", 100000)
    assert host.cpu_quota(system.root) == 2.0


@pytest.mark.parametrize(
    ("quota", "cpus"),
    [("max", 6), ("900000", 6), ("600000", 6), ("350000", 3), ("100000", 1), ("20000", 1)],
)
def test_usable_cpus_are_cut_to_the_quota_and_never_none(
    system: System, monkeypatch: pytest.MonkeyPatch, quota: str, cpus: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(6)), raising=False)
    system.write("sys/fs/cgroup/cpu.max", f"{quota} 100000")
    assert host.usable_cpus(system.root) == cpus


@pytest.mark.parametrize(("count", "cpus"), [(5, 5), (None, 1)])
def test_where_there_is_no_affinity_all_cpus_are_usable(
    system: System, monkeypatch: pytest.MonkeyPatch, count: int | None, cpus: int
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: count)
    assert host.usable_cpus(system.root) == cpus


# Memory and caches.


@pytest.fixture
def _silent_sysconf(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that cannot be asked for its pages."""

    def refuse(name: str) -> int:
        raise ValueError(name)

    monkeypatch.setattr(os, "sysconf", refuse, raising=False)


def limit_v2(system: System, limit: object, used: int) -> System:
    system.write("sys/fs/cgroup/memory.max", limit)
    return system.write("sys/fs/cgroup/memory.current", used)


def limit_v1(system: System, limit: object, used: int) -> System:
    system.write("sys/fs/cgroup/memory/memory.limit_in_bytes", limit)
    return system.write("sys/fs/cgroup/memory/memory.usage_in_bytes", used)


LIMITS = pytest.mark.parametrize(
    ("limit", "folder"),
    [(limit_v2, "sys/fs/cgroup"), (limit_v1, "sys/fs/cgroup/memory")],
    ids=["v2", "v1"],
)


def test_available_memory_is_what_the_kernel_says(system: System) -> None:
    assert host.available_memory(system.meminfo(3 * GIB).root) == 3 * GIB


@LIMITS
def test_a_containers_limit_bounds_the_available_memory(system: System, limit, folder) -> None:
    limit(system.meminfo(64 * GIB), 2 * GIB, GIB // 2)
    assert host.available_memory(system.root) == 2 * GIB - GIB // 2


@LIMITS
def test_a_machine_shorter_of_memory_than_its_limit_has_what_it_has(
    system: System, limit, folder
) -> None:
    limit(system.meminfo(GIB), 32 * GIB, 0)
    assert host.available_memory(system.root) == GIB


@LIMITS
def test_inactive_file_pages_can_be_had_back(system: System, limit, folder) -> None:
    limit(system.meminfo(64 * GIB), 2 * GIB, 2 * GIB)
    system.write(f"{folder}/memory.stat", f"anon 5\ninactive_file {GIB}\nactive_file 7")
    assert host.available_memory(system.root) == GIB


@LIMITS
def test_available_memory_is_never_negative(system: System, limit, folder) -> None:
    limit(system.meminfo(64 * GIB), GIB, 2 * GIB)
    assert host.available_memory(system.root) == 0


def test_an_unlimited_container_has_the_machines_memory(system: System) -> None:
    limit_v2(system.meminfo(5 * GIB), "max", GIB)
    assert host.available_memory(system.root) == 5 * GIB


def test_without_files_the_system_is_asked_for_its_pages(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = {"SC_AVPHYS_PAGES": 1000, "SC_PAGE_SIZE": 4096}
    monkeypatch.setattr(os, "sysconf", pages.__getitem__, raising=False)
    assert host.available_memory(system.root) == 4096000


@pytest.mark.usefixtures("_silent_sysconf")
@pytest.mark.parametrize(
    "ask",
    [host.available_memory, host.cpu_quota, host.throttled_periods, host.last_level_cache],
)
def test_missing_files_say_nothing(system: System, ask) -> None:
    assert ask(system.root) is None


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        (("48K", "32K", "2048K", "36608K"), 36608 * 2**10),
        (("32K", "8M"), 8 * 2**20),
        (("1G",), GIB),
        (("65536",), 65536),
        (("", "unknown"), None),
    ],
)
def test_the_last_level_cache_is_the_largest(
    system: System, sizes: tuple[str, ...], expected: int | None
) -> None:
    assert host.last_level_cache(system.cache(*sizes).root) == expected


def test_throttled_periods_are_counted(system: System) -> None:
    assert host.throttled_periods(system.throttled(41).root) == 41


def test_a_container_without_a_count_says_nothing_of_throttling(system: System) -> None:
    system.write("sys/fs/cgroup/cpu.stat", "usage_usec 12\nuser_usec 3")
    assert host.throttled_periods(system.root) is None


def test_this_machine_can_be_asked() -> None:
    assert host.usable_cpus() >= 1
    assert host.available_memory() is None or host.available_memory() > 0
