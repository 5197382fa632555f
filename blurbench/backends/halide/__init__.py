"""Backend `halide`: pipelines in Halide's language, which compiles them as they are called."""

from __future__ import annotations

import functools
from functools import partial
from importlib import import_module
from importlib.metadata import version
from types import SimpleNamespace

from blurbench.backends import optional
from blurbench.backends.backend import Availability, Backend, Implementation
from blurbench.backends.halide.plans import HalidePlan, work_bytes
from blurbench.methods import direct, separable
from blurbench.problem import WITHOUT_FLOAT16


def _load() -> SimpleNamespace:
    """Import Halide, which does not say its version itself."""
    import_module("halide")
    return SimpleNamespace(__version__=version("halide"))


@functools.cache
def probe() -> Availability:
    """Whether Halide can be imported."""
    return optional.examine(_load, "halide", "Halide", "halide")


backend = Backend(
    "halide",
    "cpu",
    tuple(
        Implementation(
            "halide",
            method,
            "library",
            partial(HalidePlan, method=method),
            operations,
            partial(work_bytes, method=method),
            compiles=True,
            dtypes=WITHOUT_FLOAT16,
        )
        for method, operations in (
            ("direct", direct.operations),
            ("separable", separable.operations),
        )
    ),
    probe,
    distributions=("halide",),
)
