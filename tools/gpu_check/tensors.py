"""PyTorch's plans beside the others: on CuPy's arrays and stream, so that one clock times all."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import Any

from blurbench.backends.backend import Implementation
from blurbench.backends.device import Copy
from blurbench.problem import Problem

OF_TENSORS = "torch_gpu"


def on_cupy(one: Implementation) -> Implementation:
    """The implementation with plans that take CuPy's arrays; as it is, where they do."""
    if one.backend != OF_TENSORS:
        return one

    def prepare(problem: Problem) -> Any:
        return on_arrays(one.prepare(problem))

    return replace(one, prepare=prepare)


def on_arrays(plan: Copy) -> Copy:
    """What shows a plan CuPy's arrays as tensors, and has it work on CuPy's stream."""
    cupy, torch = import_module("cupy"), import_module("torch")

    def work(image: Any, out: Any) -> None:
        device = torch.device("cuda", cupy.cuda.runtime.getDevice())
        # Unlike ExternalStream, this takes the pointer 0 for the default stream.
        stream = torch.cuda.get_stream_from_external(cupy.cuda.get_current_stream().ptr, device)
        with torch.cuda.stream(stream):
            plan(torch.as_tensor(image, device=device), torch.as_tensor(out, device=device))

    return work
