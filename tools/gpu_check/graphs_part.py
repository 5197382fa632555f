"""A small image from a CUDA graph, against the replay of an empty kernel; a process's part."""

from __future__ import annotations

import contextlib
import json
import time
from importlib import import_module
from pathlib import Path
from typing import Any

from blurbench.backends import gpu
from blurbench.backends.device import EventClock
from blurbench.backends.registry import find_implementation
from gpu_check.races import Call, Timekeeper, medians, race, rotating
from gpu_check.scale import OWN, Scale
from gpu_check.times_part import images_for

GRAPHS = "graphs.json"
FLOOR = "an empty kernel"
SIDE, SIZES = 512, (3, 7, 15)


def replay_graphs(scale: Scale, folder: Path) -> None:
    """Seconds of a replay, by kernel size, and of one of an empty kernel."""
    cupy, device = import_module("cupy"), gpu.open_device(0)
    nothing = cupy.RawKernel('extern "C" __global__ void nothing() {}', "nothing")
    works: dict[str, Call] = {FLOOR: lambda: nothing((1,), (1,), ())}
    side = min(SIDE, scale.side)
    for size in SIZES:
        problem = scale.problem(size, 1, side)
        plan = find_implementation(*OWN.split(":")).prepare(problem)
        works[f"{side}x{side}, size {size}"] = rotating(plan, images_for(device, problem, 0))
    stream = cupy.cuda.get_current_stream()
    # A graph does not keep alive what it works on; `works` does.
    replays = {name: captured(stream, work) for name, work in works.items()}
    timekeeper = Timekeeper(EventClock(device, time.perf_counter))
    found = medians(race(replays, timekeeper, scale.rounds))
    (folder / GRAPHS).write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    print(f"{len(found)} graphs")


def captured(stream: Any, call: Call) -> Call:
    """What replays the work of a call on the stream."""
    call()  # allocates and compiles beforehand
    stream.synchronize()
    stream.begin_capture()
    try:
        call()
    except Exception:
        with contextlib.suppress(Exception):  # the capture is void
            stream.end_capture()
        raise
    graph = stream.end_capture()
    return lambda: graph.launch(stream)
