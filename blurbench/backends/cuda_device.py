"""An NVIDIA GPU, through CuPy."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from blurbench.backends.cuda_streams import CudaStreams
from blurbench.backends.device import Call, Clocks
from blurbench.backends.lanes import free_cuda_bytes
from blurbench.backends.nvml import clock_reader

_SPIN = r"""
extern "C" __global__ void spin(unsigned long long nanoseconds) {
    unsigned long long start, now;
    asm volatile("mov.u64 %0, %globaltimer;" : "=l"(start));
    do {
        asm volatile("mov.u64 %0, %globaltimer;" : "=l"(now));
    } while (now - start < nanoseconds);
}
"""

CHAINS, TURNS, THREADS = 8, 4096, 256
BLOCKS = 4  # for each multiprocessor, which can hold as many at a time, and has enough to do

# Independent chains hide the latency of the multiply-adds; the sum keeps the compiler from
# dropping them, and is practically never written.
_MULTIPLY_ADD = r"""
extern "C" __global__ void multiply_add(Real* out, Real a, Real b) {
    Real x[CHAINS], sum = 0;
    #pragma unroll
    for (int i = 0; i < CHAINS; ++i) x[i] = threadIdx.x + i;
    #pragma unroll 16
    for (int turn = 0; turn < TURNS; ++turn) {
        #pragma unroll
        for (int i = 0; i < CHAINS; ++i) x[i] = x[i] * a + b;
    }
    #pragma unroll
    for (int i = 0; i < CHAINS; ++i) sum += x[i];
    if (sum == a) out[0] = sum;
}
"""


class CudaDevice(CudaStreams):
    """Device number `number`, on a stream of its own; see `Device`."""

    def __init__(self, number: int) -> None:
        cupy = import_module("cupy")
        runtime = cupy.cuda.runtime
        cupy.cuda.Device(number).use()
        super().__init__(cupy.cuda.Stream(non_blocking=True))
        self._stream.use()
        self._number = number
        properties = runtime.getDeviceProperties(number)
        self.name: str = properties["name"].decode()
        self.cache_bytes: int | None = properties.get("l2CacheSize") or None
        # The memory's clock in kHz, two transfers in each; the width of its bus in bits.
        clock, width = (properties.get(name, 0) for name in ("memoryClockRate", "memoryBusWidth"))
        self.peak_bytes_per_s: float | None = 2e3 * clock * width / 8 or None
        self._multiprocessors: int = properties["multiProcessorCount"]
        self._spin = cupy.RawKernel(_SPIN, "spin")
        self._clocks = clock_reader(runtime.deviceGetPCIBusId(number))

    def use(self) -> None:
        """From now on the calling thread works on this device and its stream."""
        self._cupy.cuda.Device(self._number).use()
        self._stream.use()

    def elapsed_s(self, start: Any, stop: Any) -> float:
        stop.synchronize()
        return float(self._cupy.cuda.get_elapsed_time(start, stop)) / 1e3

    def hold(self, seconds: float) -> None:
        self._spin((1,), (1,), (np.uint64(seconds * 1e9),))

    def capture(self, call: Call) -> Call | None:
        # Nothing may be allocated during a capture: now its temporaries are in the pool.
        call()
        self.synchronize()
        try:
            self._stream.begin_capture()
            try:
                call()
            finally:
                graph = self._stream.end_capture()
        except Exception:  # what waits for the device cannot be captured
            with suppress(Exception):
                self.synchronize()
            return None
        return partial(graph.launch, self._stream)

    def multiply_adds(self, dtype: np.dtype[Any]) -> tuple[Call, float]:
        real = "double" if dtype == np.float64 else "float"
        macros = (f"-DReal={real}", f"-DCHAINS={CHAINS}", f"-DTURNS={TURNS}")
        kernel = self._cupy.RawKernel(_MULTIPLY_ADD, "multiply_add", options=macros)
        blocks, out = BLOCKS * self._multiprocessors, self._cupy.empty(1, dtype)
        numbers = (out, dtype.type(0.5), dtype.type(1.0))
        launch = partial(kernel, (blocks,), (THREADS,), numbers)
        return launch, float(blocks) * THREADS * CHAINS * TURNS

    def clocks(self) -> Clocks | None:
        return self._clocks()

    def release(self) -> None:
        import_module("cupy.fft.config").get_plan_cache().clear()  # its plans hold work areas
        self._cupy.get_default_memory_pool().free_all_blocks()
        self._cupy.get_default_pinned_memory_pool().free_all_blocks()

    def held_bytes(self) -> int:
        return int(self._cupy.get_default_memory_pool().total_bytes())

    def free_bytes(self) -> int:
        return free_cuda_bytes()
