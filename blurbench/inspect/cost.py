"""What direct, separable and FFT blurs do for a pixel, and how far apart their results are."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from blurbench.backends.backend import Implementation
from blurbench.backends.pocketfft import fast_length
from blurbench.backends.registry import find_implementation
from blurbench.errors import InputError
from blurbench.methods import direct, fft, separable
from blurbench.problem import Problem
from blurbench.study.exactness import reference_sample

SIDE = 96  # of the image on which errors are measured
DEAREST = 3e8  # multiply-adds' worth of effort that an error is worth
# An FFT pads, transforms both axes, multiplies and transforms both back: six passes that read and
# write every sample, the fourth of which reads the kernel's spectrum too.
FFT_ACCESSES = 13


@dataclass(frozen=True)
class MethodCost:
    """Of one method, on one image.

    Attributes:
        operations_per_pixel: multiply-adds, for FFT about: by its formula.
        bytes_per_pixel: read and written in float32 where no pass finds anything in a cache.
        error_float32, error_float64: the largest difference from a float64 reference on noise
            between 0 and 1; None where it would take too long.
    """

    method: str
    operations_per_pixel: float
    bytes_per_pixel: float
    error_float32: float | None
    error_float64: float | None


def costs(problem: Problem) -> list[MethodCost]:
    """Of one blur by each method; the errors are of our array code or, failing that, SciPy's.

    Args:
        problem: its kernel and border, and an image of one channel.
    """
    pixels = problem.height * problem.width
    found = []
    for method in ("direct", "separable", "fft"):
        one = _implementation(method, problem)
        found.append(
            MethodCost(
                method,
                _operations(method, problem) / pixels,
                _accesses(method, problem) * problem.dtype.itemsize,
                _error(one, problem, "float32"),
                _error(one, problem, "float64"),
            )
        )
    return found


def _implementation(method: str, problem: Problem) -> Implementation:
    one = find_implementation("numpy", method)
    try:
        one.check(problem)
    except InputError:
        one = find_implementation("scipy", method)
    return one


def _operations(method: str, problem: Problem) -> float:
    """Of a whole image, however an implementation may cut it up."""
    if method == "fft":
        return fft.operations(problem, fast_length)
    return direct.operations(problem) if method == "direct" else separable.operations(problem)


def _accesses(method: str, problem: Problem) -> float:
    """Samples read and written, a pixel."""
    if method == "direct":
        return 2
    if method == "separable":
        return 4
    padded = [fft.padded_length(n, problem, fast_length) for n in problem.shape[:2]]
    return FFT_ACCESSES * padded[0] * padded[1] / (problem.height * problem.width)


def _error(one: Implementation, problem: Problem, dtype: str) -> float | None:
    small = replace(problem, shape=(SIDE, SIDE), dtype=np.dtype(dtype))
    if one.effort(small) > DEAREST:
        return None
    image = np.random.default_rng(0).uniform(0, 1, small.shape).astype(dtype)
    result = one.prepare(small)(image).astype(np.float64)
    return float(np.abs(result - reference_sample(image, small)).max())
