"""What a plan is: an implementation prepared for one problem, then called on image after image."""

from __future__ import annotations

import contextlib
import math
import mmap
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from blurbench.adjoint import transposed
from blurbench.border import check_border
from blurbench.errors import InputError
from blurbench.kernel import GaussianKernel

MAX_THREADS = 4096
DTYPES = ("uint8", "uint16", "float16", "float32", "float64")
WITHOUT_FLOAT16 = tuple(dtype for dtype in DTYPES if dtype != "float16")


@dataclass(frozen=True)
class Problem:
    """What a plan is prepared for.

    Attributes:
        kernel: the taps.
        shape: of the image, `(H, W)` or `(H, W, C)`, no side 0.
        dtype: of the image and of the result; one of `DTYPES`.
        border, cval: what lies outside the image.
        threads: how many a plan may use, where its library can be told.

    Raises:
        InputError: one of them cannot be used.
    """

    kernel: GaussianKernel
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    border: str = "reflect"
    cval: float = 0.0
    threads: int = 1

    def __post_init__(self) -> None:
        check_dtype(self.dtype)
        check_border(self.border, self.cval)
        if len(self.shape) not in (2, 3) or not all(_counts(side) for side in self.shape):
            raise InputError(
                f"image shape {self.shape} is not usable: give (H, W) or (H, W, C), no side 0"
            )
        if not _counts(self.threads) or self.threads > MAX_THREADS:
            raise InputError(f"threads {self.threads} is out of range: give 1 to {MAX_THREADS}")

    @property
    def height(self) -> int:
        return self.shape[0]

    @property
    def width(self) -> int:
        return self.shape[1]

    @property
    def channels(self) -> int:
        return self.shape[2] if len(self.shape) == 3 else 1

    @property
    def work_dtype(self) -> np.dtype[Any]:
        """The type of the arithmetic: float64 for float64 images, else float32."""
        return np.dtype(np.float64 if self.dtype == np.float64 else np.float32)

    @property
    def image_bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def _counts(number: Any) -> bool:
    """Whether this is a whole number from 1 up."""
    return isinstance(number, (int, np.integer)) and bool(number >= 1)


def check_dtype(dtype: Any) -> np.dtype[Any]:
    """The dtype, however it is named, in the machine's byte order.

    Raises:
        InputError: it is not one of `DTYPES`.
    """
    name = dtype
    try:
        found: np.dtype[Any] = np.dtype(dtype).newbyteorder("=")
        name = found.name
    except TypeError:
        pass
    if name not in DTYPES:
        raise InputError(f"dtype {name} is not usable: convert to {', '.join(DTYPES)}")
    return found


