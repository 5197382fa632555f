"""What puts figures at risk on this machine: reasons to measure again under better conditions."""

from __future__ import annotations

import os
from pathlib import Path

from blurbench import host

_ROOT = Path("/")


def find_risks(
    cpus: int, root: Path = _ROOT, load: float | None = None, throttled: int | None = None
) -> list[str]:
    """One sentence for each circumstance that makes durations less trustworthy.

    Args:
        cpus: that this process may use.
        root: where the system's files lie.
        load: processes that wish to run, averaged over a minute; None asks the system.
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
    if load is None:
        load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if load > cpus / 2:
        found.append(f"other work is running: load {load:.1f} on {cpus} CPUs")
    after = host.throttled_periods(root)
    if throttled is not None and after is not None and after > throttled:
        found.append(f"the CPU quota stopped this container {after - throttled} times meanwhile")
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
