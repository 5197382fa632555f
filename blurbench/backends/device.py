"""What timing asks of a GPU, and its clocks; knows no library, so that tests inject their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from blurbench.memory import result_memory
from blurbench.plan import Plan

Call = Callable[[], object]
Copy = Callable[[Any, Any], object]  # of a source into a target of its shape and dtype


@dataclass(frozen=True)
class Clocks:
    """How fast the device's multiprocessors run now, and whether something slows them down."""

    mhz: int
    throttled: bool


class Hold(Protocol):
    """Keeps a device from what is queued behind it, until it lets go or its time is up."""

    def let_go(self) -> None:
        """What is queued behind may run from now on."""

    def lasted(self) -> bool:
        """Whether it held until it let go; to be asked once what is queued behind is done."""


class NoHold:
    """Of a device that the host's clock times, launches included: nothing needs to wait."""

    def let_go(self) -> None:
        """What was queued runs already."""

    def lasted(self) -> bool:
        return True


class Carrier(Protocol):
    """Takes host images to a device, through a plan and back; serves one thread at a time."""

    def blur(
        self,
        plan: Plan,
        image: NDArray[Any],
        out: NDArray[Any] | None = None,
        between: tuple[Any, Any] | None = None,
    ) -> Any:
        """Blur a host image into `out` or a new array; returns when the result is there.

        Args:
            between: where on the device the image arrives and its blur goes; else new arrays.
        """


class Streams(Protocol):
    """A GPU with one stream for its work and others for copies beside it.

    `stream` is what the method `stream` gave; None is the stream of the work. Streams go on at
    their own pace: what must come first is recorded on one and waited for on the other.
    """

    def empty(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
        """An array on the device."""

    def pinned(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any] | None:
        """An array on the host in page-locked memory, which copies need not stage.

        None where a device has no such memory, or its copies stage all the same.
        """

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


def host_array(streams: Streams, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """An array on the host from which copies are the fastest."""
    pinned = streams.pinned(shape, dtype)
    return np.empty(shape, dtype) if pinned is None else pinned


def places_for(
    streams: Streams, image: NDArray[Any], out: NDArray[Any] | None, between: tuple[Any, Any] | None
) -> tuple[NDArray[Any], Any, Any]:
    """Where a host image's blur goes in the end, where the image arrives, and where it is blurred.

    What is not given is new; see `Carrier`.
    """
    result = result_memory.lend(image.shape, image.dtype)[0] if out is None else out
    there, blurred = between or (
        streams.empty(image.shape, image.dtype),
        streams.empty(image.shape, image.dtype),
    )
    return result, there, blurred


class Device(Streams, Protocol):
    """A GPU that can be timed.

    Attributes:
        cache_bytes: of the last-level cache, or None where it is not known.
        peak_bytes_per_s: what its memory can move in theory, or None where it is not known.
        software: whether it is a program that runs on the CPU, and so no GPU.
        caution: what makes its times less trustworthy, and what to do; None where nothing is known.
    """

    name: str
    cache_bytes: int | None
    peak_bytes_per_s: float | None
    software: bool
    caution: str | None

    def elapsed_s(self, start: Any, stop: Any) -> float:
        """Wait for `stop`; seconds of device time between the two events."""

    def hold(self, seconds: float) -> Hold:
        """Keep the device from what is queued from now on, for at most so many seconds."""

    def copies(self) -> Sequence[Copy]:
        """The ways to queue a copy of one array on the device into another."""

    def carrier(self) -> Carrier:
        """The way of a host image there and back that `gaussian_blur` takes."""

    def capture(self, call: Call) -> Call | None:
        """What launches all the work of `call` at once, as a graph; None where it cannot be.

        A graph keeps addresses: use it before the next `release`, which may give back memory that
        a library took for it.
        """

    def multiply_adds(self, dtype: np.dtype[Any]) -> tuple[Call, float] | None:
        """What queues as many multiply-adds as the device can take in, and their number.

        None where its library runs no kernel of ours.
        """

    def clocks(self) -> Clocks | None:
        """The clocks now; None where nothing tells."""

    def release(self) -> None:
        """Give back the memory that no array holds."""

    def held_bytes(self) -> int:
        """Memory taken from the device, what is kept for the next arrays included."""

    def free_bytes(self) -> int:
        """Memory that is left for arrays."""


QUEUE_S = 1e-3  # of launching, of 2 us at least each: a stream takes in about 1000 launches
HOLD_S = 0.02  # at most: a call that waits for the device, or overflows its queue, waits as long


class EventClock:
    """Device time of queued work, by events; the host's launching stays outside.

    The device is held until the calls are queued, so it never waits for the host between two
    events. Many calls go in parts that the queue takes in. A part that the host did not queue in
    time is measured again, once.

    Attributes:
        stalled: whether the device may have waited for the host in the last measurement all the
            same, as in a call of more launches than the queue takes in; it then took no more than
            is told.
    """

    def __init__(self, device: Device, now: Callable[[], float]) -> None:
        self._device, self._now = device, now
        self.stalled = False

    def measure(self, call: Call, loops: int) -> float:
        """Seconds of device time that `loops` calls took together."""
        self.stalled = False
        self._device.synchronize()
        call()
        self._device.synchronize()
        total, left = 0.0, loops
        while left:
            calls, seconds, lasted = self._queue(call, left)
            if not lasted and not self.stalled:
                calls, seconds, lasted = self._queue(call, left)
                self.stalled = not lasted
            total, left = total + seconds, left - calls
        return total

    def _queue(self, call: Call, most: int) -> tuple[int, float, bool]:
        """The calls that were queued together, their seconds, and whether the hold lasted."""
        hold, calls = self._device.hold(HOLD_S), 0
        try:
            began, start = self._now(), self._device.record()
            while calls < most and (calls == 0 or self._now() - began < QUEUE_S):
                call()
                calls += 1
            stop = self._device.record()
        finally:
            hold.let_go()
        return calls, self._device.elapsed_s(start, stop), hold.lasted()


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
