"""Backend `cucim`: the filters of cuCIM that keep each block's pixels in shared memory."""

from __future__ import annotations

import functools
from dataclasses import replace
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np

from blurbench.backends import cupy_packages, gpu, lanes, optional, staging
from blurbench.backends.backend import Availability, Backend, Implementation
from blurbench.backends.cupyx import FLOAT64_FROM
from blurbench.backends.ndimage import MODES
from blurbench.methods import separable
from blurbench.plan import Plan, empty, store
from blurbench.problem import Problem


class SharedMemoryPlan(Plan):
    """Two calls of `correlate1d`, each on a contiguous 2-D image, as the fast kernels need it.

    In colour, columns are filtered as they lie, all channels side by side, and rows a channel
    below the other. The library takes slower kernels of its own where a block's pixels exceed
    the shared memory (columns in float64 from about 130 taps) and beyond 256 taps.
    """

    def __init__(self, xp: Any, correlate1d: Any, problem: Problem) -> None:
        super().__init__(xp, problem)
        widened = problem.kernel.size >= FLOAT64_FROM["separable"]  # it sums in the image's type
        self._work = np.dtype(np.float64) if widened else problem.work_dtype
        height, width, channels = problem.height, problem.width, problem.channels
        self._columns = self._buffer((height, width * channels))
        self._planes = self._buffer((channels, height, width)) if channels > 1 else None
        self._rows = self._buffer((channels * height, width))
        self._taps = xp.asarray(problem.kernel.taps, dtype=self._work)
        self._correlate1d = partial(
            correlate1d, weights=self._taps, mode=MODES[problem.border], cval=problem.cval
        )

    def _buffer(self, shape: tuple[int, ...]) -> Any:
        buffer = empty(self._xp, shape, self._work)
        self.nbytes += buffer.nbytes
        return buffer

    def _run(self, image: Any, out: Any) -> None:
        height, width, channels = self.problem.height, self.problem.width, self.problem.channels
        image = self._xp.ascontiguousarray(image, dtype=self._work)
        self._correlate1d(image.reshape(self._columns.shape), axis=0, output=self._columns)
        between = self._columns
        if self._planes is not None:
            by_pixel = self._columns.reshape(height, width, channels)
            self._planes[...] = by_pixel.transpose(2, 0, 1)
            between = self._planes.reshape(self._rows.shape)
        # The kernels write where a contiguous result would lie.
        fits = channels == 1 and out.dtype == self._work and out.flags.c_contiguous
        rows = out.reshape(self._rows.shape) if fits else self._rows
        self._correlate1d(between, axis=1, output=rows)
        if not fits:
            by_channel = rows.reshape(channels, height, width)
            store(self._xp, by_channel.transpose(1, 2, 0).reshape(out.shape), out)


def work_bytes(problem: Problem) -> int:
    """Memory that a plan holds, at most: three buffers of float64."""
    return 3 * problem.height * problem.width * problem.channels * 8


def _filters() -> ModuleType:
    """cuCIM's own ndimage: its public `gaussian` would not take our taps."""
    return import_module("cucim.skimage._vendored.ndimage")


def _load() -> ModuleType:
    _filters()
    return import_module("cucim")


@functools.cache
def probe() -> Availability:
    """Whether the GPU can be used and cuCIM be imported."""
    return optional.on_gpu(_examine)


def _examine() -> Availability:
    found = optional.examine(_load, "cucim", "cuCIM", f"cucim{cupy_packages.cuda()}")
    if found.ok or not cupy_packages.by_conda("cupy"):
        return found
    # The wheel would bring a second CuPy.
    return replace(found, remedy="conda install -c rapidsai -c conda-forge cucim")


backend = Backend(
    "cucim",
    "gpu",
    (
        Implementation(
            "cucim",
            "separable",
            "library",
            lambda problem: SharedMemoryPlan(
                import_module("cupy"), _filters().correlate1d, problem
            ),
            separable.operations,
            work_bytes,
        ),
    ),
    probe,
    staging.carry,
    gpu.open_device,
    lanes.CUDA,
    distributions=("cucim-cu12", "cucim-cu13"),
)
