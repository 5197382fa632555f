"""Measures what is needed to choose: images and kernels spread over what people blur."""

from __future__ import annotations

import math
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench import host
from blurbench.backends.backend import Backend, Implementation
from blurbench.backends.device import Device
from blurbench.backends.registry import find_backend
from blurbench.choice.auto import DEVICE, HOST, keeps_contract, may_be_chosen
from blurbench.choice.table import SCHEMA, Table, here
from blurbench.errors import InputError
from blurbench.kernel import GaussianKernel
from blurbench.measure.clock import Call, Clock, HostClock
from blurbench.measure.schedule import shuffled_rounds
from blurbench.methods.approximate import ORDERS
from blurbench.plan import Plan, Problem
from blurbench.records.record import utc
from blurbench.study.accuracy import measure_accuracy
from blurbench.study.fit import Timing, costs_of
from blurbench.study.session import Session

BUDGET_S = 120.0
DTYPES = ("float32", "uint8", "float64", "uint16")
SIDES, SIZES, CHANNELS = (64, 4096), (3, 255), (1, 3)
MOST_SAMPLES = 2**24  # what is larger takes as much longer as it has samples
BATCH = 4 * len(DTYPES)  # problems, small ones first: they tell what the large ones will take
HOPELESS, SLOW = 8.0, 3.0  # times the fastest: not tried, if expected; measured once
ROUNDS, SAMPLE_S = 5, 0.002
# Where approximations are looked at; of smaller sigma kernels are so short that none is faster.
SIGMAS = tuple(2 ** (n / 4) for n in range(4, 29))


@dataclass(frozen=True)
class Contender:
    """An implementation and where its image lies; the clock knows when a call is done there."""

    one: Implementation
    owner: Backend
    place: str
    clock: Clock
    device: Device | None = None

    @property
    def name(self) -> str:
        return f"{self.one.name} {self.place}"

    def call(self, plan: Plan, image: NDArray[Any]) -> Call:
        """A blur of the image, from the contender's place to the same."""
        if self.device is not None and self.place == DEVICE:
            there = self.device.empty(image.shape, image.dtype)
            result = self.device.empty(image.shape, image.dtype)
            self.device.upload(image, there)
            return lambda: plan(there, result)
        if self.owner.carry is not None:
            carry = self.owner.carry
            return lambda: carry(plan, image)
        result = np.empty_like(image)
        return lambda: plan(image, result)


def tune(
    session: Session,
    budget: float = BUDGET_S,
    progress: Callable[[float, str], None] = lambda share, what: None,
) -> Table:
    """Measure for `budget` seconds and fit; the table of this machine.

    Raises:
        InputError: nothing can run, or nothing was measured within the budget.
    """
    contenders = contenders_of(session)
    timings: list[Timing] = []
    started = time.monotonic()
    for problem in problems(session.rng):
        spent = time.monotonic() - started
        if spent >= budget:
            break
        progress(spent / budget, f"{problem.height}x{problem.width}, size {problem.kernel.size}")
        timings += race(problem, contenders, timings, session.rng)
    return table_of(timings)


def table_of(timings: Sequence[Timing]) -> Table:
    """The figures as they are kept."""
    found = here()
    cache = host.last_level_cache() or 0
    methods = sorted({one.implementation.method for one in timings if not one.implementation.exact})
    return {
        "schema": SCHEMA,
        **found,
        "measured_at_utc": utc(time.time()),
        "threads": host.usable_cpus(),
        "cache_bytes": cache,
        "problems": len({one.problem for one in timings}),
        "costs": costs_of(timings, cache),
        "errors": {method: errors_of(method) for method in methods},
    }


def errors_of(method: str) -> list[list[float]]:
    """Sigma and error of an approximation, of a line."""
    order = ORDERS[method]
    return [
        [one.sigma, one.operator_norm_error]
        for one in measure_accuracy(SIGMAS, [method])
        if one.order == order
    ]


