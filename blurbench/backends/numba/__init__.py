"""Backend `numba`: our own loops, compiled for this processor's vectors."""

from __future__ import annotations

from importlib import import_module

from blurbench.backends.backend import Availability, Backend, Implementation, compiling
from blurbench.backends.numba import plans
from blurbench.methods import direct, separable


def _probe() -> Availability:
    try:
        numba = import_module("numba")
    except ModuleNotFoundError:
        return Availability("Numba is not installed", "pip install 'blurbench[numba]'")
    except Exception as error:  # it refuses NumPy versions that it does not know, and more
        text = " ".join(str(error).split())
        return Availability(
            f"Numba cannot be imported: {text}", "pip install --upgrade 'blurbench[numba]'"
        )
    return Availability(versions={"numba": str(numba.__version__)})


backend = Backend(
    "numba",
    "cpu",
    compiling(
        (
            Implementation(
                "numba",
                "direct",
                "ours",
                plans.DirectPlan,
                direct.operations,
                plans.direct_bytes,
            ),
            Implementation(
                "numba",
                "separable",
                "ours",
                plans.SeparablePlan,
                separable.operations,
                plans.separable_bytes,
            ),
        )
    ),
    _probe,
)
