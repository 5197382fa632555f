"""OpenCV's filters on its OpenCL device, as plans."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from blurbench.backends.carried import OwnArraysPlan
from blurbench.backends.opencv import BORDERS
from blurbench.backends.opencv_ocl.arrays import OpenCLArray
from blurbench.backends.opencv_ocl.device import OpenCLDevice
from blurbench.backends.opencv_ocl.filters import Filter
from blurbench.backends.opencv_ocl.padded import PaddedOnDevice
from blurbench.errors import InputError
from blurbench.problem import Problem

MOST_CHANNELS = 4


class OpenCLFilterPlan(OwnArraysPlan):
    """`filter2D` with the dense taps, or `sepFilter2D` with those of one axis.

    They sum in float32 and store integers themselves, rounded to nearest. Under borders that they
    do not know on the device, and where the image is smaller than the taps, the image gets its
    margins first, and the margins are blurred too.

    Raises:
        InputError: the image has more channels than OpenCV's OpenCL code takes, or the device does
            not take the filter.
    """

    def __init__(self, device: OpenCLDevice, problem: Problem, method: str) -> None:
        if problem.channels > MOST_CHANNELS:
            raise InputError(
                f"an image of {problem.channels} channels is too much for {method} of opencv_ocl, "
                f"which takes {MOST_CHANNELS}: use another backend"
            )
        super().__init__(device, problem, "opencv_ocl", OpenCLArray)
        self._cv2 = import_module("cv2")
        kernel, self._depth = problem.kernel, device.depth(problem.dtype)
        taps = kernel.dense() if method == "direct" else kernel.taps
        self.nbytes = 2 * taps.nbytes
        self._padded: PaddedOnDevice | None = None
        if _known(problem):
            self._filter = Filter(taps, BORDERS[problem.border])
        else:
            self._filter = Filter(taps)
            self._padded = padded = PaddedOnDevice(device, problem)
            self._result = device.empty(padded.array.shape, problem.dtype)
            self._blurred = self._cv2.UMat(self._result.umat, *padded.inner)
            self.nbytes += padded.array.nbytes + self._result.nbytes
        self._compile()

    def _compile(self) -> None:
        """Blur whatever lies in memory: at its first run OpenCV compiles a filter, for seconds."""
        image, out = (self.device.empty(self.problem.shape, self.problem.dtype) for _ in range(2))
        self._run(image, out)
        self.device.synchronize()

    def _run(self, image: Any, out: Any) -> None:
        if self._padded is None:
            self._filter(image.umat, out.umat, self._depth)
            return
        self._filter(self._padded.fill(image.umat), self._result.umat, self._depth)
        self._cv2.copyTo(self._blurred, None, out.umat)


def _known(problem: Problem) -> bool:
    """Whether the filters do the border themselves; of constant ones they know that of 0."""
    if problem.border not in BORDERS or (problem.border == "constant" and problem.cval != 0):
        return False
    return min(problem.shape[:2]) > 2 * problem.kernel.radius


def work_bytes(problem: Problem) -> int:
    """At most the image with its margins, a result as large, and what lies between the passes."""
    margin = 2 * problem.kernel.radius
    padded = (problem.height + margin) * (problem.width + margin) * problem.channels
    return 12 * padded + 16 * problem.kernel.size**2
