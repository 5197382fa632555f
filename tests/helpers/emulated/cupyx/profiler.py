"""CuPy's benchmark, by the host's clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np


def benchmark(
    func: Callable[..., Any], args: Any = (), *, n_repeat: int = 10, n_warmup: int = 1, **_: Any
) -> SimpleNamespace:
    for _each in range(n_warmup):
        func(*args)
    times = []
    for _each in range(n_repeat):
        start = time.perf_counter()
        func(*args)
        times.append(time.perf_counter() - start)
    return SimpleNamespace(gpu_times=np.array([times]), cpu_times=np.array(times))
