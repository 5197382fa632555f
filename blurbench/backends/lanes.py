"""Devices and streams: where a thread's work on a GPU goes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

PER_THREAD = 2  # CUDA's name for whatever default stream the calling thread has of its own


@dataclass(frozen=True)
class Lanes:
    """The devices and streams of a kind of GPU. What is on one lane is done in order.

    Attributes:
        place: tells the calling thread's lane, its device and stream, from all others.
        open: makes a lane on the current device; a thread works on it inside a `with` block.
        free_bytes: memory that is left on the current device.
        finish: waits for what is on the calling thread's lane; raises where its device is lost.
    """

    place: Callable[[], Hashable]
    open: Callable[[], AbstractContextManager[Any]]
    free_bytes: Callable[[], int]
    finish: Callable[[], object] = lambda: None


def cuda_place() -> Hashable:
    """The current device and stream."""
    cuda = import_module("cupy").cuda
    stream = cuda.get_current_stream().ptr
    thread = threading.get_ident() if stream == PER_THREAD else None
    return cuda.runtime.getDevice(), stream, thread


def open_cuda_stream() -> AbstractContextManager[Any]:
    """A stream that does not wait for the default one."""
    stream: AbstractContextManager[Any] = import_module("cupy").cuda.Stream(non_blocking=True)
    return stream


def free_cuda_bytes() -> int:
    """Memory that no array holds, on the current device."""
    cupy = import_module("cupy")
    kept = cupy.get_default_memory_pool().free_bytes()
    return int(cupy.cuda.runtime.memGetInfo()[0] + kept)


def finish_cuda_stream() -> None:
    """Wait for the current stream; a context in which a kernel failed says so ever after."""
    import_module("cupy").cuda.get_current_stream().synchronize()


CUDA = Lanes(cuda_place, open_cuda_stream, free_cuda_bytes, finish_cuda_stream)
