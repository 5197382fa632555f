"""The request for a blur, from the command line to the plan: one type, whoever asks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from blurbench import host
from blurbench.backends.backend import Implementation
from blurbench.backends.registry import find_implementation
from blurbench.choice.auto import AUTO, HOST, choose
from blurbench.errors import InputError
from blurbench.kernel import GaussianKernel, as_number
from blurbench.problem import Problem


@dataclass(frozen=True)
class Recipe:
    """How images are blurred, whatever their shape and type; processes can send it to each other.

    Attributes:
        kernel: the taps.
        border, cval: what lies outside of an image.
        backend, method: names of who computes it and how, or `auto`.
        tolerance: the error, of the largest value, up to which `auto` may take approximations.

    Raises:
        InputError: the tolerance is no number, or there is nothing for `auto` to choose.
    """

    kernel: GaussianKernel
    border: str = "reflect"
    cval: float = 0.0
    backend: str = "scipy"
    method: str = "separable"
    tolerance: float | None = None

    def __post_init__(self) -> None:
        if self.tolerance is None:
            return
        as_number(self.tolerance, "tolerance")
        if not self.is_open:
            raise InputError(
                f"tolerance {self.tolerance!r} is for what auto may choose: use method='auto', or "
                "leave tolerance out"
            )

    @property
    def is_open(self) -> bool:
        """Whether `auto` is to choose the backend, the method or both."""
        return AUTO in (self.backend, self.method)

    def problem(
        self, shape: tuple[int, ...], dtype: np.dtype[Any], threads: int | None = None
    ) -> Problem:
        """The problem that it is for an image of this shape and type.

        Args:
            threads: default is the CPUs this process may use.

        Raises:
            InputError: the border, shape, type or number of threads cannot be used.
        """
        threads = host.usable_cpus() if threads is None else threads
        return Problem(self.kernel, shape, dtype, self.border, self.cval, threads)

    def implementation(
        self, problem: Problem, place: str = HOST, cpu_only: bool = False
    ) -> Implementation:
        """The implementation of its names, or the one that `auto` chooses for the problem.

        Args:
            place: of the image: `host`, or `device` where it lies on a GPU.
            cpu_only: whether `auto` may choose among the backends on the CPU alone.

        Raises:
            InputError: as `find_implementation` and `choose` do.
            CannotRunError: the backend that is named cannot run here.
        """
        if not self.is_open:
            return find_implementation(self.backend, self.method)
        return choose(problem, self.backend, self.method, self.tolerance, place, cpu_only)

    def settled(self, problem: Problem, place: str = HOST) -> Recipe:
        """The recipe with the names that `auto` stands for in this problem."""
        found = self.implementation(problem, place)
        return replace(self, backend=found.backend, method=found.method, tolerance=None)
