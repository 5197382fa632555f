"""PyTorch's convolutions on tensors that lie on a device."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from blurbench.backends import gpu
from blurbench.backends.conv2d import Conv2dPlan
from blurbench.backends.torch_gpu.accelerator import Accelerator
from blurbench.backends.torch_gpu.tensors import Tensors
from blurbench.errors import InputError


class DeviceRuntime:
    """PyTorch on the calling thread's device, in full precision unless TF32 is allowed."""

    xp: Any
    torch: Any
    device: Any

    def __init__(self, accelerator: Accelerator) -> None:
        self._accelerator, self.torch = accelerator, accelerator.torch
        self.device = accelerator.device(accelerator.current())
        self.xp = Tensors(self.torch, self.device)

    def tensor(self, array: Any) -> Any:
        return array

    def is_contiguous(self, array: Any) -> bool:
        return bool(array.is_contiguous())

    @contextmanager
    def scope(self) -> Iterator[None]:
        precision = "tf32" if gpu.tf32_allowed() else "ieee"
        with self._accelerator.precision.to((precision, precision)), self.torch.inference_mode():
            yield

    def synchronize(self) -> None:
        self._accelerator.synchronize(self._accelerator.stream())


class TensorPlan(Conv2dPlan):
    """Takes tensors of the device that was current when it was made."""

    def _check(self, array: Any, name: str, shape: tuple[int, ...]) -> None:
        if not isinstance(array, self._torch.Tensor):
            raise InputError(
                f"{name} is {type(array).__module__}.{type(array).__name__}: plans of torch_gpu "
                "take PyTorch's tensors; give NumPy's arrays to blurbench.gaussian_blur"
            )
        if array.device != self._runtime.device:
            raise InputError(
                f"{name} lies on {array.device}: this plan was made for {self._runtime.device}"
            )
        super()._check(array, name, shape)
