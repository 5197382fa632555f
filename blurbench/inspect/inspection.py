"""Everything about one kernel: taps, errors, borders, equivalents, costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from blurbench import host
from blurbench.inspect.cascade import Cascade, cascades
from blurbench.inspect.cost import MethodCost, costs
from blurbench.inspect.equivalents import Equivalent, equivalents
from blurbench.inspect.fidelity import Choice, Fidelity, choices, fidelity
from blurbench.inspect.influence import Influence, influences
from blurbench.inspect.planning import PaddedSize, Planning, paddings, planning
from blurbench.inspect.shift import Shift, measure_shift
from blurbench.kernel import GaussianKernel
from blurbench.problem import Problem

SHAPE = (1024, 1024)  # on which operations and bytes are counted where none is given


@dataclass(frozen=True)
class Inspection:
    """What is to be known of a kernel.

    Attributes:
        problem: the kernel, the border, and the shape that costs are counted for.
        choices: sizes that others take for this sigma, and those that an accuracy needs.
        shift: of an even kernel.
        cascades: of an odd kernel.
        paddings, planning: where a shape was given.
    """

    problem: Problem
    fidelity: Fidelity
    choices: list[Choice]
    shift: Shift | None
    influences: list[Influence]
    equivalents: list[Equivalent]
    costs: list[MethodCost]
    cascades: list[Cascade]
    paddings: list[PaddedSize]
    planning: list[Planning]

    @property
    def kernel(self) -> GaussianKernel:
        return self.problem.kernel

    def document(self) -> dict[str, Any]:
        """As `blurbench.inspect/1`."""
        kernel = self.kernel
        about = asdict(self)
        del about["problem"]
        return {
            "schema": "blurbench.inspect/1",
            "kernel": {
                "size": kernel.size,
                "sigma": kernel.sigma,
                "radius": kernel.radius,
                "shift_pixels": kernel.shift,
                "taps": kernel.taps.tolist(),
            },
            "border": self.problem.border,
            "shape": self.problem.shape,
            "threads": self.problem.threads,
            **about,
        }


def inspect(
    kernel: GaussianKernel,
    border: str = "reflect",
    shape: tuple[int, int] | None = None,
    progress: Callable[[str], None] = lambda name: None,
) -> Inspection:
    """Compute, and measure, what is to be known of a kernel.

    Args:
        shape: of a float32 image, `(H, W)`, for which plans are made and timed.

    Raises:
        InputError: the border is unknown.
    """
    dtype, threads = np.dtype(np.float32), host.usable_cpus()
    problem = Problem(kernel, shape or SHAPE, dtype, border, threads=threads)
    return Inspection(
        problem=problem,
        fidelity=fidelity(kernel),
        choices=choices(kernel.sigma),
        shift=measure_shift(kernel) if kernel.even else None,
        influences=influences(kernel),
        equivalents=equivalents(kernel, border),
        costs=costs(problem),
        cascades=[] if kernel.even else cascades(kernel),
        paddings=paddings(problem) if shape else [],
        planning=planning(problem, progress=progress) if shape else [],
    )
