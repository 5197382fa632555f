"""`auto`: the implementation that is expected to be the fastest for a problem."""

from __future__ import annotations

import itertools
from typing import Any

from blurbench.backends.backend import Implementation
from blurbench.backends.registry import backends, check_method, find_backend, probe
from blurbench.choice.model import Case, ranking
from blurbench.choice.table import Table, current
from blurbench.errors import CannotRunError, InputError
from blurbench.problem import Problem

AUTO = "auto"
DEVICE, HOST = "device", "host"
# Without figures: what grows least with image and kernel first, from the machine's own library.
LIKELY_METHODS = ("separable", "fft", "banded", "dct", "direct")
LIKELY_BACKENDS = ("scipy", "cuda", "cupyx")


def expected(
    table: Table,
    problem: Problem,
    backend: str = AUTO,
    method: str = AUTO,
    tolerance: float | None = None,
    place: str = HOST,
) -> list[tuple[float, str]]:
    """Seconds and name of what may be chosen, by a table's figures, the fastest first.

    Args:
        backend, method: `auto`, or the only one to choose from.
        tolerance: the error, of the largest value, up to which approximations compete.
        place: of the image: `host`, or `device` where it lies on a GPU.

    Raises:
        InputError: a name is unknown, or the tolerance is not positive.
    """
    if backend != AUTO:
        find_backend(backend)
    if method != AUTO:
        check_method(method)
    if tolerance is not None and not tolerance > 0:
        raise InputError(f"tolerance {tolerance!r} is not usable: give a number above 0")
    case = Case(
        problem.height,
        problem.width,
        problem.channels,
        problem.dtype.name,
        problem.kernel.size,
        problem.kernel.sigma,
        problem.border,
        problem.threads,
    )
    return ranking(table, case, backend, method, tolerance, place)


def runnable(table: Table) -> Table:
    """The table with the figures of what can run here alone: by these, `auto` chooses."""
    return {**table, "costs": [cost for cost in table["costs"] if _is_runnable(cost)]}


def choose(
    problem: Problem,
    backend: str = AUTO,
    method: str = AUTO,
    tolerance: float | None = None,
    place: str = HOST,
    cpu_only: bool = False,
    table: Table | None = None,
) -> Implementation:
    """The implementation to run, by a table: default is this machine's, or the shipped one.

    Where nothing has figures, the likeliest that can run is taken; the arguments are those of
    `expected`.

    Raises:
        InputError: a name is unknown, the tolerance is not positive, or nothing can do it.
        CannotRunError: the backend that is named cannot run here.
    """
    figures = current()[0] if table is None else table
    ranked = expected(figures, problem, backend, method, tolerance, place)
    found = (one for _, name in ranked if (one := _known(*name.split(":", 1))))
    kinds = {"gpu"} if place == DEVICE else {"cpu"} if cpu_only else {"cpu", "gpu"}
    # One after the other: to try a backend is to import its library.
    for one in itertools.chain(found, _without_figures(backend, method)):
        owner = find_backend(one.backend)
        # The image is CuPy's, unless a backend that is named has made it its own.
        if place == DEVICE and owner.own_arrays and (backend == AUTO or owner.adopt is None):
            continue
        if owner.kind in kinds and _runs(one, problem, backend != AUTO):
            return one
    state = None if backend == AUTO else probe(find_backend(backend))
    if state is not None and not state.ok:
        raise CannotRunError(f"{backend} cannot run: {state.explanation}")
    what = " ".join(name for name in (backend, method) if name != AUTO) or "no implementation"
    raise InputError(
        f"{what} cannot blur {problem.dtype} with size {problem.kernel.size} under "
        f"{problem.border!r} here: see blurbench backends"
    )


def _without_figures(backend: str, method: str) -> list[Implementation]:
    """The exact ones that are asked for, the likeliest to be fast first."""
    found = [
        one
        for owner in backends().values()
        for one in owner.implementations
        if backend in (AUTO, owner.name) and method in (AUTO, one.method) and may_be_chosen(one)
    ]
    return sorted(
        found,
        key=lambda one: (_place(one.method, LIKELY_METHODS), _place(one.backend, LIKELY_BACKENDS)),
    )


def _place(name: str, order: tuple[str, ...]) -> int:
    return order.index(name) if name in order else len(order)


def may_be_chosen(one: Implementation) -> bool:
    """Whether its result is the one that is asked for, whichever else could have been chosen."""
    return one.exact and not one.own_kernel


def keeps_contract(one: Implementation, dtype: str) -> bool:
    """Whether an integer result is rounded to the nearest, as fixed-point arithmetic may not."""
    return dtype.startswith("float") or one.integer_error <= 0.5


def _is_runnable(cost: dict[str, Any]) -> bool:
    """Whether what a cost is of is known, can run here and keeps the contract."""
    one = _known(cost["backend"], cost["method"])
    return (
        one is not None
        and keeps_contract(one, cost["dtype"])
        and probe(find_backend(one.backend), named=False).ok
    )


def _known(backend: str, method: str) -> Implementation | None:
    """A table may be of a machine that has more backends."""
    owner = backends().get(backend)
    return None if owner is None else owner.implementation(method)


def _runs(one: Implementation, problem: Problem, named: bool) -> bool:
    try:
        one.check(problem)
    except InputError:
        return False
    return keeps_contract(one, problem.dtype.name) and probe(find_backend(one.backend), named).ok
