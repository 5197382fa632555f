"""The devices of an accelerator as a backend has them: opened, worked on, and carried to."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench.backends.backend import Availability, Backend
from blurbench.backends.conv2d import conv2d_implementations
from blurbench.backends.images_on_gpu import OnDevice, library_of
from blurbench.backends.lanes import Lanes
from blurbench.backends.staging import KEPT_BYTES
from blurbench.backends.torch_gpu import dtypes
from blurbench.backends.torch_gpu.accelerator import Accelerator, Lane
from blurbench.backends.torch_gpu.device import TorchDevice, open_device
from blurbench.backends.torch_gpu.plan import DeviceRuntime, TensorPlan
from blurbench.backends.torch_gpu.streams import TorchStreams
from blurbench.backends.torch_gpu.tensors import dtype_name
from blurbench.cache import IdleCache
from blurbench.errors import InputError
from blurbench.plan import Plan
from blurbench.problem import Problem


class TorchDevices:
    """Those that this process has opened, and what it keeps to get there.

    Args:
        find: gives the accelerator; called when something runs there, never before.
    """

    def __init__(self, find: Callable[[], Accelerator]) -> None:
        self._find = find
        self._opened: dict[int, TorchDevice] = {}
        self._idle = IdleCache(KEPT_BYTES)

    def open_device(self, number: int = 0) -> TorchDevice:
        """The device, opened once; from then on the calling thread works on its stream.

        Raises:
            InputError: there is none of that number.
        """
        accelerator = self._find()
        count = accelerator.count()
        if not 0 <= number < count:
            raise InputError(
                f"device {number} is not there: PyTorch has {count}; see blurbench backends"
            )
        if number not in self._opened:
            self._opened[number] = open_device(accelerator, number)
        self._opened[number].use()
        return self._opened[number]

    def runtime(self, problem: Problem) -> DeviceRuntime:
        """What a plan runs on.

        Raises:
            InputError: the device cannot blur such images.
        """
        accelerator = self._find()
        dtypes.check(accelerator, accelerator.current(), problem)
        return DeviceRuntime(accelerator)

    def carry(self, plan: Plan, image: NDArray[Any]) -> NDArray[Any]:
        """Blur a host image on the calling thread's device and stream, and bring it back."""
        if not self._find().has_streams:
            whole: NDArray[Any] = self._streams().carrier().blur(plan, image)
            return whole
        with self._idle.borrow(self._place(), lambda: self._streams().carrier()) as staging:
            result: NDArray[Any] = staging.blur(plan, image)
        return result

    def adopt(self, image: Any) -> OnDevice:
        """A tensor over the memory of an array on a GPU; nothing is copied.

        Raises:
            InputError: its library does not share it, or it lies elsewhere.
        """
        accelerator = self._find()
        library, torch = library_of(image), accelerator.torch
        try:
            tensor = image.detach() if library == "torch" else torch.from_dlpack(image)
        except Exception as error:  # each library's own
            detail = " ".join(str(error).split()) or type(error).__name__
            raise InputError(
                f"the image of {library} cannot be shared: {detail}; give a tensor of PyTorch"
            ) from None
        if tensor.device.type != accelerator.type:
            raise InputError(
                f"the image lies on {tensor.device}, and PyTorch works on {accelerator.type} here"
            )

        def converted(dtype: np.dtype[Any]) -> Any:
            return tensor.to(getattr(torch, dtype.name))

        return OnDevice(tensor, dtype_name(tensor.dtype), self._on(tensor.device), converted)

    def backend(self, name: str, probe: Callable[[], Availability]) -> Backend:
        """The backend of that name."""
        return Backend(
            name,
            "gpu",
            conv2d_implementations(name, self.runtime, TensorPlan),
            probe,
            self.carry,
            self.open_device,
            Lanes(self._place, self._new_lane, self._free_bytes),
            own_arrays=True,
            adopt=self.adopt,
            distributions=("torch",),
        )

    # Lanes.

    def _place(self) -> Hashable:
        accelerator = self._find()
        stream = accelerator.stream()
        return accelerator.current(), None if stream is None else stream.stream_id

    def _new_lane(self) -> AbstractContextManager[Any]:
        accelerator = self._find()
        return Lane(accelerator, accelerator.new_stream(accelerator.current()))

    def _free_bytes(self) -> int:
        accelerator = self._find()
        return accelerator.free_bytes(accelerator.current())

    def _streams(self) -> TorchStreams:
        accelerator = self._find()
        return TorchStreams(accelerator, accelerator.current(), accelerator.stream())

    def _on(self, device: Any) -> AbstractContextManager[Any]:
        """Makes a tensor's device the calling thread's."""
        accelerator = self._find()
        if not accelerator.has_streams:
            return nullcontext()
        context: AbstractContextManager[Any] = accelerator.torch.accelerator.device_index(
            device.index
        )
        return context
