"""Backend `torch`: PyTorch's convolutions on the CPU."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench.backends import optional
from blurbench.backends.backend import Availability, Backend
from blurbench.backends.conv2d import conv2d_implementations
from blurbench.forks import Home
from blurbench.problem import Problem

home = Home("torch")


def host_tensor(torch: Any, array: NDArray[Any]) -> Any:
    """A tensor over an array's memory, or over a copy's where that must not be written to."""
    # PyTorch warns of such memory, even where it only reads.
    return torch.from_numpy(np.require(array, requirements="W"))


class HostRuntime:
    """PyTorch on the CPU, with the problem's threads and no others; in a fork with one alone.

    There the threads of its parent are missing, and OpenMP would wait for them for ever.
    """

    xp: Any
    torch: Any
    device: Any

    def __init__(self, problem: Problem) -> None:
        self.xp, self.torch, self.device = np, import_module("torch"), "cpu"
        self._threads = problem.threads

    def tensor(self, array: Any) -> Any:
        return host_tensor(self.torch, array)

    def is_contiguous(self, array: Any) -> bool:
        return bool(array.flags.c_contiguous)

    @contextmanager
    def scope(self) -> Iterator[None]:
        threads = self.torch.get_num_threads()
        self.torch.set_num_threads(1 if home.is_elsewhere else self._threads)
        try:
            with self.torch.inference_mode():
                yield
        finally:
            self.torch.set_num_threads(threads)

    def synchronize(self) -> None:
        """Nothing is ever queued."""


@functools.cache
def probe() -> Availability:
    """Whether PyTorch can be imported."""
    return optional.examine(lambda: import_module("torch"), "torch", "PyTorch", "torch")


backend = Backend(
    "torch",
    "cpu",
    conv2d_implementations("torch", HostRuntime),
    probe,
    distributions=("torch",),
)
