"""Matrix products by cuBLAS itself: CuPy's `matmul` copies every operand that is a view."""

from __future__ import annotations

from typing import Any

import numpy as np

PLAIN = 0  # how cuBLAS names a matrix that is not transposed


def multiply(cupy: Any, a: Any, b: Any, out: Any, *, add: bool) -> None:
    """See `blurbench.methods.whole.library.Product`; of float32 or float64, all in full."""
    cublas = cupy.cuda.cublas
    dtype = np.dtype(out.dtype.name)
    single = dtype == np.float32
    routine = cublas.sgemmStridedBatched if single else cublas.dgemmStridedBatched
    count, m, n = out.shape
    # cuBLAS reads rows as columns: to it, out' = b' a'.
    factor, kept = np.ones(1, dtype), np.full(1, add, dtype)
    routine(
        cupy.cuda.get_cublas_handle(),
        PLAIN,
        PLAIN,
        n,
        m,
        a.shape[-1],
        factor.ctypes.data,
        *_laid(b),
        *_laid(a),
        kept.ctypes.data,
        *_laid(out),
        count,
    )


def _laid(matrices: Any) -> tuple[int, int, int]:
    """Where matrices begin, and how far their rows and they themselves lie apart, in samples."""
    *count, row, _ = (stride // matrices.itemsize for stride in matrices.strides)
    # Of a single row the stride may be anything, but cuBLAS wants it to be long enough.
    return matrices.data.ptr, max(row, matrices.shape[-1]), count[0] if count else 0
