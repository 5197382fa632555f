"""Our array code as a backend's implementations: the methods, given a namespace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from blurbench.backends.backend import Implementation
from blurbench.methods import approximate, banded, dct, direct, fft, separable
from blurbench.methods.dct import Cosine, CosinePass, DCTPlan, FourierPass
from blurbench.methods.fft import Fourier
from blurbench.plan import Plan, Problem

LINES = 64  # of an image that are transformed at once on the CPU


def array_implementations(
    backend: str, load: Callable[[], Any], fourier: Callable[[], Fourier], strip_bytes: int = 2**17
) -> tuple[Implementation, ...]:
    """`direct`, `separable` and `fft` over the namespace that `load` imports when first needed.

    Args:
        fourier: gives the namespace's transforms.
        strip_bytes: size of the strips of the separable blur; they should stay in the cache.
    """
    return (
        Implementation(
            backend,
            "direct",
            "ours",
            lambda problem: direct.DirectPlan(load(), problem),
            direct.operations,
            direct.work_bytes,
            folds=True,
        ),
        Implementation(
            backend,
            "separable",
            "ours",
            lambda problem: separable.SeparablePlan(load(), problem, strip_bytes),
            separable.operations,
            separable.work_bytes,
            folds=True,
        ),
        fft_implementation(backend, load, lambda problem: fourier()),
    )


def fft_implementation(
    backend: str, load: Callable[[], Any], fourier: Callable[[Any], Fourier]
) -> Implementation:
    """`fft` over a namespace and the transforms that suit the problem."""
    return Implementation(
        backend,
        "fft",
        "ours",
        lambda problem: fft.FFTPlan(load(), problem, fourier(problem)),
        lambda problem: fft.operations(problem, fourier(problem).fast_length),
        lambda problem: fft.work_bytes(problem, fourier(problem).fast_length),
    )


def banded_implementation(
    backend: str,
    load: Callable[[], Any],
    block: int = banded.BLOCK,
    threads: Callable[[Problem], int] = lambda problem: 1,
) -> Implementation:
    """`banded` over a namespace with `lib.stride_tricks`.

    Args:
        block: samples that one matrix product makes.
        threads: that may work on the problem.
    """

    def prepare(problem: Problem) -> Plan:
        xp = load()
        return banded.BandedPlan(xp, problem, partial(windows, xp), block, threads(problem))

    return Implementation(
        backend,
        "banded",
        "ours",
        prepare,
        lambda problem: banded.operations(problem, block),
        lambda problem: banded.work_bytes(problem, block),
    )


def dct_implementation(
    backend: str,
    load: Callable[[], Any],
    cosine: Callable[[Problem], Cosine],
    borders: tuple[str, ...],
    planes: int,
    lines: int | None = None,
) -> Implementation:
    """`dct` over a namespace and the cosine transforms that suit the problem.

    Args:
        planes: arrays as large as a channel that a plan and its call hold.
        lines: see `DCTPlan`; threads share them where they are not all.
    """

    def prepare(problem: Problem) -> Plan:
        xp, transforms = load(), cosine(problem)
        threads = problem.threads if lines else 1

        def make_pass(axis: int) -> CosinePass:
            return CosinePass(xp, problem, axis, transforms)

        return DCTPlan(xp, problem, make_pass, lines, threads)

    return Implementation(
        backend,
        "dct",
        "ours",
        prepare,
        dct.operations,
        lambda problem: dct.work_bytes(problem, planes),
        borders=borders,
        folds=True,
    )


def dct_by_fft_implementation(
    backend: str, load: Callable[[], Any], fourier: Callable[[], Fourier]
) -> Implementation:
    """`dct` over a namespace whose transforms are Fourier's alone."""

    def prepare(problem: Problem) -> Plan:
        xp, transforms = load(), fourier()

        def make_pass(axis: int) -> FourierPass:
            return FourierPass(xp, problem, axis, transforms, LINES)

        return DCTPlan(xp, problem, make_pass, LINES)

    return Implementation(
        backend,
        "dct",
        "ours",
        prepare,
        dct.operations,
        lambda problem: dct.work_bytes(problem, 2),
        borders=("reflect",),
        folds=True,
    )


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
            approximate.work_bytes,
            exact=False,
            own_kernel=True,
        )
        for method in methods
    )


def windows(xp: Any, lines: Any, width: int, step: int) -> Any:
    """Views of `width` samples of `lines`, one every `step`; see `blurbench.methods.banded`."""
    n, length = lines.shape
    down, along = lines.strides
    shape = (length - width) // step + 1, n, width
    return xp.lib.stride_tricks.as_strided(lines, shape, (step * along, down, along))
