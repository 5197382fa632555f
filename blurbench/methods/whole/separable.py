"""Two 1-D passes over the whole image: its samples against many taps at once.

Flat in memory, the samples that one tap meets lie a fixed step from those that the next one meets,
be it down the columns or along the rows. So the shifted images are views of one line. Those that
mirror each other are added up, as many as there is room for, and multiplied by their taps.
"""

from __future__ import annotations

from typing import Any

from blurbench.border import Margins
from blurbench.methods.whole.device_library import Library
from blurbench.methods.whole.frame import passing_bytes
from blurbench.plan import Plan, store
from blurbench.problem import Problem

ROOM = 2**27  # bytes of images at a time


def work_bytes(problem: Problem) -> int:
    """Memory of a plan and its call: the image padded and blurred, each way; shifted images."""
    radius, itemsize = problem.kernel.radius, problem.work_dtype.itemsize
    row, wide = problem.width * problem.channels, _wide(problem)
    tall = (problem.height + 2 * radius) * row
    held = tall + problem.height * row + 2 * (wide + radius * problem.channels)
    shifted = min(radius, _most(wide, itemsize)) * wide
    return (held + shifted) * itemsize + problem.channels * passing_bytes(problem)


class WholeSeparablePlan(Plan):
    """Blurs down all columns, then along all rows."""

    def __init__(self, library: Library, problem: Problem) -> None:
        xp = library.xp
        super().__init__(xp, problem)
        self._library = library
        radius, (height, width, *channels) = problem.kernel.radius, problem.shape
        dtype = getattr(xp, problem.work_dtype.name)
        row, samples = width * problem.channels, _wide(problem)
        self._taps = xp.reshape(xp.astype(xp.asarray(problem.kernel.taps), dtype), (1, -1))
        tall = height + 2 * radius, width, *channels
        self._tall = self._hold(xp.empty(tall, dtype=dtype))
        # Beyond the last line its right margin goes on, for the sums that no one needs.
        self._wide = self._hold(xp.zeros(samples + 2 * radius * problem.channels, dtype=dtype))
        self._lines = (height, width + 2 * radius, *channels)
        self._down = self._hold(xp.empty((1, 1, height * row), dtype=dtype))
        self._along = self._hold(xp.empty((1, 1, samples), dtype=dtype))
        self._above_below = Margins(xp, height, radius, problem.border, problem.cval)
        self._left_right = Margins(xp, width, radius, problem.border, problem.cval)

    def _run(self, image: Any, out: Any) -> None:
        (height, width), radius = self.problem.shape[:2], self.problem.kernel.radius
        xp = self._xp
        self._tall[radius : radius + height, ...] = xp.astype(image, self._tall.dtype, copy=False)
        self._above_below.fill(self._tall, axis=0)
        self._weigh(self._tall, width * self.problem.channels, self._down)
        wide = xp.reshape(self._wide[: self._along.shape[2]], self._lines)
        wide[:, radius : radius + width, ...] = xp.reshape(self._down, self.problem.shape)
        self._left_right.fill(wide, axis=1)
        self._weigh(self._wide, self.problem.channels, self._along)
        store(xp, xp.reshape(self._along, self._lines)[:, :width, ...], out)

    def _weigh(self, samples: Any, step: int, out: Any) -> None:
        """Fill `out` with the weighted sums of samples that lie `step` apart."""
        flat = self._xp.reshape(samples, (1, -1))
        shifted = self._library.windows(flat, out.shape[2], step)
        centre = self.problem.kernel.radius
        most = _most(out.shape[2], self.problem.work_dtype.itemsize)
        for first in range(0, centre, most):
            self._add_pairs(shifted, slice(first, min(first + most, centre)), out)
        middle = slice(centre, centre + 1)
        self._library.product(self._taps[:, middle], shifted[middle, :, :], out, add=centre > 0)

    def _add_pairs(self, shifted: Any, taps: slice, out: Any) -> None:
        """Add the samples that some taps and their mirror images meet."""
        last = 2 * self.problem.kernel.radius
        mirrored = slice(last - taps.start, last - taps.stop, -1)
        pairs = self._xp.permute_dims(shifted[taps, :, :] + shifted[mirrored, :, :], (1, 0, 2))
        self._library.product(self._taps[:, taps], pairs, out, add=taps.start > 0)


def _wide(problem: Problem) -> int:
    """Samples of the image with margins left and right."""
    columns = problem.width + 2 * problem.kernel.radius
    return problem.height * columns * problem.channels


def _most(samples: int, itemsize: int) -> int:
    """Images of so many samples that there is room for; one at least."""
    return max(1, ROOM // (samples * itemsize))
