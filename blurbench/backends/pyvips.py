"""Backend `pyvips`: the convolutions of libvips, which works through an image tile by tile."""

from __future__ import annotations

import functools
from importlib import import_module
from typing import Any

import numpy as np

from blurbench.backends import optional
from blurbench.backends.backend import Availability, Backend, Implementation
from blurbench.backends.padded import Padded
from blurbench.backends.process_settings import ProcessSetting
from blurbench.forks import Home
from blurbench.methods import direct, separable
from blurbench.plan import Plan
from blurbench.problem import WITHOUT_FLOAT16, Problem

FORMATS = {"uint8": "uchar", "uint16": "ushort"}


@functools.cache
def _library() -> Any:
    """pyvips, without its function that hears each message of libvips.

    An interrupt that came while libvips was at work would be raised in there, and be lost.
    """
    library = import_module("pyvips")
    remove = getattr(library, "_remove_log_handler", None)  # of today's pyvips
    if remove is not None:
        remove()
    return library


def _settings() -> tuple[int, int]:
    library = _library().vips_lib
    return library.vips_concurrency_get(), library.vips_cache_get_max()


def _set(value: tuple[int, int]) -> None:
    library = _library().vips_lib
    library.vips_concurrency_set(value[0])
    library.vips_cache_set_max(value[1])


# Of libvips' threads: a fork would wait for them for ever.
home = Home("pyvips")

# The number of threads, and of operations that are kept for a repetition, each with its image.
settings = ProcessSetting(_settings, _set)


class VipsConvPlan(Plan):
    """`conv` with the dense taps or `convsep` with those of one axis, in floating point.

    libvips knows the border `nearest`; under others the image gets its margins first. Each
    result comes in fresh memory; the copy into `out` is part of a call.
    """

    def __init__(self, problem: Problem, method: str) -> None:
        super().__init__(np, problem)
        self._pyvips = _library()
        self._padded = None if problem.border == "nearest" else Padded.around(problem)
        self._function = {"direct": "conv", "separable": "convsep"}[method]
        taps = problem.kernel.dense() if method == "direct" else problem.kernel.taps[None, :]
        self.nbytes = taps.nbytes + (0 if self._padded is None else self._padded.array.nbytes)
        self._taps = self._pyvips.Image.new_from_array(taps.tolist())

    def _run(self, image: Any, out: Any) -> None:
        home.check()
        radius = self.problem.kernel.radius
        if self._padded is not None:
            image = self._padded.fill(image)
        with settings.to((self.problem.threads, 0)):
            source = self._pyvips.Image.new_from_array(np.ascontiguousarray(image))
            blurred = getattr(source, self._function)(self._taps, precision="float")
            if self._padded is not None:
                blurred = blurred.crop(radius, radius, self.problem.width, self.problem.height)
            if self.problem.dtype.kind != "f":
                blurred = blurred.rint().cast(FORMATS[self.problem.dtype.name])
            out[...] = blurred.numpy().reshape(out.shape)


def work_bytes(problem: Problem) -> int:
    """At most the taps, the image with its margins, and the result in the library's memory.

    Before there is a result, each margin is copied.
    """
    margin = 2 * problem.kernel.radius
    padded = (problem.height + margin) * (problem.width + margin) * problem.channels
    copied = problem.kernel.radius * max(problem.height, problem.width + margin)
    copied *= problem.channels * problem.work_dtype.itemsize
    taps = 8 * problem.kernel.size**2
    return padded * problem.work_dtype.itemsize + max(copied, problem.image_bytes) + taps


@functools.cache
def probe() -> Availability:
    """Whether pyvips can be imported, which needs libvips."""
    return optional.examine(lambda: import_module("pyvips"), "pyvips", "pyvips", "peers")


backend = Backend(
    "pyvips",
    "cpu",
    (
        Implementation(
            "pyvips",
            "direct",
            "library",
            lambda problem: VipsConvPlan(problem, "direct"),
            direct.operations,
            work_bytes,
            dtypes=WITHOUT_FLOAT16,
        ),
        Implementation(
            "pyvips",
            "separable",
            "library",
            lambda problem: VipsConvPlan(problem, "separable"),
            separable.operations,
            work_bytes,
            dtypes=WITHOUT_FLOAT16,
        ),
    ),
    probe,
    distributions=("pyvips",),
)
