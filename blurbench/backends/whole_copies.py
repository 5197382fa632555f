"""A host image's way to a device whose copies are whole, through a plan and back."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from blurbench.backends.device import Streams, places_for
from blurbench.plan import Plan


class WholeCopies:
    """A host image's way there and back, whole: the library stages it in memory of its own."""

    def __init__(self, device: Streams) -> None:
        self._device = device

    def blur(
        self,
        plan: Plan,
        image: NDArray[Any],
        out: NDArray[Any] | None = None,
        between: tuple[Any, Any] | None = None,
    ) -> NDArray[Any]:
        """See `Carrier`."""
        device = self._device
        result, there, blurred = places_for(device, image, out, between)
        device.upload(image, there)
        plan(there, blurred)
        device.download(blurred, result)
        return result
