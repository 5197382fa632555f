"""Backend `cuda`: our own CUDA C++, compiled and launched through CuPy."""

from __future__ import annotations

from blurbench.backends import gpu, lanes, staging
from blurbench.backends.backend import Backend, Implementation
from blurbench.backends.cuda.compiler import toolkit
from blurbench.backends.cuda.direct import CudaDirectPlan, direct_bytes
from blurbench.backends.cuda.fft import LARGEST, WITHOUT_FLOAT64, FourierPlan, fourier_bytes
from blurbench.backends.cuda.fft import operations as fourier_operations
from blurbench.backends.cuda.separable import separable_bytes, separable_plan
from blurbench.backends.cupy_packages import WHEELS
from blurbench.methods import direct, separable

backend = Backend(
    "cuda",
    "gpu",
    (
        Implementation(
            "cuda",
            "direct",
            "ours",
            lambda problem: CudaDirectPlan(toolkit(), problem),
            direct.operations,
            direct_bytes,
        ),
        Implementation(
            "cuda",
            "separable",
            "ours",
            lambda problem: separable_plan(toolkit(), problem),
            separable.operations,
            separable_bytes,
        ),
        Implementation(
            "cuda",
            "fft",
            "ours",
            lambda problem: FourierPlan(toolkit(), problem),
            fourier_operations,
            fourier_bytes,
            dtypes=WITHOUT_FLOAT64,
            largest=LARGEST,
        ),
    ),
    gpu.probe,
    staging.carry,
    gpu.open_device,
    lanes.CUDA,
    distributions=tuple(WHEELS),
)
