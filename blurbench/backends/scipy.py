"""Backend `scipy`: scipy.ndimage's filters; our FFT and DCT blurs on scipy.fft, threaded."""

from __future__ import annotations

from functools import partial

import numpy as np
import scipy.fft
import scipy.ndimage

from blurbench.backends.arrays import dct_implementation, fft_implementation
from blurbench.backends.backend import Availability, Backend
from blurbench.backends.ndimage import Filters, ndimage_implementations
from blurbench.backends.pocketfft import fast_length
from blurbench.methods.dct import Cosine
from blurbench.methods.fft import Fourier, pays_whole


def _fourier() -> Fourier:
    return Fourier(
        rfftn=scipy.fft.rfftn,
        # The intermediate spectra are ours alone, so their memory can be reused.
        ifft=partial(scipy.fft.ifft, overwrite_x=True),
        irfft=partial(scipy.fft.irfft, overwrite_x=True),
        fast_length=fast_length,
    )


def _cosine() -> Cosine:
    return Cosine(scipy.fft.dct, scipy.fft.idct)


backend = Backend(
    "scipy",
    "cpu",
    (
        *ndimage_implementations("scipy", lambda: Filters(np, scipy.ndimage)),
        fft_implementation("scipy", lambda: np, _fourier, pays_whole),
        dct_implementation("scipy", lambda: np, _cosine, ("reflect", "mirror")),
    ),
    lambda: Availability(versions={"scipy": scipy.__version__}),
    distributions=("scipy",),
)
