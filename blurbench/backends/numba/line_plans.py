"""The plan of the approximate blurs: what their compiled code needs to know of each axis."""

from __future__ import annotations

import itertools
import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from blurbench.backends.numba.plans import LINE_BYTES
from blurbench.backends.numba.team import Blur, current
from blurbench.border import source_index, sums_before
from blurbench.methods import approximate
from blurbench.methods.recursive import Recursion, against, along
from blurbench.plan import Plan, empty
from blurbench.problem import Problem

SIDE = LINE_BYTES // 8  # float64 in a line
FORWARD, BACK = 3, 2  # see feedback.py
THREADED = 2**15  # values of an image, from which other threads pay
Array = NDArray[Any]


class Terms(NamedTuple):
    """Filters there and back.

    Attributes:
        factors: `(2, terms * (FORWARD + BACK))`, of what is fed back with the other sign.
        inputs: which samples lie before the first; -1 for `cval`.
        weights: `(2, terms * BACK, n)`: what each output before the first is of the samples.
        counts: of the weights that matter, `(2, terms * BACK)`.
        constants: the part of the outputs before that comes from `cval`.
    """

    factors: Array
    inputs: Array
    weights: Array
    counts: Array
    constants: Array
    cval: float


class Boxes(NamedTuple):
    """Passes of a box.

    Attributes:
        weights: inner and outer.
        columns: where the lines before and after come from; -1 for `cval`.
        anew: whether that is so before each pass.
    """

    weights: Array
    radius: int
    passes: int
    columns: Array
    anew: bool
    cval: float


# How lines are blurred: by terms or by boxes, of which compiled code takes both; whether by the
# boxes; how many lines are interleaved. Numba looks through a tuple without names the fastest.
How = tuple[Terms, Boxes, bool, int]

_NONE, _NOWHERE = np.zeros((2, 2)), np.zeros((2, 2), np.int64)
NO_TERMS = Terms(_NONE, _NOWHERE[0], np.zeros((2, 2, 1)), _NOWHERE, _NONE, 0.0)
NO_BOXES = Boxes(_NONE[0], 0, 0, np.zeros(0, np.int64), True, 0.0)


def terms_of(problem: Problem, method: str, n: int, cval: float) -> Terms:
    """The filters of a recursive method for lines of `n` samples, beside which `cval` may lie."""
    terms = approximate.TERMS[method](problem.kernel.sigma, approximate.ORDERS[method])
    ways = [[make(term) for term in terms] for make in (along, against)]
    weights, constants = zip(*(_before(way, problem, n) for way in ways), strict=True)
    stacked = np.stack(weights)
    places = np.arange(1, n + 1)
    return Terms(
        np.stack([np.concatenate([_factors(one) for one in way]) for way in ways]),
        source_index(-1 - np.arange(FORWARD - 1), n, problem.border),
        stacked,
        np.max(np.where(stacked != 0, places, 0), axis=2),
        np.stack(constants) * cval,
        float(cval),
    )


def _factors(one: Recursion) -> Array:
    factors = np.zeros(FORWARD + BACK)
    factors[: len(one.forward)] = one.forward
    factors[FORWARD : FORWARD + len(one.back)] = np.negative(one.back)
    return factors


def _before(way: list[Recursion], problem: Problem, n: int) -> tuple[Array, Array]:
    found = []
    for one in way:
        taps = one.response()
        found.append(sums_before([*taps[::-1], *[0.0] * (len(taps) - 1)], BACK, n, problem.border))
    return np.concatenate([one[0] for one in found]), np.concatenate([one[1] for one in found])


def boxes_of(problem: Problem, method: str, n: int, step: int) -> Boxes:
    """The passes of a box for `n` samples of `step` interleaved lines."""
    passes = approximate.ORDERS[method]
    one = approximate.BOXES[method](problem.kernel.sigma, passes)
    anew = problem.border in approximate.FOLDING
    reach = (one.radius + 1) * (1 if anew else passes)
    beside = np.concatenate([np.arange(-reach, 0), np.arange(n, n + reach)])
    places = source_index(beside, n, problem.border)[:, None]
    columns = np.where(places >= 0, places * step + np.arange(step), -1).ravel()
    weights = np.array([one.inner, one.outer])
    return Boxes(weights, one.radius, passes, columns, anew, float(problem.cval))


def line_blur(problem: Problem, method: str, lines: tuple[int, int], cval: float) -> How:
    """How a method blurs lines, of so many samples and so many of them interleaved."""
    n, step = lines
    if method in approximate.BOXES:
        return NO_TERMS, boxes_of(problem, method, n, step), True, step
    return terms_of(problem, method, n, cval), NO_BOXES, False, step


class NumbaApproximatePlan(Plan):
    """Columns into an image of floats between the passes, then rows; threads share both."""

    def __init__(self, problem: Problem, method: str) -> None:
        super().__init__(np, problem)
        approximate.check_sigma(method, problem.kernel.sigma)
        height, width, channels = problem.height, problem.width, problem.channels
        down, across = approximate.cvals(problem, method)
        self._down = line_blur(problem, method, (height, 1), down)
        self._across = line_blur(problem, method, (width, channels), across)
        self._values = width * channels
        self._middle = empty(np, (height, self._values), problem.work_dtype)
        pads = [len(boxes.columns) for _, boxes, _, _ in (self._down, self._across)]
        count = max(pads[0] + height, pads[1] + -(-self._values // SIDE) * SIDE)
        state = FORWARD - 1 + self._down[0].counts.shape[1]
        self._rooms = [
            (self._zeros(count, SIDE), self._zeros(state, SIDE), self._zeros(count, SIDE))
            for _ in range(_threads(problem))
        ]
        self._squares = [
            (self._zeros(SIDE, SIDE), np.empty((SIDE, SIDE), problem.dtype)) for _ in self._rooms
        ]
        floats = [*itertools.chain(*self._rooms), *(square for square, _ in self._squares)]
        self.nbytes = self._middle.nbytes + sum(one.nbytes for one in floats)

    def _zeros(self, *shape: int) -> Array:
        array: Array = empty(np, shape, np.float64)
        array[...] = 0
        return array

    def _run(self, image: Any, out: Any) -> None:
        from blurbench.backends.numba import line_kernels

        shape = (self.problem.height, self._values)
        given = np.ascontiguousarray(image).reshape(shape)
        made = out.reshape(shape) if out.flags.c_contiguous else np.empty(shape, out.dtype)

        down, across, rooms, squares = self._down, self._across, self._rooms, self._squares
        middle, columns, rows = self._middle, line_kernels.columns, line_kernels.rows
        self._share(lambda turns, i: columns(turns, down, rooms[i], given, middle), self._values)
        self._share(
            lambda turns, i: rows(turns, across, rooms[i], squares[i], middle, made), shape[0]
        )
        if not out.flags.c_contiguous:
            out[...] = made.reshape(out.shape)

    def _share(self, blur: Blur, count: int) -> None:
        """Let `blur` take lines, SIDE at once, in whichever thread is free."""
        current.team.run(blur, SIDE, min(len(self._rooms), -(-count // SIDE)))


def _threads(problem: Problem) -> int:
    return problem.threads if math.prod(problem.shape) >= THREADED else 1


def work_bytes(problem: Problem) -> int:
    """The image between the passes, and each thread's lines of float64."""
    reach = 4 * int(problem.kernel.sigma + 2) * 3
    lines = max(problem.height, problem.width * problem.channels) + 2 * reach * problem.channels
    middle = math.prod(problem.shape) * problem.work_dtype.itemsize
    return middle + _threads(problem) * 2 * lines * LINE_BYTES
