"""A cell on a device: what it times of an image's way there, through a plan and back."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench.backends.backend import Implementation
from blurbench.backends.device import Call, Device, EventClock, LaunchClock
from blurbench.measure.clock import HostClock
from blurbench.measure.sampling import SHORTEST_S, Stopwatch, shortest
from blurbench.problem import Problem
from blurbench.study.point.cells import HEATED_S, Cell, StopwatchCost, copies_beyond
from blurbench.study.point.pipeline import Pipeline

TRIES = 3  # of which the least is taken: the host may stall in one


class DevicePlace:
    """What the cells on a device share: the images that they read, and where they write.

    Attributes:
        images: copies of the image; more than one are rotated.
        results: where their blurs go, one for each.
        landing: where an image arrives that is uploaded.
        carrier: the way there and back that `gaussian_blur` takes.
    """

    def __init__(self, device: Device, images: Sequence[Any]) -> None:
        self.device, self.images = device, list(images)
        first = self.images[0]
        self.results = [device.empty(first.shape, first.dtype) for _ in self.images]
        self.landing = device.empty(first.shape, first.dtype)
        self.carrier = device.carrier()

    @property
    def pairs(self) -> list[tuple[Any, Any]]:
        """Each image with the place of its blur."""
        return list(zip(self.images, self.results, strict=True))

    @property
    def least_bytes(self) -> float:
        """What a call must move between memory and cache, however the cache is used.

        Images and results in turn; what the cache holds of them need not move.
        """
        if self.device.cache_bytes is None:
            return 0.0
        count, each = len(self.images), self.images[0].nbytes
        return float(max(0, 2 * count * each - self.device.cache_bytes) / count)


def place_on(device: Device, image: NDArray[Any], cache: str) -> DevicePlace:
    """The image on the device: once (`hot`), or often enough to fill its cache twice (`cold`).

    The copies and their blurs take at most half of the memory that is free.
    """
    count = 1
    if cache == "cold":
        room = device.free_bytes() // 2 // (2 * image.nbytes)
        count += min(copies_beyond(device.cache_bytes, image), room)
    there = [device.empty(image.shape, image.dtype) for _ in range(count)]
    for target in there:
        device.upload(image, target)
    device.synchronize()
    return DevicePlace(device, there)


class DeviceCell(Cell):
    """Also has a `compute` that can be raced, and scopes that are measured `alone`.

    Ordinary (pageable) host memory is meant where a scope does not say `pinned`.
    """

    def __init__(
        self,
        implementation: Implementation,
        problem: Problem,
        images: Sequence[NDArray[Any]],
        there: DevicePlace,
    ) -> None:
        self._device, self._there = there.device, there
        super().__init__(implementation, problem, images)
        self.costs["compute"] = self._cost_of_compute()
        there_and_back = self.costs["end_to_end"]
        untimed_s = there_and_back.untimed_s + self._reading_s()
        self.costs["end_to_end"] = replace(there_and_back, untimed_s=untimed_s)

    def _finish(self) -> None:
        self._device.synchronize()

    def _needs_heat(self, images: Sequence[NDArray[Any]], call_s: float) -> bool:
        return call_s < HEATED_S  # the device and the way there idle while others run

    def _cost_of_compute(self) -> StopwatchCost:
        """Of a dear call the first tells all: beside it the rest is nothing."""
        watch = self.scopes["compute"]
        call_s = max(SHORTEST_S, watch(1))
        if call_s >= HEATED_S:
            return StopwatchCost(call_s, untimed_s=call_s)

        def once() -> tuple[float, float]:
            began = time.perf_counter()
            timed_s = watch(1)
            return timed_s, time.perf_counter() - began - timed_s

        launch = self._launch()
        launch_s = shortest(launch, TRIES)
        timed, besides = zip(*(once() for _ in range(TRIES)), strict=True)
        return StopwatchCost(
            max(SHORTEST_S, min(timed)), launch_s, max(0.0, min(besides) - launch_s)
        )

    def _reading_s(self) -> float:
        """What reading the device's clocks takes, before and after a measurement."""
        began = time.perf_counter()
        self._device.clocks()
        return 2 * (time.perf_counter() - began)

    def _stopwatches(self, images: Sequence[NDArray[Any]]) -> dict[str, Stopwatch]:
        self._rotation, self._pairs = itertools.cycle(images), itertools.cycle(self._there.pairs)
        self._landing, self._result = self._there.landing, self._there.results[0]
        return {
            "end_to_end": self._observed(self._heated(self._until_done(self._end_to_end))),
            "compute": self._observed(self._by_events(self._compute)),
        }

    def alone(self, scope: str) -> Stopwatch | None:
        """The stopwatch of a scope that competes with nothing; None where it cannot be had."""
        watch = {
            "upload": lambda: self._until_done(self._upload),
            "download": lambda: self._until_done(self._download),
            "upload_pinned": self._upload_pinned,
            "download_pinned": self._download_pinned,
            "end_to_end_pipelined": self._pipelined,
            "launch": self._launch,
            "compute_graph": self._graph,
        }[scope]()
        return None if watch is None else self._observed(watch)

    def _pinned(self) -> NDArray[Any] | None:
        return self._device.pinned(self._plan.problem.shape, self._plan.problem.dtype)

    def _until_done(self, call: Call) -> Stopwatch:
        return partial(HostClock(finish=self._device.synchronize).measure, call)

    def _by_events(self, call: Call) -> Stopwatch:
        """By the device's events; tells whether it waited for the host."""
        clock = EventClock(self._device, time.perf_counter)

        def measure(loops: int) -> float:
            elapsed = clock.measure(call, loops)
            self.conditions["stalled"] = clock.stalled
            return elapsed

        return measure

    def _observed(self, watch: Stopwatch) -> Stopwatch:
        """Reads the device's clocks before and after."""

        def measure(loops: int) -> float:
            before, self.conditions = self._device.clocks(), {}
            elapsed = watch(loops)
            after = self._device.clocks()
            if before is not None and after is not None:
                self.conditions |= {
                    "clock_before_mhz": before.mhz,
                    "clock_after_mhz": after.mhz,
                    "throttled": before.throttled or after.throttled,
                }
            return elapsed

        return measure

    def _upload(self) -> None:
        self._device.upload(next(self._rotation), self._landing)

    def _compute(self) -> None:
        image, result = next(self._pairs)
        self._plan(image, result)

    def _download(self) -> None:
        self._device.download(self._result, self.out)

    def _end_to_end(self) -> None:
        between = self._landing, self._result
        self._there.carrier.blur(self._plan, next(self._rotation), self.out, between)

    def _upload_pinned(self) -> Stopwatch | None:
        source = self._pinned()
        if source is None:
            return None
        source[...] = next(self._rotation)
        return self._until_done(lambda: self._device.upload(source, self._landing))

    def _download_pinned(self) -> Stopwatch | None:
        target = self._pinned()
        if target is None:
            return None
        return self._until_done(lambda: self._device.download(self._result, target))

    def _pipelined(self) -> Stopwatch:
        run = Pipeline(self._device, self._plan, next(self._rotation)).run
        clock = HostClock(finish=self._device.synchronize)
        return lambda images: clock.measure(partial(run, images), 1)

    def _launch(self) -> Stopwatch:
        return partial(LaunchClock(self._device, time.perf_counter).measure, self._compute)

    def _graph(self) -> Stopwatch | None:
        if len(self._there.images) > 1:  # a graph holds the address of its image
            return None
        replay = self._device.capture(self._compute)
        if replay is None or not self._blurs(replay):
            return None
        return self._by_events(replay)

    def _blurs(self, replay: Call) -> bool:
        """Whether a graph does the work: what went to another stream was not captured."""
        self._end_to_end()
        self._device.upload(np.zeros_like(self.out), self._result)
        replay()
        again = np.empty_like(self.out)
        self._device.download(self._result, again)
        self._device.synchronize()
        return np.allclose(again, self.out, rtol=1e-5, atol=1e-5 * float(abs(self.out).max()))
