"""Multiplication of cosine coefficients, by one real Fourier transform of a channel each way.

As in `blurbench.methods.dct.FourierPass`, samples at even places are followed by those at odd
places, last first; here along both axes. Down the columns the spectrum is blurred by itself and by
itself at the negative frequencies; so it is along the rows, where the spectrum at the negative
frequencies of both axes is its own conjugate.
"""

from __future__ import annotations

import math
from typing import Any

from blurbench.methods.dct import itemsize, period, precision
from blurbench.methods.strips import level_of
from blurbench.methods.whole.fft import PlaneFourier
from blurbench.plan import PlanePlan, store
from blurbench.problem import Problem


def work_bytes(problem: Problem) -> int:
    """Memory of a call: arrays as large as a channel, those that the library takes included."""
    return 6 * (problem.height + 2) * (problem.width + 2) * itemsize(problem)


class CosinePlan(PlanePlan):
    """Blurs one channel at a time under `reflect`, about its level."""

    def __init__(self, xp: Any, problem: Problem, fourier: PlaneFourier) -> None:
        super().__init__(xp, problem)
        self._fourier = fourier
        self._shape = problem.shape[:2]
        self._float = getattr(xp, precision(problem))
        places = [[*range(0, n, 2), *reversed(range(1, n, 2))] for n in self._shape]
        self._places = [xp.asarray(one) for one in places]
        self._back = [xp.asarray(sorted(range(len(one)), key=one.__getitem__)) for one in places]
        self._negative = xp.asarray([-f % problem.height for f in range(problem.height)])
        self._down, self._along = self._factors(0), self._factors(1)

    def _factors(self, axis: int) -> tuple[Any, Any]:
        """Of the spectrum of a line along an axis, and of that at the negative frequencies."""
        xp, n = self._xp, self._shape[axis]
        terms, shape = ((n, (-1, 1)), (n // 2 + 1, (1, -1)))[axis]
        # The transforms, there and back, multiply by the number of samples.
        response = self.problem.kernel.response(period(n, "reflect")) / n
        low, high = response[:terms], response[n : n - terms : -1]
        angles = xp.arange(terms, dtype=xp.float64) * (math.pi / n)
        turns = xp.exp(xp.astype(angles, xp.complex128) * 1j)
        straight = xp.astype(xp.asarray((low + high) / 2), self._float)
        complex_dtype = xp.complex128 if self._float == xp.float64 else xp.complex64
        turned = xp.astype(xp.asarray((low - high) / 2) * turns, complex_dtype)
        return self._hold(xp.reshape(straight, shape)), self._hold(xp.reshape(turned, shape))

    def _plane(self, image: Any, out: Any) -> None:
        xp, dtype = self._xp, self._float
        level = level_of(xp, image, dtype)
        samples = self._placed(xp.astype(image, dtype, copy=False) - level, self._places)
        spectrum = self._fourier.rfftn(samples, axes=(0, 1))
        _blend(spectrum, xp.take(spectrum, self._negative, axis=0), self._down)
        _blend(spectrum, xp.conj(xp.take(spectrum, self._negative, axis=0)), self._along)
        blurred = self._fourier.irfftn(spectrum, s=self._shape, axes=(0, 1))
        blurred = self._placed(blurred, self._back)
        blurred += level
        store(xp, blurred, out)

    def _placed(self, samples: Any, places: list[Any]) -> Any:
        for axis in (0, 1):
            samples = self._xp.take(samples, places[axis], axis=axis)
        return samples


def _blend(spectrum: Any, negative: Any, factors: tuple[Any, Any]) -> None:
    """Blur a spectrum along one axis, given that at the axis's negative frequencies."""
    straight, turned = factors
    negative *= turned
    spectrum *= straight
    spectrum += negative
