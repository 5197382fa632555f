"""How fast this machine copies: what a plain copy of such an image takes."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench.backends.device import Copy, EventClock
from blurbench.measure.clock import HostClock
from blurbench.measure.sampling import Stopwatch, Timed, calibrated, samples, shortest
from blurbench.study.point.device_cells import DevicePlace

SAMPLES = 7
SAMPLE_S = 0.005
TRIES = 3  # of which the least tells


def time_copies(
    images: Sequence[NDArray[Any]], threads: int, done: Callable[[int], int]
) -> Iterator[tuple[int, Timed]]:
    """Copies of the images in turn, by one thread and by all, with the number of threads.

    The faster way is how fast the machine copies.

    Args:
        done: how many samples there are already, by threads.
    """
    out = np.empty_like(images[0])
    rotation = itertools.cycle(images)
    clock = HostClock()

    def alone() -> None:
        np.copyto(out, next(rotation))

    yield from ((1, one) for one in _samples(partial(clock.measure, alone), done(1)))
    if threads == 1:
        return
    with ThreadPoolExecutor(threads) as pool:
        bounds = np.linspace(0, len(out), threads + 1, dtype=int)
        parts = [slice(a, b) for a, b in itertools.pairwise(bounds)]

        def together() -> None:
            source = next(rotation)
            list(pool.map(lambda part: np.copyto(out[part], source[part]), parts))

        watch = partial(clock.measure, together)
        yield from ((threads, one) for one in _samples(watch, done(threads)))


def time_device_copies(there: DevicePlace, done: int) -> Iterator[Timed]:
    """Copies inside the device's memory, by its events, in the way that is fastest there."""
    if done >= SAMPLES:
        return
    clock, rotation = EventClock(there.device, time.perf_counter), itertools.cycle(there.pairs)

    def in_turn(way: Copy) -> None:
        way(*next(rotation))

    copies = [partial(clock.measure, partial(in_turn, way)) for way in there.device.copies()]
    yield from _samples(min(copies, key=_copy_seconds), done)


def _copy_seconds(watch: Stopwatch) -> float:
    """Of one copy, at best."""
    return shortest(watch, TRIES, calibrated(watch, SAMPLE_S, TRIES))


def _samples(watch: Stopwatch, done: int) -> Iterator[Timed]:
    if done < SAMPLES:
        yield from samples(watch, calibrated(watch, SAMPLE_S, TRIES), SAMPLES - done)
