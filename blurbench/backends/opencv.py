"""Backend `opencv`: OpenCV's filters and its discrete Fourier transform."""

from __future__ import annotations

import functools
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from blurbench.backends import optional
from blurbench.backends.backend import Availability, Backend, Implementation
from blurbench.backends.padded import Padded
from blurbench.backends.process_settings import ProcessSetting
from blurbench.methods import direct, fft, separable
from blurbench.plan import Plan, PlanePlan, empty, store
from blurbench.problem import WITHOUT_FLOAT16, Problem

# The library's own names for the borders that its filters know.
BORDERS = {
    "reflect": "BORDER_REFLECT",
    "mirror": "BORDER_REFLECT_101",
    "nearest": "BORDER_REPLICATE",
    "constant": "BORDER_CONSTANT",  # of 0
}

# From this size a running float32 sum leaves the exactness contract.
FLOAT64_FROM = 201

# The same lengths as `getOptimalDFTSize`, known without OpenCV too.
fast_length = partial(scipy.fft.next_fast_len, real=True)


threads = ProcessSetting(
    lambda: int(import_module("cv2").getNumThreads()),
    lambda count: import_module("cv2").setNumThreads(count),
)


class OpenCVFilterPlan(Plan):
    """`filter2D` with the dense taps, or `sepFilter2D` with those of one axis.

    `filter2D` turns to a DFT of its own from about 11x11 taps. It and `sepFilter2D` store
    integers themselves, from 8 bits in fixed point. Under borders that they do not know, the
    image gets its margins first, and the margins are blurred too.
    """

    def __init__(self, problem: Problem, method: str) -> None:
        super().__init__(np, problem)
        cv2 = import_module("cv2")
        kernel, border = problem.kernel, problem.border
        known = border in BORDERS and not (border == "constant" and problem.cval != 0)
        self._padded = None if known else Padded.around(problem)
        widened = (
            method == "separable" and kernel.size >= FLOAT64_FROM and problem.dtype == np.float32
        )
        taps = kernel.dense() if method == "direct" else kernel.taps
        self.nbytes = taps.nbytes
        given = {
            "direct": partial(cv2.filter2D, kernel=taps),
            "separable": partial(cv2.sepFilter2D, kernelX=taps, kernelY=taps),
        }
        self._filter = partial(
            given[method],
            ddepth=cv2.CV_64F if widened else -1,
            borderType=getattr(cv2, BORDERS[border] if known else "BORDER_REPLICATE"),
        )
        # Where the result is not what belongs into `out`.
        self._result: NDArray[Any] | None = None
        if self._padded is not None or widened:
            like = problem.shape if self._padded is None else self._padded.array.shape
            self._result = empty(np, like, np.float64 if widened else problem.work_dtype)
            self.nbytes += self._result.nbytes
        if self._padded is not None:
            self.nbytes += self._padded.array.nbytes

    def _run(self, image: Any, out: Any) -> None:
        if self._padded is not None:
            image = self._padded.fill(image)
        result = self._result
        if result is None:
            result = out if out.flags.c_contiguous else np.empty(out.shape, out.dtype)
        with threads.to(self.problem.threads):
            self._filter(src=_flat(np.ascontiguousarray(image)), dst=_flat(result))
        if result is not out:
            store(np, result if self._padded is None else result[self._padded.inner], out)


def _flat(array: NDArray[Any]) -> NDArray[Any]:
    """Without an axis of one channel: OpenCV makes no results that have one."""
    return array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array


class DFTPlan(PlanePlan):
    """`dft` of the padded channel, `mulSpectrums` with the taps' spectrum, and back.

    All rows are transformed: told which ones are mere padding, OpenCV leaves its fast code, and
    takes 6 times as long.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(np, problem)
        self._cv2 = cv2 = import_module("cv2")
        height, width = (fft.padded_length(n, problem, fast_length) for n in problem.shape[:2])
        radius = problem.kernel.radius
        margins = (
            0 if height == problem.height else radius,
            0 if width == problem.width else radius,
        )
        self._padded = Padded(problem, (height, width), margins)
        taps = np.outer(_circle(problem.kernel.taps, height), _circle(problem.kernel.taps, width))
        self._taps = cv2.dft(taps, flags=cv2.DFT_SCALE).astype(problem.work_dtype)
        self._spectrum = empty(np, taps.shape, problem.work_dtype)
        self._blurred = empty(np, taps.shape, problem.work_dtype)
        for array in (self._padded.array, self._taps, self._spectrum, self._blurred):
            self._hold(array)

    def _plane(self, image: Any, out: Any) -> None:
        cv2, spectrum = self._cv2, self._spectrum
        with threads.to(self.problem.threads):
            cv2.dft(self._padded.fill(image), spectrum)
            cv2.mulSpectrums(spectrum, self._taps, 0, spectrum, conjB=True)
            cv2.dft(spectrum, self._blurred, cv2.DFT_INVERSE | cv2.DFT_REAL_OUTPUT)
        store(np, self._blurred[self._padded.inner], out)


def _circle(taps: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """The taps on a circle, centred on index 0."""
    circle = np.zeros(length)
    np.add.at(circle, (np.arange(len(taps)) - len(taps) // 2) % length, taps)
    return circle


def _filter_bytes(problem: Problem) -> int:
    """At most the taps, the image with its margins and a result of float64 as large."""
    margin = 2 * problem.kernel.radius
    padded = (problem.height + margin) * (problem.width + margin) * problem.channels
    return padded * (problem.work_dtype.itemsize + 8) + 8 * problem.kernel.size**2


@functools.cache
def probe() -> Availability:
    """Whether OpenCV can be imported."""
    return optional.examine(lambda: import_module("cv2"), "cv2", "OpenCV", "peers")


backend = Backend(
    "opencv",
    "cpu",
    (
        Implementation(
            "opencv",
            "direct",
            "library",
            lambda problem: OpenCVFilterPlan(problem, "direct"),
            direct.operations,
            _filter_bytes,
            integer_error=1.0,
            dtypes=WITHOUT_FLOAT16,
        ),
        Implementation(
            "opencv",
            "separable",
            "library",
            lambda problem: OpenCVFilterPlan(problem, "separable"),
            separable.operations,
            _filter_bytes,
            integer_error=1.0,
            dtypes=WITHOUT_FLOAT16,
        ),
        Implementation(
            "opencv",
            "fft",
            "library",
            DFTPlan,
            lambda problem: fft.operations(problem, fast_length),
            lambda problem: fft.work_bytes(problem, fast_length),
            dtypes=WITHOUT_FLOAT16,
        ),
    ),
    probe,
    distributions=("opencv-python-headless", "opencv-python"),
)
