"""What NVML (package nvidia-ml-py), where it is there, tells of an NVIDIA device: clocks, users."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from typing import Any

from blurbench.backends.device import Clocks

# Reasons of NVML: power cap, slowdown by hardware, thermal by software and hardware, power brake.
THROTTLING = 0x04 | 0x08 | 0x20 | 0x40 | 0x80


def clock_reader(
    name: str, load: Callable[[], Any] = lambda: import_module("pynvml"), by: str = "PciBusId"
) -> Callable[[], Clocks | None]:
    """What reads the clocks of a device; it gives None where nothing tells.

    NVML is only asked: no setting of the device is changed.

    Args:
        name: of the device, a PCI bus id or, `by` "UUID", the name of the very card.
    """
    try:
        nvml, handle = _open(name, load, by)
    except Exception:  # no module, no library, no permission: a device without clocks is normal
        return lambda: None

    def read() -> Clocks | None:
        try:
            mhz = nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM)
            # Also called "event reasons"; older drivers know this name alone.
            reasons = nvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle)
        except Exception:
            return None
        return Clocks(int(mhz), bool(reasons & THROTTLING))

    return read


def is_shared(bus_id: str, load: Callable[[], Any] = lambda: import_module("pynvml")) -> bool:
    """Whether processes compute on the device beside this one and the one that began it.

    False where nothing tells, as in a container that does not see the processes of its host.
    """
    try:
        nvml, handle = _open(bus_id, load)
        found = {one.pid for one in nvml.nvmlDeviceGetComputeRunningProcesses(handle)}
    except Exception:
        return False
    return os.getpid() in found and bool(found - {os.getpid(), os.getppid()})


def _open(name: str, load: Callable[[], Any], by: str = "PciBusId") -> tuple[Any, Any]:
    """NVML, and its handle of the device."""
    nvml = load()
    nvml.nvmlInit()
    return nvml, getattr(nvml, f"nvmlDeviceGetHandleBy{by}")(name)
