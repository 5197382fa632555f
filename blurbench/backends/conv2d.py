"""PyTorch's grouped `conv2d` as plans, on the CPU or the GPU."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial, reduce
from itertools import pairwise, product
from types import SimpleNamespace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from blurbench.backends.backend import Implementation
from blurbench.border import Margins
from blurbench.kernel import GaussianKernel
from blurbench.measure.clock import HostClock
from blurbench.methods import direct, separable
from blurbench.plan import Plan
from blurbench.problem import Problem

# Taps that one convolution sums up: a longer float32 sum may leave the contract. A larger kernel
# is cut into parts, which are convolved one by one and added up.
MOST_TAPS = 11 * 11

LAYOUTS = ("contiguous_format", "channels_last")
# Found by trial, and kept: a second plan of a problem shall do the same to the last bit.
_faster_layouts: dict[tuple[Any, ...], str] = {}


class Runtime(Protocol):
    """PyTorch on one device, and the arrays `xp` that a plan is handed there."""

    xp: Any
    torch: Any
    device: Any

    def tensor(self, array: Any) -> Any:
        """A contiguous array as a tensor over the same memory."""

    def is_contiguous(self, array: Any) -> bool:
        """Whether an array lies in memory in the order of its pixels."""

    def scope(self) -> AbstractContextManager[None]:
        """Where PyTorch works as a plan needs it: the threads, the stream, full precision."""

    def synchronize(self) -> None:
        """Wait until all queued work is done."""


def conv2d_implementations(
    backend: str, start: Callable[[Problem], Runtime], plan: type[Conv2dPlan] | None = None
) -> tuple[Implementation, ...]:
    """`direct` by one convolution with the dense taps, `separable` by two.

    Args:
        start: makes the runtime of a plan.
        plan: the plans, where their arrays are not NumPy's.
    """
    make = plan or Conv2dPlan
    return (
        Implementation(
            backend,
            "direct",
            "library",
            lambda problem: make(start(problem), problem, "direct"),
            direct.operations,
            partial(_work_bytes, method="direct"),
        ),
        Implementation(
            backend,
            "separable",
            "library",
            lambda problem: make(start(problem), problem, "separable"),
            separable.operations,
            partial(_work_bytes, method="separable"),
        ),
    )


def _work_bytes(problem: Problem, method: str) -> int:
    """The padded image and two results; in float64, a CPU also lays out every window."""
    margin, taps = 2 * problem.kernel.radius, len(problem.kernel.taps)
    padded = (problem.height + margin) * (problem.width + margin)
    width = taps if method == "direct" else 1
    largest = _longest(taps, max(1, MOST_TAPS // width)) * _longest(width, MOST_TAPS)
    windows = padded * largest if problem.dtype == np.float64 else 0
    return (3 * padded * problem.channels + windows) * problem.work_dtype.itemsize


def kernels(kernel: GaussianKernel, method: str) -> tuple[NDArray[np.float64], ...]:
    """What the image is convolved with, one after the other."""
    if method == "direct":
        return (kernel.dense(),)
    return kernel.taps[:, None], kernel.taps[None, :]


Part = tuple[int, int, NDArray[np.float64]]  # its top row and left column in the kernel, its taps


def parts(kernel: NDArray[np.float64]) -> list[Part]:
    """The kernel cut into parts of equal size, or nearly so, that may be summed up at once."""
    height, width = kernel.shape
    rows = pairwise(_cuts(height, max(1, MOST_TAPS // width)))
    columns = pairwise(_cuts(width, MOST_TAPS))
    return [
        (top, left, kernel[top:bottom, left:right])
        for (top, bottom), (left, right) in product(rows, columns)
    ]


def _cuts(n: int, most: int) -> list[int]:
    """Where to cut a line of `n` so that no piece is longer than `most`."""
    pieces = math.ceil(n / most)
    return [n * piece // pieces for piece in range(pieces + 1)]


def _longest(n: int, most: int) -> int:
    """The longest of the pieces into which `_cuts` cuts."""
    return math.ceil(n / math.ceil(n / most))


class Conv2dPlan(Plan):
    """The image goes into a buffer with all its margins and is then convolved.

    The buffer's layout, channel by channel or pixel by pixel, is the one that a trial finds
    faster. PyTorch puts each result into fresh memory; the copy into `out` is part of a call.
    """

    def __init__(self, runtime: Runtime, problem: Problem, method: str) -> None:
        super().__init__(runtime.xp, problem)
        self._runtime, self._torch = runtime, runtime.torch
        (height, width), radius = problem.shape[:2], problem.kernel.radius
        namespace = SimpleNamespace(
            asarray=partial(self._torch.as_tensor, device=runtime.device),
            take=lambda line, index, axis: line.index_select(axis, index),
        )
        with runtime.scope():
            self._above_below = Margins(namespace, height, radius, problem.border, problem.cval)
            self._left_right = Margins(namespace, width, radius, problem.border, problem.cval)
            self._kernels = [
                (one.shape, [(top, left, self._weights(part)) for top, left, part in parts(one)])
                for one in kernels(problem.kernel, method)
            ]
            self._padded = self._buffer(self._faster_layout(method))
        self.nbytes = self._padded.nbytes

    def _weights(self, taps: NDArray[np.float64]) -> Any:
        """The same taps for each channel, `(C, 1, height, width)`."""
        weights = self._torch.tensor(
            taps.astype(self.problem.work_dtype), device=self._runtime.device
        )
        return weights.repeat(self.problem.channels, 1, 1, 1)

    def _faster_layout(self, method: str) -> str:
        problem, device = self.problem, str(self._runtime.device)
        key = (device, method, problem.kernel.size, problem.shape, problem.dtype, problem.threads)
        if key not in _faster_layouts:
            _faster_layouts[key] = min(LAYOUTS, key=lambda one: self._trial_s(self._buffer(one)))
        return _faster_layouts[key]

    def _buffer(self, layout: str) -> Any:
        """Room for the image with its margins, `(1, C, H + 2 radius, W + 2 radius)`."""
        problem, margin = self.problem, 2 * self.problem.kernel.radius
        return self._torch.empty(
            (1, problem.channels, problem.height + margin, problem.width + margin),
            dtype=getattr(self._torch, problem.work_dtype.name),
            device=self._runtime.device,
            memory_format=getattr(self._torch, layout),
        ).zero_()

    def _trial_s(self, padded: Any) -> float:
        """Seconds that a second convolution of this buffer takes."""
        clock = HostClock(finish=self._runtime.synchronize)
        clock.measure(partial(self._convolved, padded), 1)
        return clock.measure(partial(self._convolved, padded), 1)

    def _run(self, image: Any, out: Any) -> None:
        (height, width), radius = self.problem.shape[:2], self.problem.kernel.radius
        with self._runtime.scope():
            rows = self._padded.narrow(2, radius, height)
            rows.narrow(3, radius, width).copy_(self._planes(image))
            self._left_right.fill(rows, axis=3)
            self._above_below.fill(self._padded, axis=2)
            blurred = self._convolved(self._padded)
            if self.problem.dtype.kind != "f":
                blurred.round_().clamp_(0, np.iinfo(self.problem.dtype).max)
            contiguous = self._runtime.is_contiguous(out)
            whole = out if contiguous else self._xp.empty(out.shape, dtype=out.dtype)
            self._planes(whole).copy_(blurred)
            if whole is not out:
                out[...] = whole

    def _planes(self, array: Any) -> Any:
        """An array seen as `(1, C, H, W)`; one that is not contiguous is copied first."""
        problem = self.problem
        by_pixel = (1, problem.height, problem.width, problem.channels)
        return self._runtime.tensor(array.reshape(-1)).view(by_pixel).permute(0, 3, 1, 2)

    def _convolved(self, padded: Any) -> Any:
        """The padded image convolved with each kernel; it loses its margins."""
        for shape, pieces in self._kernels:
            height, width = (n - size for n, size in zip(padded.shape[2:], shape, strict=True))
            sums = (
                self._torch.nn.functional.conv2d(
                    padded.narrow(2, top, height + weights.shape[2]).narrow(
                        3, left, width + weights.shape[3]
                    ),
                    weights,
                    groups=self.problem.channels,
                )
                for top, left, weights in pieces
            )
            padded = reduce(lambda total, part: total.add_(part), sums)
        return padded
