"""Backend `cupyx`: CuPy's own twins of scipy.ndimage and scipy.fft."""

from __future__ import annotations

from functools import partial
from importlib import import_module

from blurbench.backends import gpu, lanes, staging
from blurbench.backends.backend import Backend
from blurbench.backends.cufft import owning
from blurbench.backends.cupy_packages import WHEELS
from blurbench.backends.ndimage import Filters, ndimage_implementations
from blurbench.backends.whole_arrays import fft_implementation
from blurbench.methods.whole.fft import PlaneFourier

# Kernel sizes from which a running float32 sum of that many terms may leave the contract.
FLOAT64_FROM = {"direct": 31, "separable": 127}


def _fourier() -> PlaneFourier:
    fft = import_module("cupyx.scipy.fft")
    return PlaneFourier(
        rfftn=owning(fft.rfftn, "R2C"),
        irfftn=owning(fft.irfftn, "C2R", norm="forward", overwrite_x=True),
        fast_length=partial(fft.next_fast_len, real=True),
    )


def _filters() -> Filters:
    return Filters(
        import_module("cupy"), import_module("cupyx.scipy.ndimage"), FLOAT64_FROM.__getitem__
    )


backend = Backend(
    "cupyx",
    "gpu",
    (
        *ndimage_implementations("cupyx", _filters),
        fft_implementation("cupyx", partial(import_module, "cupy"), _fourier),
    ),
    gpu.probe,
    staging.carry,
    gpu.open_device,
    lanes.CUDA,
    distributions=tuple(WHEELS),
)
