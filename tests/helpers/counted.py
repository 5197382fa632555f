"""NumPy as CuPy would be: its operations counted as launches, with a cuBLAS that knows pointers.

What CuPy launches for an operation is read from its source, version 14: an elementwise operation,
an assignment or a `take` is one, a reduction two. A transform along another axis than the last, a
sum along it or an operation on arrays that lie differently in memory is counted as a turn.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import scipy.fft

CREATES = ("arange", "asarray", "empty", "zeros")
SUM_LAUNCHES = 6  # of `cumulative_sum`: two copies, the first zero and a scan of three
TRANSFORM_LAUNCHES = 4  # of cuFFT along two axes, about


@dataclass
class Tally:
    """What was launched so far.

    Attributes:
        turns: how many of the launches turned an array about.
        rounded: whether a product was allowed to round its factors.
    """

    launches: int = 0
    turns: int = 0
    rounded: bool = False

    def add(self, launches: int, *operands: Any) -> None:
        """Count an operation on operands, some of which may be numbers."""
        arrays = [one for one in operands if isinstance(one, np.ndarray) and one.size > 1]
        most = max((one.size for one in arrays), default=0)
        fastest = {_fastest(one) for one in arrays if one.size == most}
        self.launches += launches
        self.turns += len(fastest) > 1


tally = Tally()


def _fastest(array: np.ndarray[Any, Any]) -> int:
    """The axis, counted from the last, whose samples lie nearest to each other."""
    axes = [axis for axis in range(-1, -array.ndim - 1, -1) if array.shape[axis] > 1]
    return min(axes, key=lambda axis: abs(array.strides[axis]))


class OnDevice(np.ndarray[Any, Any]):
    """An array whose operations are counted."""

    @property
    def data(self) -> Any:  # type: ignore[override]
        return SimpleNamespace(ptr=self.ctypes.data)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **how: Any) -> Any:
        outs = how.pop("out", ())
        if outs:
            how["out"] = tuple(map(_plain, outs))
        result = getattr(ufunc, method)(*map(_plain, inputs), **how)
        tally.add(2 if method == "reduce" else 1, *inputs, *outs, result)
        return outs[0] if outs else _counted(result)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function is np.take:
            tally.add(1)
        if function in (np.take, np.cumulative_sum):
            array, *others = args
            result = function(_plain(array), *map(_plain, others), **kwargs)
            if function is np.cumulative_sum:
                tally.launches += SUM_LAUNCHES
                tally.turns += 2 * (kwargs["axis"] % array.ndim != array.ndim - 1)
            return _counted(result)
        result = super().__array_function__(function, types, args, kwargs)
        if function is np.reshape and not np.may_share_memory(result, args[0]):
            tally.add(1, args[0])
        return result

    def __setitem__(self, key: Any, value: Any) -> None:
        target = _plain(self)[key]
        tally.add(1, target, value)
        _plain(self)[key] = _plain(value)

    def astype(self, dtype: Any, *args: Any, copy: bool = True, **how: Any) -> Any:
        if copy or self.dtype != dtype:
            tally.add(1)
        return super().astype(dtype, *args, copy=copy, **how)


def _plain(array: Any) -> Any:
    return array.view(np.ndarray) if isinstance(array, OnDevice) else array


def _counted(array: Any) -> Any:
    return array.view(OnDevice) if isinstance(array, np.ndarray) else array


def _as_strided(array: Any, shape: tuple[int, ...], strides: tuple[int, ...]) -> Any:
    """A view that stays inside the memory of its array."""
    view = np.lib.stride_tricks.as_strided(array, shape, strides, subok=True)
    owner = array
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    (low, high), (least, most) = map(np.lib.array_utils.byte_bounds, (view, owner))
    assert least <= low <= high <= most, "a view reaches beyond its array"
    return view


class Cublas:
    """The strided batched products, on addresses.

    Args:
        computes: whether they are computed; else they are counted, and all are 0.
    """

    CUBLAS_COMPUTE_32F, CUBLAS_COMPUTE_64F, CUBLAS_COMPUTE_32F_FAST_TF32 = 68, 70, 77
    CUBLAS_GEMM_DEFAULT = -1

    def __init__(self, *, computes: bool) -> None:
        self._computes = computes

    def gemmStridedBatchedEx(self, handle: int, *arguments: Any) -> None:  # noqa: N802
        turned_a, turned_b, m, n, k, alpha, *rest = arguments
        a, _, lead_a, step_a, b, _, lead_b, step_b, beta, *rest = rest
        c, kind, lead_c, step_c, count, arithmetic, _ = rest
        assert (handle, turned_a, turned_b) == (HANDLE, 0, 0)
        longer = [lead - rows for lead, rows in ((lead_a, m), (lead_b, k), (lead_c, m))]
        assert min(longer) >= 0, "cuBLAS refuses columns that overlap"
        tally.add(1)
        tally.rounded |= arithmetic == self.CUBLAS_COMPUTE_32F_FAST_TF32
        real = (ctypes.c_float, ctypes.c_double)[kind]
        c = _columns(real, c, (count, m, n), lead_c, step_c)
        if not self._computes:
            c[...] = 0
            return
        a = _columns(real, a, (count, m, k), lead_a, step_a)
        b = _columns(real, b, (count, k, n), lead_b, step_b)
        kept = real.from_address(beta).value
        product = real.from_address(alpha).value * (a @ b)
        c[...] = product + kept * c if kept else product


HANDLE = 7


def _columns(
    real: Any, address: int, shape: tuple[int, int, int], lead: int, step: int
) -> np.ndarray[Any, Any]:
    """Matrices at an address, their columns one after the other."""
    count, rows, columns = shape
    samples = (count - 1) * step + (columns - 1) * lead + rows
    flat = np.ctypeslib.as_array((real * samples).from_address(address))
    strides = np.array([step, 1, lead]) * flat.itemsize
    return np.lib.stride_tricks.as_strided(flat, shape, tuple(strides))


class Cupy:
    """The namespace."""

    def __init__(self, *, computes: bool = True) -> None:
        cublas = Cublas(computes=computes)
        self.cuda = SimpleNamespace(cublas=cublas, get_cublas_handle=lambda: HANDLE)
        self.lib = SimpleNamespace(stride_tricks=SimpleNamespace(as_strided=_as_strided))

    def __getattr__(self, name: str) -> Any:
        member = getattr(np, name)
        if name not in CREATES:
            return member
        return lambda *args, **how: _counted(member(*map(_plain, args), **how))


def _transform(function: Any, array: Any, *, axes: Sequence[int], **how: Any) -> Any:
    tally.launches += TRANSFORM_LAUNCHES
    tally.turns += 2 * (tuple(axes) != tuple(range(array.ndim)))
    return _counted(function(_plain(array), axes=axes, **how))


@contextmanager
def installed(*, computes: bool = True) -> Iterator[Tally]:
    """CuPy as far as our array code asks for it; the tally begins anew."""
    tally.launches, tally.turns, tally.rounded = 0, 0, False
    transforms = {
        name: partial(_transform, getattr(scipy.fft, name)) for name in ("rfftn", "irfftn")
    }
    plain = SimpleNamespace(**transforms)
    lengths = SimpleNamespace(
        **transforms,
        next_fast_len=scipy.fft.next_fast_len,
        get_fft_plan=lambda array, **how: nullcontext(),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "cupy", Cupy(computes=computes))
        patch.setitem(sys.modules, "cupy.fft", plain)
        patch.setitem(sys.modules, "cupyx.scipy.fft", lengths)
        yield tally
