"""Backend `cupy`: our array code on CuPy."""

from __future__ import annotations

from functools import partial
from importlib import import_module

from blurbench.backends import gpu
from blurbench.backends.arrays import (
    approximate_implementations,
    array_implementations,
    banded_implementation,
    dct_implementation,
    fft_implementation,
)
from blurbench.backends.backend import Backend
from blurbench.methods.dct import Cosine
from blurbench.methods.fft import Fourier

_load = partial(import_module, "cupy")


def _fourier() -> Fourier:
    fft = import_module("cupy.fft")
    lengths = import_module("cupyx.scipy.fft")
    return Fourier(
        rfftn=fft.rfftn,
        ifft=fft.ifft,
        irfft=fft.irfft,
        fast_length=partial(lengths.next_fast_len, real=True),
    )


def _cosine() -> Cosine:
    fft = import_module("cupyx.scipy.fft")
    return Cosine(fft.dct, fft.idct)


backend = Backend(
    "cupy",
    "gpu",
    (
        *array_implementations("cupy", _load, gpu.STRIP_BYTES),
        fft_implementation("cupy", _load, _fourier),
        # With TF32 allowed, cuBLAS rounds its factors to 10 bits: outside the contract.
        banded_implementation("cupy", _load, gpu.BLOCK),
        # The library has the DCT-II and its inverse, but no DCT-I.
        dct_implementation("cupy", _load, _cosine, ("reflect",), planes=6),
        # The recursive ones are a launch a row: not for a device.
        *approximate_implementations("cupy", _load, ("box", "extended_box")),
    ),
    gpu.probe,
    gpu.carry,
    gpu.open_device,
)
