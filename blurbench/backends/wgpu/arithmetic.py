"""How many multiply-adds a device takes in: the kernel that finds out."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from blurbench.backends.device import Call
from blurbench.errors import InputError

if TYPE_CHECKING:
    from blurbench.backends.wgpu.device import WgpuDevice

GROUPS = 512
TURNS, CHAINS = 512, 16  # as in multiply_add.wgsl


def multiply_adds(device: WgpuDevice, dtype: np.dtype[Any]) -> tuple[Call, float]:
    """What queues many multiply-adds, and their number; see `Device`."""
    if dtype != np.float32:
        raise InputError(f"{dtype} is no type that wgpu computes in: use float32")
    pipeline = device.pipelines.get("load_float32", "store_float32", "multiply_add")
    given = np.array([0.5, 1.0], np.float32)
    table = device.buffer(16)
    buffers = [device.uniform(np.zeros(12, np.uint32)), table, table, table]
    buffers += [device.buffer(given.nbytes, given), device.buffer(4)]
    bindings = device.bindings([{"buffer": one} for one in buffers])
    count = GROUPS * device.threads * TURNS * CHAINS
    return partial(device.launch, pipeline, bindings, GROUPS), float(count)
