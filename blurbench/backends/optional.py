"""Libraries that a backend needs beside the core: whether they can be imported, and on the GPU."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from blurbench.backends import gpu
from blurbench.backends.backend import Availability
from blurbench.extras import install


def examine(load: Callable[[], Any], package: str, title: str, extra: str) -> Availability:
    """Import a library by `load`; what fails is the reason.

    Args:
        package: its top-level module, whose version is told.
        title: its name in words.
        extra: the extra that installs it, or its own requirement where the core needs it.
    """
    try:
        version = str(load().__version__)
    except Exception as error:  # a broken library may raise anything
        missing = isinstance(error, ModuleNotFoundError) and error.name == package
        lines = str(error).strip().splitlines() or [type(error).__name__]
        said = "is not installed" if missing else f"cannot be imported: {lines[0]}"
        return Availability(f"{title} {said}", install(extra, upgrade=not missing))
    return Availability(versions={package: version})


def on_gpu(library: Callable[[], Availability]) -> Availability:
    """Whether the GPU and then the library can be used; with the versions of both."""
    state = gpu.probe()
    if not state.ok:
        return state
    found = library()
    versions = {**state.versions, **found.versions}
    return replace(found, versions=versions, devices=state.devices if found.ok else ())
