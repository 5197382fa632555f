"""Our event times against CuPy's own benchmark and the wall clock; a process's part."""

from __future__ import annotations

import json
import math
import time
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from blurbench.backends import gpu
from blurbench.backends.device import EventClock
from blurbench.backends.registry import find_implementation
from gpu_check.races import Call, rotating
from gpu_check.scale import CHANNELS, Scale
from gpu_check.times_part import images_for

CLOCKS = "clocks.json"
SIZE, CALLS, WALL_S, TURNS = 63, 20, 0.4, 5


def compare_clocks(names: list[str], scale: Scale, folder: Path) -> None:
    """Seconds of a call of each implementation, by clock; each is kept as it is done."""
    device = gpu.open_device(0)
    clock = EventClock(device, time.perf_counter)
    problem = scale.problem(min(SIZE, max(scale.sizes)), CHANNELS[-1])
    images = images_for(device, problem, 0)
    found = {}
    for name in names:
        call = rotating(find_implementation(*name.split(":")).prepare(problem), images)
        found[name] = three_clocks(device, clock, call)
        (folder / CLOCKS).write_text(json.dumps(found, indent=1) + "\n", "utf-8")
        print(f"{name} by three clocks")


def three_clocks(device: Any, clock: EventClock, call: Call) -> dict[str, float]:
    """Seconds of a call by our events, by CuPy's benchmark and by the wall clock."""
    benchmark = import_module("cupyx.profiler").benchmark

    def batch() -> None:
        for _ in range(CALLS):
            call()

    def wall() -> float:
        calls = max(CALLS, math.ceil(WALL_S / ours[0]))
        device.synchronize()
        start = time.perf_counter()
        for _ in range(calls):
            call()
        device.synchronize()
        return (time.perf_counter() - start) / calls

    clock.measure(call, CALLS)
    ours: list[float] = []
    theirs: list[float] = []
    walls: list[float] = []
    for _ in range(TURNS):
        ours.append(clock.measure(call, CALLS) / CALLS)
        result = benchmark(batch, n_repeat=5, n_warmup=1)
        theirs.append(float(np.median(result.gpu_times[0])) / CALLS)
        walls.append(wall())
    return {"events": median(ours), "benchmark": median(theirs), "wall": median(walls)}
