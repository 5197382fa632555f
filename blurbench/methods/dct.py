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
from blurbench.methods.shares import do_all
from blurbench.plan import PlanePlan, Problem, empty, store

TYPES = {"reflect": 2, "mirror": 1}  # of the transform, by border
LARGEST_PRIME = 101  # of a length that is transformed in float32 within the exactness contract


@dataclass(frozen=True)
class Cosine:
    """The transforms that a library offers, with the signatures of scipy.fft."""

    dct: Callable[..., Any]
    idct: Callable[..., Any]


class Pass(Protocol):
    """The blur of a plane `(H, W)`, or of some of its lines, along an axis and in place.

    Attributes:
        nbytes: memory that it holds.
    """

    nbytes: int

    def __call__(self, plane: Any) -> None: ...


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
        lines: that are blurred at once, so that they stay in the cache; None for all.
        threads: that share the lines; more than one only if passes hold no work arrays.
    """

    def __init__(
        self,
        xp: Any,
        problem: Problem,
        make_pass: Callable[[int], Pass],
        lines: int | None = None,
        threads: int = 1,
    ) -> None:
        super().__init__(xp, problem)
        self._work = empty(xp, problem.shape[:2], getattr(xp, precision(problem)))
        self._passes = [make_pass(axis) for axis in (0, 1)]
        self._lines, self._threads = lines, threads
        self.nbytes = self._work.size * itemsize(problem)
        self.nbytes += sum(one.nbytes for one in self._passes)

    def _plane(self, image: Any, out: Any) -> None:
        plane = self._work
        plane[...] = self._xp.astype(image, plane.dtype, copy=False)
        # The blur keeps the level; a transform would round every sample to its size.
        level = self._xp.mean(plane)
        plane -= level
        for axis, blur in enumerate(self._passes):
            self._blur(plane, axis, blur)
        plane += level
        store(self._xp, plane, out)

    def _blur(self, plane: Any, axis: int, blur: Pass) -> None:
        count = plane.shape[1 - axis]
        step = self._lines or count
        starts = iter(range(0, count, step))

        def work(thread: int) -> None:
            for start in starts:
                some = slice(start, start + step)
                part = plane[:, some] if axis == 0 else plane[some, :]
                together = self._xp.asarray(part, copy=self._lines is not None)
                blur(together)
                if together is not part:
                    part[...] = together

        do_all(work, range(min(self._threads, -(-count // step))))


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

    def __call__(self, plane: Any) -> None:
        if self._alone:
            return
        coefficients = self._there(plane, **self._how)
        coefficients *= self._factors
        blurred = self._back(coefficients, **self._how)
        if blurred is not plane:
            plane[...] = blurred


class FourierPass:
    """`reflect`, by Fourier transforms of the same length, for libraries without a DCT.

    The samples at even places followed by those at odd places, last first, have the transform V
    whose product with exp(-i*pi*f/2n) holds the cosine coefficients f and n-f as its real and its
    negative imaginary part (J. Makhoul, "A fast cosine transform in one and two dimensions", IEEE
    Transactions on Acoustics, Speech, and Signal Processing 28, 1980). Multiplying these by the
    response h is `(h[f] + h[n-f])/2 * V + (h[f] - h[n-f])/2 * exp(i*pi*f/n) * conj(V)`.
    """

    def __init__(
        self, xp: Any, problem: Problem, axis: int, fourier: Fourier, lines: int | None = None
    ) -> None:
        n, shape = problem.shape[axis], list(problem.shape[:2])
        dtype = getattr(xp, precision(problem))
        complex_dtype = xp.complex128 if dtype == xp.float64 else xp.complex64
        self._xp, self._fourier, self._axis, self._n = xp, fourier, axis, n
        shape[1 - axis] = min(lines or shape[1 - axis], shape[1 - axis])
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
        self._spectrum = empty(xp, tuple(shape), complex_dtype)
        self.nbytes = 2 * self._samples.size * itemsize(problem)

    def __call__(self, plane: Any) -> None:
        axis, half = self._axis, (self._n + 1) // 2
        lead = (slice(None),) * axis
        first, last = (*lead, slice(0, half), ...), (*lead, slice(half, self._n), ...)
        even, odd = (*lead, slice(0, self._n, 2), ...), (*lead, slice(1, self._n, 2), ...)
        some = slice(0, plane.shape[1 - axis])
        here = (slice(None), some) if axis == 0 else (some, slice(None))
        samples = self._samples[here]
        there = {"out": self._spectrum[here]} if self._fourier.takes_out else {}
        back = {"out": samples} if self._fourier.takes_out else {}
        samples[first] = plane[even]
        samples[last] = self._xp.flip(plane[odd], axis=axis)
        spectrum = self._fourier.rfftn(samples, axes=(axis,), **there)
        turned = self._xp.conj(spectrum)
        turned *= self._turned
        spectrum *= self._straight
        spectrum += turned
        samples = self._fourier.irfft(spectrum, n=self._n, axis=axis, **back)
        plane[even] = samples[first]
        plane[odd] = self._xp.flip(samples[last], axis=axis)


def across(xp: Any, line: Any, axis: int) -> Any:
    """A line along an axis of a plane, as an array that broadcasts over the other axis."""
    return xp.reshape(xp.asarray(line), (-1, 1) if axis == 0 else (1, -1))
