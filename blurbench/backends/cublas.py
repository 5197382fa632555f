"""Matrix products by cuBLAS itself: CuPy's `matmul` copies every operand that is a view."""

from __future__ import annotations

from typing import Any

import numpy as np

PLAIN = 0  # how cuBLAS names a matrix that is not transposed
REALS = {"float32": 0, "float64": 1}  # and CUDA the types of its samples


def multiply(cupy: Any, a: Any, b: Any, out: Any, *, add: bool, rounded: bool = False) -> None:
    """See `blurbench.methods.whole.device_library.Product`.

    Args:
        rounded: whether float32 factors may be rounded to TF32.
    """
    cublas, dtype = cupy.cuda.cublas, np.dtype(out.dtype.name)
    real, arithmetic = REALS[dtype.name], cublas.CUBLAS_COMPUTE_64F
    if dtype == np.float32:
        arithmetic = cublas.CUBLAS_COMPUTE_32F
        if rounded:
            arithmetic = cublas.CUBLAS_COMPUTE_32F_FAST_TF32
    count, m, n = out.shape
    factor, kept = np.ones(1, dtype), np.full(1, add, dtype)
    # cuBLAS reads rows as columns: to it, out' = b' a'.
    cublas.gemmStridedBatchedEx(
        cupy.cuda.get_cublas_handle(),
        *(PLAIN, PLAIN, n, m, a.shape[-1]),
        factor.ctypes.data,
        *_laid(b, real),
        *_laid(a, real),
        kept.ctypes.data,
        *_laid(out, real),
        *(count, arithmetic, cublas.CUBLAS_GEMM_DEFAULT),
    )


def _laid(matrices: Any, real: int) -> tuple[int, int, int, int]:
    """Where matrices begin, of what type, and how far rows and matrices lie apart, in samples."""
    *count, row, _ = (stride // matrices.itemsize for stride in matrices.strides)
    # Of a single row the stride may be anything, but cuBLAS wants it to be long enough.
    return matrices.data.ptr, real, max(row, matrices.shape[-1]), count[0] if count else 0
