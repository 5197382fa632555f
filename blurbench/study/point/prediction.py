"""What a call will take, learnt on crops of the image."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench.backends.backend import Implementation
from blurbench.backends.device import Device
from blurbench.measure.clock import HostClock
from blurbench.measure.sampling import Stopwatch
from blurbench.plan import Plan
from blurbench.problem import Problem

SMALLEST_CROP = 8
PREDICTION_S = 0.005
STALLED = 3.0  # times what the crop before lets expect
SCALING = 2.0  # times the crop before, which has a quarter of the pixels: else it is overhead
CLEAR_S = 0.05  # no overhead takes so long,
LOADING_S = 1.0  # but a first call may, of what a library loads only then


@dataclass(frozen=True)
class Prediction:
    """Of one call on the image.

    Attributes:
        seconds: that it will take, once warm.
        compilation_s: by how much making and calling a plan for the first time took longer than
            for the second, on crops so small that the blur itself is nothing; None where nothing
            is compiled.
    """

    seconds: float
    compilation_s: float | None


def predict(
    implementation: Implementation,
    problem: Problem,
    image: NDArray[Any],
    device: Device | None = None,
) -> Prediction:
    """What one call on the image will take, from crops that grow until one takes long enough.

    It must also take longer than the crop before: a small one may only cost launches, or the
    waking of threads.
    """
    smallest = _smallest_crop(implementation, problem)
    compilation_s = None
    if device is not None or implementation.compiles:
        crop = _crop(image, smallest)
        # The second time is what it costs without compiling.
        compilation_s = _from_scratch(implementation, problem, crop, device)
        compilation_s -= _from_scratch(implementation, problem, crop, device)
    side, rate, before = smallest, math.inf, math.inf
    while True:
        crop = _crop(image, side)
        small = replace(problem, shape=crop.shape)
        watch = _stopwatch(implementation.prepare(small), crop, device)
        effort = implementation.effort(small)
        took = watch(1)
        # A first call may be slow, and a stall of the machine is no fault of the implementation.
        short = LOADING_S if side == smallest else PREDICTION_S
        if took < short or took > STALLED * rate * effort:
            again = watch(1)
            if compilation_s is not None:  # a larger crop may need other code
                compilation_s += max(0.0, took - again)
            took = min(took, again)
        rate = took / effort
        is_work = took >= min(CLEAR_S, max(PREDICTION_S, SCALING * before))
        if is_work or crop.shape == problem.shape:
            return Prediction(rate * implementation.effort(problem), compilation_s)
        side, before = 2 * side, took


def smallest_effort(implementation: Implementation, problem: Problem) -> float:
    """Effort of the first crop that `predict` tries."""
    smallest = _smallest_crop(implementation, problem)
    sides = tuple(min(smallest, side) for side in problem.shape[:2])
    return implementation.effort(replace(problem, shape=sides + problem.shape[2:]))


def _smallest_crop(implementation: Implementation, problem: Problem) -> int:
    """The side of the first crop; a person's own blur may not do kernels larger than the image."""
    return SMALLEST_CROP if implementation.counted else max(SMALLEST_CROP, 2 * problem.kernel.size)


def _crop(image: NDArray[Any], side: int) -> NDArray[Any]:
    return np.ascontiguousarray(image[:side, :side])


def _from_scratch(
    implementation: Implementation, problem: Problem, crop: NDArray[Any], device: Device | None
) -> float:
    """Seconds of making a plan and calling it once."""
    start = time.perf_counter()
    plan = implementation.prepare(replace(problem, shape=crop.shape))
    made_s = time.perf_counter() - start
    return made_s + _stopwatch(plan, crop, device)(1)


def _stopwatch(plan: Plan, crop: NDArray[Any], device: Device | None) -> Stopwatch:
    if device is None:
        return partial(HostClock().measure, lambda: plan(crop))
    there = device.empty(crop.shape, crop.dtype)
    device.upload(crop, there)
    return partial(HostClock(finish=device.synchronize).measure, lambda: plan(there))
