"""Backend `skimage`: scikit-image's `gaussian`, which makes its own taps from sigma and radius."""

from __future__ import annotations

import functools
from importlib import import_module
from typing import Any

import numpy as np

from blurbench.backends import optional
from blurbench.backends.backend import Availability, Backend, Implementation
from blurbench.backends.ndimage import MODES
from blurbench.methods import separable
from blurbench.plan import Plan, store
from blurbench.problem import WITHOUT_FLOAT16, Problem


class GaussianPlan(Plan):
    """Told where to cut, the library makes the taps that we do, up to rounding."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(np, problem)
        self.nbytes = problem.kernel.taps.nbytes  # all that it keeps
        kernel = problem.kernel
        self._gaussian = import_module("skimage.filters").gaussian
        self._how = {
            "sigma": kernel.sigma,
            "truncate": kernel.radius / kernel.sigma,
            "mode": MODES[problem.border],
            "cval": problem.cval,
            "preserve_range": True,
            "channel_axis": -1 if len(problem.shape) == 3 else None,
        }

    def _run(self, image: Any, out: Any) -> None:
        if self.problem.dtype.kind == "f":
            self._gaussian(image, out=out, **self._how)
        else:
            store(np, self._gaussian(image, **self._how), out)


def work_bytes(problem: Problem) -> int:
    """The image in float64, as integers are blurred, the first pass and the result."""
    image_bytes = problem.height * problem.width * problem.channels * 8
    return 3 * image_bytes + problem.kernel.taps.nbytes


@functools.cache
def probe() -> Availability:
    """Whether scikit-image can be imported."""
    return optional.examine(lambda: import_module("skimage"), "skimage", "scikit-image", "peers")


backend = Backend(
    "skimage",
    "cpu",
    (
        Implementation(
            "skimage",
            "separable",
            "library",
            GaussianPlan,
            separable.operations,
            work_bytes,
            own_kernel=True,
            dtypes=WITHOUT_FLOAT16,
        ),
    ),
    probe,
    distributions=("scikit-image",),
)
