"""The names of what is shipped, in the order in which it is listed.

Imports no library, for help pages must not: a backend or a method is one line here.
"""

from __future__ import annotations

from typing import Literal

# Each is the file or folder of `blurbench.backends` that bears its name.
ON_CPU = ("numpy", "scipy", "numba", "torch", "opencv", "skimage", "pyvips", "halide", "pillow")
ON_GPU = ("cupy", "cupyx", "cuda", "cucim", "torch_gpu", "wgpu", "opencv_ocl")
BACKENDS = (*ON_CPU, *ON_GPU)

# Groups of methods, each with a question of its own: does FFT pay, does an approximation?
DIRECT, SEPARABLE, FFT, APPROXIMATE = "direct", "separable", "FFT", "approximate"
METHODS = {
    "direct": DIRECT,
    "separable": SEPARABLE,
    "fft": FFT,
    "banded": SEPARABLE,
    "dct": FFT,
    "box": APPROXIMATE,
    "extended_box": APPROXIMATE,
    "deriche": APPROXIMATE,
    "vyv": APPROXIMATE,
    "multirate": APPROXIMATE,
}


def methods_of(*groups: str) -> tuple[str, ...]:
    """The methods of these groups."""
    return tuple(method for method, group in METHODS.items() if group in groups)


# Whose code does the work of an implementation; the last is a person's own, of no known method.
OURS: Literal["ours"] = "ours"
LIBRARY: Literal["library"] = "library"
YOURS: Literal["yours"] = "yours"


def group_of(method: str, origin: str) -> str | None:
    """The group of an implementation's method; None where it is not known."""
    return None if origin == YOURS else METHODS.get(method)


EXACT = methods_of(DIRECT, SEPARABLE, FFT)
APPROXIMATIONS = methods_of(APPROXIMATE)

BORDERS = ("reflect", "mirror", "nearest", "wrap", "constant")
DTYPES = ("uint8", "uint16", "float16", "float32", "float64")
