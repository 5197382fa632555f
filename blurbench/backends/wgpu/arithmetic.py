"""How many multiply-adds a device takes in: the kernel that finds out."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from blurbench.backends.device import Call
from blurbench.backends.wgpu.memory import Memory
from blurbench.backends.wgpu.pipelines import Pipelines
from blurbench.backends.wgpu.queue import CommandQueue
from blurbench.errors import InputError

GROUPS = 512
TURNS, CHAINS = 512, 16  # as in multiply_add.wgsl


def multiply_adds(
    memory: Memory, queue: CommandQueue, pipelines: Pipelines, dtype: np.dtype[Any]
) -> tuple[Call, float]:
    """What queues many multiply-adds, and their number; see `Device`."""
    if dtype != np.float32:
        raise InputError(f"{dtype} is no type that wgpu computes in: use float32")
    pipeline = pipelines.get("load_float32", "store_float32", "multiply_add")
    given = np.array([0.5, 1.0], np.float32)
    table = memory.buffer(16)
    buffers = [memory.uniform(np.zeros(12, np.uint32)), table, table, table]
    buffers += [memory.buffer(given.nbytes, given), memory.buffer(4)]
    bindings = pipelines.bind([{"buffer": one} for one in buffers])
    count = GROUPS * pipelines.threads * TURNS * CHAINS
    return partial(queue.launch, pipeline, bindings, GROUPS), float(count)
