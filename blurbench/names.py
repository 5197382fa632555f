"""The names of what is shipped, in the order in which it is listed.

Imports nothing, for help pages must not: a backend or a method is one line here.
"""

from __future__ import annotations

# Each is the file or folder of `blurbench.backends` that bears its name.
ON_CPU = ("numpy", "scipy", "numba", "torch", "opencv", "skimage", "pyvips", "pillow")
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
}


def methods_of(*groups: str) -> tuple[str, ...]:
    """The methods of these groups."""
    return tuple(method for method, group in METHODS.items() if group in groups)


EXACT = methods_of(DIRECT, SEPARABLE, FFT)
APPROXIMATIONS = methods_of(APPROXIMATE)

BORDERS = ("reflect", "mirror", "nearest", "wrap", "constant")
DTYPES = ("uint8", "uint16", "float16", "float32", "float64")
