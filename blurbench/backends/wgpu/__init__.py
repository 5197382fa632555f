"""Backend `wgpu`: our own WebGPU shaders, for GPUs of any maker: Vulkan, Metal, Direct3D 12."""

from __future__ import annotations

from contextlib import nullcontext

from blurbench.backends.backend import Backend, Implementation
from blurbench.backends.carried import carry
from blurbench.backends.lanes import Lanes
from blurbench.backends.wgpu import fft
from blurbench.backends.wgpu.adapters import probe
from blurbench.backends.wgpu.arrays import DTYPES
from blurbench.backends.wgpu.device import current_device, open_device
from blurbench.backends.wgpu.direct import WgpuDirectPlan, direct_bytes
from blurbench.backends.wgpu.fft import WgpuFFTPlan
from blurbench.backends.wgpu.separable import WgpuSeparablePlan, separable_bytes
from blurbench.methods import direct, separable

backend = Backend(
    "wgpu",
    "gpu",
    (
        Implementation(
            "wgpu",
            "direct",
            "ours",
            lambda problem: WgpuDirectPlan(current_device(), problem),
            direct.operations,
            direct_bytes,
            dtypes=DTYPES,
        ),
        Implementation(
            "wgpu",
            "separable",
            "ours",
            lambda problem: WgpuSeparablePlan(current_device(), problem),
            separable.operations,
            separable_bytes,
            dtypes=DTYPES,
        ),
        Implementation(
            "wgpu",
            "fft",
            "ours",
            lambda problem: WgpuFFTPlan(current_device(), problem),
            fft.operations,
            fft.fft_bytes,
            dtypes=DTYPES,
        ),
    ),
    probe,
    carry,
    open_device,
    # A device has one queue, which all threads share.
    Lanes(
        current_device,
        nullcontext,
        lambda: current_device().free_bytes(),
        lambda: current_device().synchronize(),
    ),
    own_arrays=True,
    ends_process=True,
    distributions=("wgpu",),
)
