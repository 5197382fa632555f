"""What puts figures at risk on this machine: reasons to measure again under better conditions."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

from blurbench import host

_ROOT = Path("/")
MOMENT_S = 0.2  # long enough to tell: the system counts work in steps of 0.01 s
DISTURBED = 0.25  # of the CPUs, busy with other work: from here on it shows in the figures


class Watch:
    """What other work the CPUs do, from now, or a new beginning, until it is asked for.

    What ended before does not count, as it would in the system's load average: least of all the run
    before this one.

    Args:
        read: the work of the CPUs until now, or None where the system does not say.
        now: seconds on a clock.
        sleep: waits so many seconds.
    """

    def __init__(
        self,
        read: Callable[[], host.Work | None] = host.cpu_work,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._read, self._now, self._sleep = read, now, sleep
        self.begin()

    def begin(self) -> None:
        """Look from now on."""
        self._began, self._before = self._now(), self._read()

    def others(self) -> float:
        """CPUs that other work takes from this process; waits until a moment has passed.

        0 where the system does not say.
        """
        if self._before is None:
            return 0.0
        self._sleep(max(0.0, self._began + MOMENT_S - self._now()))
        after, seconds = self._read(), self._now() - self._began
        if after is None:
            return 0.0
        total_s, own_s = after.total_s - self._before.total_s, after.own_s - self._before.own_s
        # Where a quota lets the process use but some of the CPUs, others may have the rest.
        taken = (total_s - own_s) / seconds - (after.cpus - after.usable)
        return min(max(0.0, taken), after.usable)


def find_risks(
    cpus: int,
    root: Path = _ROOT,
    others: float = 0.0,
    throttled: int | None = None,
    meanwhile: float = 0.0,
) -> list[str]:
    """One sentence for each circumstance that makes durations less trustworthy.

    Args:
        cpus: that this process may use.
        root: where the system's files lie.
        others: how many of them other work takes before the measurement, by a `Watch`.
        meanwhile: and how many it took during it.
        throttled: `host.throttled_periods` before the measurement, or None to skip this check.
    """
    found = []
    supplies = (root / "sys/class/power_supply").glob("*/status")
    if any(_text(status) == "Discharging" for status in supplies):
        found.append("the machine runs on battery: plug it in")
    slow = [name for name in host.governors(root) if name != "performance"]
    if slow:
        names = ", ".join(slow)
        found.append(f"the CPU frequency governor is {names}: performance gives steadier clocks")
    if others > DISTURBED * cpus:
        of_all = f"{others:.1f} of {cpus} CPU{'s' if cpus > 1 else ''}"
        found.append(f"other work keeps {of_all} busy: close it, or measure again later")
    if meanwhile > DISTURBED * cpus:
        least = math.floor(min(1.0, meanwhile / cpus) / DISTURBED) * DISTURBED
        found.append(
            f"other work kept at least {100 * least:.0f} % of the CPUs busy meanwhile: "
            "measure again later"
        )
    after = host.throttled_periods(root)
    if throttled is not None and after is not None and after > throttled:
        found.append(f"the CPU quota stopped this container {after - throttled} times meanwhile")
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
