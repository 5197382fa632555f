"""Our array code as a backend's implementations: the methods, given a namespace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from blurbench.backends.backend import Implementation
from blurbench.methods import approximate, banded, dct, direct, fft, separable, strips, windows
from blurbench.methods.dct import Cosine, CosinePass, FourierPass
from blurbench.methods.fft import CirclePass, FFTPlan, Fourier, padded_length
from blurbench.methods.strips import Pass, StripsPlan
from blurbench.plan import Plan
from blurbench.problem import Problem


def array_implementations(
    backend: str,
    load: Callable[[], Any],
    threads: Callable[[Problem], int] = lambda problem: 1,
) -> tuple[Implementation, ...]:
    """`direct` and `separable` over the namespace that `load` imports when first needed.

    Args:
        threads: that may share the strips of the dense sum.
    """
    return (
        Implementation(
            backend,
            "direct",
            "ours",
            lambda problem: direct.DirectPlan(load(), problem, threads(problem)),
            direct.operations,
            direct.work_bytes,
            folds=True,
        ),
        Implementation(
            backend,
            "separable",
            "ours",
            lambda problem: separable.SeparablePlan(load(), problem),
            separable.operations,
            separable.work_bytes,
            folds=True,
        ),
    )


def fft_implementation(
    backend: str,
    load: Callable[[], Any],
    fourier: Callable[[], Fourier],
    whole: Callable[[Problem, Fourier], bool],
) -> Implementation:
    """`fft` over a namespace and its transforms.

    Args:
        whole: whether a channel is transformed as a whole; else in strips, axis by axis.
    """

    def prepare(problem: Problem) -> Plan:
        xp, transforms = load(), fourier()

        def make_pass(axis: int, lines: int) -> Pass:
            return CirclePass(xp, problem, axis, transforms, lines)

        if whole(problem, transforms):
            return FFTPlan(xp, problem, transforms)
        return StripsPlan(xp, problem, make_pass, problem.work_dtype.name)

    def operations(problem: Problem) -> float:
        one = fourier()
        count = fft.operations if whole(problem, one) else fft.strip_operations
        return count(problem, one.fast_length)

    def work_bytes(problem: Problem) -> int:
        one = fourier()
        if whole(problem, one):
            return fft.work_bytes(problem, one.fast_length)
        tall, wide = (padded_length(n, problem, one.fast_length) for n in problem.shape[:2])
        return strips.work_bytes(problem, problem.work_dtype.itemsize, (tall, wide), 4)

    return Implementation(backend, "fft", "ours", prepare, operations, work_bytes)


def banded_implementation(
    backend: str,
    load: Callable[[], Any],
    threads: Callable[[Problem], int] = lambda problem: 1,
) -> Implementation:
    """`banded` over a namespace with `lib.stride_tricks`.

    Args:
        threads: that may work on the problem.
    """

    def prepare(problem: Problem) -> Plan:
        xp = load()
        return banded.BandedPlan(
            xp, problem, partial(windows.strided, xp), threads=threads(problem)
        )

    return Implementation(
        backend,
        "banded",
        "ours",
        prepare,
        banded.operations,
        banded.work_bytes,
    )


def dct_implementation(
    backend: str, load: Callable[[], Any], cosine: Callable[[], Cosine], borders: tuple[str, ...]
) -> Implementation:
    """`dct` over a namespace and its cosine transforms."""

    def prepare(problem: Problem) -> Plan:
        xp, transforms = load(), cosine()

        def make_pass(axis: int, lines: int) -> Pass:
            return CosinePass(xp, problem, axis, transforms)

        return StripsPlan(xp, problem, make_pass, dct.precision(problem), levelled=True)

    return Implementation(
        backend,
        "dct",
        "ours",
        prepare,
        dct.operations,
        _strips_of_dct,
        borders=borders,
        folds=True,
    )


def dct_by_fft_implementation(
    backend: str, load: Callable[[], Any], fourier: Callable[[], Fourier]
) -> Implementation:
    """`dct` over a namespace whose transforms are Fourier's alone."""

    def prepare(problem: Problem) -> Plan:
        xp, transforms = load(), fourier()

        def make_pass(axis: int, lines: int) -> Pass:
            return FourierPass(xp, problem, axis, transforms, lines)

        return StripsPlan(xp, problem, make_pass, dct.precision(problem), levelled=True)

    return Implementation(
        backend,
        "dct",
        "ours",
        prepare,
        dct.operations,
        _strips_of_dct,
        borders=("reflect",),
        folds=True,
    )


def _strips_of_dct(problem: Problem) -> int:
    lengths = problem.height, problem.width
    return strips.work_bytes(problem, dct.itemsize(problem), lengths, 4)


def approximate_implementations(
    backend: str, load: Callable[[], Any], methods: Sequence[str]
) -> tuple[Implementation, ...]:
    """Approximate methods over the namespace that `load` imports when first needed."""

    def prepare(method: str, problem: Problem) -> Plan:
        return approximate.prepare(load(), problem, method)

    return tuple(
        Implementation(
            backend,
            method,
            "ours",
            partial(prepare, method),
            partial(approximate.operations, method=method),
            partial(approximate.work_bytes, method=method),
            exact=False,
            own_kernel=True,
        )
        for method in methods
    )
