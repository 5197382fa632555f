"""Memory of arrays on the host: fresh, or that of results which are gone, used again.

What a program asks for anew the system has to clear first, which for a large image takes about as
long as a blur. So the memory of large results comes back here when the last array or view of it is
gone, and serves the next result of its size.
"""

from __future__ import annotations

import contextlib
import math
import mmap
import os
import threading
import weakref
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench.forks import keep_from_forks

KEPT_BYTES = 256 * 2**20
LARGE_PAGE = 2**21
LEAST = 2**19  # bytes that are worth it: less the allocator keeps, too


def fresh_block(nbytes: int) -> mmap.mmap:
    """Memory that nobody has used, of zeros, at a page's start; in large pages where there are."""
    private = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if os.name == "posix" else {}
    try:
        block = mmap.mmap(-1, nbytes, **private)
    except OSError as error:
        raise MemoryError(f"no {nbytes} bytes of memory: {error.strerror}") from None
    if hasattr(mmap, "MADV_HUGEPAGE"):
        with contextlib.suppress(OSError):  # a kernel built without large pages
            block.madvise(mmap.MADV_HUGEPAGE)
    return block


class _Lent(weakref.ref[NDArray[Any]]):
    """The block that a result lies in, for the time after the result."""

    block: mmap.mmap


class ResultMemory:
    """Gives memory to results, and keeps up to `max_bytes` of what comes back.

    Attributes:
        nbytes: of what is kept, and serves nobody now.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.nbytes = 0
        self._idle: list[mmap.mmap] = []  # what came back last is last
        self._lent: dict[int, _Lent] = {}
        self._lock = keep_from_forks(threading.Lock())

    def lend(
        self, shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """An array for a result, and another one of the same memory, to write it through.

        The memory comes back with the end of the first and of all that was made of it. A thread
        that helped to write may hold the second one for longer, and must touch it no more.
        """
        nbytes = math.prod(shape) * dtype.itemsize
        if nbytes < LEAST:
            result = np.empty(shape, dtype)
            return result, result
        step = LARGE_PAGE if nbytes >= LARGE_PAGE else LEAST
        block = self._take(-(-nbytes // step) * step)
        result = np.ndarray(shape, dtype, block)
        lent = _Lent(result, self._give_back)
        lent.block = block
        self._lent[id(lent)] = lent
        return result, np.ndarray(shape, dtype, block)

    def clear(self) -> None:
        """Let go of all that is kept."""
        with self._lock:
            self._idle.clear()
            self.nbytes = 0

    def _take(self, nbytes: int) -> mmap.mmap:
        with self._lock:
            for place in range(len(self._idle) - 1, -1, -1):
                if len(self._idle[place]) == nbytes:
                    self.nbytes -= nbytes
                    return self._idle.pop(place)
        return fresh_block(nbytes)

    def _give_back(self, lent: weakref.ref[NDArray[Any]]) -> None:
        """Keep a block; but an array may die anywhere, also in a thread that has the lock."""
        block = self._lent.pop(id(lent)).block
        if self._lock.acquire(blocking=False):
            try:
                self._idle.append(block)
                self.nbytes += len(block)
                while self.nbytes > self.max_bytes:
                    self.nbytes -= len(self._idle.pop(0))
            finally:
                self._lock.release()


result_memory = ResultMemory(KEPT_BYTES)
