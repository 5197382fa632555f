"""Kernels compiled on all CPUs before they are needed; the library keeps them on disk.

A process that compiles while it measures or checks leaves the device idle, and its time runs out.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib import import_module
from itertools import product

import numpy as np

from blurbench import host
from blurbench.backends.backend import Implementation
from blurbench.backends.registry import find_backend
from blurbench.kernel import GaussianKernel
from blurbench.problem import Problem
from blurbench.study import verify
from gpu_check.scale import CHANNELS, OWN_PART, Scale

SMALL = 32  # side of an image on which a library compiles as on a large one
LOOKED_INTO, LARGEST_LOOKED_INTO = 256, 63  # sides and taps: such tools are slow

Work = tuple[Implementation, Problem]


def compile_all(works: Iterable[Work], seconds: float) -> int:
    """Compile for as long as that, and say how many; what fails here fails again, and is told."""
    until = time.perf_counter() + seconds

    def compile_one(work: Work) -> int:
        if time.perf_counter() > until:
            return 0
        with suppress(Exception):
            one, problem = work
            plan = one.prepare(problem)
            if one.backend != OWN_PART:  # a library compiles at the first call
                zeros = import_module("cupy").zeros
                plan(*(zeros(problem.shape, dtype=problem.dtype.name) for _ in range(2)))
        return 1

    with ThreadPoolExecutor(host.usable_cpus()) as pool:
        return sum(pool.map(compile_one, works))


def to_race(
    ones: Iterable[Implementation], points: Iterable[tuple[int, int]], scale: Scale
) -> Iterator[Work]:
    """What races need at some points; ours is compiled for the size of the image, too."""
    for (size, channels), one in product(points, list(ones)):
        side = scale.side if one.backend == OWN_PART else SMALL
        yield one, scale.problem(size, channels, side)


def to_look_into(scale: Scale) -> Iterator[Work]:
    """Our kernels on small images, for tools that look into them."""
    side = min(LOOKED_INTO, scale.side)
    sizes = [size for size in scale.sizes if size <= LARGEST_LOOKED_INTO]
    for size, channels, one in product(sizes, CHANNELS, find_backend(OWN_PART).implementations):
        yield one, scale.problem(size, channels, side)


def to_verify() -> Iterator[Work]:
    """What `blurbench verify` needs of our kernels, which are the same under every border."""
    for size, shape, one in product(
        verify.SIZES, verify.SHAPES, find_backend(OWN_PART).implementations
    ):
        for dtype in one.dtypes:
            yield one, Problem(GaussianKernel.from_size(size), shape, np.dtype(dtype))
