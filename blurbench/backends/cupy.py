"""Backend `cupy`: our array code on CuPy."""

from __future__ import annotations

from functools import partial
from importlib import import_module

from blurbench.backends import cublas, gpu, lanes, staging
from blurbench.backends.backend import Backend
from blurbench.backends.cufft import owning
from blurbench.backends.cupy_packages import WHEELS
from blurbench.backends.whole_arrays import (
    array_implementations,
    banded_implementation,
    box_implementations,
    dct_implementation,
    fft_implementation,
    multirate_implementation,
)
from blurbench.methods.whole.device_library import Library
from blurbench.methods.whole.fft import PlaneFourier

_load = partial(import_module, "cupy")


def _library() -> Library:
    cupy = _load()
    return Library.of(cupy, partial(cublas.multiply, cupy, rounded=gpu.tf32_allowed()))


def _fourier() -> PlaneFourier:
    fft = import_module("cupy.fft")
    lengths = import_module("cupyx.scipy.fft")
    return PlaneFourier(
        rfftn=owning(fft.rfftn, "R2C"),
        irfftn=owning(fft.irfftn, "C2R", norm="forward"),
        fast_length=partial(lengths.next_fast_len, real=True),
    )


backend = Backend(
    "cupy",
    "gpu",
    (
        *array_implementations("cupy", _library),
        fft_implementation("cupy", _load, _fourier),
        banded_implementation("cupy", _library),
        dct_implementation("cupy", _load, _fourier),
        # The recursive ones are a launch a row: not for a device.
        *box_implementations("cupy", _load),
        multirate_implementation("cupy", _load),
    ),
    gpu.probe,
    staging.carry,
    gpu.open_device,
    lanes.CUDA,
    distributions=tuple(WHEELS),
)
