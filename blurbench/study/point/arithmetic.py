"""How fast this machine multiplies: the multiply-adds a second that it can do at all."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench import host
from blurbench.backends.device import Device, EventClock
from blurbench.measure.clock import HostClock
from blurbench.measure.sampling import Timed, calibrated, samples
from blurbench.measure.threads import limit_threads
from blurbench.methods.parallel import run_in_threads

SAMPLES = 11
SIDE = 512  # of the matrices
SAMPLE_S = 0.005  # least duration of a sample on a device


Work = tuple[float, Timed]  # the multiply-adds of a call, and a sample of such calls


def time_host(dtype: np.dtype[Any], threads: int, done: int) -> list[Work]:
    """Products of square matrices by the BLAS library: nothing on a CPU multiplies and adds faster.

    Args:
        dtype: float32 or float64.
        done: how many samples there are already.
    """
    shares = [
        tuple(np.full((SIDE, SIDE), 0.5, dtype) for _ in range(3))
        for _ in range(min(threads, host.usable_cpus()))
    ]
    watch = partial(HostClock().measure, lambda: run_in_threads(_multiply, shares))
    multiply_adds = float(SIDE) ** 3 * len(shares)
    # A product for each thread: the library's own threads wait for each other at every block.
    with limit_threads(1):
        if done < SAMPLES:
            watch(1)  # wakes the threads
        return [(multiply_adds, one) for one in samples(watch, 1, SAMPLES - done)]


def _multiply(matrices: tuple[NDArray[Any], ...]) -> None:
    first, second, out = matrices
    np.matmul(first, second, out=out)


def time_device(device: Device, dtype: np.dtype[Any], done: int) -> list[Work]:
    """Kernels that do nothing else, by the device's events; none where it can run none of ours.

    Arguments as above.
    """
    if done >= SAMPLES:
        return []
    work = device.multiply_adds(dtype)
    if work is None:
        return []
    call, number = work
    watch = partial(EventClock(device, time.perf_counter).measure, call)
    loops = calibrated(watch, SAMPLE_S)
    return [(number, one) for one in samples(watch, loops, SAMPLES - done)]
