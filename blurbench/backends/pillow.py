"""Backend `pillow`: Pillow's `GaussianBlur`, three extended boxes in 8 bits."""

from __future__ import annotations

import functools
from importlib import import_module
from typing import Any

import numpy as np

from blurbench.backends import optional
from blurbench.backends.backend import Availability, Backend, Implementation
from blurbench.errors import InputError
from blurbench.plan import Plan
from blurbench.problem import Problem

MOST_CHANNELS = 4
PASSES = 3


class BoxesPlan(Plan):
    """Takes sigma alone; rounds to 8 bits between the passes, and repeats the edge in each."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(np, problem)
        self.nbytes = problem.kernel.taps.nbytes  # all that it keeps
        if problem.channels > MOST_CHANNELS:
            raise InputError(
                f"{problem.channels} channels are too many for Pillow: give at most {MOST_CHANNELS}"
            )
        self._from_array = import_module("PIL.Image").fromarray
        self._blur = import_module("PIL.ImageFilter").GaussianBlur(problem.kernel.sigma)

    def _run(self, image: Any, out: Any) -> None:
        pixels = image[..., 0] if self.problem.channels == 1 and image.ndim == 3 else image
        blurred = self._from_array(np.ascontiguousarray(pixels)).filter(self._blur)
        out[...] = np.asarray(blurred).reshape(out.shape)


def operations(problem: Problem) -> float:
    """Additions that one image takes: each box adds and takes away a sample, and its edges."""
    return 2.0 * PASSES * 4 * problem.height * problem.width * problem.channels


def work_bytes(problem: Problem) -> int:
    """The picture, its copy that is blurred and the result, of at least 4 bytes in colour."""
    return 3 * problem.height * problem.width * (1 if problem.channels == 1 else 4)


@functools.cache
def probe() -> Availability:
    """Whether Pillow can be imported."""
    load = functools.partial(import_module, "PIL")
    return optional.examine(load, "PIL", "Pillow", "pillow")


backend = Backend(
    "pillow",
    "cpu",
    (
        Implementation(
            "pillow",
            "extended_box",
            "library",
            BoxesPlan,
            operations,
            work_bytes,
            exact=False,
            borders=("nearest",),
            dtypes=("uint8",),
            own_kernel=True,
        ),
    ),
    probe,
    distributions=("pillow",),
)
