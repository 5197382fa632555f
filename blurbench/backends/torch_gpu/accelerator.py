"""The accelerator that PyTorch finds: CUDA, ROCm, XPU or Metal, and in what they differ."""

from __future__ import annotations

import functools
from importlib import import_module
from typing import Any

from blurbench import host
from blurbench.backends.process_settings import ProcessSetting

WITH_STREAMS = ("cuda", "xpu")  # PyTorch's words; ROCm goes by the name of cuda
INTERFACES = {"xpu": "XPU", "mps": "Metal"}


class Accelerator:
    """The devices of one type.

    Attributes:
        torch: the library.
        type: `cuda`, `xpu` or `mps`; `cpu` works in the same way and is no accelerator.
        has_streams: whether copies can go on beside the work.
        precision: how factors of float32 are rounded, in convolutions and in products.
    """

    def __init__(self, torch: Any, kind: str) -> None:
        self.torch, self.type = torch, kind
        self.has_streams = kind in WITH_STREAMS
        self.precision = ProcessSetting(self._precisions, self._set_precisions)
        self._module = torch.get_device_module(kind)

    # Devices.

    def count(self) -> int:
        return int(self._module.device_count())

    def name(self, number: int) -> str:
        """As the driver names the device, with the interface where that is not CUDA."""
        ask = getattr(self._module, "get_device_name", None)
        name = "Apple GPU" if self.type == "mps" else "CPU" if ask is None else str(ask(number))
        hip = getattr(self.torch.version, "hip", None)
        interface = INTERFACES.get(self.type) or (f"ROCm {hip.partition('-')[0]}" if hip else "")
        return f"{name} ({interface})" if interface else name

    def device(self, number: int) -> Any:
        """A device as its tensors name it."""
        return self.torch.empty(0, device=self.torch.device(self.type, number)).device

    def properties(self, number: int) -> Any:
        """What the driver tells of a device; None where it tells nothing."""
        ask = getattr(self._module, "get_device_properties", None)
        return None if ask is None else ask(number)

    def current(self) -> int:
        """The number of the calling thread's device."""
        return int(self.torch.accelerator.current_device_index()) if self.has_streams else 0

    def use(self, number: int, stream: Any = None) -> None:
        """From now on the calling thread works on this device, and on a stream if it is given."""
        if self.has_streams:
            self.torch.accelerator.set_device_index(number)
        if stream is not None:
            self.torch.accelerator.set_stream(stream)

    # Streams.

    def stream(self) -> Any:
        """The calling thread's stream; None where there is only one."""
        return self.torch.accelerator.current_stream() if self.has_streams else None

    def new_stream(self, number: int) -> Any:
        """A stream of a device; None where there is only one."""
        if not self.has_streams:
            return None
        return self.torch.Stream(device=self.torch.device(self.type, number))

    def synchronize(self, stream: Any = None) -> None:
        """Wait until all is done that is queued on a stream, or on the calling thread's device."""
        (self._module if stream is None else stream).synchronize()

    # Memory.

    def held_bytes(self, number: int) -> int:
        """Memory taken from the device, what is kept for the next tensors included."""
        if self.type == "mps":
            return int(self._module.driver_allocated_memory())
        ask = getattr(self._module, "memory_reserved", None)
        return 0 if ask is None else int(ask(number))

    def free_bytes(self, number: int) -> int:
        """Memory that is left for tensors."""
        if self.type == "mps":
            used = self._module.current_allocated_memory()
            return max(0, int(self._module.recommended_max_memory() - used))
        ask = getattr(self._module, "mem_get_info", None)
        if ask is None:
            return host.available_memory() or 0
        kept = self._module.memory_reserved(number) - self._module.memory_allocated(number)
        return int(ask(number)[0] + kept)

    def release(self) -> None:
        """Give back the memory that no tensor holds."""
        empty_cache = getattr(self._module, "empty_cache", None)
        if empty_cache is not None:
            empty_cache()

    # Precision.

    def _settings(self) -> tuple[Any, ...]:
        """The library's own settings, for the whole process."""
        backends = self.torch.backends
        if self.type == "cuda":
            return backends.cudnn.conv, backends.cuda.matmul
        return (backends.mkldnn.conv, backends.mkldnn.matmul) if self.type == "xpu" else ()

    def _precisions(self) -> tuple[str, ...]:
        return tuple(one.fp32_precision for one in self._settings())

    def _set_precisions(self, words: tuple[str, ...]) -> None:
        for one, word in zip(self._settings(), words, strict=False):
            one.fp32_precision = word


class Lane:
    """A stream to work on inside of `with` blocks, one at a time; without one, the only one."""

    def __init__(self, accelerator: Accelerator, stream: Any) -> None:
        self._accelerator, self._stream = accelerator, stream

    def __enter__(self) -> None:
        self._before = self._accelerator.stream()
        self._accelerator.use(self._accelerator.current(), self._stream)

    def __exit__(self, *_: object) -> None:
        self._accelerator.use(self._accelerator.current(), self._before)


@functools.cache
def this_accelerator() -> Accelerator:
    """The one of this machine; to be asked for where the probe found one."""
    torch = import_module("torch")
    return Accelerator(torch, torch.accelerator.current_accelerator().type)
