"""Multiplication of cosine coefficients, by one real Fourier transform of a channel each way.

As in `blurbench.methods.dct.FourierPass`, samples at even places are followed by those at odd
places, last first; here along both axes. Down the columns the spectrum is blurred by itself and by
itself at the negative frequencies; so it is along the rows, where the spectrum at the negative
frequencies of both axes is its own conjugate.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench.methods.dct import itemsize, period, precision
from blurbench.methods.strips import level_of
from blurbench.methods.whole.fft import Fourier
from blurbench.plan import PlanePlan, Problem, store


def work_bytes(problem: Problem) -> int:
    """Memory of a call: arrays as large as a channel, those that the library takes included."""
    return 6 * (problem.height + 2) * (problem.width + 2) * itemsize(problem)


class CosinePlan(PlanePlan):
    """Blurs one channel at a time under `reflect`, about its level."""

    def __init__(self, xp: Any, problem: Problem, fourier: Fourier) -> None:
        super().__init__(xp, problem)
        self._fourier = fourier
        height, width = self._shape = problem.shape[:2]
        self._float = getattr(xp, precision(problem))
        places = [
            np.concatenate([np.arange(0, n, 2), np.arange(1, n, 2)[::-1]]) for n in self._shape
        ]
        self._places = [xp.asarray(one) for one in places]
        self._back = [xp.asarray(np.argsort(one)) for one in places]
        self._negative = xp.asarray(-np.arange(height) % height)
        down = [factor[:, None] / (height * width) for factor in _factors(problem, height)]
        along = [factor[None, : width // 2 + 1] for factor in _factors(problem, width)]
        self._down, self._along = (
            [self._factor(one) for one in factors] for factors in (down, along)
        )

    def _factor(self, values: NDArray[Any]) -> Any:
        single = "complex64" if self._float == self._xp.float32 else "complex128"
        dtype = getattr(self._xp, single) if values.dtype.kind == "c" else self._float
        return self._hold(self._xp.astype(self._xp.asarray(values), dtype))

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


def _blend(spectrum: Any, negative: Any, factors: list[Any]) -> None:
    """Blur a spectrum along one axis, given that at the axis's negative frequencies."""
    straight, turned = factors
    negative *= turned
    spectrum *= straight
    spectrum += negative


def _factors(problem: Problem, n: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Of the spectrum of a line of `n`, and of that at the negative frequencies."""
    response = problem.kernel.response(period(n, "reflect"))
    low, high = response[:n], response[n:0:-1]
    turn = np.exp(1j * math.pi / n * np.arange(n))
    return (low + high) / 2, (low - high) / 2 * turn
