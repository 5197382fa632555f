"""A host image's way to a device of WebGPU, through a plan and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from blurbench.plan import Plan

if TYPE_CHECKING:
    from blurbench.backends.wgpu.arrays import DeviceArray
    from blurbench.backends.wgpu.device import WgpuDevice


class WholeCopies:
    """A host image's way there and back, whole: WebGPU stages it in memory of its own."""

    def __init__(self, device: WgpuDevice) -> None:
        self._device = device

    def blur(
        self,
        plan: Plan,
        image: NDArray[Any],
        out: NDArray[Any] | None = None,
        between: tuple[DeviceArray, DeviceArray] | None = None,
    ) -> NDArray[Any]:
        """See `Carrier`."""
        device = self._device
        result = np.empty(image.shape, image.dtype) if out is None else out
        there, blurred = between or (
            device.empty(image.shape, image.dtype),
            device.empty(image.shape, image.dtype),
        )
        device.upload(image, there)
        plan(there, blurred)
        device.download(blurred, result)
        return result
