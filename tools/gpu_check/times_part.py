"""The times of one backend beside our blurs and a copy, at every point; a process's part.

Kernels are compiled first, on all CPUs, since a device that waits for a compiler tells nothing.
"""

from __future__ import annotations

import math
import time
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from blurbench.backends import gpu
from blurbench.backends.device import EventClock
from blurbench.backends.registry import find_backend, find_implementation
from blurbench.problem import Problem
from gpu_check.compiling import compile_all, to_look_into, to_race
from gpu_check.copying import COPY, copies
from gpu_check.races import (
    FAILED,
    RACED,
    Images,
    Racers,
    TimedCalls,
    Timekeeper,
    read_races,
    write_samples,
)
from gpu_check.report import text_of
from gpu_check.scale import LIBRARY, OURS, OWN_PART, Scale
from gpu_check.tensors import on_cupy

SAMPLES = "samples.csv"
COMPILING_SHARE = 1 / 3  # of a part's time, at most


def race_backend(name: str, scale: Scale, folder: Path, seconds: float, again: bool) -> None:
    """Race its exact implementations until time is up; every point is kept as it is done.

    At the sizes in between, its separable filter alone. Points that were kept already are left
    out. Where nothing can be raced any more, not even a copy, the process's context is broken:
    another process may go on.

    Args:
        again: whether a process broke already: what was compiled may have broken it.

    Raises:
        SystemExit: the context is broken.
    """
    until = time.perf_counter() + seconds
    device = gpu.open_device(0)
    ones = [on_cupy(one) for one in find_backend(name).implementations if one.exact]
    if name != OWN_PART:
        ones = [find_implementation(*ours.split(":")) for ours in OURS] + ones
    left = points_left(name, scale, folder)
    usual = [point for point in left if point[0] in scale.sizes]
    between = [point for point in left if point[0] not in scale.sizes]
    few = [one for one in ones if one.name in (*OURS, LIBRARY)]
    if not again:
        works = chain(to_race(ones, usual, scale), to_race(few, between, scale))
        compile_all(works, seconds * COMPILING_SHARE)
        device.release()  # other threads' streams keep what their plans took
    cache = device.cache_bytes or 0
    timekeeper = Timekeeper(EventClock(device, time.perf_counter), device.clocks)
    all_racers, few_racers = (
        Racers(each, copies(device), timekeeper, scale.rounds) for each in (ones, few)
    )
    images: dict[int, Images] = {}
    for size, channels in left:
        if time.perf_counter() > until:
            missing = len(points_left(name, scale, folder))
            print(f"time is up, {missing} of {len(scale.points(name))} points are left out")
            return
        problem = scale.problem(size, channels)
        try:
            if channels not in images:
                images[channels] = images_for(device, problem, cache)
        except MemoryError as error:  # the next points may do
            failed = TimedCalls(COPY, FAILED, reason=text_of(error))
            write_samples(folder / SAMPLES, name, problem, [failed])
            continue
        racers = all_racers if size in scale.sizes else few_racers
        samples = racers.at(problem, images[channels])
        write_samples(folder / SAMPLES, name, problem, samples)
        if not any(one.status == RACED for one in samples):
            raise SystemExit(f"size {size}, channels {channels}: {samples[-1].reason}")
    print(f"{len(scale.points(name)) - len(points_left(name, scale, folder))} points")


def points_left(name: str, scale: Scale, folder: Path) -> list[tuple[int, int]]:
    """Kernel size and channels of the points that were not raced yet beside a backend."""
    races = read_races(folder / SAMPLES)
    done = {(one.size, one.channels) for one in races if (one.part, one.side) == (name, scale.side)}
    return [point for point in scale.points(name) if point not in done]


def images_for(device: Any, problem: Problem, cache_bytes: int) -> Images:
    """Noise, in so many pairs that twice the cache lies between two uses of one."""
    noise = np.random.default_rng(0).random(problem.shape, np.float32)
    pairs = []
    for _ in range(1 + math.ceil(2 * cache_bytes / noise.nbytes)):
        pair = tuple(device.empty(problem.shape, problem.dtype) for _ in range(2))
        device.upload(noise, pair[0])
        pairs.append((pair[0], pair[1]))
    device.synchronize()
    return pairs


def blur_small_images(scale: Scale) -> None:
    """One call of each of our kernels, for tools that look into them."""
    cupy = import_module("cupy")
    for one, problem in to_look_into(scale):
        one.prepare(problem)(cupy.ones(problem.shape, dtype=problem.dtype.name))
    cupy.cuda.get_current_stream().synchronize()
    print("all were blurred")
