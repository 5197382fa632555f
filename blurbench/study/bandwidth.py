"""The yardstick: what a plain copy of such an image takes on this machine."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench.backends.gpu import Device, EventClock
from blurbench.measure.clock import Call, Clock, HostClock

SAMPLES = 7
SAMPLE_S = 0.005
LEAST_S = 1e-7  # no copy is taken for shorter


@dataclass(frozen=True)
class CopySpeed:
    """Seconds of one copy: the median, and the best, beyond which a blur is not believed."""

    median_s: float
    best_s: float


def measure_copy(images: Sequence[NDArray[Any]], threads: int) -> CopySpeed:
    """Copies of the images in turn; by one thread or by all, whichever is faster here."""
    out = np.empty_like(images[0])
    rotation = itertools.cycle(images)
    with ThreadPoolExecutor(threads) as pool:
        bounds = np.linspace(0, len(out), threads + 1, dtype=int)
        parts = [slice(a, b) for a, b in itertools.pairwise(bounds)]

        def together() -> None:
            source = next(rotation)
            list(pool.map(lambda part: np.copyto(out[part], source[part]), parts))

        speeds = [_speed(HostClock(), lambda: np.copyto(out, next(rotation)))]
        if threads > 1:
            speeds.append(_speed(HostClock(), together))
    return min(speeds, key=lambda speed: speed.median_s)


def measure_device_copy(images: Sequence[NDArray[Any]], device: Device) -> CopySpeed:
    """Copies inside the device's memory, by its events."""
    there = [device.empty(image.shape, image.dtype) for image in images]
    for source, target in zip(images, there, strict=True):
        device.upload(source, target)
    out, rotation = device.empty(images[0].shape, images[0].dtype), itertools.cycle(there)

    def copy() -> None:
        out[...] = next(rotation)

    return _speed(EventClock(device, time.perf_counter), copy)


def _speed(clock: Clock, copy: Call) -> CopySpeed:
    once = partial(clock.measure, copy)
    loops = max(1, int(SAMPLE_S / max(min(once(1) for _ in range(3)), LEAST_S)))
    times = [once(loops) / loops for _ in range(SAMPLES)]
    return CopySpeed(median(times), min(times))
