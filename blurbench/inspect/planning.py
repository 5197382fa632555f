"""What a new plan costs against an image, and what padding images up to a common size would."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from operator import truediv
from statistics import median

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from blurbench.backends.backend import Implementation
from blurbench.backends.registry import probe
from blurbench.errors import InputError
from blurbench.image import check_memory
from blurbench.measure.clock import Call, HostClock
from blurbench.measure.contest import Contender
from blurbench.measure.side_by_side import side_by_side
from blurbench.measure.threads import limit_threads
from blurbench.problem import Problem
from blurbench.study.options import Options, chosen
from blurbench.study.point.prediction import predict

REPEATS = 5
PLAN, IMAGE = "plan", "image"  # what is timed beside the paddings
LONGEST_S = 0.1  # a call that is expected to take longer is not measured
# The next length that FFTs like, power of two, multiple of 256.
PADDINGS: dict[str, Callable[[int], int]] = {
    "fast": lambda n: scipy.fft.next_fast_len(n, real=True),
    "2^n": lambda n: 1 << (n - 1).bit_length(),
    "256n": lambda n: -(-n // 256) * 256,
}


@dataclass(frozen=True)
class PaddedSize:
    """A common size: `shape`, and how many times as many pixels as the image that has."""

    name: str
    shape: tuple[int, ...]
    pixels: float


@dataclass(frozen=True)
class Planning:
    """Of one implementation, medians of `REPEATS`, once warm.

    Attributes:
        plan_s: seconds that making a plan takes.
        call_s: seconds of a call on the image.
        padded: by the padding's name, a call on an image of that size over one on this, paired.
        expected_s: what a call is expected to take, where that is too long to be measured.
    """

    name: str
    plan_s: float | None
    call_s: float | None
    padded: dict[str, float]
    expected_s: float | None = None


def paddings(problem: Problem) -> list[PaddedSize]:
    """Common sizes for an image with its border around it, a radius on each side.

    So padded, and cut again, the blurred image is the same whatever lies further out.
    """
    margin, pixels = 2 * problem.kernel.radius, problem.height * problem.width
    found = []
    for name, length in PADDINGS.items():
        height, width = (length(n + margin) for n in problem.shape[:2])
        found.append(PaddedSize(name, (height, width), height * width / pixels))
    return found


def planning(
    problem: Problem, progress: Callable[[str], None] = lambda name: None
) -> list[Planning]:
    """For every exact implementation on the CPU that can do the problem, fastest call first.

    Raises:
        InputError: the image, what it is padded to and the results do not fit in memory.
    """
    shapes = [problem.shape, *(size.shape for size in paddings(problem))]
    check_memory(
        f"an image of {problem.width}x{problem.height}, padded,",
        2 * problem.dtype.itemsize * sum(map(math.prod, shapes)),
    )
    image = np.random.default_rng(0).random(problem.shape, np.float32)
    found = []
    with limit_threads(problem.threads):
        for one in _able(problem):
            progress(one.name)
            expected_s = predict(one, problem, image).seconds
            if expected_s > LONGEST_S:
                found.append(Planning(one.name, None, None, {}, expected_s))
            else:
                found.append(_measure(one, problem, image, expected_s))
    return sorted(found, key=lambda row: row.call_s or row.expected_s or 0.0)


def _able(problem: Problem) -> Iterator[Implementation]:
    for backend, one in chosen(Options()):
        if backend.kind == "cpu" and probe(backend).ok:
            try:
                one.check(problem)
            except InputError:
                continue
            yield one


def _measure(
    one: Implementation, problem: Problem, image: NDArray[np.float32], expected_s: float
) -> Planning:
    sizes = paddings(problem)
    calls: dict[str, Call] = {
        PLAN: lambda: one.prepare(problem),
        IMAGE: _call(one, problem, image),
    }
    for size in sizes:
        larger = np.resize(image, size.shape)
        calls[size.name] = _call(one, replace(problem, shape=size.shape), larger)
    contenders = [
        Contender(name, partial(HostClock().measure, call), expected_s)
        for name, call in calls.items()
    ]
    rounds = side_by_side(contenders, REPEATS, random.Random(0))
    seconds = {name: [each[name][0] for each in rounds] for name in calls}
    return Planning(
        one.name,
        median(seconds[PLAN]),
        median(seconds[IMAGE]),
        {size.name: median(map(truediv, seconds[size.name], seconds[IMAGE])) for size in sizes},
    )


def _call(one: Implementation, problem: Problem, image: NDArray[np.float32]) -> Call:
    """A call on the image that has been made once already."""
    plan, out = one.prepare(problem), np.empty_like(image)
    plan(image, out)
    return lambda: plan(image, out)
