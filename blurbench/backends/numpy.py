"""Backend `numpy`: our array code on NumPy. Needs nothing beyond the core dependencies."""

from __future__ import annotations

from functools import partial

import numpy as np

from blurbench.backends.arrays import (
    approximate_implementations,
    array_implementations,
    banded_implementation,
    dct_by_fft_implementation,
    fft_implementation,
)
from blurbench.backends.backend import Availability, Backend
from blurbench.backends.pocketfft import fast_length
from blurbench.methods.approximate import ORDERS
from blurbench.methods.fft import Fourier, pays_whole


def _fourier() -> Fourier:
    # Unscaled, NumPy transforms float32 in float64 (its factor is then the integer 1), through
    # fresh memory and in several times the time.
    return Fourier(
        rfftn=partial(np.fft.rfftn, norm="ortho"),
        ifft=partial(np.fft.ifft, norm="ortho"),
        irfft=partial(np.fft.irfft, norm="ortho"),
        fast_length=fast_length,
        takes_out=True,
    )


backend = Backend(
    "numpy",
    "cpu",
    (
        *array_implementations("numpy", lambda: np, threads=lambda problem: problem.threads),
        fft_implementation("numpy", lambda: np, _fourier, pays_whole),
        banded_implementation("numpy", lambda: np, threads=lambda problem: problem.threads),
        dct_by_fft_implementation("numpy", lambda: np, _fourier),
        *approximate_implementations("numpy", lambda: np, tuple(ORDERS)),
    ),
    lambda: Availability(versions={"numpy": np.__version__}),
    distributions=("numpy",),
)
