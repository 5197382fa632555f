"""Multiplication in the frequency domain, by real transforms of each padded channel."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from blurbench.border import Margins
from blurbench.methods.strips import ALL, across, along, strip_shape, threads_for, within
from blurbench.plan import PlanePlan, empty, store
from blurbench.problem import Problem


@dataclass(frozen=True)
class Fourier:
    """The transforms that a library offers, with the signatures of the array API's `fft`.

    `takes_out` says that they can also write into an array of ours. Memory that is asked for anew
    at each call costs a fifth of the time, or nothing, as the allocator's past will have it.
    """

    rfftn: Callable[..., Any]
    ifft: Callable[..., Any]
    irfft: Callable[..., Any]
    fast_length: Callable[[int], int]
    takes_out: bool = False


WHOLE, MARGINS = 2**20, 1.4  # samples of a channel; times as many with the margins


def pays_whole(problem: Problem, fourier: Fourier) -> bool:
    """Whether a processor is done sooner with a channel at once than with strips of it.

    It copies less, but a large one leaves the cache, and margins in both axes multiply.
    """
    padded = math.prod(padded_length(n, problem, fourier.fast_length) for n in problem.shape[:2])
    samples = problem.height * problem.width
    return threads_for(problem) == 1 and samples <= WHOLE and padded < MARGINS * samples


def padded_length(n: int, problem: Problem, fast_length: Callable[[int], int]) -> int:
    """Samples transformed along an axis of `n`.

    Room for the margins, up to a length with small prime factors; the circle itself is the
    `wrap` border, which needs no margins where `n` is such a length already.
    """
    if problem.border == "wrap" and fast_length(n) == n:
        return n
    return fast_length(n + 2 * problem.kernel.radius)


def operations(problem: Problem, fast_length: Callable[[int], int]) -> float:
    """Multiply-adds that one image takes, about: `L*log2(L)` a transform of L real samples."""
    height = padded_length(problem.height, problem, fast_length)
    width = padded_length(problem.width, problem, fast_length)
    samples = height * width
    return problem.channels * 2.0 * samples * math.log2(max(2, samples))


def strip_operations(problem: Problem, fast_length: Callable[[int], int]) -> float:
    """Multiply-adds of transforms axis by axis, there and back, of lines with their margins."""
    height, width = problem.shape[:2]
    tall, wide = (padded_length(n, problem, fast_length) for n in (height, width))
    lines = width * tall * math.log2(max(2, tall)) + height * wide * math.log2(max(2, wide))
    return problem.channels * 2.0 * lines


def work_bytes(problem: Problem, fast_length: Callable[[int], int]) -> int:
    """Memory of a plan and its call: padded channel and spectrum, transformed and back."""
    height = padded_length(problem.height, problem, fast_length)
    width = padded_length(problem.width, problem, fast_length)
    return 6 * height * (width + 2) * problem.work_dtype.itemsize


class FFTPlan(PlanePlan):
    """Holds the kernel's spectrum and the padded channel; transforms one channel at a time.

    The taps are centred on index 0, so their spectrum is real and costs one multiplication a
    sample (an even kernel's is complex); rows that hold only padding are not transformed back.
    """

    def __init__(self, xp: Any, problem: Problem, fourier: Fourier) -> None:
        super().__init__(xp, problem)
        self._fourier = fourier
        height, width = (padded_length(n, problem, fourier.fast_length) for n in problem.shape[:2])
        self._width = width
        self._top = self._margin(height, problem.height)
        self._left = self._margin(width, problem.width)
        dtype = getattr(xp, problem.work_dtype.name)
        complex_dtype = xp.complex128 if dtype == xp.float64 else xp.complex64
        self._padded = self._hold(empty(xp, (height, width), dtype))
        self._padded[...] = 0
        self._above_below = Margins(xp, problem.height, self._top, problem.border, problem.cval)
        self._left_right = Margins(xp, problem.width, self._left, problem.border, problem.cval)
        down, along = problem.kernel.response(height), problem.kernel.response(width)
        spectrum = down[:, None] * along[None, : width // 2 + 1]
        self._spectrum = self._hold(
            xp.astype(xp.asarray(spectrum), complex_dtype if problem.kernel.even else dtype)
        )
        self._frequencies, self._lines = {}, {}
        if fourier.takes_out:
            self._frequencies["out"] = empty(xp, spectrum.shape, complex_dtype)
            self._lines["out"] = empty(xp, (problem.height, width), dtype)
            self.nbytes += self._frequencies["out"].nbytes + self._lines["out"].nbytes

    def _margin(self, length: int, n: int) -> int:
        """Samples before the image: the radius, or none where the circle is the border."""
        return 0 if length == n else self.problem.kernel.radius

    def _plane(self, image: Any, out: Any) -> None:
        height, width = self.problem.shape[:2]
        rows = slice(self._top, self._top + height)
        columns = slice(self._left, self._left + width)
        inner = self._padded[rows, :]
        inner[:, columns] = self._xp.astype(image, inner.dtype, copy=False)
        self._left_right.fill(inner, axis=1)
        self._above_below.fill(self._padded, axis=0)
        spectrum = self._fourier.rfftn(self._padded, axes=(0, 1), **self._frequencies)
        spectrum *= self._spectrum
        blurred = self._fourier.ifft(spectrum, axis=0, **self._frequencies)[rows, :]
        blurred = self._fourier.irfft(blurred, n=self._width, axis=1, **self._lines)
        store(self._xp, blurred[:, columns], out)


class CirclePass:
    """Lines with their margins on a circle, by transforms of that length."""

    def __init__(self, xp: Any, problem: Problem, axis: int, fourier: Fourier, lines: int) -> None:
        n = problem.shape[axis]
        self._length = length = padded_length(n, problem, fourier.fast_length)
        margin = 0 if length == n else problem.kernel.radius
        self._margins = Margins(xp, n, margin, problem.border, problem.cval)
        self._axis, self._fourier = along(axis), fourier
        self._inner = within(axis, slice(margin, margin + n))
        dtype = getattr(xp, problem.work_dtype.name)
        complex_dtype = xp.complex128 if dtype == xp.float64 else xp.complex64
        shape, terms = strip_shape(problem, axis, length, lines), length // 2 + 1
        self._padded = empty(xp, shape, dtype)
        self._padded[...] = 0
        response = across(xp, problem.kernel.response(length)[:terms], axis)
        self._response = xp.astype(response, complex_dtype if problem.kernel.even else dtype)
        self.nbytes = self._padded.size * problem.work_dtype.itemsize
        if fourier.takes_out:
            self._blurred = empty(xp, shape, dtype)
            self._spectrum = empty(xp, strip_shape(problem, axis, terms, lines), complex_dtype)
            self.nbytes *= 4

    def __call__(self, lines: Any) -> Any:
        some = (ALL, slice(0, lines.shape[1]), ALL)
        padded = self._padded[some]
        padded[self._inner] = lines
        self._margins.fill(padded, axis=self._axis)
        there, back = {}, {}
        if self._fourier.takes_out:
            there["out"], back["out"] = self._spectrum[some], self._blurred[some]
        spectrum = self._fourier.rfftn(padded, axes=(self._axis,), **there)
        spectrum *= self._response
        blurred = self._fourier.irfft(spectrum, n=self._length, axis=self._axis, **back)
        return blurred[self._inner]
