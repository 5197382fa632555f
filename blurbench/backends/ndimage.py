"""The filters of scipy.ndimage and of its twin cupyx.scipy.ndimage, as plans."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench.backends.backend import Implementation
from blurbench.methods import direct, separable
from blurbench.plan import Plan, empty, store
from blurbench.problem import Problem

# The library's own names for the borders.
MODES = {
    "reflect": "reflect",
    "mirror": "mirror",
    "nearest": "nearest",
    "wrap": "wrap",
    "constant": "constant",
}


@dataclass(frozen=True)
class Filters:
    """The library: its arrays, its filters, and the kernel size from which its sums need help.

    scipy.ndimage sums in float64; cupyx sums in the image's type, and a running float32 sum
    leaves the exactness contract at some number of terms. From there the image is float64.
    """

    xp: Any
    ndimage: Any
    float64_from: Callable[[str], float] = lambda method: float("inf")


def ndimage_implementations(
    backend: str, load: Callable[[], Filters]
) -> tuple[Implementation, ...]:
    """`direct` by `correlate`, `separable` by two `correlate1d`."""
    return (
        Implementation(
            backend,
            "direct",
            "library",
            lambda problem: CorrelatePlan(load(), problem),
            direct.operations,
            _correlate_bytes,
            slowdown=_correlate_slowdown,
        ),
        Implementation(
            backend,
            "separable",
            "library",
            lambda problem: TwoPassPlan(load(), problem),
            separable.operations,
            _float_bytes,
        ),
    )


def _float_bytes(problem: Problem) -> int:
    """The image between the passes, and the float result of an integer plan."""
    return 2 * problem.height * problem.width * problem.channels * 8


def _near_sides(problem: Problem) -> tuple[int, int]:
    """Rows and columns at which the kernel meets the border in a way of its own."""
    size = problem.kernel.size
    return min(size, problem.height), min(size, problem.width)


def _correlate_slowdown(problem: Problem) -> float:
    """Where the kernel leaves the image, SciPy takes about 6 times as long."""
    rows, columns = _near_sides(problem)
    inner = (problem.height - rows + 1) * (problem.width - columns + 1)
    share = inner / (problem.height * problem.width)
    return share + 6 * (1 - share)


def _correlate_bytes(problem: Problem) -> int:
    """SciPy keeps an offset for every tap at every way in which the kernel meets the border."""
    rows, columns = _near_sides(problem)
    return _float_bytes(problem) + 8 * rows * columns * problem.kernel.size**2


class _FilterPlan(Plan):
    """What both filters share: the work type, and a float result before integers are stored."""

    def __init__(self, filters: Filters, problem: Problem, method: str) -> None:
        xp = filters.xp
        super().__init__(xp, problem)
        work = problem.work_dtype
        widened = problem.kernel.size >= filters.float64_from(method)
        converted = problem.dtype == np.float16  # which SciPy refuses
        self._input_dtype = xp.float64 if widened else xp.float32 if converted else None
        self._result = None
        if problem.dtype.kind != "f" or converted:
            self._result = self._buffer(work)
        self._mode = {"mode": MODES[problem.border], "cval": problem.cval}

    def _buffer(self, dtype: Any) -> Any:
        buffer = empty(self._xp, self.problem.shape, dtype)
        self.nbytes += buffer.nbytes
        return buffer

    def _run(self, image: Any, out: Any) -> None:
        if self._input_dtype is not None:
            image = image.astype(self._input_dtype, copy=False)
        if self._result is None:
            self._filter(image, out)
        else:
            self._filter(image, self._result)
            store(self._xp, self._result, out)

    def _filter(self, image: Any, out: Any) -> None:
        raise NotImplementedError


class CorrelatePlan(_FilterPlan):
    """The dense sum by the library's `correlate`."""

    def __init__(self, filters: Filters, problem: Problem) -> None:
        super().__init__(filters, problem, "direct")
        down, along = (_foldable(problem, n) for n in problem.shape[:2])
        taps = np.outer(down, along)
        self._taps = self._xp.asarray(taps.reshape(taps.shape + (1,) * (len(problem.shape) - 2)))
        self.nbytes += self._taps.nbytes
        self._correlate = filters.ndimage.correlate

    def _filter(self, image: Any, out: Any) -> None:
        self._correlate(image, self._taps, output=out, **self._mode)


class TwoPassPlan(_FilterPlan):
    """Two calls of the library's `correlate1d`; between them the image is float.

    The library would store the first pass in the image's own type, and so truncate integers.
    """

    def __init__(self, filters: Filters, problem: Problem) -> None:
        super().__init__(filters, problem, "separable")
        self._taps = self._xp.asarray(problem.kernel.taps)
        self._between = self._buffer(self._input_dtype or problem.work_dtype)
        self._correlate1d = filters.ndimage.correlate1d

    def _filter(self, image: Any, out: Any) -> None:
        self._correlate1d(image, self._taps, axis=0, output=self._between, **self._mode)
        self._correlate1d(self._between, self._taps, axis=1, output=out, **self._mode)


def _foldable(problem: Problem, n: int) -> NDArray[np.float64]:
    """The taps along an axis of `n`, folded where scipy.ndimage.correlate would fold wrongly.

    Its `reflect` fails from a radius of 4n (n > 1). A reflected line repeats after 2n samples, so
    taps that many apart meet the same sample and can be added up beforehand.
    """
    taps, radius = problem.kernel.taps, problem.kernel.radius
    if problem.border != "reflect" or radius < 4 * n:
        return taps
    folded = np.zeros(2 * n + 1)
    np.add.at(folded, (np.arange(-radius, radius + 1) + n) % (2 * n), taps)
    return folded
