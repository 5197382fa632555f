"""A host image's way to a GPU, through a plan and back: what `gaussian_blur` does, and is timed.

Copies between ordinary memory and a device stage it in page-locked memory one way or another. Here
that is ours and is kept: while one band is on its way, the host fills or empties another.
"""

from __future__ import annotations

from collections.abc import Hashable
from importlib import import_module
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench.backends.cuda_streams import CudaStreams
from blurbench.backends.device import Streams, host_array, places_for
from blurbench.backends.lanes import CUDA
from blurbench.cache import IdleCache
from blurbench.plan import Plan

BAND = 2 * 2**20  # bytes: on their way for much longer than it takes to send them off
SLOTS = 2  # while one band is on its way, the host copies another
KEPT_BYTES = 64 * 2**20  # of page-locked memory


class Staging:
    """Page-locked memory for a band in each slot, on the streams of one device.

    It serves one thread at a time. A band may be put into a slot once the one before has left,
    and the blur begins when all have arrived: it takes so little of the time that a blur by bands,
    each with its margins, would gain nothing.

    Attributes:
        nbytes: page-locked memory that it holds.
    """

    def __init__(self, streams: Streams, band: int = BAND) -> None:
        self._streams, self._band = streams, band
        self._up, self._down = streams.stream("up"), streams.stream("down")
        self._slots = [host_array(streams, (band,), np.dtype(np.uint8)) for _ in range(SLOTS)]
        self.nbytes = SLOTS * band

    def blur(
        self,
        plan: Plan,
        image: NDArray[Any],
        out: NDArray[Any] | None = None,
        between: tuple[Any, Any] | None = None,
    ) -> Any:
        """Blur a host image of the plan's shape and dtype into `out`, contiguous, or a new array.

        Returns when the result is there.

        Args:
            between: where on the device the image arrives and its blur goes, kept by the caller;
                else arrays that are let go of again.
        """
        streams = self._streams
        result, there, blurred = places_for(streams, image, out, between)
        streams.wait(streams.record(), self._up)  # whatever used this memory before is done
        try:
            self._send(np.ascontiguousarray(image).reshape(-1), there.reshape(-1))
            streams.wait(streams.record(self._up))
            plan(there, blurred)
            streams.wait(streams.record(), self._down)
            self._fetch(blurred.reshape(-1), result.reshape(-1))
        finally:  # after a failure too, nothing is on its way when the memory is used again
            for stream in (self._up, None, self._down):
                streams.finish(streams.record(stream))
        return result

    def _send(self, host: NDArray[Any], there: Any) -> None:
        left: list[Any] = [None] * SLOTS
        for number, band in enumerate(self._bands(host)):
            slot = number % SLOTS
            if left[slot] is not None:
                self._streams.finish(left[slot])
            staged = self._staged(slot, host[band])
            staged[:] = host[band]
            self._streams.upload(staged, there[band], self._up)
            left[slot] = self._streams.record(self._up)

    def _fetch(self, there: Any, host: NDArray[Any]) -> None:
        bands = self._bands(host)
        arrived: list[Any] = []

        def queue(number: int) -> None:
            band = bands[number]
            staged = self._staged(number % SLOTS, host[band])
            self._streams.download(there[band], staged, self._down)
            arrived.append(self._streams.record(self._down))

        for number in range(min(SLOTS, len(bands))):
            queue(number)
        for number, band in enumerate(bands):
            self._streams.finish(arrived[number])
            host[band] = self._staged(number % SLOTS, host[band])
            if number + SLOTS < len(bands):
                queue(number + SLOTS)

    def _bands(self, host: NDArray[Any]) -> list[slice]:
        """Where the bands of a flat array lie."""
        step = self._band // host.itemsize
        return [slice(*ends) for ends in pairwise([*range(0, host.size, step), host.size])]

    def _staged(self, slot: int, values: NDArray[Any]) -> NDArray[Any]:
        """The part of a slot that values like these fill."""
        return self._slots[slot][: values.nbytes].view(values.dtype)


_idle = IdleCache(KEPT_BYTES)


def carry(plan: Plan, image: NDArray[Any]) -> NDArray[Any]:
    """Blur a host image on the calling thread's device and stream, and bring the result back."""
    place: Hashable = CUDA.place()
    with _idle.borrow(place, _staging_here) as staging:
        result: NDArray[Any] = staging.blur(plan, image)
    return result


def _staging_here() -> Staging:
    return Staging(CudaStreams(import_module("cupy").cuda.get_current_stream()))
