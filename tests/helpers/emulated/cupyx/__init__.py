"""As much of `cupyx` as this project uses."""

from __future__ import annotations

from typing import Any

import numpy as np


def empty_pinned(shape: Any, dtype: Any = float, order: str = "C") -> np.ndarray[Any, Any]:
    return np.empty(shape, dtype, order)


zeros_pinned = np.zeros
