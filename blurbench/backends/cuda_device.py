"""An NVIDIA GPU, through CuPy."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench.backends.cuda_streams import CudaStreams
from blurbench.backends.device import Call, Clocks, Copy
from blurbench.backends.lanes import free_cuda_bytes
from blurbench.backends.nvml import clock_reader, is_shared
from blurbench.backends.staging import Staging

# Spins until the host has written this hold's number, or time is up, which it tells the host.
# Numbers rise, so a hold that was let go before it began is no hold.
_HOLD = r"""
extern "C" __global__ void hold(volatile unsigned* told, unsigned number, long long nanoseconds) {
    long long start, now;
    asm volatile("mov.u64 %0, %globaltimer;" : "=l"(start));
    do {
        if (told[0] >= number) return;
        asm volatile("mov.u64 %0, %globaltimer;" : "=l"(now));
    } while (now - start < nanoseconds);
    told[1] = number;
}
"""

COPY_THREADS, COPY_ITEMS = 256, 4

# All loads of a thread are under way before its first store. The last bytes are one thread's.
_COPY = r"""
extern "C" __global__ void copy(const uint4* source, uint4* target, long long bytes) {
    const long long count = bytes / 16;
    const long long first = (long long)blockIdx.x * (ITEMS * THREADS) + threadIdx.x;
    uint4 values[ITEMS];
    #pragma unroll
    for (int i = 0; i < ITEMS; ++i)
        if (first + i * THREADS < count) values[i] = source[first + i * THREADS];
    #pragma unroll
    for (int i = 0; i < ITEMS; ++i)
        if (first + i * THREADS < count) target[first + i * THREADS] = values[i];
    if (first == 0)
        for (long long i = 16 * count; i < bytes; ++i)
            ((char*)target)[i] = ((const char*)source)[i];
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


WDDM = (
    "Windows drives the GPU in WDDM mode, which launches in batches, so times on it are coarse: "
    "use TCC mode or Linux"
)


SHARED = (
    "other processes compute on the GPU, too, so times on it may be too long: "
    "measure again when they are done"
)


class CudaHold:
    """The `hold` kernel of a number; `told` is memory that host and device both see."""

    def __init__(self, told: NDArray[np.uint32], number: int) -> None:
        self._told, self._number = told, number

    def let_go(self) -> None:
        self._told[0] = self._number

    def lasted(self) -> bool:
        return bool(self._told[1] != self._number)


@dataclass(frozen=True)
class CudaGraph:
    """Launches a captured graph; keeps the pool in whose memory it works."""

    graph: Any
    stream: Any
    pool: Any

    def __call__(self) -> None:
        self.graph.launch(self.stream)


class CudaDevice(CudaStreams):
    """Device number `number`, on a stream of its own; see `Device`."""

    software = False

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
        # On Windows alone has the driver a mode.
        coarse = sys.platform == "win32" and not properties.get("tccDriver")
        bus_id = runtime.deviceGetPCIBusId(number)
        told = [text for text, holds in ((WDDM, coarse), (SHARED, is_shared(bus_id))) if holds]
        self.caution: str | None = "; ".join(told) or None
        self._multiprocessors: int = properties["multiProcessorCount"]
        self._hold = cupy.RawKernel(_HOLD, "hold")
        self._told, self._holds = self.pinned((2,), np.dtype(np.uint32)), 0
        self._told[:] = 0
        self._clocks = clock_reader(bus_id)

    def use(self) -> None:
        """From now on the calling thread works on this device and its stream."""
        self._cupy.cuda.Device(self._number).use()
        self._stream.use()

    def elapsed_s(self, start: Any, stop: Any) -> float:
        stop.synchronize()
        return float(self._cupy.cuda.get_elapsed_time(start, stop)) / 1e3

    def hold(self, seconds: float) -> CudaHold:
        self._holds += 1
        told = np.uint64(self._told.ctypes.data)  # a pinned address is the device's as well
        limits = np.uint32(self._holds), np.int64(seconds * 1e9)
        self._hold((1,), (1,), (told, *limits))
        return CudaHold(self._told, self._holds)

    def copies(self) -> Sequence[Copy]:
        macros = (f"-DTHREADS={COPY_THREADS}", f"-DITEMS={COPY_ITEMS}")
        kernel = self._cupy.RawKernel(_COPY, "copy", options=macros)

        def by_driver(source: Any, target: Any) -> None:
            target[...] = source  # contiguous arrays of one type: cudaMemcpyAsync

        def by_kernel(source: Any, target: Any) -> None:
            blocks = max(1, -(-source.nbytes // (16 * COPY_THREADS * COPY_ITEMS)))
            kernel((blocks,), (COPY_THREADS,), (source, target, np.int64(source.nbytes)))

        return by_driver, by_kernel

    def carrier(self) -> Staging:
        return Staging(self)

    def capture(self, call: Call) -> Call | None:
        # What CuPy allocates meanwhile comes from a pool that lives as long as the graph, which
        # keeps the addresses. During a capture nothing may be allocated: the first call does that.
        pool = self._cupy.cuda.MemoryPool()
        with self._cupy.cuda.using_allocator(pool.malloc):
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

        return CudaGraph(graph, self._stream, pool)

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
