"""How far the separable result lies from the dense one, which differ by rounding alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench.backends.registry import find_implementation
from blurbench.problem import Problem
from blurbench.study.exactness import sampled_positions

METHODS = ("separable", "direct")
LONGEST_S = 2.0  # that the dense sum may take only for this


def separable_against_direct(
    samples: Iterable[tuple[str, NDArray[np.float64]]],
    problem: Problem,
    pixels: NDArray[Any],
    direct_s: float,
) -> float | None:
    """The largest difference between the two: on what has run, or on a crop of the image.

    Args:
        samples: method and sampled result of what has run.
        direct_s: that the dense sum is expected to take; None is told where a crop takes too long.
    """
    ran: dict[str, list[NDArray[np.float64]]] = {method: [] for method in METHODS}
    for method, sample in samples:
        if method in ran:
            ran[method].append(sample)
    if not all(ran.values()):
        rows, columns = (len(sampled_positions(n)) for n in problem.shape[:2])
        crop = np.ascontiguousarray(pixels[:rows, :columns])
        small = replace(problem, shape=crop.shape)
        dense = find_implementation("numpy", "direct")
        if dense.effort(small) / dense.effort(problem) * direct_s > LONGEST_S:
            return None
        for method in METHODS:
            plan = find_implementation("numpy", method).prepare(small)
            ran[method] = [plan(crop).astype(np.float64)]
    return max(float(np.abs(a - b).max()) for a, b in product(*ran.values()))
