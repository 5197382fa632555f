"""Backend `torch_gpu`: PyTorch's convolutions on whatever GPU it finds: CUDA, ROCm, XPU, Metal."""

from __future__ import annotations

from blurbench.backends.torch_gpu.accelerator import this_accelerator
from blurbench.backends.torch_gpu.devices import Devices
from blurbench.backends.torch_gpu.probing import probe

backend = Devices(this_accelerator).backend("torch_gpu", probe)
