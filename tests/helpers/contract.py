"""The exactness contract: the float64 reference, and how far from it a result may be."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.ndimage

from blurbench.backends.registry import collect, probe
from blurbench.kernel import GaussianKernel
from blurbench.problem import Problem

Array = np.ndarray[Any, Any]

EXACT_ON_CPU = [
    one
    for backend in collect([]).values()
    if backend.kind == "cpu" and probe(backend).ok
    for one in backend.implementations
    if one.exact
]

_known: dict[tuple[Any, ...], Array] = {}


def problem_of(
    size: int,
    shape: tuple[int, ...],
    dtype: str = "float32",
    border: str = "reflect",
    cval: float = 7.25,
    threads: int = 1,
) -> Problem:
    return Problem(GaussianKernel.from_size(size), shape, np.dtype(dtype), border, cval, threads)


def noise(problem: Problem, low: float = 0.0, high: float = 255.0, seed: int = 1) -> Array:
    """Uniform noise for a problem; whole numbers for integers."""
    values = np.random.default_rng(seed).uniform(low, high, problem.shape)
    return (np.rint(values) if problem.dtype.kind != "f" else values).astype(problem.dtype)


def reference(image: Array, problem: Problem) -> Array:
    """The blur by two passes of scipy.ndimage, in float64 throughout; computed once."""
    key = (problem.kernel, problem.border, problem.cval, image.shape, image.dtype, image.tobytes())
    if key not in _known:
        blurred = image.astype(np.float64)
        for axis in (0, 1):
            blurred = scipy.ndimage.correlate1d(
                blurred, problem.kernel.taps, axis, mode=problem.border, cval=problem.cval
            )
        blurred.flags.writeable = False
        _known[key] = blurred
    return _known[key]


def share_of_allowed(result: Array, expected: Array, image: Array, problem: Problem) -> float:
    """The largest error of a result, as a share of what the contract allows; 1 is just allowed.

    Float32 may be off by 1e-6 and float64 by 1e-13 of the largest value that enters the blur,
    integers by half a unit more than float32, float16 by half of its last digit.
    """
    scale = float(np.abs(image.astype(np.float64)).max())
    if problem.border == "constant":
        scale = max(scale, abs(problem.cval))
    allowed = (1e-13 if problem.dtype == np.float64 else 1e-6) * scale
    if problem.dtype == np.float16:
        allowed += 2**-11 * scale
    elif problem.dtype.kind != "f":
        allowed += 0.5
    error = float(np.abs(result.astype(np.float64) - expected).max())
    if allowed == 0:
        return 0.0 if error == 0 else float("inf")
    return error / allowed
