"""A cell: an implementation prepared for a problem, with its arrays, ready to be timed."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench import host
from blurbench.backends.backend import Implementation
from blurbench.backends.gpu import Device, EventClock
from blurbench.measure.clock import HostClock
from blurbench.plan import Problem, empty

Stopwatch = Callable[[int], float]  # seconds that this many calls took together

WARM_UP_S = 0.03
SMALLEST_CROP = 8
PREDICTION_S = 0.005
STALLED = 3.0  # times what the crop before lets expect
HEATED_S = 0.1  # calls that take longer than this hardly care for a warm cache
CACHE_BYTES = 64 * 2**20  # assumed where the system does not say


class Cell:
    """Makes the plan, calls it for the first time, warms it up.

    Args:
        images: host images of the problem's shape and dtype; more than one are rotated.
        device: where a GPU implementation runs; None on a CPU.

    Attributes:
        out: host array that holds the last result.
        setup_s, first_call_s: seconds of the plan's making and of its first call.
        cost_s: seconds of a warm call, end to end.
        scopes: stopwatches by scope; on a CPU `end_to_end` is what `compute` is.
        untimed_s: what a measurement takes beside the calls that it times.
    """

    def __init__(
        self,
        implementation: Implementation,
        problem: Problem,
        images: Sequence[NDArray[Any]],
        device: Device | None = None,
    ) -> None:
        # Not shared between cells: what one leaves in the cache must not help another.
        self.out = empty(np, problem.shape, problem.dtype)
        start = time.perf_counter()
        self._plan = implementation.prepare(problem)
        if device is not None:
            device.synchronize()
        self.setup_s = time.perf_counter() - start
        rotation = itertools.cycle(images)
        if device is None:
            self._on_host(rotation)
        else:
            self._on_device(rotation, images, device)
        self.first_call_s = self.scopes["end_to_end"](1)
        self.cost_s = self._warm_up()
        self.untimed_s = 0.0
        heated = self.cost_s < HEATED_S and fits_cache(images[0])
        if device is None and len(images) == 1 and heated:
            self._heat()

    def _on_host(self, rotation: Any) -> None:
        def call() -> None:
            self._plan(next(rotation), self.out)

        self.scopes: dict[str, Stopwatch] = {"end_to_end": partial(HostClock().measure, call)}

    def _heat(self) -> None:
        """From now on an untimed call comes first: who ran before must not matter to a hot cell."""
        timed = self.scopes["end_to_end"]

        def measure(loops: int) -> float:
            timed(1)
            return timed(loops)

        self.scopes["end_to_end"] = measure
        self.untimed_s = self.cost_s

    def _on_device(self, rotation: Any, images: Sequence[NDArray[Any]], device: Device) -> None:
        problem = self._plan.problem
        there = [device.empty(problem.shape, problem.dtype) for _ in images]
        result = device.empty(problem.shape, problem.dtype)
        for source, target in zip(images, there, strict=True):
            device.upload(source, target)
        inputs = itertools.cycle(there)
        host_clock = HostClock(finish=device.synchronize)

        def upload() -> None:
            device.upload(next(rotation), there[0])

        def compute() -> None:
            self._plan(next(inputs), result)

        def download() -> None:
            device.download(result, self.out)

        def end_to_end() -> None:
            upload()
            self._plan(there[0], result)
            download()

        self.scopes = {
            "end_to_end": partial(host_clock.measure, end_to_end),
            "compute": partial(EventClock(device, time.perf_counter).measure, compute),
            "upload": partial(host_clock.measure, upload),
            "download": partial(host_clock.measure, download),
        }

    def _warm_up(self) -> float:
        spent, best = 0.0, self.first_call_s
        if self.first_call_s > 1.0:  # too dear to call for nothing
            return best
        while spent < WARM_UP_S:
            took = self.scopes["end_to_end"](1)
            spent, best = spent + took, min(best, took)
        return best


def predict_seconds(
    implementation: Implementation,
    problem: Problem,
    image: NDArray[Any],
    device: Device | None = None,
) -> float:
    """What one call on the image will take, from crops that grow until one takes long enough."""
    side, rate = SMALLEST_CROP, math.inf
    while True:
        crop = np.ascontiguousarray(image[:side, :side])
        small = replace(problem, shape=crop.shape)
        plan = implementation.prepare(small)
        watch = _crop_stopwatch(plan, crop, device)
        operations = implementation.operations(small)
        if side == SMALLEST_CROP and implementation.compiles:
            watch(1)
        took = watch(1)
        # A first call may be slow, and a stall of the machine is no fault of the implementation.
        if took < PREDICTION_S or took > STALLED * rate * operations:
            took = min(took, watch(1))
        rate = took / operations
        if took >= PREDICTION_S or crop.shape == problem.shape:
            return rate * implementation.operations(problem)
        side *= 2


def smallest_operations(implementation: Implementation, problem: Problem) -> float:
    """Multiply-adds of the first crop that `predict_seconds` tries."""
    sides = tuple(min(SMALLEST_CROP, side) for side in problem.shape[:2])
    return implementation.operations(replace(problem, shape=sides + problem.shape[2:]))


def _crop_stopwatch(plan: Any, crop: NDArray[Any], device: Device | None) -> Stopwatch:
    if device is None:
        return partial(HostClock().measure, lambda: plan(crop))
    there = device.empty(crop.shape, crop.dtype)
    device.upload(crop, there)
    return partial(HostClock(finish=device.synchronize).measure, lambda: plan(there))


def fits_cache(image: NDArray[Any]) -> bool:
    """Whether the last-level cache can hold the image."""
    return image.nbytes <= (host.last_level_cache() or CACHE_BYTES)


def rotation_of(image: NDArray[Any], cache: str) -> list[NDArray[Any]]:
    """Copies of the image: one (`hot`), or enough to fill the last-level cache twice (`cold`)."""
    count = 1
    if cache == "cold":
        count += math.ceil(2 * (host.last_level_cache() or CACHE_BYTES) / image.nbytes)
    copies = empty(np, (count, *image.shape), image.dtype)
    copies[:] = image
    return list(copies)
