"""Tensors of a device, and copies and events on its streams."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench.backends.staging import Staging
from blurbench.backends.torch import host_tensor
from blurbench.backends.torch_gpu.accelerator import Accelerator, Lane
from blurbench.backends.torch_gpu.tensors import Tensors
from blurbench.backends.whole_copies import WholeCopies


class TorchStreams:
    """Device `number` of an accelerator, with a stream for its work; see `Streams`.

    Without one, all is on the only stream that there is, and nothing overlaps with the work.

    Attributes:
        number: as PyTorch counts the devices.
        xp: its array namespace.
    """

    def __init__(self, accelerator: Accelerator, number: int, stream: Any) -> None:
        self._accelerator, self._torch = accelerator, accelerator.torch
        self.number, self._stream = number, stream
        self._others: dict[str, Any] = {}
        self.xp = Tensors(self._torch, accelerator.device(number))

    def empty(self, shape: tuple[int, ...], dtype: Any) -> Any:
        return self.xp.empty(shape, dtype)

    def pinned(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        if self._stream is None:  # then copies gain nothing by it, if it is known at all
            return np.empty(shape, dtype)
        kind = getattr(self._torch, dtype.name)
        locked = self._torch.empty(shape, dtype=kind, device="cpu", pin_memory=True)
        array: NDArray[Any] = locked.numpy()
        return array

    def stream(self, name: str) -> Any:
        if self._stream is None:
            return None
        if name not in self._others:
            self._others[name] = self._accelerator.new_stream(self.number)
        return self._others[name]

    def upload(self, host: NDArray[Any], device: Any, stream: Any = None) -> None:
        source = host_tensor(self._torch, np.ascontiguousarray(host))
        with Lane(self._accelerator, stream or self._stream):
            device.copy_(source, non_blocking=self._may_go_on(source))

    def download(self, device: Any, host: NDArray[Any], stream: Any = None) -> None:
        target = self._torch.from_numpy(host)
        with Lane(self._accelerator, stream or self._stream):
            target.copy_(device, non_blocking=self._may_go_on(target))

    def _may_go_on(self, host: Any) -> bool:
        """Whether a copy may be under way when the call returns: only in page-locked memory."""
        return self._stream is not None and bool(host.is_pinned())

    def synchronize(self) -> None:
        self._accelerator.synchronize(self._stream)

    def record(self, stream: Any = None) -> Any:
        event = self._torch.Event(device=self.xp.device, enable_timing=True)
        event.record(stream or self._stream)
        return event

    def wait(self, event: Any, stream: Any = None) -> None:
        if self._stream is not None:
            (stream or self._stream).wait_event(event)

    def finish(self, event: Any) -> None:
        if self._stream is None:
            self.synchronize()
        else:
            event.synchronize()

    def carrier(self) -> Staging | WholeCopies:
        return WholeCopies(self) if self._stream is None else Staging(self)