def contenders_of(session: Session) -> list[Contender]:
    """Whatever can run and may be chosen; what runs on a device, from the host and there.

    Raises:
        InputError: there is none.
    """
    found = []
    for one in session.runnable:
        if not may_be_chosen(one) and one.method not in ORDERS:
            continue
        owner, device = find_backend(one.backend), session.devices.get(one.backend)
        clock = HostClock(device.synchronize if device else None)
        found.append(Contender(one, owner, HOST, clock, device))
        if device is not None:
            found.append(Contender(one, owner, DEVICE, clock, device))
    if not found:
        raise InputError("nothing can be measured here: see blurbench backends")
    return found


def problems(
    rng: random.Random, dtypes: Sequence[str] = DTYPES, most_samples: int = MOST_SAMPLES
) -> Iterator[Problem]:
    """Endlessly many, even on a logarithmic scale; of each few the smallest first."""
    while True:
        some = [_problem(rng, dtypes[n % len(dtypes)], most_samples) for n in range(BATCH)]
        yield from sorted(some, key=lambda one: one.height * one.width * one.channels)


def _problem(rng: random.Random, dtype: str, most_samples: int) -> Problem:
    while True:
        height, width, size = (_between(rng, *ends) for ends in (SIDES, SIDES, SIZES))
        channels = rng.choice(CHANNELS)
        if height * width * channels <= most_samples:
            break
    shape = (height, width) if channels == 1 else (height, width, channels)
    kernel = GaussianKernel.from_size(size | 1, None)
    return Problem(kernel, shape, np.dtype(dtype), threads=host.usable_cpus())


def _between(rng: random.Random, low: int, high: int) -> int:
    return round(math.exp(rng.uniform(math.log(low), math.log(high))))


def race(
    problem: Problem,
    contenders: Sequence[Contender],
    known: Sequence[Timing],
    rng: random.Random,
) -> list[Timing]:
    """Time, round by round, those that may be the fastest; the others once or not at all."""
    likely = _likely(problem, contenders, known)
    pixels = np.random.default_rng(0).uniform(0, 255, problem.shape).astype(problem.dtype)
    calls = {}
    for one in likely:
        try:
            plan = one.one.prepare(problem)
        except InputError:  # boxes of a small sigma would change nothing
            continue
        calls[one] = one.call(plan, pixels)
        calls[one]()  # whatever the first call takes longer is not what is asked for
    once = {one: one.clock.measure(call, 1) for one, call in calls.items()}
    best = min(once.values(), default=0.0)
    racing = [one for one in calls if once[one] <= SLOW * best]
    seconds = {one: [once[one]] for one in calls}
    loops = max(1, round(SAMPLE_S / max(best, 1e-9)))
    for _, order in zip(range(ROUNDS), shuffled_rounds(len(racing), rng), strict=False):
        for one in (racing[place] for place in order):
            seconds[one].append(one.clock.measure(calls[one], loops) / loops)
    return [
        Timing(one.one, one.place, problem, statistics.median(times[1:] or times))
        for one, times in seconds.items()
    ]


def _likely(
    problem: Problem, contenders: Sequence[Contender], known: Sequence[Timing]
) -> list[Contender]:
    """Those that can do it and are not expected to be hopeless, by what they took before."""
    rates = {
        (one.implementation.name, one.place): one.seconds
        / one.implementation.operations(one.problem)
        for one in known
        if one.problem.dtype == problem.dtype
    }
    expected = {}
    for one in contenders:
        try:
            one.one.check(problem)
        except InputError:
            continue
        if not keeps_contract(one.one, problem.dtype.name):
            continue
        expected[one] = rates.get((one.one.name, one.place), 0.0) * one.one.operations(problem)
    best = min((seconds for seconds in expected.values() if seconds), default=math.inf)
    free = host.available_memory() or math.inf
    return [
        one
        for one, seconds in expected.items()
        if seconds <= HOPELESS * best
        and one.one.work_bytes(problem) + 3 * problem.image_bytes < free
    ]
