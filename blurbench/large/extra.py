"""The libraries of the extra `dask`, imported when they are needed."""

from __future__ import annotations

from typing import Any

from blurbench.extras import load_extra


def load(module: str) -> Any:
    """Import a module of the extra.

    Raises:
        InputError: it is not installed, or broken.
    """
    return load_extra(module, "dask", "large images need")
