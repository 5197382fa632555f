"""Who is held against whom where a crossover is sought."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from blurbench.records.findings import Declared

RECURSIVE = ("deriche", "vyv")  # whose cost does not grow at all
METHOD_PAIRS = (
    *(("direct", "separable"), ("direct", "fft"), ("separable", "fft")),
    *(("fft", method) for method in RECURSIVE),
)
FASTEST_CPU, FASTEST_GPU = "cpu:fastest", "gpu:fastest"
FASTEST_FFT, FASTEST_RECURSIVE = "fft:fastest", "recursive:fastest"


@dataclass(frozen=True)
class Side:
    """One or several implementations, of which the fastest competes, chosen anew at each size."""

    name: str
    members: frozenset[str]


def pairs_of(declared: Sequence[Declared]) -> list[tuple[str, str]]:
    """The method pairs of each backend, as names of implementations."""
    names = {one.name for one in declared}
    backends = dict.fromkeys(one.backend for one in declared)
    return [
        (f"{backend}:{first}", f"{backend}:{second}")
        for backend in backends
        for first, second in METHOD_PAIRS
        if {f"{backend}:{first}", f"{backend}:{second}"} <= names
    ]


def sides_of(declared: Sequence[Declared]) -> list[tuple[Side, Side]]:
    """Groups whose fastest are held against each other, whichever backend they are of.

    The CPU's and the GPU's; on the CPU the transforms and the recursive filters, unless one
    backend has them all, whose pairs say as much.
    """
    kinds = [[one for one in declared if one.kind == kind] for kind in ("cpu", "gpu")]
    transforms = [one for one in kinds[0] if one.method == "fft"]
    recursive = [one for one in kinds[0] if one.method in RECURSIVE]
    several = len({one.backend for one in (*transforms, *recursive)}) > 1
    found = [
        *([((FASTEST_FFT, transforms), (FASTEST_RECURSIVE, recursive))] if several else []),
        ((FASTEST_CPU, kinds[0]), (FASTEST_GPU, kinds[1])),
    ]
    return [
        (Side(first, _names(ones)), Side(second, _names(others)))
        for (first, ones), (second, others) in found
        if ones and others
    ]


def _names(declared: Sequence[Declared]) -> frozenset[str]:
    return frozenset(one.name for one in declared)
