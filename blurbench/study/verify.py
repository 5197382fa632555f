"""Verify: the exactness contract for every implementation, over borders, sizes, shapes, dtypes."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations, product
from typing import Any

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from blurbench import host
from blurbench.backends.backend import Backend, Implementation
from blurbench.backends.registry import probe
from blurbench.border import check_border
from blurbench.errors import InputError
from blurbench.kernel import GaussianKernel
from blurbench.names import LIBRARY, YOURS
from blurbench.problem import Problem
from blurbench.study.exactness import allowed_error, image_scale

SIZES = (1, 3, 5, 15, 41, 49, 101, 255)
EVEN_SIZES = (2, 14, 42)
DIRECT_UP_TO = 101
SHAPES = ((1, 1), (1, 7), (7, 1), (5, 3), (64, 48, 3), (127, 131, 4))
RANGES = ((0.0, 1.0), (0.0, 255.0), (60000.0, 60255.0))
CVAL = 7.0
TINY = 16  # pixels up to which the reference is plain Python
# What a case takes on a usual machine: making its image and holding its result against another,
# and a multiply-add's worth of effort. Software that stands in for a GPU builds kernels, too.
CASE_S, EFFORT_S, BUILDING_S = 2e-3, 3e-10, 35e-3

Case = tuple[Problem, tuple[float, float]]
Pair = tuple[Backend, Implementation]


@dataclass
class Check:
    """How an implementation kept the contract in one dtype.

    Attributes:
        cases: how many were tried.
        failures: those outside the contract or that raised, in words.
        worst: the largest error, as a share of what is allowed.
        at: the case of the worst.
    """

    implementation: str
    dtype: str
    cases: int = 0
    failures: list[str] | None = None
    worst: float = 0.0
    at: str = ""

    def add(self, case: str, share: float, doubt: str | None) -> None:
        """Count a case whose error is `share` of what is allowed; `doubt` may be why."""
        self.cases += 1
        if share > self.worst:
            self.worst, self.at = share, case
        if not share <= 1:
            said = f"{case}: {share:.3g} of what is allowed"
            self.failures = [*(self.failures or []), f"{said}; {doubt}" if doubt else said]


@dataclass(frozen=True)
class Asked:
    """What can be held against the contract here, of what was asked for.

    Attributes:
        runnable: exact ones that can run.
        approximate: the names of those that claim no exactness.
        software: backends on software that stands in for a GPU.
        missing: why a backend cannot run, by name.
    """

    runnable: list[Pair]
    approximate: list[str]
    software: set[str]
    missing: dict[str, str]


def ask(pairs: Sequence[Pair], named: Collection[str]) -> Asked:
    """Find out what can run.

    Args:
        named: the backends that somebody named.
    """
    states = {backend.name: probe(backend, backend.name in named) for backend, _ in pairs}
    return Asked(
        [pair for pair in pairs if states[pair[0].name].ok and pair[1].exact],
        [one.name for _, one in pairs if not one.exact],
        {name for name, state in states.items() if state.software},
        {name: state.explanation for name, state in states.items() if not state.ok},
    )


def under(borders: Collection[str], pairs: Iterable[Pair]) -> list[Pair]:
    """The pairs as if they could do these borders alone; without those that can do none.

    Raises:
        InputError: there is no such border, or none of them can do it.
    """
    for border in borders:
        check_border(border)
    kept = [
        (backend, replace(one, borders=tuple(name for name in one.borders if name in borders)))
        for backend, one in pairs
    ]
    found = [(backend, one) for backend, one in kept if one.borders]
    if not found:
        raise InputError(f"nothing that was asked for can do border {' or '.join(borders)}")
    return found


def count_cases(pairs: Iterable[Pair], allow_even: bool = False, quick: bool = False) -> int:
    """How many cases `verify` will try."""
    return sum(len(cases_of(one, allow_even, quick)) for _, one in pairs)


def seconds_of(
    pairs: Iterable[Pair],
    allow_even: bool = False,
    quick: bool = False,
    software: Collection[str] = (),
) -> float:
    """About how long `verify` will take."""
    return sum(
        expected_s(one, problem, software)
        for _, one in pairs
        for problem, _ in cases_of(one, allow_even, quick)
    )


def verify(
    pairs: list[Pair],
    progress: Callable[[str, float], None] = lambda name, seconds: None,
    allow_even: bool = False,
    quick: bool = False,
    software: Collection[str] = (),
) -> list[Check]:
    """Hold every implementation against float64 references; one `Check` each and dtype.

    Cases that an implementation refuses on this machine are left out.

    Args:
        progress: is told after each case whose it was, and about how many seconds it is worth.
        allow_even, quick: as in `cases_of`.
        software: the backends that run on software in place of a GPU.
    """
    threads = host.usable_cpus()
    references: dict[Any, NDArray[np.float64]] = {}
    checks: list[Check] = []
    for backend, one in pairs:
        own = {dtype: Check(one.name, dtype) for dtype in one.dtypes}
        for problem, values in cases_of(one, allow_even, quick):
            image = make_image(problem, values)
            case = (
                f"{problem.border}, size {problem.kernel.size}, shape {problem.shape}, "
                f"values from {values[0]:g}"
            )
            key = (problem.kernel.size, problem.shape, problem.border, values, problem.dtype)
            if key not in references:
                references[key] = reference(image, problem)
            try:
                result = _run(backend, one, problem, threads, image)
                error = float(np.abs(result.astype(np.float64) - references[key]).max())
            except InputError:  # the device lacks the type, say; `compare` shows the reason
                progress(one.name, expected_s(one, problem, software))
                continue
            except Exception as problem_found:
                error = math.inf
                kind = "" if one.origin == YOURS else f"{type(problem_found).__name__}: "
                case += f", {kind}{problem_found}"
            allowed = allowed_error(problem.dtype, image_scale(image, problem), one.integer_error)
            share = error / allowed if allowed else error
            doubt = one.doubt(problem) if math.isfinite(error) else None
            own[problem.dtype.name].add(case, share, doubt)
            progress(one.name, expected_s(one, problem, software))
        checks += (check for check in own.values() if check.cases)
    return checks


def make_image(problem: Problem, values: tuple[float, float]) -> NDArray[Any]:
    """Uniform noise between the two values, the same for every implementation."""
    rng = np.random.default_rng(problem.height * 1000 + problem.width)
    image = rng.uniform(*values, problem.shape)
    if problem.dtype.kind != "f":
        image = np.rint(image)
    return image.astype(problem.dtype)


def reference(image: NDArray[Any], problem: Problem) -> NDArray[np.float64]:
    """scipy.ndimage in float64; on tiny images plain Python, which shares no code with anyone."""
    if problem.height * problem.width <= TINY:
        return plain_reference(image, problem)
    blurred = image.astype(np.float64)
    for axis in (0, 1):
        blurred = scipy.ndimage.correlate1d(
            blurred, problem.kernel.taps, axis, mode=problem.border, cval=problem.cval
        )
    return blurred


def plain_reference(image: NDArray[Any], problem: Problem) -> NDArray[np.float64]:
    """Sums of products with `math.fsum`, walking step by step from the image to each sample."""
    blurred = image.astype(np.float64)
    taps = [float(tap) for tap in problem.kernel.taps]
    for axis in (0, 1):
        lines = np.moveaxis(blurred, axis, -1)
        result = np.empty_like(lines)
        for index in np.ndindex(lines.shape[:-1]):
            result[index] = _blur_line(lines[index].tolist(), taps, problem)
        blurred = np.moveaxis(result, -1, axis)
    return blurred


def _blur_line(line: list[float], taps: list[float], problem: Problem) -> list[float]:
    radius = problem.kernel.radius
    after = [_beyond(line, step, problem) for step in range(1, radius + 1)]
    before = [_beyond(line[::-1], step, problem) for step in range(1, radius + 1)]
    padded = before[::-1] + line + after
    return [
        math.fsum(tap * sample for tap, sample in zip(taps, padded[start:], strict=False))
        for start in range(len(line))
    ]


def _beyond(line: list[float], steps: int, problem: Problem) -> float:
    """The sample that many steps past the end of the line."""
    if problem.border == "constant":
        return problem.cval
    if problem.border == "nearest":
        return line[-1]
    if problem.border == "wrap":
        return line[(steps - 1) % len(line)]
    position, direction = len(line) - 1, 1
    for _ in range(steps):
        if 0 <= position + direction < len(line):
            position += direction
        else:  # at an end: turn round, staying once more (reflect) or not (mirror)
            direction = -direction
            if problem.border == "mirror" and len(line) > 1:
                position += direction
    return line[position]


def cases_of(one: Implementation, allow_even: bool = False, quick: bool = False) -> list[Case]:
    """The problems on which an implementation is tried, each with the range of its values.

    Args:
        allow_even: even sizes, too, where the implementation takes them.
        quick: so few that any two settings still meet in one of them if they meet in all.
    """
    cases = list(_all_cases(one, allow_even))
    return _few(cases) if quick else cases


def _all_cases(one: Implementation, allow_even: bool) -> Iterator[Case]:
    for size in (*SIZES, *EVEN_SIZES) if allow_even and one.takes_even else SIZES:
        if one.method == "direct" and size > DIRECT_UP_TO:
            continue
        kernel = GaussianKernel.from_size(size, allow_even=allow_even)
        for shape, border, values, dtype in product(SHAPES, one.borders, RANGES, one.dtypes):
            if dtype != "uint8" or values[1] <= 255:
                yield Problem(kernel, shape, np.dtype(dtype), border, CVAL), values


def _few(cases: Sequence[Case]) -> list[Case]:
    """In an order that mixes the settings, the cases that bring two together for the first time."""
    met: set[Any] = set()
    found = []
    for case in random.Random(0).sample(cases, len(cases)):
        meeting = set(combinations(enumerate(settings_of(case)), 2))
        if not meeting <= met:
            met |= meeting
            found.append(case)
    return found


def settings_of(case: Case) -> tuple[Any, ...]:
    """What makes a case: kernel size, shape, border, range of the values, dtype."""
    problem, values = case
    return problem.kernel.size, problem.shape, problem.border, values, problem.dtype.name


def expected_s(one: Implementation, problem: Problem, software: Collection[str] = ()) -> float:
    """About how many seconds a case takes: by its effort, beside what every case takes."""
    building_s = BUILDING_S if one.backend in software else 0.0
    return CASE_S + building_s + EFFORT_S * one.effort(problem)


def _run(
    backend: Backend,
    one: Implementation,
    problem: Problem,
    threads: int,
    image: NDArray[Any],
) -> NDArray[Any]:
    """The result, of a second call where buffers, no library's, could carry something over."""
    plan = one.prepare(replace(problem, threads=threads))
    call = plan if backend.carry is None else partial(backend.carry, plan)
    if one.origin != LIBRARY:
        call(image)
    result: NDArray[Any] = call(image)
    return result
