"""OpenCV's filters on its OpenCL device and nowhere else.

Where OpenCV's OpenCL code does not take a call (too many taps, no memory, a kernel that does not
compile), OpenCV goes on on the CPU and says nothing. So each call here has a flaw that its OpenCL
code does not look at and its CPU code refuses: of `filter2D` an anchor of -2, where -1 stands for
the middle; of `sepFilter2D` taps of one type along rows and of another along columns, which both
become float32 on the device. What would be a run on the CPU under the device's name is an error.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import import_module
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from blurbench.errors import InputError

MIDDLE = (-2, -2)
ASSERTION = "Assertion failed"  # how OpenCV's CPU code begins to say what it refuses

Made = TypeVar("Made")


class NotOnDeviceError(InputError):
    """OpenCV would have gone on on the CPU."""


class Filter:
    """`filter2D` with taps of two dimensions, or `sepFilter2D` with those of one axis.

    Args:
        taps: float64, `(size, size)` or `(size,)`; of an axis an odd number.
        border: OpenCV's name of what lies outside the image.
    """

    def __init__(self, taps: NDArray[np.float64], border: str = "BORDER_REPLICATE") -> None:
        self._cv2 = cv2 = import_module("cv2")
        self._size = len(taps)
        given: dict[str, Any]
        if taps.ndim == 2:
            self._name = "filter2D"
            given = {"kernel": on_host(partial(cv2.UMat, taps)), "anchor": MIDDLE}
        else:
            self._name = "sepFilter2D"
            line = taps.reshape(1, -1)
            given = {
                "kernelX": on_host(partial(cv2.UMat, line.astype(np.float32))),
                "kernelY": on_host(partial(cv2.UMat, line)),
            }
        self._filter = partial(getattr(cv2, self._name), borderType=getattr(cv2, border), **given)

    def __call__(self, image: Any, out: Any, depth: int) -> None:
        """Filter a `UMat` into another of its size, whose type has this depth.

        Raises:
            NotOnDeviceError: the device does not take it.
        """
        try:
            self._filter(src=image, ddepth=depth, dst=out)
        except self._cv2.error as error:
            if ASSERTION not in str(error):
                raise
            raise NotOnDeviceError(
                f"OpenCV does not take {self._name} of {self._size} taps to the OpenCL device "
                "here, and would go on on the CPU: use fewer taps or another backend"
            ) from None


def on_host(call: Callable[[], Made]) -> Made:
    """Make a call in a thread of its own, in which OpenCV leaves OpenCL alone.

    The switch is a thread's. A `UMat` that is made so lies in the host's memory for good: filters
    read their taps there, and of those on the device each call would wait for its queue.
    """
    off = import_module("cv2").ocl.setUseOpenCL
    with ThreadPoolExecutor(1, initializer=off, initargs=(False,)) as pool:
        return pool.submit(call).result()


def never_leave_the_device() -> bool:
    """Whether this OpenCV's filters fail, as they must here, where they cannot use OpenCL."""
    return on_host(_all_fail)


def _all_fail() -> bool:
    cv2 = import_module("cv2")
    image, out = (cv2.UMat(8, 8, cv2.CV_32FC1) for _ in range(2))
    for taps in (np.full((3, 3), 1 / 9), np.full(3, 1 / 3)):
        one = Filter(taps)
        try:
            one(image, out, cv2.CV_32F)
        except NotOnDeviceError:
            continue
        return False
    return True
