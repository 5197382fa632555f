"""What the machine grants and what it puts at risk, read from a system's files made up here."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from threadpoolctl import threadpool_info

from blurbench import host
from blurbench.host import Work
from blurbench.kernel import GaussianKernel
from blurbench.measure.risks import Watch, find_risks
from blurbench.measure.threads import limit_threads
from blurbench.study.options import Options
from blurbench.study.question import Question
from blurbench.study.session import Session
from blurbench.study.source import ImageSource
from helpers.command import run
from helpers.planted import SMALL, backend_of, planted

GIB = 2**30
WORKING = ("user", "nice", "system", "irq", "softirq", "steal")
OTHERWISE = ("idle", "iowait", "guest", "guest_nice")  # guests are among the user's time already
KINDS = (*WORKING[:3], *OTHERWISE[:2], *WORKING[3:], *OTHERWISE[2:])  # as the system orders them


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

    def stat(self, *ticks: Mapping[str, int]) -> System:
        """The ticks of each CPU, by kind; 0 where none are named."""
        lines = ["cpu  9 9 9 9 9 9 9 9 9 9"]
        for number, told in enumerate(ticks):
            lines.append(f"cpu{number} " + " ".join(str(told.get(kind, 0)) for kind in KINDS))
        return self.write("proc/stat", "\n".join([*lines, "intr 5 0 0", "ctxt 7"]))

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
    assert find_risks(4, calm(system).root, others=0.1, throttled=3) == []


def test_a_machine_that_says_nothing_puts_nothing_at_risk(system: System) -> None:
    assert find_risks(4, system.root, throttled=0) == []


@pytest.mark.parametrize("status", ["Charging", "Full", "Not charging", "Unknown"])
def test_only_a_battery_in_use_is_a_risk(system: System, status: str) -> None:
    system.write("sys/class/power_supply/BAT1/status", status)
    assert find_risks(4, system.root) == []


def test_running_on_battery_is_a_risk(system: System) -> None:
    calm(system).write("sys/class/power_supply/BAT1/status", "Discharging")
    (risk,) = find_risks(4, system.root)
    assert "battery" in risk


def test_slow_governors_are_a_risk_and_are_named_once(system: System) -> None:
    system.governors("powersave", "performance", "schedutil", "powersave")
    (risk,) = find_risks(4, system.root)
    assert "governor is powersave, schedutil:" in risk


@pytest.mark.parametrize(
    ("cpus", "others", "risky"),
    [
        (1, 0.2, False),
        (1, 0.3, True),
        (2, 0.4, False),
        (2, 0.6, True),
        (16, 3.9, False),
        (16, 4.1, True),
    ],
)
def test_other_work_is_a_risk_where_it_takes_a_quarter_of_the_cpus(
    system: System, cpus: int, others: float, risky: bool
) -> None:
    assert bool(find_risks(cpus, system.root, others=others)) is risky


@pytest.mark.parametrize(("cpus", "of_all"), [(2, "1.0 of 2 CPUs"), (1, "1.0 of 1 CPU")])
def test_other_work_is_told_with_what_it_takes_and_what_to_do(
    system: System, cpus: int, of_all: str
) -> None:
    assert find_risks(cpus, system.root, others=1.0) == [
        f"other work keeps {of_all} busy: close it, or measure again later"
    ]


@pytest.mark.parametrize(("meanwhile", "least"), [(0.6, "25 %"), (1.1, "50 %"), (2.0, "100 %")])
def test_other_work_meanwhile_is_told_in_quarters_of_the_cpus(
    system: System, meanwhile: float, least: str
) -> None:
    assert find_risks(2, system.root, meanwhile=meanwhile) == [
        f"other work kept at least {least} of the CPUs busy meanwhile: measure again later"
    ]


def test_little_other_work_meanwhile_is_no_risk(system: System) -> None:
    assert find_risks(2, system.root, meanwhile=0.4) == []


def test_throttling_meanwhile_is_a_risk(system: System) -> None:
    (risk,) = find_risks(4, system.throttled(12).root, throttled=5)
    assert "7 times" in risk


def test_throttling_before_the_measurement_is_no_risk(system: System) -> None:
    assert find_risks(4, system.throttled(12).root, throttled=12) == []


def test_throttling_that_was_not_counted_before_is_not_told(system: System) -> None:
    assert find_risks(4, system.throttled(12).root, throttled=None) == []


def test_every_risk_has_its_sentence(system: System) -> None:
    system.governors("ondemand").throttled(1)
    system.write("sys/class/power_supply/BAT0/status", "Discharging")
    assert len(find_risks(1, system.root, others=0.9, throttled=0)) == 4


# Other work.


class Machine:
    """CPUs with other work and some of ours, and a clock that waiting and working move.

    Attributes:
        others, ours: how many CPUs either keeps busy.
        waited: seconds, of each time.
    """

    def __init__(self, others: float, ours: float = 0.0, cpus: int = 2, usable: int = 2) -> None:
        self.others, self.ours = others, ours
        self.waited: list[float] = []
        self._now, self._work = 50.0, Work(cpus, usable, 900.0, 7.0)

    def passes(self, seconds: float) -> None:
        self._now += seconds
        self._work = replace(
            self._work,
            total_s=self._work.total_s + (self.others + self.ours) * seconds,
            own_s=self._work.own_s + self.ours * seconds,
        )

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.passes(seconds)

    def watch(self) -> Watch:
        return Watch(lambda: self._work, lambda: self._now, self.wait)


def test_on_an_idle_machine_there_is_no_other_work() -> None:
    assert Machine(others=0.0).watch().others() == 0


@pytest.mark.parametrize("ours", [0.0, 0.6])
def test_other_work_is_what_is_not_our_own(ours: float) -> None:
    assert Machine(others=1.1, ours=ours).watch().others() == pytest.approx(1.1)


def test_a_run_that_has_ended_is_no_other_work() -> None:
    machine = Machine(others=2.0)
    machine.passes(60.0)
    machine.others = 0.0
    assert machine.watch().others() == 0


@pytest.mark.parametrize(("meanwhile", "rest"), [(0.0, 0.2), (0.15, 0.05), (3.0, 0.0)])
def test_what_is_done_meanwhile_is_not_waited_for(meanwhile: float, rest: float) -> None:
    machine = Machine(others=1.0)
    watch = machine.watch()
    machine.passes(meanwhile)
    watch.others()
    assert machine.waited == [pytest.approx(rest)]


def test_other_work_is_told_of_all_the_time_that_was_watched() -> None:
    machine = Machine(others=2.0)
    watch = machine.watch()
    machine.passes(1.0)
    machine.others = 0.0
    machine.passes(3.0)
    assert watch.others() == pytest.approx(0.5)


def test_what_was_done_before_a_new_beginning_is_not_told() -> None:
    machine = Machine(others=2.0)
    watch = machine.watch()
    machine.passes(1.0)
    watch.begin()
    machine.others = 0.5
    machine.passes(3.0)
    assert watch.others() == pytest.approx(0.5)


@pytest.mark.parametrize(("others", "taken"), [(5.0, 0.0), (15.1, 1.1)])
def test_other_work_on_cpus_beyond_the_quota_takes_nothing(others: float, taken: float) -> None:
    found = Machine(others, cpus=16, usable=2).watch().others()
    assert found == pytest.approx(taken)


def test_other_work_takes_no_more_than_there_is() -> None:
    assert Machine(others=2.1).watch().others() == 2


def test_a_system_that_does_not_tell_of_its_work_is_not_waited_for() -> None:
    waited: list[float] = []
    assert Watch(lambda: None, sleep=waited.append).others() == 0
    assert waited == []


def risks_of(processes: int) -> list[str]:
    """What a run says of itself when it begins."""
    options = Options(backends=("numpy",), processes=processes)
    kernels = (GaussianKernel.from_size(3),)
    question = Question("compare", (ImageSource(),), (SMALL,), kernels, options)
    found: list[str] = question.describe(Session(options), [], options.rules).about["risks"]
    return found


def test_a_run_tells_of_the_other_work_that_there_was_when_it_began(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("blurbench.study.session.Watch", Machine(others=1.9).watch)
    assert any("other work keeps 1.9 of" in risk for risk in risks_of(processes=1))


@pytest.mark.parametrize(("processes", "warned"), [(1, False), (2, True), (4, True), (5, False)])
def test_a_run_tells_that_few_processes_prove_little(processes: int, warned: bool) -> None:
    told = f"{processes} processes prove little: give --processes 5"
    assert (told in risks_of(processes)) is warned


def test_a_run_tells_of_the_other_work_that_began_while_it_went_on(
    plant: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine, blur = Machine(others=0.0), clock.takes(0.002)

    def blur_beside_others(*given: Any) -> Any:
        machine.others = 1.7 * host.usable_cpus() / 2
        machine.passes(10.0)
        return blur(*given)

    monkeypatch.setattr("blurbench.study.session.Watch", machine.watch)
    plant(backend_of(planted("one", blur_beside_others)))
    ran = run("compare", "--backend", "fake", "--resize", "16x16")
    assert "Warning: other work kept at least 75 % of the CPUs busy meanwhile" in ran.err


# CPUs.


@pytest.fixture
def _hundred_ticks_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sysconf", {"SC_CLK_TCK": 100}.__getitem__, raising=False)


@pytest.mark.usefixtures("_hundred_ticks_a_second")
def test_work_is_counted_of_the_cpus_that_this_process_may_run_on(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {1, 3}, raising=False)
    found = host.cpu_work(system.stat(*({"user": 10**n} for n in range(4))).root)
    assert found is not None
    assert (found.cpus, found.total_s) == (2, pytest.approx(10.1))


@pytest.mark.usefixtures("_hundred_ticks_a_second")
@pytest.mark.parametrize("kind", KINDS)
def test_work_is_whatever_keeps_a_cpu_busy_or_away(
    system: System, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0}, raising=False)
    found = host.cpu_work(system.stat({kind: 70}).root)
    assert found is not None
    assert found.total_s == (0.7 if kind in WORKING else 0)


@pytest.mark.usefixtures("_hundred_ticks_a_second")
def test_own_work_is_that_of_this_process_and_of_those_that_it_waited_for(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "times", lambda: (1.0, 2.0, 4.0, 8.0, 999.0))
    found = host.cpu_work(system.stat(*[{}] * (os.cpu_count() or 1)).root)
    assert found is not None
    assert found.own_s == 15


@pytest.mark.usefixtures("_hundred_ticks_a_second")
def test_where_a_quota_allows_fewer_cpus_at_once_work_is_counted_of_all(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(6)), raising=False)
    system.write("sys/fs/cgroup/cpu.max", "200000 100000")
    found = host.cpu_work(system.stat(*[{}] * 6).root)
    assert found is not None
    assert (found.cpus, found.usable) == (6, 2)


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
    [
        host.available_memory,
        host.cpu_quota,
        host.cpu_work,
        host.throttled_periods,
        host.last_level_cache,
    ],
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
