"""A clock that moves only by what planted blurs say they take, and a device with such a queue."""

from __future__ import annotations

import gc
import math
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import pytest

from blurbench.backends.backend import Backend
from blurbench.backends.device import Clocks
from blurbench.backends.staging import Staging
from blurbench.plan import Plan
from helpers.planted import SMALL, Behaviour, backend_of, planted, planting, recalled


class Clock:
    """Simulated seconds; asking for them takes a moment too."""

    def __init__(self) -> None:
        self.now = 100.0
        self._rng = random.Random(5)

    def __call__(self) -> float:
        self.now += 1e-5
        return self.now

    def takes(self, seconds: float, noise: float = 0.01) -> Behaviour:
        """A right blur that takes so long on a `SMALL` image, and in proportion on others."""

        def behave(blur: Plan, image: Any, out: Any) -> None:
            recalled(blur, image, out)
            share = image.size / SMALL.pixels.size
            self.now += seconds * share * math.exp(self._rng.gauss(0, noise))

        return behave


@contextmanager
def simulation() -> Iterator[Clock]:
    """A simulated clock, beside which real work is small: the time that it takes is not asked for.

    The garbage collector, which is called where devices are, passes over what earlier tests left.
    """
    with pytest.MonkeyPatch.context() as patch:
        simulated = Clock()
        patch.setattr(time, "perf_counter", simulated)
        patch.setattr("blurbench.study.point.arithmetic.SIDE", 16)
        gc.freeze()
        try:
            yield simulated
        finally:
            gc.unfreeze()


@contextmanager
def world() -> Iterator[tuple[Clock, Callable[..., None]]]:
    """A simulated clock and a place to plant backends, for more than one test."""
    with simulation() as simulated, planting() as offer:
        yield simulated, offer


@pytest.fixture
def clock() -> Iterator[Clock]:
    with simulation() as simulated:
        yield simulated


class Lazy:
    """Does the work at a plan's first call, and later for as long as `honest` says."""

    def __init__(self, honest: Callable[[], bool] = lambda: False) -> None:
        self._honest = honest
        self._known: set[Plan] = set()

    def __call__(self, blur: Plan, image: Any, out: Any) -> None:
        if blur not in self._known or self._honest():
            blur(image, out)
        self._known.add(blur)


UPLOAD_S, DOWNLOAD_S, COPY_S, LAUNCH_S = 0.002, 0.001, 2e-5, 2e-5
MULTIPLY_ADDS, MULTIPLY_ADD_RATE = 1e6, 1e9


class OnDevice(np.ndarray):
    """Memory of the device; writing into it queues a copy there."""

    device: FakeDevice | None = None

    def __array_finalize__(self, parent: Any) -> None:
        self.device = getattr(parent, "device", None)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, value)
        if self.device is not None:
            self.device.queue(COPY_S)


class Event:
    """When a device comes to a place in its queue."""

    def __init__(self, at: float) -> None:
        self.at = at


class FakeHold:
    """Keeps a device's queue until then, or until it lets go: what is behind moves forward."""

    def __init__(self, device: FakeDevice, until: float) -> None:
        self._device, self._until, self._lasted = device, until, False
        self.behind: list[Event] = []

    def let_go(self) -> None:
        early = max(0.0, self._until - self._device.host_now)
        self._lasted = early > 0
        self._device.advance(early, self.behind)

    def lasted(self) -> bool:
        return self._lasted


