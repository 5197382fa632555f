"""Multiplication of cosine coefficients: no padding, whatever the radius.

A symmetric kernel under `reflect` is diagonal in the basis of the DCT-II, under `mirror` in that
of the DCT-I (S. A. Martucci, "Symmetric convolution and the discrete sine and cosine transforms",
IEEE Transactions on Signal Processing 42, 1994).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from blurbench.methods.fft import Fourier
from blurbench.methods.strips import ALL, across, along, strip_shape, within
from blurbench.plan import empty
from blurbench.problem import Problem

TYPES = {"reflect": 2, "mirror": 1}  # of the transform, by border
LARGEST_PRIME = 101  # of a length that is transformed in float32 within the exactness contract


@dataclass(frozen=True)
class Cosine:
    """The transforms that a library offers, with the signatures of scipy.fft."""

    dct: Callable[..., Any]
    idct: Callable[..., Any]


def operations(problem: Problem) -> float:
    """Multiply-adds that one image takes, about: `L*log2(L)` a transform of L real samples."""
    samples = problem.height * problem.width
    return problem.channels * 2.0 * samples * math.log2(max(2, samples))


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


class CosinePass:
    """`reflect` or `mirror`, by the library's cosine transforms."""

    def __init__(self, xp: Any, problem: Problem, axis: int, cosine: Cosine) -> None:
        n = problem.shape[axis]
        self._xp, self._there, self._back = xp, cosine.dct, cosine.idct
        self._how = {"type": TYPES[problem.border], "axis": along(axis)}
        self._alone = n == 1  # blurs to itself, and the DCT-I needs two samples
        response = problem.kernel.response(period(n, problem.border))[:n]
        self._factors = xp.astype(across(xp, response, axis), getattr(xp, precision(problem)))
        self.nbytes = n * itemsize(problem)

    def __call__(self, lines: Any) -> Any:
        if self._alone:
            return self._xp.asarray(lines, copy=True)
        coefficients = self._there(lines, **self._how)
        coefficients *= self._factors
        return self._back(coefficients, overwrite_x=True, **self._how)


class FourierPass:
    """`reflect`, by Fourier transforms of the same length, for libraries without a DCT.

    The samples at even places followed by those at odd places, last first, have the transform V
    whose product with exp(-i*pi*f/2n) holds the cosine coefficients f and n-f as its real and its
    negative imaginary part (J. Makhoul, "A fast cosine transform in one and two dimensions", IEEE
    Transactions on Acoustics, Speech, and Signal Processing 28, 1980). Multiplying these by the
    response h is `(h[f] + h[n-f])/2 * V + (h[f] - h[n-f])/2 * exp(i*pi*f/n) * conj(V)`.
    """

    def __init__(self, xp: Any, problem: Problem, axis: int, fourier: Fourier, lines: int) -> None:
        n = problem.shape[axis]
        dtype = getattr(xp, precision(problem))
        complex_dtype = xp.complex128 if dtype == xp.float64 else xp.complex64
        self._xp, self._fourier, self._axis, self._n = xp, fourier, along(axis), n
        places = slice(0, (n + 1) // 2), slice((n + 1) // 2, n), slice(0, n, 2), slice(1, n, 2)
        self._places = [within(axis, one) for one in places]
        shape, terms = strip_shape(problem, axis, n, lines), n // 2 + 1
        self._samples, self._blurred = (empty(xp, shape, dtype) for _ in range(2))
        response = problem.kernel.response(period(n, "reflect"))
        low, high = response[:terms], response[n - terms + 1 : n + 1][::-1]
        angles = xp.arange(terms, dtype=xp.float64) * (math.pi / n)
        turn = across(xp, (low - high) / 2, axis) * xp.exp(
            across(xp, xp.astype(angles, xp.complex128) * 1j, axis)
        )
        self._straight = xp.astype(across(xp, (low + high) / 2, axis), dtype)
        self._turned = xp.astype(turn, complex_dtype)
        self._spectrum = empty(xp, strip_shape(problem, axis, terms, lines), complex_dtype)
        self.nbytes = 4 * self._samples.size * itemsize(problem)

    def __call__(self, lines: Any) -> Any:
        axis, (first, last, even, odd) = self._axis, self._places
        some = (ALL, slice(0, lines.shape[1]), ALL)
        samples, blurred = self._samples[some], self._blurred[some]
        there = {"out": self._spectrum[some]} if self._fourier.takes_out else {}
        back = {"out": samples} if self._fourier.takes_out else {}
        samples[first] = lines[even]
        samples[last] = self._xp.flip(lines[odd], axis=axis)
        spectrum = self._fourier.rfftn(samples, axes=(axis,), **there)
        turned = self._xp.conj(spectrum)
        turned *= self._turned
        spectrum *= self._straight
        spectrum += turned
        samples = self._fourier.irfft(spectrum, n=self._n, axis=axis, **back)
        blurred[even] = samples[first]
        blurred[odd] = self._xp.flip(samples[last], axis=axis)
        return blurred
