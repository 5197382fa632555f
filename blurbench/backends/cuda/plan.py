"""What the plans over the kernels share: contiguous arrays, and tables of the border."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench.backends.cuda.compiler import Toolkit
from blurbench.border import source_index
from blurbench.plan import Plan
from blurbench.problem import Problem

INTERLEAVED = (1, 3, 4)  # channels that the kernels are compiled for


def together(problem: Problem) -> bool:
    """Whether a kernel is compiled for so many channels at once."""
    return problem.channels in INTERLEAVED and problem.work_dtype == np.float32


class CudaPlan(Plan):
    """What the plans share: contiguous arrays for the kernels, and tables of the border."""

    def __init__(self, toolkit: Toolkit, problem: Problem) -> None:
        super().__init__(toolkit.xp, problem)
        self._outside = problem.work_dtype.type(problem.cval)

    def _run(self, image: Any, out: Any) -> None:
        image = self._xp.ascontiguousarray(image)
        if out.flags.c_contiguous:
            self._launch(image, out)
        else:
            result = self._xp.empty_like(image)
            self._launch(image, result)
            out[...] = result

    def _launch(self, image: Any, out: Any) -> None:
        raise NotImplementedError

    def _put(self, array: NDArray[Any]) -> Any:
        """A host array on the device, counted as this plan's own."""
        self.nbytes += array.nbytes
        return self._xp.asarray(array)

    def _sources(self, n: int, margin: int) -> Any:
        """int32 `(n + 2*margin,)`: the source of each sample of a line, its margins included."""
        positions = np.arange(-margin, n + margin)
        return self._put(source_index(positions, n, self.problem.border).astype(np.int32))

    def _aligned(self, *arrays: Any) -> np.int32:
        """Whether 4 values of every row can be moved at once, from its first on."""
        row = self.problem.width * self.problem.channels
        whole = row % 4 == 0 and all(address(one) % (4 * one.itemsize) == 0 for one in arrays)
        return np.int32(whole)


def address(array: Any) -> int:
    pointer = getattr(array.data, "ptr", None)  # CuPy's; NumPy has another way
    return int(array.ctypes.data if pointer is None else pointer)
