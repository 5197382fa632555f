"""The devices on which tests can really run: those of this machine, a software one included."""

from __future__ import annotations

from typing import Any

import pytest

from blurbench.backends.backend import Backend
from blurbench.backends.registry import collect, probe

# One backend for each way to reach a device.
WAYS = (pytest.param("cuda", marks=pytest.mark.gpu), "torch_gpu", "wgpu", "opencv_ocl")
SHIPPED = collect([])


def reach(name: str) -> Backend:
    """The backend; skips the test with the reason where it has no device here."""
    backend = SHIPPED[name]
    state = probe(backend)
    if not state.ok:
        pytest.skip(f"{name}: {state.explanation}")
    return backend


def opened(backend: Backend) -> Any:
    """Its first device."""
    assert backend.open_device is not None
    return backend.open_device(0)


def is_software(backend: Backend) -> bool:
    """Whether its devices are programs that run on the CPU."""
    return probe(backend).software
