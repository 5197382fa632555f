"""What keeps a device busy while work is queued behind it: PyTorch has nothing that waits there."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from blurbench.backends.device import QUEUE_S, Call, Device, Hold, NoHold

SHORT_S = 2 * QUEUE_S  # for launches that take no longer than they are given
PIECE_S = 1e-4  # least time of a piece: launching it takes a tenth of that
SIDES = (256, 512, 1024, 2048, 4096)  # of the matrices


class Busy:
    """A hold that lasts until its work is done, whoever lets go of it before."""

    def __init__(self, done: Any) -> None:
        self._done, self._lasted = done, False

    def let_go(self) -> None:
        self._lasted = not self._done.query()

    def lasted(self) -> bool:
        return self._lasted


class Filler:
    """Products of matrices, as many as keep the device busy for the time that is asked for.

    Most calls are queued in `SHORT_S`. Where a hold turned out too short, the next one has its
    whole time.
    """

    def __init__(self, device: Device, piece: Call, piece_s: float) -> None:
        self._device, self._piece, self._piece_s = device, piece, piece_s
        self._last: Hold = NoHold()

    def hold(self, seconds: float) -> Hold:
        if self._last.lasted():
            seconds = min(seconds, SHORT_S)
        for _ in range(math.ceil(seconds / self._piece_s)):
            self._piece()
        self._last = Busy(self._device.record())
        return self._last


def filler_of(device: Device, product: Callable[[int], Call]) -> Filler:
    """A filler of the smallest products that take long enough, by the device's own events.

    Args:
        product: what multiplies matrices of a side.

    Raises:
        RuntimeError: the events do not tell time.
    """
    for side in SIDES:
        piece = product(side)
        piece()  # loads its code
        start = device.record()
        piece()
        seconds = device.elapsed_s(start, device.record())
        if not seconds > 0:
            raise RuntimeError("the time between two events is none")
        if seconds >= PIECE_S:
            break
    return Filler(device, piece, seconds)
