"""`scipy.fft` with arrays of the device."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import scipy.fft
from cupy import Namespace

_scipy = Namespace(scipy.fft)


def get_fft_plan(array: Any, **what: Any) -> AbstractContextManager[None]:
    """SciPy keeps its plans to itself."""
    return nullcontext()


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return getattr(_scipy, name)
