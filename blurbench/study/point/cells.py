"""A cell: an implementation prepared for a problem, with its arrays, ready to be timed."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench import host
from blurbench.backends.backend import Implementation
from blurbench.measure.clock import HostClock
from blurbench.measure.sampling import Stopwatch
from blurbench.plan import empty
from blurbench.problem import Problem

WARM_UP_S = 0.03
HEATED_S = 0.1  # calls that take longer than this hardly care for a warm cache
CACHE_BYTES = 64 * 2**20  # assumed where the system does not say


@dataclass(frozen=True)
class StopwatchCost:
    """Of a stopwatch: what a call takes, and what is not timed beside it.

    Attributes:
        call_s: seconds of a warm call, as the stopwatch tells them.
        launch_s: what each call takes besides.
        untimed_s: what a measurement takes besides, however many calls it times.
    """

    call_s: float
    launch_s: float = 0.0
    untimed_s: float = 0.0

    @property
    def once_s(self) -> float:
        """What it takes to measure a single call."""
        return self.call_s + self.launch_s + self.untimed_s


class Cell:
    """Makes the plan, calls it for the first time, warms it up.

    Args:
        images: host images of the problem's shape and dtype; more than one are rotated.

    Attributes:
        out: host array that holds the last result.
        setup_s, first_call_s: seconds of the plan's making and of its first call.
        scopes: stopwatches by scope; on a CPU `end_to_end` is what `compute` is.
        costs: of the scopes.
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
        self._is_heated = False
        self.scopes = self._stopwatches(images)
        self.first_call_s = self.scopes["end_to_end"](1)
        call_s = self._warm_up()
        self._is_heated = self._needs_heat(images, call_s)
        self.costs = {
            "end_to_end": StopwatchCost(call_s, untimed_s=call_s if self._is_heated else 0.0)
        }

    @property
    def cost_s(self) -> float:
        """Seconds of a warm call, end to end."""
        return self.costs["end_to_end"].call_s

    def _finish(self) -> None:
        """Wait for what was begun."""

    def _stopwatches(self, images: Sequence[NDArray[Any]]) -> dict[str, Stopwatch]:
        rotation = itertools.cycle(images)

        def call() -> None:
            self._plan(next(rotation), self.out)

        return {"end_to_end": self._heated(partial(HostClock().measure, call))}

    def _needs_heat(self, images: Sequence[NDArray[Any]], call_s: float) -> bool:
        return len(images) == 1 and call_s < HEATED_S and fits_cache(images[0])

    def _heated(self, watch: Stopwatch) -> Stopwatch:
        """Once the cell is warm, an untimed call comes first: who ran before must not matter."""

        def measure(loops: int) -> float:
            if self._is_heated:
                watch(1)
            return watch(loops)

        return measure

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
