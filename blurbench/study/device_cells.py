"""A cell on a device: what it times of an image's way there, through a plan and back."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench.backends.backend import Implementation
from blurbench.backends.device import Call, Device, EventClock, LaunchClock
from blurbench.measure.clock import HostClock
from blurbench.plan import Problem
from blurbench.study.cells import Cell, Stopwatch, copies_beyond
from blurbench.study.pipeline import Pipeline


@dataclass(frozen=True)
class Place:
    """A device, and copies of the image that lie there; more than one are rotated."""

    device: Device
    images: list[Any]

    @property
    def least_bytes(self) -> float:
        """What a call must move between memory and cache, however the cache is used.

        The images in turn and one result; what the cache holds of them need not move.
        """
        if self.device.cache_bytes is None:
            return 0.0
        count, each = len(self.images), self.images[0].nbytes
        return float(max(0, (count + 1) * each - self.device.cache_bytes) / count)


def place_on(device: Device, image: NDArray[Any], cache: str) -> Place:
    """The image on the device: once (`hot`), or often enough to fill its cache twice (`cold`).

    The copies take at most half of the memory that is free.
    """
    count = 1
    if cache == "cold":
        room = device.free_bytes() // 2 // image.nbytes
        count += min(copies_beyond(device.cache_bytes, image), room)
    there = [device.empty(image.shape, image.dtype) for _ in range(count)]
    for target in there:
        device.upload(image, target)
    device.synchronize()
    return Place(device, there)


class DeviceCell(Cell):
    """Also has a `compute` that can be raced, and scopes that are measured `alone`.

    Ordinary (pageable) host memory is meant where a scope does not say `pinned`.
    """

    def __init__(
        self,
        implementation: Implementation,
        problem: Problem,
        images: Sequence[NDArray[Any]],
        place: Place,
    ) -> None:
        self._device, self._place = place.device, place
        super().__init__(implementation, problem, images)

    def _finish(self) -> None:
        self._device.synchronize()

    def _needs_heat(self, images: Sequence[NDArray[Any]]) -> bool:
        return False

    def _stopwatches(self, images: Sequence[NDArray[Any]]) -> dict[str, Stopwatch]:
        self._rotation, self._inputs = itertools.cycle(images), itertools.cycle(self._place.images)
        self._landing, self._result = self._empty(), self._empty()
        event_clock = EventClock(self._device, time.perf_counter)
        return {
            "end_to_end": self._observed(self._until_done(self._end_to_end)),
            "compute": self._observed(partial(event_clock.measure, self._compute)),
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

    def _empty(self) -> Any:
        return self._device.empty(self._plan.problem.shape, self._plan.problem.dtype)

    def _pinned(self) -> NDArray[Any]:
        return self._device.pinned(self._plan.problem.shape, self._plan.problem.dtype)

    def _until_done(self, call: Call) -> Stopwatch:
        return partial(HostClock(finish=self._device.synchronize).measure, call)

    def _observed(self, watch: Stopwatch) -> Stopwatch:
        """Reads the device's clocks before and after."""

        def measure(loops: int) -> float:
            before = self._device.clocks()
            elapsed = watch(loops)
            after = self._device.clocks()
            self.conditions = {}
            if before is not None and after is not None:
                self.conditions = {
                    "clock_before_mhz": before.mhz,
                    "clock_after_mhz": after.mhz,
                    "throttled": before.throttled or after.throttled,
                }
            return elapsed

        return measure

    def _upload(self) -> None:
        self._device.upload(next(self._rotation), self._landing)

    def _compute(self) -> None:
        self._plan(next(self._inputs), self._result)

    def _download(self) -> None:
        self._device.download(self._result, self.out)

    def _end_to_end(self) -> None:
        self._upload()
        self._plan(self._landing, self._result)
        self._download()

    def _upload_pinned(self) -> Stopwatch:
        source = self._pinned()
        source[...] = next(self._rotation)
        return self._until_done(lambda: self._device.upload(source, self._landing))

    def _download_pinned(self) -> Stopwatch:
        target = self._pinned()
        return self._until_done(lambda: self._device.download(self._result, target))

    def _pipelined(self) -> Stopwatch:
        run = Pipeline(self._device, self._plan, next(self._rotation)).run
        clock = HostClock(finish=self._device.synchronize)
        return lambda images: clock.measure(partial(run, images), 1)

    def _launch(self) -> Stopwatch:
        return partial(LaunchClock(self._device, time.perf_counter).measure, self._compute)

    def _graph(self) -> Stopwatch | None:
        if len(self._place.images) > 1:  # a graph holds the address of its image
            return None
        replay = self._device.capture(self._compute)
        if replay is None or not self._blurs(replay):
            return None
        return partial(EventClock(self._device, time.perf_counter).measure, replay)

    def _blurs(self, replay: Call) -> bool:
        """Whether a graph does the work: what went to another stream was not captured."""
        self._end_to_end()
        self._device.upload(np.zeros_like(self.out), self._result)
        replay()
        again = np.empty_like(self.out)
        self._device.download(self._result, again)
        self._device.synchronize()
        return np.allclose(again, self.out, rtol=1e-5, atol=1e-5 * float(abs(self.out).max()))
