"""Backend `cuda`: our own CUDA C++, compiled and launched through CuPy."""

from __future__ import annotations

from blurbench.backends import gpu
from blurbench.backends.backend import Backend, Implementation
from blurbench.backends.cuda import plans
from blurbench.backends.cuda.compiler import toolkit
from blurbench.methods import direct, separable

backend = Backend(
    "cuda",
    "gpu",
    (
        Implementation(
            "cuda",
            "direct",
            "ours",
            lambda problem: plans.DirectPlan(toolkit(), problem),
            direct.operations,
            plans.direct_bytes,
        ),
        Implementation(
            "cuda",
            "separable",
            "ours",
            lambda problem: plans.separable_plan(toolkit(), problem),
            separable.operations,
            plans.separable_bytes,
        ),
    ),
    gpu.probe,
    gpu.carry,
    gpu.open_device,
)
