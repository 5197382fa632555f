"""The yardstick: copies inside the device's memory, by the driver and by a kernel."""

from __future__ import annotations

from blurbench.backends.device import Copy, Device

COPY = "copy"


def copies(device: Device) -> dict[str, Copy]:
    """The copies whose faster one is the yardstick, by name."""
    ways = f"{COPY} by the driver", f"{COPY} by a kernel"
    return dict(zip(ways, device.copies(), strict=True))