class Plan:
    """An implementation prepared for one problem: `plan(image, out=None)`, again and again.

    A plan owns its kernel spectrum, transform lengths and work buffers, so one plan serves one
    thread at a time. Subclasses implement `_run`.

    Attributes:
        problem: what it was prepared for.
        nbytes: memory that it holds, in bytes.
        prepare: makes a plan of the same implementation for another problem; None where the
            implementation is approximate.
    """

    def __init__(self, xp: Any, problem: Problem) -> None:
        self.problem = problem
        self.nbytes = 0
        self.prepare: Callable[[Problem], Plan] | None = None
        self._transposed: Callable[[Any], Any] | None = None
        self._xp = xp
        self._dtype = xp.empty((0,), dtype=getattr(xp, problem.dtype.name)).dtype
        # A namespace without this test has no views to overlap through either.
        self._overlap: Callable[[Any, Any], bool] = getattr(
            xp, "may_share_memory", lambda a, b: False
        )

    def __call__(self, image: Any, out: Any = None) -> Any:
        """Blur `image`, of the problem's shape and dtype, into `out` or a fresh array.

        `out` may be the image itself. Not-a-number and infinite pixels are not looked for.

        Raises:
            InputError: image or out has another shape or dtype than the plan was made for.
        """
        self._check(image, "image")
        if out is None:
            out = self._xp.empty(self.problem.shape, dtype=self._dtype)
        else:
            self._check(out, "out")
            if self._overlap(image, out):
                image = self._xp.asarray(image, copy=True)
        self._run(image, out)
        return out

    def adjoint(self, gradient: Any, out: Any = None) -> Any:
        """The transpose of this blur, border included: the backward pass.

        Where a loss depends on the blurred image, and `gradient` is its derivative by that, this
        is its derivative by the image: `<plan(x), y> == <x, plan.adjoint(y)>`, for the linear
        part of the blur, that is with `cval` 0. For what borders do to it see
        `blurbench.adjoint`.

        Both have the shape and dtype of the image, `(H, W)` or `(H, W, C)`: channels are blurred
        each by itself, so they stay apart here too, and nothing is summed over them, as would be
        for the derivative by the taps.

        The first call may prepare another plan, which is kept.

        Raises:
            InputError: the plan rounds to integers or is approximate, or the gradient has
                another shape or dtype than the plan was made for.
        """
        if self.problem.dtype.kind != "f":
            raise InputError(
                f"a blur rounded to {self.problem.dtype} has no adjoint: prepare it for float32"
            )
        self._check(gradient, "gradient")
        if self._transposed is None:
            if self.prepare is None:
                raise InputError(
                    "this plan has no adjoint: take blurbench.prepare with an exact method"
                )
            self._transposed = transposed(self._xp, self.problem, self, self._another)
        result = self._transposed(gradient)
        if out is None:
            return result
        self._check(out, "out")
        out[...] = result
        return out

    def _another(self, problem: Problem) -> Plan:
        """A plan of the same implementation, counted as memory of this one."""
        assert self.prepare is not None
        plan = self.prepare(problem)
        self.nbytes += plan.nbytes
        return plan

    def _hold(self, array: Any) -> Any:
        """Count an array of the work type as this plan's own."""
        self.nbytes += array.size * self.problem.work_dtype.itemsize
        return array

    def _run(self, image: Any, out: Any) -> None:
        raise NotImplementedError

    def _check(self, array: Any, name: str) -> None:
        if array.shape != self.problem.shape or array.dtype != self._dtype:
            raise InputError(
                f"{name} is {array.dtype} {tuple(array.shape)}: this plan was made for "
                f"{self.problem.dtype} {self.problem.shape}"
            )


class PlanePlan(Plan):
    """A plan that blurs one channel after another through the same buffers.

    Subclasses implement `_plane`.
    """

    def _run(self, image: Any, out: Any) -> None:
        if image.ndim == 2:
            self._plane(image, out)
        else:
            for channel in range(image.shape[2]):
                self._plane(image[:, :, channel], out[:, :, channel])

    def _plane(self, image: Any, out: Any) -> None:
        raise NotImplementedError


def empty(xp: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """An array for work that is timed; on the host in fresh memory, at a page's start.

    The same code runs up to 3 % faster or slower with where the allocator happens to put its
    arrays and what lay there before; a benchmark must not rank that.
    """
    if xp is not np:
        return xp.empty(shape, dtype=dtype)
    nbytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
    private = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if os.name == "posix" else {}
    try:
        block = mmap.mmap(-1, nbytes, **private)
    except OSError as error:
        raise MemoryError(f"no {nbytes} bytes of memory: {error.strerror}") from None
    if hasattr(mmap, "MADV_HUGEPAGE"):
        with contextlib.suppress(OSError):  # a kernel built without large pages
            block.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(block, dtype).reshape(shape)


def store(xp: Any, values: Any, out: Any) -> None:
    """Write float `values` into `out`, rounded to nearest and clipped where `out` is integer."""
    if xp.isdtype(out.dtype, "integral"):
        info = xp.iinfo(out.dtype)
        values = xp.clip(xp.round(values), info.min, info.max)
        out[...] = xp.astype(values, out.dtype)
    else:
        out[...] = xp.astype(values, out.dtype, copy=False)
