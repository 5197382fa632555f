"""The fixed work that times of different processes are divided by."""

from __future__ import annotations

from functools import partial

import numpy as np

from blurbench.kernel import GaussianKernel
from blurbench.measure.clock import HostClock
from blurbench.measure.contest import Contender
from blurbench.measure.sampling import shortest
from blurbench.plan import empty
from blurbench.records.kinds import YARDSTICK

SIDE, SIZE = 512, 15
TRIES = 3  # of which the least tells what a call costs


def make_yardstick() -> Contender:
    """A copy of a 512x512 float32 image and a plain NumPy blur of it; it never changes.

    What speeds up or slows down a whole process (the clock rate, the neighbours, where memory
    lies) shows here too; what changes in an implementation does not.
    """
    image = np.random.default_rng(0).uniform(0, 255, (SIDE, SIDE)).astype(np.float32)
    copy = empty(np, image.shape, image.dtype)
    across = empty(np, (SIDE - SIZE + 1, SIDE), image.dtype)
    down = empty(np, across.shape, image.dtype)
    taps = GaussianKernel.from_size(SIZE).taps.astype(np.float32)

    def work() -> None:
        np.copyto(copy, image)
        across[:] = 0
        for offset, tap in enumerate(taps):
            np.multiply(copy[offset : offset + len(across)], tap, out=down)
            np.add(across, down, out=across)

    watch = partial(HostClock().measure, work)
    watch(1)
    return Contender(YARDSTICK, watch, shortest(watch, TRIES))
