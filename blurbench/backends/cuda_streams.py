"""Arrays of an NVIDIA GPU, and copies and events on its streams, through CuPy."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray


class CudaStreams:
    """The device that is current when it is made, with a stream for its work; see `Streams`."""

    def __init__(self, stream: Any) -> None:
        self._cupy = import_module("cupy")
        self._stream = stream
        self._others: dict[str, Any] = {}

    def empty(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
        return self._cupy.empty(shape, dtype)

    def pinned(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        array: NDArray[Any] = import_module("cupyx").empty_pinned(shape, dtype)
        return array

    def stream(self, name: str) -> Any:
        if name not in self._others:
            self._others[name] = self._cupy.cuda.Stream(non_blocking=True)
        return self._others[name]

    def upload(self, host: NDArray[Any], device: Any, stream: Any = None) -> None:
        device.set(host, stream=stream or self._stream)

    def download(self, device: Any, host: NDArray[Any], stream: Any = None) -> None:
        device.get(stream=stream or self._stream, out=host, blocking=False)

    def synchronize(self) -> None:
        self._stream.synchronize()

    def record(self, stream: Any = None) -> Any:
        return (stream or self._stream).record()

    def wait(self, event: Any, stream: Any = None) -> None:
        (stream or self._stream).wait_event(event)

    def finish(self, event: Any) -> None:
        event.synchronize()
