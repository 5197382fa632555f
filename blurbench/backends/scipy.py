"""Backend `scipy`: scipy.ndimage's filters; our FFT and DCT blurs on scipy.fft, threaded."""

from __future__ import annotations

from functools import partial

import numpy as np
import scipy.fft
import scipy.ndimage

from blurbench.backends.arrays import LINES, dct_implementation, fft_implementation
from blurbench.backends.backend import Availability, Backend
from blurbench.backends.ndimage import Filters, ndimage_implementations
from blurbench.methods.dct import Cosine
from blurbench.methods.fft import Fourier
from blurbench.plan import Problem


def _fourier(problem: Problem) -> Fourier:
    workers = problem.threads
    return Fourier(
        rfftn=partial(scipy.fft.rfftn, workers=workers),
        # The intermediate spectra are ours alone, so their memory can be reused.
        ifft=partial(scipy.fft.ifft, workers=workers, overwrite_x=True),
        irfft=partial(scipy.fft.irfft, workers=workers, overwrite_x=True),
        fast_length=partial(scipy.fft.next_fast_len, real=True),
    )


def _cosine(problem: Problem) -> Cosine:
    return Cosine(scipy.fft.dct, scipy.fft.idct)


backend = Backend(
    "scipy",
    "cpu",
    (
        *ndimage_implementations("scipy", lambda: Filters(np, scipy.ndimage)),
        fft_implementation("scipy", lambda: np, _fourier),
        dct_implementation("scipy", lambda: np, _cosine, ("reflect", "mirror"), 2, LINES),
    ),
    lambda: Availability(versions={"scipy": scipy.__version__}),
)
