"""Runs the CUDA kernels on the CPU under the address and undefined-behaviour sanitizers.

Ends abnormally at the first fault. `python cuda_sanitized.py [OLD NEW]` replaces OLD by NEW in the
kernels' source first. The address sanitizer has to be loaded before Python (LD_PRELOAD).
"""

from __future__ import annotations

import sys
from itertools import product

import numpy as np

from blurbench.backends.cuda import plans
from blurbench.kernel import GaussianKernel
from blurbench.plan import Problem
from helpers import cuda_on_cpu

SHAPES = ((1, 1), (9, 5), (36, 150), (20, 23, 3), (6, 143, 4))
SIZES = (9, 71)  # fused, with one column a thread and with more; two passes
DTYPES = ("uint8", "float32", "float64")


def main(fault: list[str]) -> None:
    """Blur images of many kinds in arrays that end where the memory does."""

    def edit(text: str) -> str:
        return text.replace(*fault) if fault else text

    toolkit = cuda_on_cpu.toolkit(sanitize="address,undefined", edit=edit)
    for shape, size, dtype in product(SHAPES, SIZES, DTYPES):
        for border in ("mirror", "constant"):
            problem = Problem(GaussianKernel.from_size(size), shape, np.dtype(dtype), border)
            image = np.ones(shape, dtype)
            plans.separable_plan(toolkit, problem)(image)
            usual = plans.shape_for(problem)
            if usual is not None:
                plans.FusedPlan(toolkit, problem, usual)(image)
            if size == SIZES[0]:
                plans.DirectPlan(toolkit, problem)(image)
    print("no fault")


if __name__ == "__main__":
    main(sys.argv[1:])
