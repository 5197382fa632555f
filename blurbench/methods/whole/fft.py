"""Multiplication in the frequency domain, by one real transform of a padded channel each way.

A device's library transforms both axes by one plan; axis by axis it would turn the array about
before and after. The level of the image is taken off and put back: a float32 transform would round
every sample to the level's size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from blurbench.methods.fft import padded_length
from blurbench.methods.strips import level_of
from blurbench.methods.whole.frame import Frame
from blurbench.plan import PlanePlan, store
from blurbench.problem import Problem


@dataclass(frozen=True)
class PlaneFourier:
    """The transforms that a library offers, both of them unscaled.

    Attributes:
        rfftn: `rfftn(array, axes=)`.
        irfftn: `irfftn(spectrum, s=, axes=)`; may overwrite the spectrum.
        fast_length: the next length up that is transformed fast.
    """

    rfftn: Callable[..., Any]
    irfftn: Callable[..., Any]
    fast_length: Callable[[int], int]


def work_bytes(problem: Problem, fast_length: Callable[[int], int]) -> int:
    """Memory of a plan and its call: a padded channel, its spectrum, what the library copies."""
    height, width = (padded_length(n, problem, fast_length) for n in problem.shape[:2])
    return 6 * height * (width + 2) * problem.work_dtype.itemsize


class WholeFFTPlan(PlanePlan):
    """Holds the kernel's spectrum and the padded channel; transforms one channel at a time."""

    def __init__(self, xp: Any, problem: Problem, fourier: PlaneFourier) -> None:
        super().__init__(xp, problem)
        self._fourier = fourier
        shape = height, width = self._shape = (
            padded_length(problem.height, problem, fourier.fast_length),
            padded_length(problem.width, problem, fourier.fast_length),
        )
        radius = problem.kernel.radius
        top, left = (
            0 if length == n else radius  # the circle is the border
            for length, n in zip(shape, problem.shape[:2], strict=True)
        )
        self._frame = Frame(xp, problem, shape, (top, left))
        self._hold(self._frame.array)
        down, along = problem.kernel.response(height), problem.kernel.response(width)
        spectrum = down[:, None] * along[None, : width // 2 + 1] / (height * width)
        dtype = getattr(xp, problem.work_dtype.name)
        complex_dtype = xp.complex128 if dtype == xp.float64 else xp.complex64
        self._spectrum = self._hold(
            xp.astype(xp.asarray(spectrum), complex_dtype if problem.kernel.even else dtype)
        )

    def _plane(self, image: Any, out: Any) -> None:
        level = level_of(self._xp, image, self._frame.array.dtype)
        padded = self._frame.fill(image, level)
        spectrum = self._fourier.rfftn(padded, axes=(0, 1))
        spectrum *= self._spectrum
        blurred = self._fourier.irfftn(spectrum, s=self._shape, axes=(0, 1))[self._frame.inner]
        blurred += level
        store(self._xp, blurred, out)
