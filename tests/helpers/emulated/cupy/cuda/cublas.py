"""As much of cuBLAS as this project uses: strided batches of products, on addresses."""

# ruff: noqa: N802  cuBLAS's names

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

CUBLAS_COMPUTE_32F, CUBLAS_COMPUTE_64F, CUBLAS_COMPUTE_32F_FAST_TF32 = 68, 70, 77
CUBLAS_GEMM_DEFAULT = -1
HANDLE = 1


def gemmStridedBatchedEx(handle: int, *given: Any) -> None:
    """c = alpha a b + beta c for matrices by columns, none of them transposed."""
    turned_a, turned_b, m, n, k, alpha, *rest = given
    a, _, lead_a, step_a, b, _, lead_b, step_b, beta, *rest = rest
    c, kind, lead_c, step_c, count, _, _ = rest
    if (handle, turned_a, turned_b) != (HANDLE, 0, 0):
        raise NotImplementedError("matrices that are transposed, or another handle")
    real = (ctypes.c_float, ctypes.c_double)[kind]
    left = by_columns(real, a, (count, m, k), lead_a, step_a)
    right = by_columns(real, b, (count, k, n), lead_b, step_b)
    out = by_columns(real, c, (count, m, n), lead_c, step_c)
    kept = real.from_address(beta).value
    product = real.from_address(alpha).value * (left @ right)
    out[...] = product + kept * out if kept else product


def by_columns(real: Any, address: int, shape: tuple[int, int, int], lead: int, step: int) -> Any:
    """The matrices at an address; columns are `lead` samples apart, matrices `step`."""
    count, rows, columns = shape
    if lead < rows:
        raise ValueError("CUBLAS_STATUS_INVALID_VALUE: columns overlap")
    samples = max(step, 0) * (count - 1) + lead * (columns - 1) + rows
    memory = np.ctypeslib.as_array((real * samples).from_address(address))
    each = memory.itemsize
    strides = (step * each, each, lead * each)
    return np.lib.stride_tricks.as_strided(memory, shape, strides)
