"""The yardstick: what a plain copy of such an image takes on this machine."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench.backends.device import Copy, EventClock
from blurbench.measure.clock import Call, Clock, HostClock
from blurbench.study.point.device_cells import DevicePlace

SAMPLES = 7
SAMPLE_S = 0.005
TRIES = 3  # of which the least tells
LEAST_S = 1e-7  # no copy is taken for shorter


@dataclass(frozen=True)
class CopySample:
    """`loops` copies by so many threads took `elapsed_s` together."""

    threads: int
    loops: int
    elapsed_s: float


def time_copies(
    images: Sequence[NDArray[Any]], threads: int, done: Callable[[int], int]
) -> Iterator[CopySample]:
    """Copies of the images in turn, by one thread and by all; the faster is the yardstick.

    Args:
        done: how many samples there are already, by threads.
    """
    out = np.empty_like(images[0])
    rotation = itertools.cycle(images)
    yield from _samples(HostClock(), lambda: np.copyto(out, next(rotation)), 1, done(1))
    if threads == 1:
        return
    with ThreadPoolExecutor(threads) as pool:
        bounds = np.linspace(0, len(out), threads + 1, dtype=int)
        parts = [slice(a, b) for a, b in itertools.pairwise(bounds)]

        def together() -> None:
            source = next(rotation)
            list(pool.map(lambda part: np.copyto(out[part], source[part]), parts))

        yield from _samples(HostClock(), together, threads, done(threads))


def time_device_copies(place: DevicePlace, done: int) -> Iterator[CopySample]:
    """Copies inside the device's memory, by its events, in the way that is fastest there."""
    if done >= SAMPLES:
        return
    clock, rotation = EventClock(place.device, time.perf_counter), itertools.cycle(place.pairs)

    def in_turn(way: Copy) -> None:
        way(*next(rotation))

    copies = [partial(in_turn, way) for way in place.device.copies()]
    yield from _samples(clock, min(copies, key=partial(_copy_seconds, clock)), 1, done)


def _copy_seconds(clock: Clock, copy: Call) -> float:
    """Of one copy, at best."""
    loops = _loops(clock, copy)
    return min(clock.measure(copy, loops) for _ in range(TRIES)) / loops


def _loops(clock: Clock, copy: Call) -> int:
    once_s = min(clock.measure(copy, 1) for _ in range(TRIES))
    return max(1, int(SAMPLE_S / max(once_s, LEAST_S)))


def _samples(clock: Clock, copy: Call, threads: int, done: int) -> Iterator[CopySample]:
    if done >= SAMPLES:
        return
    loops = _loops(clock, copy)
    for _ in range(done, SAMPLES):
        yield CopySample(threads, loops, clock.measure(copy, loops))
