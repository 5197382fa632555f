"""Measures what is needed to choose: images and kernels spread over what people blur."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from blurbench import host
from blurbench.choice.table import SCHEMA, Table, here
from blurbench.errors import InputError
from blurbench.inspect.accuracy import measure_accuracy
from blurbench.kernel import GaussianKernel
from blurbench.methods.approximate import ORDERS
from blurbench.problem import Problem
from blurbench.records.record import utc
from blurbench.study.session import Session
from blurbench.tune.candidates import candidates_of
from blurbench.tune.fitting import FEWEST, Timing, costs_of
from blurbench.tune.trials import Trials

BUDGET_S = 160.0
FOR_APPROXIMATIONS_S = 60.0  # of a budget, from which on there is time to look at their errors
DTYPES = ("float32", "uint8", "float64", "uint16")
SIDES, SIZES, CHANNELS = (64, 4096), (3, 255), (1, 3)
MOST_SAMPLES = 2**24  # what is larger takes as much longer as it has samples
# Problems, small ones first: they tell what the large ones will take. Of each dtype the last in
# four is on one thread, as the images of a folder are.
BATCH = 4 * len(DTYPES)
PROBLEMS = BATCH * FEWEST // 3  # with three of a dtype in a batch, until each has so many timings
LENIENT = 2.0  # the less time is left, the smaller are the problems that are measured
LEAST_S = 30.0  # in less there may be too few, even on a machine that does nothing else
# Where approximations are looked at; of smaller sigma kernels are so short that none is faster.
SIGMAS = tuple(2 ** (n / 4) for n in range(4, 29))


def tune(
    session: Session,
    budget: float = BUDGET_S,
    progress: Callable[[float, str], None] = lambda share, what: None,
) -> Table:
    """Measure for `budget` seconds and fit; the table of this machine.

    Approximations take part where the budget has time for them.

    Raises:
        InputError: nothing can run, or nothing was measured often enough within the budget.
    """
    ends = time.monotonic() + budget

    def left() -> float:
        return ends - time.monotonic()

    candidates = candidates_of(session)
    if budget < FOR_APPROXIMATIONS_S:
        candidates = [each for each in candidates if each.implementation.exact]
    ones = [each.implementation for each in candidates]
    errors = {}
    for method in sorted({one.method for one in ones if not one.exact}):
        progress(1 - left() / budget, f"the errors of {method}")
        errors[method] = errors_of(method)
    trials = Trials(candidates, session.rng, left(), time.monotonic)
    for number, problem in enumerate(problems(session.rng)):
        if left() <= 0:
            break
        if number == BATCH:
            _check_pace(budget - left(), budget)
        shape = f"{problem.width}x{problem.height}"
        progress(1 - left() / budget, f"{shape}, size {problem.kernel.size}")
        trials.run(problem)
    table = table_of(trials.timings, errors, trials.left_out)
    if not table["costs"]:
        raise _too_short(budget)
    return table


def _check_pace(spent_s: float, budget: float) -> None:
    """Raise InputError where the first batch took so long that the budget cannot be enough."""
    needed_s = spent_s * PROBLEMS / BATCH
    if needed_s > LENIENT * budget:
        raise _too_short(budget, f", about {needed_s:.0f}")


def _too_short(budget: float, needed: str = "") -> InputError:
    return InputError(
        f"nothing is measured {FEWEST} times within {budget:g} s: give more with --budget{needed}, "
        "or name fewer backends"
    )


def table_of(
    timings: Sequence[Timing],
    errors: Mapping[str, list[list[float]]],
    left_out: Mapping[str, str],
) -> Table:
    """The figures as they are kept; and why some implementations have none."""
    found = here()
    cache = host.last_level_cache() or 0
    return {
        "schema": SCHEMA,
        **found,
        "measured_at_utc": utc(time.time()),
        "threads": host.usable_cpus(),
        "cache_bytes": cache,
        "problems": len({one.problem for one in timings}),
        "costs": costs_of(timings, cache),
        "errors": dict(errors),
        "left_out": dict(left_out),
    }


def errors_of(method: str) -> list[list[float]]:
    """Sigma and error of an approximation, of a line."""
    order = ORDERS[method]
    return [
        [one.sigma, one.operator_norm_error]
        for one in measure_accuracy(SIGMAS, [method])
        if one.order == order
    ]


def problems(
    rng: random.Random,
    dtypes: Sequence[str] = DTYPES,
    most_samples: int = MOST_SAMPLES,
    alone: bool = True,
) -> Iterator[Problem]:
    """Endlessly many, even on a logarithmic scale; of each few the smallest first.

    Args:
        alone: whether some are on one thread.
    """
    while True:
        some = []
        for n in range(BATCH):
            threads = 1 if alone and n >= BATCH * 3 // 4 else host.usable_cpus()
            some.append(_problem(rng, dtypes[n % len(dtypes)], most_samples, threads))
        yield from sorted(some, key=lambda one: one.height * one.width * one.channels)


def _problem(rng: random.Random, dtype: str, most_samples: int, threads: int) -> Problem:
    while True:
        height, width, size = (_between(rng, *ends) for ends in (SIDES, SIDES, SIZES))
        channels = rng.choice(CHANNELS)
        if height * width * channels <= most_samples:
            break
    shape = (height, width) if channels == 1 else (height, width, channels)
    kernel = GaussianKernel.from_size(size | 1, None)
    return Problem(kernel, shape, np.dtype(dtype), threads=threads)


def _between(rng: random.Random, low: int, high: int) -> int:
    return round(math.exp(rng.uniform(math.log(low), math.log(high))))
