"""Clocks: what takes the time of repeated calls."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

Call = Callable[[], object]


class Clock(Protocol):
    """Measures repeated calls; a GPU's event clock is one too."""

    def measure(self, call: Call, loops: int) -> float:
        """Seconds that `loops` calls took together."""


class HostClock:
    """The host's monotonic clock; `finish` (a synchronise, say) belongs to what is timed."""

    def __init__(self, finish: Call | None = None) -> None:
        self._finish = finish

    def measure(self, call: Call, loops: int) -> float:
        """Seconds that `loops` calls took together."""
        start = time.perf_counter()
        for _ in range(loops):
            call()
        if self._finish is not None:
            self._finish()
        return time.perf_counter() - start
