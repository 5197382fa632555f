"""Fourier transforms by cuFFT plans that belong to one blur.

CuPy keeps plans by thread and device, and a plan works in memory that it holds: two streams of one
thread that transform arrays of the same shape would write into the same memory.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

Transform = Callable[..., Any]


def owning(transform: Transform, kind: str, **always: Any) -> Transform:
    """`transform(array, *, s=None, axes)` of CuPy's by plans that the returned function keeps.

    Args:
        kind: `R2C` for a real transform, `C2R` for its inverse.
        always: passed on with every call.
    """
    plans: dict[Any, Any] = {}

    def call(array: Any, *, s: tuple[int, ...] | None = None, axes: tuple[int, ...]) -> Any:
        key = array.shape, s, axes
        if key not in plans:
            make = import_module("cupyx.scipy.fft").get_fft_plan
            plans[key] = make(array, shape=s, axes=axes, value_type=kind)
        with plans[key]:
            return transform(array, s=s, axes=axes, **always)

    return call
