"""Which images a device cannot blur: not all have float64, nor every integer."""

from __future__ import annotations

import functools

from blurbench.backends.torch_gpu.accelerator import Accelerator
from blurbench.errors import InputError
from blurbench.problem import Problem

EVERYWHERE = ("uint8", "float16", "float32")


def check(accelerator: Accelerator, number: int, problem: Problem) -> None:
    """Raise InputError, with PyTorch's reason, where a device cannot blur such images."""
    reason = refusal_of(accelerator, number, problem.dtype.name, problem.work_dtype.name)
    if reason is not None:
        raise InputError(
            f"dtype {problem.dtype.name!r} does not go with {accelerator.name(number)}: "
            f"{reason}; use float32"
        )


@functools.cache
def refusal_of(accelerator: Accelerator, number: int, dtype: str, work_dtype: str) -> str | None:
    """Why a type fails there; None where it does not. It is tried, once."""
    if dtype in EVERYWHERE:
        return None
    torch, device = accelerator.torch, accelerator.device(number)
    try:
        work = getattr(torch, work_dtype)
        image = torch.ones((1, 1, 3, 3), dtype=getattr(torch, dtype), device=device)
        taps = torch.ones((1, 1, 3, 3), dtype=work, device=device)
        image[:, :, :1, :1].copy_(torch.nn.functional.conv2d(image.to(work), taps))
        accelerator.synchronize()
    except Exception as error:  # each accelerator's own
        said = str(error).strip().splitlines() or [type(error).__name__]
        return said[0].rstrip(".")
    return None
