"""Whether PyTorch reaches a GPU here, tried rather than asked."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import Any

from blurbench.backends import torch as on_cpu
from blurbench.backends.backend import Availability
from blurbench.backends.driver import this_driver
from blurbench.backends.torch_gpu.accelerator import Accelerator
from blurbench.extras import install

TOO_OLD = "no way to ask for full float32 precision (TF32 would leave the contract)"
FITTING = "install the PyTorch built for this machine's GPU, and the GPU's driver"


@functools.cache
def probe() -> Availability:
    """Whether PyTorch can be imported, finds a GPU and can use it."""
    return examine(on_cpu.probe(), lambda: import_module("torch"))


def examine(found: Availability, load: Callable[[], Any]) -> Availability:
    """Whether the PyTorch that was found reaches a GPU; what fails is the reason."""
    if not found.ok:
        return found
    torch = load()
    if not hasattr(torch.backends.cudnn, "conv"):
        reason = f"PyTorch {torch.__version__} has {TOO_OLD}"
        return Availability(reason, install("torch", upgrade=True), found.versions)
    device = torch.accelerator.current_accelerator(check_available=True)
    if device is None:
        return Availability(*_missing(torch), found.versions)
    accelerator = Accelerator(torch, device.type)
    names = tuple(map(accelerator.name, range(accelerator.count())))
    try:
        _convolve(torch, accelerator.device(0))
    except Exception as error:  # each accelerator's own
        said = str(error).strip().splitlines() or [type(error).__name__]
        reason = f"a small convolution failed on {names[0]}: {said[0]}"
        return Availability(reason, _fitting(), found.versions)
    return replace(found, devices=names)


def _convolve(torch: Any, device: Any) -> None:
    ones = torch.ones((1, 1, 3, 3), device=device)
    total = float(torch.nn.functional.conv2d(ones, ones).sum())
    if total != 9.0:
        raise RuntimeError(f"9 ones summed to {total}")


def _missing(torch: Any) -> tuple[str, str]:
    """Why there is no accelerator, and what to do."""
    cuda, is_nvidia = torch.version.cuda, this_driver().usable
    if is_nvidia and cuda is None:
        return "this PyTorch was built without CUDA", _fitting()
    if is_nvidia:
        return f"PyTorch cannot use CUDA here (it was built for CUDA {cuda})", _fitting()
    return f"this PyTorch, built for {_built_for(torch)}, finds no GPU here", FITTING


def _built_for(torch: Any) -> str:
    built = {"CUDA": "cuda", "ROCm": "hip", "XPU": "xpu"}
    for title, name in built.items():
        version = getattr(torch.version, name, None)
        if version is not None:
            return f"{title} {version}"
    return "Metal" if torch.backends.mps.is_built() else "the CPU alone"


def _fitting() -> str:
    """What puts a PyTorch there that uses this GPU; pip finds the one for CUDA 13 on Linux."""
    version = this_driver().version
    if version is None:
        return FITTING
    if version >= (13, 0) and sys.platform == "linux":
        return install("torch", instead_of=["torch"])
    return f"install a PyTorch built for CUDA {version[0]}.{version[1]} or older"
