"""The clocks of an NVIDIA device, through NVML (package nvidia-ml-py) where it is there."""

from __future__ import annotations

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
        nvml = load()
        nvml.nvmlInit()
        handle = getattr(nvml, f"nvmlDeviceGetHandleBy{by}")(name)
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
