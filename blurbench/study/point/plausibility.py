"""The least that a blur can take: whoever is faster did not do the work, or did not wait for it."""

from __future__ import annotations

from blurbench.records.copies import CopySpeed
from blurbench.study.point.device_cells import DevicePlace

MARGIN = 1.1  # times the best copy
ALL_LAUNCH_S = 1e-5  # a device's copy this short says nothing of its memory


def least_on_host(copy: CopySpeed | None) -> tuple[float, str]:
    """Seconds, and what takes that long."""
    if copy is None:
        return 0.0, ""
    return copy.best_s / MARGIN, f"a copy of the image, {copy.best_s:.3g} s"


def least_on_device(copy: CopySpeed | None, there: DevicePlace) -> tuple[float, str]:
    """Seconds, and what takes that long: a copy there, or its memory at the theoretical peak."""
    bounds = [(0.0, "")]
    if copy is not None and copy.best_s >= ALL_LAUNCH_S:
        bounds.append(least_on_host(copy))
    if there.device.peak_bytes_per_s:
        peak_s = there.least_bytes / there.device.peak_bytes_per_s
        bounds.append((peak_s, f"the device's memory can be in theory, {peak_s:.3g} s"))
    return max(bounds)