class FakeDevice:
    """Queued work runs by itself; only waiting for it moves the host's clock."""

    name = "a fake"
    software = False
    caution: str | None = None
    cache_bytes: int | None = None
    peak_bytes_per_s: float | None = None

    def __init__(self, clock: Clock) -> None:
        self._clock, self._ready = clock, 0.0
        self.reading: Clocks | None = None
        self.arrays = 0  # that were made since the last release
        self._hold: FakeHold | None = None
        self.on_release: Callable[[], None] = lambda: None

    def queue(self, seconds: float) -> None:
        self._ready = max(self._ready, self._clock.now) + seconds

    def empty(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
        array = np.empty(shape, dtype).view(OnDevice)
        array.device = self
        self.arrays += 1
        return array

    def pinned(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
        return np.empty(shape, dtype)

    def stream(self, name: str) -> str:
        return name

    def upload(self, host: Any, device: Any, stream: Any = None) -> None:
        assert (type(host), type(device)) == (np.ndarray, OnDevice)
        np.copyto(device, host)
        self.queue(UPLOAD_S)

    def download(self, device: Any, host: Any, stream: Any = None) -> None:
        assert (type(host), type(device)) == (np.ndarray, OnDevice)
        np.copyto(host, device)
        self.queue(DOWNLOAD_S)

    def synchronize(self) -> None:
        self._clock.now = max(self._clock.now, self._ready)

    def record(self, stream: Any = None) -> Event:
        self.queue(0.0)
        event = Event(self._ready)
        if self._hold is not None:
            self._hold.behind.append(event)
        return event

    def wait(self, event: Event, stream: Any = None) -> None:
        """There is one queue, so whatever came before is done before."""

    def finish(self, event: Event) -> None:
        self._clock.now = max(self._clock.now, event.at)

    def elapsed_s(self, start: Event, stop: Event) -> float:
        self._clock.now = max(self._clock.now, stop.at)
        return stop.at - start.at

    @property
    def host_now(self) -> float:
        return self._clock.now

    def hold(self, seconds: float) -> FakeHold:
        self.queue(seconds)
        self._hold = FakeHold(self, self._ready)
        return self._hold

    def advance(self, seconds: float, events: list[Event]) -> None:
        """What was queued behind a hold runs so much earlier."""
        self._hold = None
        self._ready -= seconds
        for event in events:
            event.at -= seconds

    def copies(self) -> list[Any]:
        return [lambda source, target: target.__setitem__(..., source)]

    def carrier(self) -> Staging:
        return Staging(self)

    def capture(self, call: Any) -> Any:
        """A graph costs the host one launch, however many are in it."""

        def replay() -> None:
            launched = self._clock.now + LAUNCH_S
            call()
            self._clock.now = launched

        return replay

    def multiply_adds(self, dtype: np.dtype[Any]) -> tuple[Any, float]:
        return partial(self.queue, MULTIPLY_ADDS / MULTIPLY_ADD_RATE), MULTIPLY_ADDS

    def clocks(self) -> Clocks | None:
        return self.reading

    def release(self) -> None:
        self.arrays = 0
        self.on_release()

    def held_bytes(self) -> int:
        return 1000 * self.arrays

    def free_bytes(self) -> int:
        return 2**40

    def takes(self, seconds: float, noise: float = 0.01) -> Behaviour:
        """A right blur that takes so long on the device and is launched from the host."""
        rng = random.Random(6)

        def behave(blur: Plan, image: Any, out: Any) -> None:
            assert type(image) is OnDevice
            self._clock.now += LAUNCH_S
            recalled(blur, np.asarray(image), np.asarray(out))
            self.queue(seconds * image.size / SMALL.pixels.size * math.exp(rng.gauss(0, noise)))

        return behave

    def pretends(self) -> Behaviour:
        """Does the work at a plan's first call; later it only launches."""
        lazy = Lazy()

        def behave(blur: Plan, image: Any, out: Any) -> None:
            self._clock.now += LAUNCH_S
            self.queue(1e-7)
            lazy(blur, np.asarray(image), np.asarray(out))

        return behave


@pytest.fixture
def device(clock: Clock) -> FakeDevice:
    return FakeDevice(clock)


def gpu_of(device: FakeDevice, **behaviours: Behaviour) -> Backend:
    implementations = (planted(name, one, backend="gpu") for name, one in behaviours.items())
    return backend_of(*implementations, name="gpu", kind="gpu", open_device=lambda number: device)
