"""What a driver tells of a device, as far as PyTorch passes it on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Specs:
    """Figures of a device; None where they are not told.

    Attributes:
        cache_bytes: of the last-level cache.
        peak_bytes_per_s: what its memory can move in theory.
        uuid: NVIDIA's name of this very card.
    """

    cache_bytes: int | None = None
    peak_bytes_per_s: float | None = None
    uuid: str | None = None


def specs_of(told: Any, kind: str) -> Specs:
    """The figures in PyTorch's properties of a device of that type."""
    if kind != "cuda":  # XPU tells the memory's clock in other units, and Metal nothing
        return Specs(getattr(told, "last_level_cache_size", None) or None)
    # The memory's clock in kHz, two transfers in each; the width of its bus in bits.
    clock, width = (getattr(told, name, 0) for name in ("memory_clock_rate", "memory_bus_width"))
    uuid = getattr(told, "uuid", None)
    return Specs(
        getattr(told, "L2_cache_size", None) or None,
        2e3 * clock * width / 8 or None,
        None if uuid is None else f"GPU-{uuid}",
    )
