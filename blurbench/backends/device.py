"""What timing asks of a GPU, and its clocks; knows no library, so that tests inject their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Call = Callable[[], object]


@dataclass(frozen=True)
class Clocks:
    """How fast the device's multiprocessors run now, and whether something slows them down."""

    mhz: int
    throttled: bool


class Streams(Protocol):
    """A GPU with one stream for its work and others for copies beside it.

    `stream` is what the method `stream` gave; None is the stream of the work. Streams go on at
    their own pace: what must come first is recorded on one and waited for on the other.
    """

    def empty(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
        """An array on the device."""

    def pinned(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        """An array on the host in page-locked memory, which copies need not stage."""

    def stream(self, name: str) -> Any:
        """The stream of that name, for copies that overlap with the work."""

    def upload(self, host: NDArray[Any], device: Any, stream: Any = None) -> None:
        """Queue the copy of a host array into a device array."""

    def download(self, device: Any, host: NDArray[Any], stream: Any = None) -> None:
        """Queue the copy of a device array into a host array."""

    def synchronize(self) -> None:
        """Wait until all work is done that is queued on the stream of the work."""

    def record(self, stream: Any = None) -> Any:
        """Queue an event and return it."""

    def wait(self, event: Any, stream: Any = None) -> None:
        """What is queued from now on begins after the event."""

    def finish(self, event: Any) -> None:
        """Wait on the host until an event has come."""


class Device(Streams, Protocol):
    """A GPU that can be timed.

    Attributes:
        cache_bytes: of the last-level cache, or None where it is not known.
        peak_bytes_per_s: what its memory can move in theory, or None where it is not known.
    """

    name: str
    cache_bytes: int | None
    peak_bytes_per_s: float | None

    def elapsed_s(self, start: Any, stop: Any) -> float:
        """Wait for `stop`; seconds of device time between the two events."""

    def hold(self, seconds: float) -> None:
        """Queue work that keeps the device busy, so that what follows is queued behind it."""

    def capture(self, call: Call) -> Call | None:
        """What launches all the work of `call` at once, as a graph; None where it cannot be."""

    def multiply_adds(self, dtype: np.dtype[Any]) -> tuple[Call, float]:
        """What queues as many multiply-adds as the device can take in, and their number."""

    def clocks(self) -> Clocks | None:
        """The clocks now; None where nothing tells."""

    def release(self) -> None:
        """Give back the memory that no array holds."""

    def held_bytes(self) -> int:
        """Memory taken from the device, what is kept for the next arrays included."""

    def free_bytes(self) -> int:
        """Memory that is left for arrays."""


# Of launching, behind one kernel that spins. A stream takes in about 1000 launches, of 2 us at
# least each; then the host waits, and the device soon waits for the host.
QUEUE_S = 1e-3


class EventClock:
    """Device time of queued work, by events; the host's launching stays outside.

    The launches queue up behind a kernel that spins for as long as they take to launch, so the
    device never waits for the host between two events. Many go in parts that the queue takes in.
    """

    def __init__(self, device: Device, now: Callable[[], float]) -> None:
        self._device, self._now = device, now

    def measure(self, call: Call, loops: int) -> float:
        """Seconds of device time that `loops` calls took together."""
        device = self._device
        device.synchronize()
        launching = self._now()
        call()
        launching = self._now() - launching
        device.synchronize()
        most = max(1, int(QUEUE_S / launching)) if launching > 0 else loops
        total = 0.0
        for first in range(0, loops, most):
            part = min(most, loops - first)
            device.hold(1.5 * part * launching)
            start = device.record()
            for _ in range(part):
                call()
            total += device.elapsed_s(start, device.record())
        return total


class LaunchClock:
    """Host time until a call has queued its work, the device being idle before."""

    def __init__(self, device: Device, now: Callable[[], float]) -> None:
        self._device, self._now = device, now

    def measure(self, call: Call, loops: int) -> float:
        """Seconds of host time that `loops` calls took together."""
        total = 0.0
        for _ in range(loops):
            self._device.synchronize()
            start = self._now()
            call()
            total += self._now() - start
        return total
