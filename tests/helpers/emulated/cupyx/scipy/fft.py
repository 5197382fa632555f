"""`scipy.fft` with arrays of the device."""

from __future__ import annotations

from typing import Any

import scipy.fft
from cupy import Namespace

_scipy = Namespace(scipy.fft)


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return getattr(_scipy, name)
