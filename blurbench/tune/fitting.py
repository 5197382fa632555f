"""Fits what implementations take to the model by which `auto` chooses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.optimize

from blurbench.backends.backend import Implementation
from blurbench.choice.model import ITEM_BYTES, TERMS, terms_of
from blurbench.problem import Problem

FEWEST = 12  # timings that figures need; what was timed less is seldom near the fastest
DESCRIBED = 0.35  # beyond this median deviation the model does not fit, and would mislead
PASSES, CLOSE = 5, 0.05  # a deviation is weighed by its size, not its square, from here on


@dataclass(frozen=True)
class Timing:
    """Seconds of a call, where the image lies at `place`."""

    implementation: Implementation
    place: str
    problem: Problem
    seconds: float


def costs_of(timings: Sequence[Timing], cache_bytes: int) -> list[dict[str, Any]]:
    """A cost for each implementation, place, dtype and number of threads.

    Left out is what was timed too seldom, and what the model does not describe: OpenCV's dense sum
    turns to a transform at a size of its own.
    """
    groups: dict[tuple[str, str, str, int], list[Timing]] = {}
    for one in timings:
        problem = one.problem
        key = (one.implementation.name, one.place, problem.dtype.name, problem.threads)
        groups.setdefault(key, []).append(one)
    costs = [
        _cost(group, cache_bytes) for _, group in sorted(groups.items()) if len(group) >= FEWEST
    ]
    return [cost for cost in costs if cost["median_deviation"] <= DESCRIBED]


def _cost(timings: Sequence[Timing], cache_bytes: int) -> dict[str, Any]:
    one, place, problem = timings[0].implementation, timings[0].place, timings[0].problem
    seconds = np.array([timing.seconds for timing in timings])
    terms = np.array([_terms(timing, cache_bytes) for timing in timings])
    figures = fit(terms, seconds)
    off = np.abs(terms @ figures / seconds - 1)
    return {
        "backend": one.backend,
        "method": one.method,
        "dtype": problem.dtype.name,
        "place": place,
        "threads": problem.threads,
        "exact": one.exact,
        "even": not (one.folds or one.own_kernel),
        "half": "float16" in one.dtypes,
        "borders": list(one.borders),
        **dict(zip(TERMS, map(float, figures), strict=True)),
        "timings": len(timings),
        "median_deviation": float(np.median(off)),
    }


def _terms(timing: Timing, cache_bytes: int) -> tuple[float, ...]:
    problem = timing.problem
    return terms_of(
        timing.implementation.method,
        problem.height,
        problem.width,
        problem.channels,
        ITEM_BYTES[problem.dtype.name],
        problem.kernel.size,
        cache_bytes,
    )


def fit(terms: Any, seconds: Any) -> Any:
    """Figures, none negative, whose products with the terms deviate least from the seconds.

    Deviations are relative, and the sum of their sizes is made small (by iteratively reweighted
    least squares), so that a few disturbed timings do not count for more than others.

    Args:
        terms: `(n, m)`; seconds: `(n,)`, above 0.
    """
    relative = terms / seconds[:, None]
    scale = np.linalg.norm(relative, axis=0)
    scale[scale == 0] = 1
    weights = np.ones(len(seconds))
    for _ in range(PASSES):
        root = np.sqrt(weights)
        figures, _ = scipy.optimize.nnls(relative / scale * root[:, None], root)
        off = np.abs(relative / scale @ figures - 1)
        weights = 1 / np.maximum(off, CLOSE)
    return figures / scale
