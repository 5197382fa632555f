"""How fast images are copied: on the host, and inside a backend's device."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from blurbench.records.record import Record
from blurbench.records.scopes import COPY


@dataclass(frozen=True)
class CopySpeed:
    """Seconds of one copy: the median, and the best, beyond which a blur is not believed."""

    median_s: float
    best_s: float


class Copies:
    """Of one point, from records named `copy` or `BACKEND:copy`."""

    def __init__(self) -> None:
        self._found: dict[str, dict[tuple[int, int], list[float]]] = {}

    def add(self, record: Record) -> None:
        """Take a sample in."""
        own = self._found.setdefault(record.key.implementation, {})
        own.setdefault((record.process, record.key.threads), []).append(record.seconds)

    def count(self, name: str, process: int, threads: int) -> int:
        """How many copies were timed so."""
        return len(self._found.get(name, {}).get((process, threads), []))

    def speed(self, backend: str | None = None) -> CopySpeed | None:
        """Of an array of the image's size: on the host, or inside a backend's device."""
        by_threads: dict[int, list[float]] = {}
        own = self._found.get(f"{backend}:{COPY}" if backend else COPY, {})
        for (_, threads), seconds in own.items():
            by_threads.setdefault(threads, []).extend(seconds)
        speeds = [CopySpeed(median(times), min(times)) for times in by_threads.values()]
        return min(speeds, key=lambda speed: speed.median_s, default=None)
