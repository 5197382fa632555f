"""Image after image through a device, while copies and the blur overlap."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from blurbench.backends.device import Device, host_array
from blurbench.plan import Plan

SLOTS = 2  # while one image is blurred, the next arrives and the one before leaves


class Pipeline:
    """Uploads, blurs and downloads on a stream each, from and to `host_array`s.

    An image may arrive in a slot once the blur has read what was there, be blurred once it has
    arrived and the slot's result has left, and leave once it is blurred.
    """

    def __init__(self, device: Device, plan: Plan, image: NDArray[Any]) -> None:
        shape, dtype = image.shape, image.dtype
        self._device, self._plan = device, plan
        self._up, self._down = device.stream("up"), device.stream("down")
        self._source = host_array(device, shape, dtype)
        self._source[...] = image
        self._inputs = [device.empty(shape, dtype) for _ in range(SLOTS)]
        self._results = [device.empty(shape, dtype) for _ in range(SLOTS)]
        self.outs = [host_array(device, shape, dtype) for _ in range(SLOTS)]

    def run(self, images: int) -> None:
        """Queue so many images; the stream of the work then ends with the last download."""
        device = self._device
        blurred: dict[int, Any] = {}
        left: dict[int, Any] = {}
        device.wait(device.record(), self._up)  # whatever used this memory before is done
        for slot in (number % SLOTS for number in range(images)):
            if slot in blurred:
                device.wait(blurred[slot], self._up)
            device.upload(self._source, self._inputs[slot], self._up)
            device.wait(device.record(self._up))
            if slot in left:
                device.wait(left[slot])
            self._plan(self._inputs[slot], self._results[slot])
            blurred[slot] = device.record()
            device.wait(blurred[slot], self._down)
            device.download(self._results[slot], self.outs[slot], self._down)
            left[slot] = device.record(self._down)
        for event in left.values():
            device.wait(event)
