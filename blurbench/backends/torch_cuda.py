"""Backend `torch_cuda`: PyTorch's convolutions on the GPU, on CuPy's arrays and stream."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from blurbench.backends import gpu, lanes, optional, staging
from blurbench.backends import torch as on_cpu
from blurbench.backends.backend import Availability, Backend
from blurbench.backends.conv2d import conv2d_implementations
from blurbench.backends.driver import this_driver
from blurbench.extras import install
from blurbench.plan import Problem

TOO_OLD = "no way to ask for full float32 precision (TF32 would leave the contract)"


class CudaRuntime:
    """PyTorch on CuPy's current device and stream; in full precision, unless TF32 is allowed."""

    xp: Any
    torch: Any
    device: Any

    def __init__(self, problem: Problem) -> None:
        self.xp, self.torch = import_module("cupy"), import_module("torch")
        self.device = self.torch.device("cuda", self.xp.cuda.runtime.getDevice())

    def tensor(self, array: Any) -> Any:
        return self.torch.as_tensor(array, device=self.device)

    @contextmanager
    def scope(self) -> Iterator[None]:
        torch = self.torch
        # Unlike ExternalStream, this takes the pointer 0 for the default stream.
        stream = torch.cuda.get_stream_from_external(self._stream.ptr, self.device)
        settings = torch.backends.cudnn.conv, torch.backends.cuda.matmul
        precisions = [one.fp32_precision for one in settings]
        for one in settings:
            one.fp32_precision = "tf32" if gpu.tf32_allowed() else "ieee"
        try:
            with torch.inference_mode(), torch.cuda.stream(stream):
                yield
        finally:
            for one, precision in zip(settings, precisions, strict=True):
                one.fp32_precision = precision

    def synchronize(self) -> None:
        self._stream.synchronize()

    @property
    def _stream(self) -> Any:
        return self.xp.cuda.get_current_stream()


@functools.cache
def probe() -> Availability:
    """Whether the GPU can be used, and by a PyTorch that knows CUDA."""
    return optional.on_gpu(lambda: examine(on_cpu.probe(), lambda: import_module("torch")))


def examine(found: Availability, load: Callable[[], Any]) -> Availability:
    """Whether the PyTorch that was found serves the GPU too."""
    if not found.ok:
        return found
    torch = load()
    if torch.version.cuda is None:
        reason, remedy = "this PyTorch was built without CUDA", _fitting()
    elif not torch.cuda.is_available():
        reason = f"PyTorch cannot use CUDA here (it was built for CUDA {torch.version.cuda})"
        remedy = _fitting()
    elif not hasattr(torch.backends.cudnn, "conv"):
        reason = f"PyTorch {torch.__version__} has {TOO_OLD}"
        remedy = install("torch", upgrade=True)
    else:
        return found
    return Availability(reason, remedy, found.versions)


def _fitting() -> str:
    """What puts a PyTorch there that this driver runs; pip finds that for CUDA 13 on Linux."""
    version = this_driver().version
    if version is None or (version >= (13, 0) and sys.platform == "linux"):
        return install("torch", instead_of=["torch"])
    return f"install a PyTorch built for CUDA {version[0]}.{version[1]} or older"


backend = Backend(
    "torch_cuda",
    "gpu",
    conv2d_implementations("torch_cuda", CudaRuntime),
    probe,
    staging.carry,
    gpu.open_device,
    lanes.CUDA,
)
