"""Blurs that are only near the Gaussian: they take sigma, not the taps.

All but `multirate` take float64 throughout: a recursive filter in float32 loses as many digits as
sigma has, to the power of its order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import blurbench.methods.box as boxes
from blurbench.border import Margins
from blurbench.errors import InputError
from blurbench.methods import multirate
from blurbench.methods.deriche import COEFFICIENTS, deriche
from blurbench.methods.recursive import Outside, RecursivePass
from blurbench.methods.vyv import POLES, vyv
from blurbench.plan import Plan, store
from blurbench.problem import Problem
from blurbench.splines import BOUNDS

BOXES = {"box": boxes.box, "extended_box": boxes.extended_box}
TERMS = {"deriche": deriche, "vyv": vyv}
ALL_ORDERS: dict[str, tuple[int, ...]] = {
    "box": boxes.PASSES,
    "extended_box": boxes.PASSES,
    "deriche": tuple(COEFFICIENTS),
    "vyv": tuple(POLES),
    multirate.METHOD: tuple(BOUNDS),
}
# Of the implementations.
ORDERS = {"box": 3, "extended_box": 3, "deriche": 4, "vyv": 5, multirate.METHOD: 5}
SMALLEST_SIGMA = 0.5  # the recursive filters' coefficients are fitted from about there
FOLDING = ("reflect", "mirror", "wrap")  # what is blurred once is folded like what is not

Lines = Callable[[Any], Any]  # float64 `(n, ...)`, blurred along the first axis


class ApproximatePlan(Plan):
    """Blurs columns, then rows, each as lines, all channels at once.

    Args:
        lines: blur columns, and rows.
    """

    def __init__(self, xp: Any, problem: Problem, lines: Sequence[Lines]) -> None:
        super().__init__(xp, problem)
        self._lines = lines

    def _run(self, image: Any, out: Any) -> None:
        turn = (1, 0, *range(2, image.ndim))
        columns = self._lines[0](self._xp.astype(image, self._xp.float64))
        # Down a turned view, a value in each line of the cache, a recursion takes twice as long.
        rows = self._xp.asarray(self._xp.permute_dims(columns, turn), copy=True)
        store(self._xp, self._xp.permute_dims(self._lines[1](rows), turn), out)


def work_bytes(problem: Problem, method: str) -> int:
    """Memory of a call: the image in float64, sums over it and their differences.

    Four of six arrays of a box have the margins that its passes take.
    """
    if method == multirate.METHOD:
        return multirate.work_bytes(problem)
    height, width = problem.shape[:2]
    reach = 0
    if method in BOXES:
        passes = ORDERS[method]
        one = BOXES[method](problem.kernel.sigma, passes)
        reach = _reach_of(one, passes, problem.border)
    extended = max((height + 2 * reach) * width, height * (width + 2 * reach))
    return (4 * extended + 2 * height * width) * problem.channels * 8


def operations(problem: Problem, method: str) -> float:
    """Multiply-adds that one image takes."""
    if method == multirate.METHOD:
        return multirate.operations(problem, ORDERS[method])
    # Of each axis: two there and two back for an order; as many for a pass of a box.
    return 2.0 * 4 * ORDERS[method] * problem.height * problem.width * problem.channels


def prepare(xp: Any, problem: Problem, method: str) -> Plan:
    """The plan of a method of its usual order.

    Raises:
        InputError: it cannot do so small a sigma.
    """
    sigma, order = problem.kernel.sigma, ORDERS[method]
    check_sigma(method, sigma)
    if method == multirate.METHOD:
        return multirate.MultiratePlan(xp, problem, order, threads=problem.threads)
    lines = [
        lines_of(xp, method, order, sigma, n, Outside(problem.border, cval))
        for n, cval in zip(problem.shape[:2], cvals(problem, method), strict=True)
    ]
    return ApproximatePlan(xp, problem, lines)


def cvals(problem: Problem, method: str) -> tuple[float, float]:
    """The constant beside the image, and what blurred columns of it are: beside the rows."""
    gain = 1.0
    if method in TERMS:  # which need not leave a constant as it is
        gain = sum(term.gain for term in TERMS[method](problem.kernel.sigma, ORDERS[method]))
    return problem.cval, problem.cval * gain


def check_sigma(method: str, sigma: float) -> None:
    """Raise InputError for a sigma that is too small for a method of its usual order."""
    if method in TERMS and sigma < SMALLEST_SIGMA:
        raise InputError(
            f"sigma {sigma:g} is too small for {method}: use {SMALLEST_SIGMA:g} or more"
        )
    if method == "box" and boxes.box(sigma, ORDERS[method]).radius == 0:
        raise InputError(
            f"sigma {sigma:g} is too small for {ORDERS[method]} boxes: they would change nothing"
        )


def lines_of(xp: Any, method: str, order: int, sigma: float, n: int, outside: Outside) -> Lines:
    """What blurs lines of `n` samples by a method and order of `ALL_ORDERS`."""
    if method in TERMS:
        return RecursivePass(xp, n, TERMS[method](sigma, order), outside)
    if method == multirate.METHOD:
        return multirate.MultiratePass(xp, n, order, sigma, outside, xp.float64)
    return _Boxes(xp, n, BOXES[method](sigma, order), order, outside)


def _reach_of(one: boxes.Box, passes: int, border: str) -> int:
    """Samples beside a line that the passes of a box take at a time."""
    return one.reach * (1 if border in FOLDING else passes)


class _Boxes:
    """Passes of a box; what lies outside is made anew before each, if that gives the same."""

    def __init__(self, xp: Any, n: int, one: boxes.Box, passes: int, outside: Outside) -> None:
        self._xp, self._n, self._one, self._passes = xp, n, one, passes
        self._anew = outside.border in FOLDING
        self._reach = _reach_of(one, passes, outside.border)
        self._margins = Margins(xp, n, self._reach, outside.border, outside.cval)

    def __call__(self, lines: Any) -> Any:
        for done in range(self._passes):
            if done == 0 or self._anew:
                lines = self._extended(lines)
            lines = boxes.average(self._xp, lines, self._one)
        return lines

    def _extended(self, lines: Any) -> Any:
        reach, n = self._reach, self._n
        wide = self._xp.empty((n + 2 * reach, *lines.shape[1:]), dtype=lines.dtype)
        wide[reach : reach + n, ...] = lines
        self._margins.fill(wide, axis=0)
        return wide
