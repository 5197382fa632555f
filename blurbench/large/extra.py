"""The libraries of the extra `dask`, imported when they are needed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from blurbench.errors import InputError
from blurbench.extras import install


def load(module: str) -> Any:
    """Import a module of the extra.

    Raises:
        InputError: it is not installed, or broken.
    """
    try:
        return import_module(module)
    except ImportError as error:
        root = module.partition(".")[0]
        missing = isinstance(error, ModuleNotFoundError) and error.name == root
        said = "is not installed" if missing else f"cannot be imported: {error}"
        command = install("dask", upgrade=not missing)
        raise InputError(f"large images need {root}, which {said}: {command}") from None
