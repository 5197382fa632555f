"""A cell: an implementation prepared for a problem, with its arrays, ready to be timed."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench import host
from blurbench.backends.backend import Implementation
from blurbench.measure.clock import HostClock
from blurbench.plan import Problem, empty

Stopwatch = Callable[[int], float]  # seconds that this many calls took together

WARM_UP_S = 0.03
HEATED_S = 0.1  # calls that take longer than this hardly care for a warm cache
CACHE_BYTES = 64 * 2**20  # assumed where the system does not say


class Cell:
    """Makes the plan, calls it for the first time, warms it up.

    Args:
        images: host images of the problem's shape and dtype; more than one are rotated.

    Attributes:
        out: host array that holds the last result.
        setup_s, first_call_s: seconds of the plan's making and of its first call.
        cost_s: seconds of a warm call, end to end.
        scopes: stopwatches by scope; on a CPU `end_to_end` is what `compute` is.
        untimed_s: what a measurement takes beside the calls that it times.
        conditions: of the last measurement, as columns of its record.
    """

    def __init__(
        self, implementation: Implementation, problem: Problem, images: Sequence[NDArray[Any]]
    ) -> None:
        # Not shared between cells: what one leaves in the cache must not help another.
        self.out = empty(np, problem.shape, problem.dtype)
        self.conditions: dict[str, Any] = {}
        start = time.perf_counter()
        self._plan = implementation.prepare(problem)
        self._finish()
        self.setup_s = time.perf_counter() - start
        self.scopes = self._stopwatches(images)
        self.first_call_s = self.scopes["end_to_end"](1)
        self.cost_s = self._warm_up()
        self.untimed_s = 0.0
        if self._needs_heat(images):
            self._heat()

    def _finish(self) -> None:
        """Wait for what was begun."""

    def _stopwatches(self, images: Sequence[NDArray[Any]]) -> dict[str, Stopwatch]:
        rotation = itertools.cycle(images)

        def call() -> None:
            self._plan(next(rotation), self.out)

        return {"end_to_end": partial(HostClock().measure, call)}

    def _needs_heat(self, images: Sequence[NDArray[Any]]) -> bool:
        return len(images) == 1 and self.cost_s < HEATED_S and fits_cache(images[0])

    def _heat(self) -> None:
        """From now on an untimed call comes first: who ran before must not matter to a hot cell."""
        timed = self.scopes["end_to_end"]

        def measure(loops: int) -> float:
            timed(1)
            return timed(loops)

        self.scopes["end_to_end"] = measure
        self.untimed_s = self.cost_s

    def _warm_up(self) -> float:
        spent, best = 0.0, self.first_call_s
        if self.first_call_s > 1.0:  # too dear to call for nothing
            return best
        while spent < WARM_UP_S:
            took = self.scopes["end_to_end"](1)
            spent, best = spent + took, min(best, took)
        return best


def fits_cache(image: NDArray[Any]) -> bool:
    """Whether the last-level cache can hold the image."""
    return image.nbytes <= (host.last_level_cache() or CACHE_BYTES)


def rotation_of(image: NDArray[Any], cache: str) -> list[NDArray[Any]]:
    """Copies of the image: one (`hot`), or enough to fill the last-level cache twice (`cold`)."""
    count = 1 + (copies_beyond(host.last_level_cache(), image) if cache == "cold" else 0)
    copies = empty(np, (count, *image.shape), image.dtype)
    copies[:] = image
    return list(copies)


def copies_beyond(cache_bytes: int | None, image: NDArray[Any]) -> int:
    """How many copies of the image fill a cache twice."""
    return math.ceil(2 * (cache_bytes or CACHE_BYTES) / image.nbytes)
