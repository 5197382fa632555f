"""An image with its margins on the device, for borders that OpenCV's OpenCL code does not know."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from itertools import pairwise
from typing import Any

import numpy as np

from blurbench.backends.opencv_ocl.device import OpenCLDevice
from blurbench.backends.opencv_ocl.filters import Filter
from blurbench.border import source_index
from blurbench.problem import Problem

ONE_TAP = np.ones((1, 1))
Span = tuple[int, int]  # of rows or columns: the first, and the first that is not in it


class PaddedOnDevice:
    """Float32 on the device that holds one image after another, with a margin of the radius.

    Attributes:
        array: the image with its margins.
        inner: the rows and the columns of the image in it.
    """

    def __init__(self, device: OpenCLDevice, problem: Problem) -> None:
        self._cv2 = import_module("cv2")
        radius, height, width = problem.kernel.radius, problem.height, problem.width
        shape = (height + 2 * radius, width + 2 * radius, *problem.shape[2:])
        self.array = device.empty(shape, np.dtype(np.float32), problem.cval)
        self.inner = (radius, radius + height), (radius, radius + width)
        self._image = self._part(*self.inner)
        self._bring = Filter(ONE_TAP)  # whatever the image's type
        rows, every_column = self.inner[0], (0, shape[1])
        beside = _blocks(width, radius, problem.border)
        above_below = _blocks(height, radius, problem.border)
        self._copies = [(self._part(rows, one), self._part(rows, other)) for one, other in beside]
        self._copies += [
            (self._part(one, every_column), self._part(other, every_column))
            for one, other in above_below
        ]

    def _part(self, rows: Span, columns: Span) -> Any:
        """Some of the rows and columns, as they lie in the array's memory."""
        return self._cv2.UMat(self.array.umat, rows, columns)

    def fill(self, image: Any) -> Any:
        """The image of a `UMat` with its border."""
        self._bring(image, self._image, self._cv2.CV_32F)
        for source, target in self._copies:
            self._cv2.copyTo(source, None, target)
        return self.array.umat


def _blocks(n: int, radius: int, border: str) -> Iterator[tuple[Span, Span]]:
    """The margins of a line of `n` samples, in blocks whose sources lie together.

    Yields where a block comes from and where it goes, both as places in the line with its margins.
    """
    if border == "constant":  # the margins are as they were made
        return
    for first in (-radius, n):
        sources = source_index(np.arange(first, first + radius), n, border)
        begins = np.flatnonzero(np.diff(sources, prepend=-2) != 1)
        for begin, end in pairwise([*begins.tolist(), radius]):
            source, target = radius + int(sources[begin]), radius + first + begin
            yield (source, source + end - begin), (target, target + end - begin)
