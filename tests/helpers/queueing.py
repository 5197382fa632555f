"""A device whose queue is as a GPU's: launching costs the host time, and the queue is finite.

Events tick, kernels vary, the host stalls where a test says so, and what idles falls asleep. All on
a clock that is made up.
"""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from blurbench.backends.backend import Implementation
from blurbench.backends.device import Clocks
from blurbench.backends.registry import find_implementation
from blurbench.backends.staging import Staging
from blurbench.plan import Plan
from blurbench.problem import Problem

Array = np.ndarray[Any, Any]

DEPTH = 1000  # launches that the queue takes in
LAUNCH_S = 5e-6  # of the host
EVENT_S, TICK_S = 1e-6, 5e-7  # what an event takes in the queue; the steps of its time
ASLEEP_S, SLOW = 0.01, 5.0  # after so long without work a copy takes so many times as long


@dataclass
class HostClock:
    """Seconds on the host; asking takes a moment."""

    now: float = 100.0

    def __call__(self) -> float:
        self.now += 2e-8
        return self.now


@dataclass
class Entry:
    """A piece of queued work, or an event where it takes `EVENT_S`."""

    queued: float
    seconds: float
    done: float = math.inf


@dataclass
class HoldEntry(Entry):
    """Ends when it is let go, or after its seconds."""

    clock: Callable[[], float] = field(kw_only=True)
    opened: float = math.inf
    is_over: bool = False

    def let_go(self) -> None:
        self.opened = self.clock()

    def lasted(self) -> bool:
        return not self.is_over


class QueueingDevice:
    """The device.

    Attributes:
        stalls: for how long the host stalls in a launch, by the number of the launch.
        reading_s: what asking for the clocks takes.
        arrays: how many were made.
    """

    name = "queueing"
    software = False
    cache_bytes: int | None = None
    peak_bytes_per_s: float | None = None
    caution: str | None = None

    def __init__(self, host: HostClock) -> None:
        self.host, self.stalls, self.launches, self.arrays = host, dict[int, float](), 0, 0
        self.reading_s, self.upload_s, self.ways = 0.0, 2e-4, (4e-5, 3.5e-5)
        self._waiting: deque[Entry] = deque()
        self._running: deque[float] = deque()  # when what is in the queue will be done
        self._free = host.now
        self._rng = random.Random(7)

    # Its queue.

    def launch(self, seconds: float) -> None:
        """Queue a kernel that takes so long, about."""
        self.launches += 1
        self.host.now += LAUNCH_S + self.stalls.pop(self.launches, 0.0)
        self._queue(Entry(self.host.now, seconds * math.exp(self._rng.gauss(0, 0.02))))

    def hold(self, seconds: float) -> HoldEntry:
        self.host.now += LAUNCH_S
        entry = HoldEntry(self.host.now, seconds, clock=self.host)
        self._queue(entry)
        return entry

    def record(self, stream: Any = None) -> Entry:
        return self._queue(Entry(self.host.now, EVENT_S))

    def wait(self, event: Entry, stream: Any = None) -> None:
        """There is one queue."""

    def finish(self, event: Entry) -> None:
        self.synchronize()

    def elapsed_s(self, start: Entry, stop: Entry) -> float:
        self.synchronize()
        ticks = [round(one.done / TICK_S) for one in (start, stop)]
        return (ticks[1] - ticks[0]) * TICK_S

    def synchronize(self) -> None:
        self._work_off()
        while self._waiting:
            self._wait_for_hold()
        self.host.now = max(self.host.now, self._free)

    def _queue(self, entry: Entry) -> Entry:
        self._waiting.append(entry)
        self._work_off()
        while self._count() > DEPTH:
            if self._running:
                self.host.now = self._running[0]
            else:
                self._wait_for_hold()
        return entry

    def _count(self) -> int:
        while self._running and self._running[0] <= self.host.now:
            self._running.popleft()
        return len(self._waiting) + len(self._running)

    def _work_off(self) -> None:
        """Settle when each entry is done, up to a hold that is neither let go nor over."""
        while self._waiting:
            entry = self._waiting[0]
            begun = max(self._free, entry.queued)
            entry.done = begun + entry.seconds
            if isinstance(entry, HoldEntry):
                entry.is_over = entry.opened > entry.done
                if entry.is_over and self.host.now < entry.done:
                    return
                entry.done = min(entry.done, max(begun, entry.opened))
            self._free = entry.done
            self._running.append(entry.done)
            self._waiting.popleft()

    def _wait_for_hold(self) -> None:
        entry = self._waiting[0]
        self.host.now = max(self.host.now, max(self._free, entry.queued) + entry.seconds)
        self._work_off()

    # Its memory.

    def empty(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        self.arrays += 1
        return np.zeros(shape, dtype)

    pinned = empty

    def stream(self, name: str) -> str:
        return name

    def upload(self, host: Array, device: Array, stream: Any = None) -> None:
        device[...] = host
        self._transfer()

    def download(self, device: Array, host: Array, stream: Any = None) -> None:
        host[...] = device
        self._transfer()

    def _transfer(self) -> None:
        asleep = self.host.now - self._free > ASLEEP_S
        self.launch(self.upload_s * (SLOW if asleep else 1.0))

    def copies(self) -> list[Callable[[Array, Array], object]]:
        """One for each of the `ways`, which take so long."""

        def way(seconds: float) -> Callable[[Array, Array], object]:
            return lambda source, target: self.launch(seconds)

        return [way(seconds) for seconds in self.ways]

    # What tells of it.

    def carrier(self) -> Staging:
        return Staging(self)

    def capture(self, call: Callable[[], object]) -> Callable[[], object] | None:
        return None

    def multiply_adds(self, dtype: np.dtype[Any]) -> tuple[Callable[[], object], float]:
        return lambda: self.launch(1e-4), 1e9

    def clocks(self) -> Clocks | None:
        self.host.now += self.reading_s
        return Clocks(1980, False)

    def release(self) -> None:
        """There is no end to its memory."""

    def held_bytes(self) -> int:
        return 0

    def free_bytes(self) -> int:
        return 2**40


def blurring(device: QueueingDevice, seconds: float, launches: int = 1) -> Implementation:
    """A blur that takes so long on the device, in so many launches."""

    class Blur(Plan):
        def _run(self, image: Array, out: Array) -> None:
            for _ in range(launches):
                device.launch(seconds / launches)
            out[...] = image

    def prepare(problem: Problem) -> Plan:
        return Blur(np, problem)

    return replace(find_implementation("numpy", "separable"), prepare=prepare)
