"""The yardstick: copies inside the device's memory, by the driver and by a kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from blurbench.backends.cuda.plan import address

Copy = Callable[[Any, Any], object]  # from one array of the device into another

COPY = "copy"
THREADS = 256
_COPY = r"""
struct __align__(16) Pack { float at[4]; };
extern "C" __global__ void copy_packs(const Pack* source, Pack* target, int packs) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < packs) target[i] = source[i];
}
"""


def copies(cupy: Any) -> dict[str, Copy]:
    """The copies whose faster one is the yardstick, of contiguous float32 arrays."""
    kernel = cupy.RawKernel(_COPY, "copy_packs")

    def by_driver(source: Any, target: Any) -> None:
        target.data.copy_from_device_async(source.data, source.nbytes)

    def by_kernel(source: Any, target: Any) -> None:
        packs = source.nbytes // 16
        if source.nbytes % 16 or address(source) % 16 or address(target) % 16:
            raise ValueError("an array of whole packs of 16 bytes is needed")
        kernel((-(-packs // THREADS),), (THREADS,), (source, target, np.int32(packs)))

    return {f"{COPY} by the driver": by_driver, f"{COPY} by a kernel": by_kernel}
