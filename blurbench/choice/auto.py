"""`auto`: the implementation that is expected to be the fastest for a problem."""

from __future__ import annotations

from blurbench.backends.backend import Implementation
from blurbench.backends.registry import backends, check_method, find_backend, probe
from blurbench.backends.registry import find_implementation as find
from blurbench.choice.model import ranking
from blurbench.choice.table import Table, current
from blurbench.errors import CannotRunError, InputError
from blurbench.plan import Problem

AUTO = "auto"
DEVICE, HOST = "device", "host"


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
    kernel = problem.kernel
    return ranking(
        table,
        problem.height,
        problem.width,
        problem.channels,
        problem.dtype.name,
        kernel.size,
        kernel.sigma,
        problem.border,
        backend,
        method,
        tolerance,
        place,
    )


def choose(
    problem: Problem,
    backend: str = AUTO,
    method: str = AUTO,
    tolerance: float | None = None,
    place: str = HOST,
    cpu_only: bool = False,
) -> Implementation:
    """The implementation to run, by this machine's table or the shipped one.

    Of what has no figures, the first that can run is taken; the arguments are those of `expected`.

    Raises:
        InputError: a name is unknown, the tolerance is not positive, or nothing can do it.
        CannotRunError: the backend that is named cannot run here.
    """
    names = [name for _, name in expected(current()[0], problem, backend, method, tolerance, place)]
    found = (find(*name.split(":", 1)) for name in names)
    kinds = {"gpu"} if place == DEVICE else {"cpu"} if cpu_only else {"cpu", "gpu"}
    for one in (*found, *_without_figures(backend, method)):
        if find_backend(one.backend).kind in kinds and _runs(one, problem):
            return one
    state = None if backend == AUTO else probe(find_backend(backend))
    if state is not None and not state.ok:
        raise CannotRunError(f"{backend} cannot run: {state.explanation}")
    what = " ".join(name for name in (backend, method) if name != AUTO) or "no implementation"
    raise InputError(
        f"{what} cannot blur {problem.dtype} with size {problem.kernel.size} under "
        f"{problem.border!r} here: see blurbench backends"
    )


def find_or_choose(problem: Problem, backend: str, method: str) -> Implementation:
    """The implementation of that name, or what `auto` stands for.

    Raises:
        InputError: as `find_implementation` and `choose` do.
    """
    if AUTO in (backend, method):
        return choose(problem, backend, method)
    return find(backend, method)


def _without_figures(backend: str, method: str) -> list[Implementation]:
    """The exact ones that are asked for, SciPy's two passes before all."""
    found = [
        one
        for owner in backends().values()
        for one in owner.implementations
        if backend in (AUTO, owner.name) and method in (AUTO, one.method) and may_be_chosen(one)
    ]
    return sorted(found, key=lambda one: one.name != "scipy:separable")


def may_be_chosen(one: Implementation) -> bool:
    """Whether its result is the one that is asked for, whichever else could have been chosen."""
    return one.exact and not one.own_kernel


def keeps_contract(one: Implementation, problem: Problem) -> bool:
    """Whether an integer result is rounded to the nearest, as fixed-point arithmetic may not."""
    return problem.dtype.kind == "f" or one.integer_error <= 0.5


def _runs(one: Implementation, problem: Problem) -> bool:
    try:
        one.check(problem)
    except InputError:
        return False
    return keeps_contract(one, problem) and probe(find_backend(one.backend)).ok
