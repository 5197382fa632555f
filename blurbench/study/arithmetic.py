"""The other yardstick: how many multiply-adds a second this machine can do at all."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from blurbench import host
from blurbench.backends.device import Device, EventClock
from blurbench.measure.clock import HostClock

SAMPLES = 11
SIDE = 512  # of the matrices, for one thread
SAMPLE_S = 0.005  # least duration of a sample on a device


@dataclass(frozen=True)
class Arithmetic:
    """`loops` calls of so many multiply-adds each took `elapsed_s` together."""

    multiply_adds: float
    loops: int
    elapsed_s: float


def time_host(dtype: np.dtype[Any], threads: int, done: int) -> list[Arithmetic]:
    """Products of square matrices by the BLAS library: nothing on a CPU multiplies and adds faster.

    Args:
        dtype: float32 or float64.
        done: how many samples there are already.
    """
    side = int(SIDE * math.sqrt(min(threads, host.usable_cpus())))
    first, second, out = (np.full((side, side), 0.5, dtype) for _ in range(3))
    once = partial(HostClock().measure, lambda: np.matmul(first, second, out=out), 1)
    if done < SAMPLES:
        once()  # wakes the library's threads
    return [Arithmetic(float(side) ** 3, 1, once()) for _ in range(done, SAMPLES)]


def time_device(device: Device, dtype: np.dtype[Any], done: int) -> list[Arithmetic]:
    """Kernels that do nothing else, by the device's events; arguments as above."""
    if done >= SAMPLES:
        return []
    call, number = device.multiply_adds(dtype)
    clock = EventClock(device, time.perf_counter)
    loops = max(1, int(SAMPLE_S / max(clock.measure(call, 1), 1e-6)))
    return [Arithmetic(number, loops, clock.measure(call, loops)) for _ in range(done, SAMPLES)]
