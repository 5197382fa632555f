"""Multiplication of cosine coefficients: no padding, whatever the radius.

A symmetric kernel under `reflect` is diagonal in the basis of the DCT-II, under `mirror` in that
of the DCT-I (S. A. Martucci, "Symmetric convolution and the discrete sine and cosine transforms",
IEEE Transactions on Signal Processing 42, 1994).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from blurbench.methods.fft import Fourier
from blurbench.plan import PlanePlan, Problem, empty, store

TYPES = {"reflect": 2, "mirror": 1}  # of the transform, by border
LARGEST_PRIME = 101  # of a length that is transformed in float32 within the exactness contract


@dataclass(frozen=True)
class Cosine:
    """The transforms that a library offers, with the signatures of scipy.fft."""

    dct: Callable[..., Any]
    idct: Callable[..., Any]


class Pass(Protocol):
    """The blur of a plane `(H, W)` along one of its axes; it may overwrite the plane.

    Attributes:
        nbytes: memory that it holds.
    """

    nbytes: int

    def __call__(self, plane: Any) -> Any: ...


def operations(problem: Problem) -> float:
    """Multiply-adds that one image takes, about: `L*log2(L)` a transform of L real samples."""
    samples = problem.height * problem.width
    return problem.channels * 2.0 * samples * math.log2(max(2, samples))


def work_bytes(problem: Problem, planes: int) -> int:
    """Memory of a plan and its call, which hold so many arrays as large as a channel."""
    return planes * problem.height * (problem.width + 2) * itemsize(problem)


def period(n: int, border: str) -> int:
    """Samples after which a line of `n` that is folded at its ends repeats itself.

    The blur multiplies cosine coefficient f by `t[0] + 2*sum(t[j]*cos(2*pi*f*j/period))`, which
    is the kernel's response on a circle of that length.
    """
    return 2 * n if border == "reflect" else max(1, 2 * n - 2)


def precision(problem: Problem) -> str:
    """The type of the arithmetic: that of the problem, or float64 where a length needs it.

    A length with a large prime factor is transformed through longer ones, in several times the
    time and with several times the rounding.
    """
    for n in problem.shape[:2]:
        rest = period(n, problem.border)
        for factor in range(2, LARGEST_PRIME + 1):
            while rest % factor == 0:
                rest //= factor
        if rest > 1:
            return "float64"
    return problem.work_dtype.name


def itemsize(problem: Problem) -> int:
    """Bytes of a sample in that type."""
    return 8 if precision(problem) == "float64" else 4


class DCTPlan(PlanePlan):
    """Blurs one channel at a time, down its columns, then along its rows.

    Args:
        make_pass: makes the pass along an axis, 0 or 1.
    """

    def __init__(self, xp: Any, problem: Problem, make_pass: Callable[[int], Pass]) -> None:
        super().__init__(xp, problem)
        self._work = empty(xp, problem.shape[:2], getattr(xp, precision(problem)))
        self._passes = [make_pass(axis) for axis in (0, 1)]
        self.nbytes = self._work.size * itemsize(problem)
        self.nbytes += sum(one.nbytes for one in self._passes)

    def _plane(self, image: Any, out: Any) -> None:
        plane = self._work
        plane[...] = self._xp.astype(image, plane.dtype, copy=False)
        # The blur keeps the level; a transform would round every sample to its size.
        level = self._xp.mean(plane)
        plane -= level
        for blur in self._passes:
            plane = blur(plane)
        plane += level
        store(self._xp, plane, out)


class CosinePass:
    """`reflect` or `mirror`, by the library's cosine transforms."""

    def __init__(self, xp: Any, problem: Problem, axis: int, cosine: Cosine) -> None:
        n = problem.shape[axis]
        self._there, self._back = cosine.dct, cosine.idct
        self._how = {"type": TYPES[problem.border], "axis": axis, "overwrite_x": True}
        self._alone = n == 1  # blurs to itself, and the DCT-I needs two samples
        response = problem.kernel.response(period(n, problem.border))[:n]
        self._factors = xp.astype(across(xp, response, axis), getattr(xp, precision(problem)))
        self.nbytes = n * itemsize(problem)

    def __call__(self, plane: Any) -> Any:
        if self._alone:
            return plane
        coefficients = self._there(plane, **self._how)
        coefficients *= self._factors
        return self._back(coefficients, **self._how)


class FourierPass:
    """`reflect`, by Fourier transforms of the same length, for libraries without a DCT.

    The samples at even places followed by those at odd places, last first, have the transform V
    whose product with exp(-i*pi*f/2n) holds the cosine coefficients f and n-f as its real and its
    negative imaginary part (J. Makhoul, "A fast cosine transform in one and two dimensions", IEEE
    Transactions on Acoustics, Speech, and Signal Processing 28, 1980). Multiplying these by the
    response h is `(h[f] + h[n-f])/2 * V + (h[f] - h[n-f])/2 * exp(i*pi*f/n) * conj(V)`.
    """

    def __init__(self, xp: Any, problem: Problem, axis: int, fourier: Fourier) -> None:
        n, shape = problem.shape[axis], list(problem.shape[:2])
        dtype = getattr(xp, precision(problem))
        complex_dtype = xp.complex128 if dtype == xp.float64 else xp.complex64
        self._xp, self._fourier, self._axis, self._n = xp, fourier, axis, n
        self._samples = empty(xp, tuple(shape), dtype)
        shape[axis] = terms = n // 2 + 1
        response = problem.kernel.response(period(n, "reflect"))
        low, high = response[:terms], response[n - terms + 1 : n + 1][::-1]
        angles = xp.arange(terms, dtype=xp.float64) * (math.pi / n)
        turn = across(xp, (low - high) / 2, axis) * xp.exp(
            across(xp, xp.astype(angles, xp.complex128) * 1j, axis)
        )
        self._straight = xp.astype(across(xp, (low + high) / 2, axis), dtype)
        self._turned = xp.astype(turn, complex_dtype)
        self._out: tuple[dict[str, Any], dict[str, Any]] = {}, {}
        if fourier.takes_out:
            self._out = {"out": empty(xp, tuple(shape), complex_dtype)}, {"out": self._samples}
        self.nbytes = (2 if fourier.takes_out else 1) * self._samples.size * itemsize(problem)

    def __call__(self, plane: Any) -> Any:
        axis, half = self._axis, (self._n + 1) // 2
        lead = (slice(None),) * axis
        first, last = (*lead, slice(0, half), ...), (*lead, slice(half, self._n), ...)
        even, odd = (*lead, slice(0, self._n, 2), ...), (*lead, slice(1, self._n, 2), ...)
        samples = self._samples
        samples[first] = plane[even]
        samples[last] = self._xp.flip(plane[odd], axis=axis)
        spectrum = self._fourier.rfftn(samples, axes=(axis,), **self._out[0])
        turned = self._xp.conj(spectrum)
        turned *= self._turned
        spectrum *= self._straight
        spectrum += turned
        samples = self._fourier.irfft(spectrum, n=self._n, axis=axis, **self._out[1])
        plane[even] = samples[first]
        plane[odd] = self._xp.flip(samples[last], axis=axis)
        return plane


def across(xp: Any, line: Any, axis: int) -> Any:
    """A line along an axis of a plane, as an array that broadcasts over the other axis."""
    return xp.reshape(xp.asarray(line), (-1, 1) if axis == 0 else (1, -1))
