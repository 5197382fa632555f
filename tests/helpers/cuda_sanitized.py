"""Runs the CUDA kernels on the CPU under the address and undefined-behaviour sanitizers.

Ends abnormally at the first fault. `python cuda_sanitized.py few|all [OLD NEW]` blurs few images or
all, and replaces OLD by NEW in the kernels' source first. The address sanitizer has to be loaded
before Python (LD_PRELOAD).
"""

from __future__ import annotations

import sys
from itertools import product

import numpy as np

from blurbench.backends.cuda.direct import CudaDirectPlan
from blurbench.backends.cuda.fft import FourierPlan
from blurbench.backends.cuda.fused import FusedPlan
from blurbench.backends.cuda.separable import separable_plan
from blurbench.backends.cuda.shapes import shape_for
from blurbench.kernel import GaussianKernel
from blurbench.problem import Problem
from helpers import cuda_on_cpu

SHAPES = ((1, 1), (9, 5), (36, 150), (20, 23, 3), (6, 143, 4))
SIZES = (9, 101)  # fused, with one column a thread and with more; two passes
DTYPES = ("uint8", "float32", "float64")
BORDERS = ("mirror", "constant")
FEW = [((9, 5), 9, "uint8", "constant"), ((20, 23, 3), 9, "float32", "mirror")]
FEW += [((36, 150), 101, "float32", "constant")]
# A row that ends in the middle of an item of 8 pixels.
ALL = [*product(SHAPES, SIZES, DTYPES, BORDERS), ((6, 12), 17, "float32", "mirror")]


def main(which: str, *fault: str) -> None:
    """Blur images of several kinds in arrays that end where the memory does."""

    def edit(text: str) -> str:
        return text.replace(*fault) if fault else text

    toolkit = cuda_on_cpu.toolkit(sanitize="address,undefined", edit=edit)
    for shape, size, dtype, border in FEW if which == "few" else ALL:
        problem = Problem(GaussianKernel.from_size(size), shape, np.dtype(dtype), border)
        image = np.ones(shape, dtype)
        separable_plan(toolkit, problem)(image)
        usual = shape_for(problem)
        if usual is not None:
            FusedPlan(toolkit, problem, usual)(image)
        if size == SIZES[0]:
            CudaDirectPlan(toolkit, problem)(image)
        if which == "all" and dtype != "float64":
            FourierPlan(toolkit, problem)(image)
    print("no fault")


if __name__ == "__main__":
    main(*sys.argv[1:])
