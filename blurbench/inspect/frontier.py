"""Error against time at one sigma: what is to be had for how long a wait."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from blurbench.analysis.answer import Answer
from blurbench.backends.registry import backends as known_backends
from blurbench.image import Image
from blurbench.inspect.accuracy import FIR, METHODS, TOLERANCES, fir_radius, measure_accuracy
from blurbench.kernel import GaussianKernel
from blurbench.methods.approximate import ORDERS
from blurbench.records.summary import Row
from blurbench.study.compare import compare
from blurbench.study.options import Options

SIDE = 1024  # of the image
BUDGET_S = 30.0  # for each kernel
KEEP = 5.0  # times the best: what is slower is no part of the frontier
ANY = 1.0  # a tolerance that lets every approximation compete


@dataclass(frozen=True)
class Spot:
    """What an implementation takes, and how far from the Gaussian it is.

    Attributes:
        size: of the kernel that an exact blur computes; None for an approximation.
        operator_norm_error: as of `blurbench accuracy`.
        end_to_end_median_s: of a call, with its interval where there is one.
    """

    name: str
    size: int | None
    operator_norm_error: float
    end_to_end_median_s: float
    end_to_end_ci95_low_s: float | None
    end_to_end_ci95_high_s: float | None


@dataclass(frozen=True)
class Frontier:
    """The spots at one sigma, and the answers that they are from.

    Attributes:
        interrupted: from the keyboard; what was measured until then is there.
    """

    sigma: float
    spots: list[Spot]
    answers: list[Answer]
    interrupted: bool

    def document(self) -> dict[str, Any]:
        """What was measured, in plain values."""
        first = self.answers[0]
        return {
            "sigma": self.sigma,
            "height": first.problem.height,
            "width": first.problem.width,
            "dtype": first.problem.dtype.name,
            "threads": first.problem.threads,
            "machine": first.machine,
            "versions": first.versions,
            "spots": [asdict(one) for one in self.spots],
        }

    @property
    def best(self) -> list[Spot]:
        """Those that no other beats in both error and time, fastest first."""
        found: list[Spot] = []
        for spot in sorted(
            self.spots, key=lambda one: (one.end_to_end_median_s, one.operator_norm_error)
        ):
            if not found or spot.operator_norm_error < found[-1].operator_norm_error:
                found.append(spot)
        return found


def measure_frontier(
    sigma: float,
    progress: Callable[[str], None] = lambda text: None,
    methods: Sequence[str] = (),
    budget: float = BUDGET_S,
    backends: Sequence[str] = (),
) -> Frontier:
    """Time the exact blurs at kernels cut at three tolerances, and the approximations once.

    Args:
        methods: the approximations, or empty for all; exact blurs are timed in any case, for
            they are what an approximation has to be faster than.
        budget: seconds for each of the three kernels.

    Raises:
        InputError: the sigma is too small, or the kernels are too large.
    """
    values = np.random.default_rng(0).uniform(0, 1, (SIDE, SIDE))
    image = Image("noise", values.astype(np.float32))
    errors = {(one.method, one.order, one.tolerance): one for one in measure_accuracy([sigma])}
    approximations = [name for name in methods or METHODS if name != FIR]
    every = (one for each in known_backends().values() for one in each.implementations)
    exact = dict.fromkeys(one.method for one in every if one.exact)
    spots, answers, interrupted = [], [], False
    for number, cut in enumerate(TOLERANCES):
        kernel = GaussianKernel.from_sigma(sigma, radius=fir_radius(sigma, cut))
        progress(f"{kernel.size}x{kernel.size}")
        options = Options(
            backends=tuple(backends),
            methods=(*exact, *(() if number else approximations)),
            budget=budget,
            keep=KEEP,
            tolerance=ANY,
        )
        answer = compare(image, kernel, options)
        for row in answer.rows:
            order = None if row.exact else ORDERS.get(row.method)
            found = errors.get((FIR, None, cut) if row.exact else (row.method, order, None))
            if found is not None and row.status == "ok":
                spots += _spots(row, kernel.size if row.exact else None, found.operator_norm_error)
        answers.append(answer)
        interrupted = answer.interrupted
        if interrupted:
            break
    return Frontier(sigma, spots, answers, interrupted)


def _spots(row: Row, size: int | None, error: float) -> list[Spot]:
    """One, if the row has a time."""
    if row.end_to_end_median_s is None:
        return []
    interval = row.end_to_end_ci95_low_s, row.end_to_end_ci95_high_s
    return [Spot(row.name, size, error, row.end_to_end_median_s, *interval)]
