"""Backend `torch_gpu`: PyTorch's convolutions on whatever GPU it finds: CUDA, ROCm, XPU, Metal."""

from __future__ import annotations

from blurbench.backends.torch_gpu.accelerator import this_accelerator
from blurbench.backends.torch_gpu.devices import TorchDevices
from blurbench.backends.torch_gpu.probing import probe

backend = TorchDevices(this_accelerator).backend("torch_gpu", probe)
