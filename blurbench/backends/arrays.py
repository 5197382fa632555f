"""Our array code as a backend's implementations: the methods, given a namespace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from blurbench.backends.backend import Implementation
from blurbench.methods import approximate, banded, dct, direct, fft, separable, strips
from blurbench.methods.dct import Cosine, CosinePass, FourierPass
from blurbench.methods.fft import CirclePass, FFTPlan, Fourier, padded_length
from blurbench.methods.strips import Pass, StripsPlan
from blurbench.plan import Plan, Problem


def array_implementations(
    backend: str,
    load: Callable[[], Any],
    strip_bytes: int = separable.STRIP_BYTES,
    threads: Callable[[Problem], int | None] = lambda problem: None,
) -> tuple[Implementation, ...]:
    """`direct` and `separable` over the namespace that `load` imports when first needed.

    Args:
        threads: that share the strips of the dense sum; None leaves that to the library.
        strip_bytes: size of the strips of the separable blur; they should stay in the cache.
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
            lambda problem: separable.SeparablePlan(load(), problem, strip_bytes),
            separable.operations,
            lambda problem: separable.work_bytes(problem, strip_bytes),
            folds=True,
        ),
    )


def fft_implementation(
    backend: str,
    load: Callable[[], Any],
    fourier: Callable[[], Fourier],
    whole: Callable[[Problem, Fourier], bool] = lambda problem, fourier: True,
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
        longest = max(padded_length(n, problem, one.fast_length) for n in problem.shape[:2])
        return strips.work_bytes(problem, problem.work_dtype.itemsize, longest, 4)

    return Implementation(backend, "fft", "ours", prepare, operations, work_bytes)


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
    cosine: Callable[[], Cosine],
    borders: tuple[str, ...],
    planes: int | None = None,
) -> Implementation:
    """`dct` over a namespace and its cosine transforms.

    Args:
        planes: arrays as large as a channel that a call holds which takes them whole; None for
            strips.
    """

    def prepare(problem: Problem) -> Plan:
        xp, transforms = load(), cosine()

        def make_pass(axis: int, lines: int) -> Pass:
            return CosinePass(xp, problem, axis, transforms)

        whole = planes is not None
        return StripsPlan(
            xp, problem, make_pass, dct.precision(problem), whole=whole, levelled=True
        )

    def work_bytes(problem: Problem) -> int:
        if planes is None:
            return _strips_of_dct(problem)
        return planes * problem.height * problem.width * dct.itemsize(problem)

    return Implementation(
        backend,
        "dct",
        "ours",
        prepare,
        dct.operations,
        work_bytes,
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
    return strips.work_bytes(problem, dct.itemsize(problem), max(problem.shape[:2]), 4)


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
