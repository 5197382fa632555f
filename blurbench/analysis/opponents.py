"""Who is held against whom where a crossover is sought."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from blurbench.names import FFT, SEPARABLE, YOURS
from blurbench.records.declared import Declared
from blurbench.records.kinds import KINDS

RECURSIVE = ("deriche", "vyv")  # whose cost does not grow at all
MULTIRATE = ("multirate",)  # whose cost shrinks
METHOD_PAIRS = (
    *(("direct", "separable"), ("direct", "fft"), ("separable", "fft")),
    *(("fft", method) for method in (*RECURSIVE, *MULTIRATE)),
)
FASTEST_CPU, FASTEST_GPU, FASTEST_SOFTWARE = (f"{kind}:fastest" for kind in KINDS)
FASTEST_SEPARABLE, FASTEST_FFT = "separable:fastest", "fft:fastest"
FASTEST_RECURSIVE, FASTEST_MULTIRATE = "recursive:fastest", "multirate:fastest"
FASTEST_OTHER = "others:fastest"
OWN_FILTER = "scipy:separable"  # what most people blur with
MEANING = {
    FASTEST_SEPARABLE: "the fastest separable blur of all CPU backends, chosen anew at each size",
    FASTEST_FFT: "the fastest transform, fft or dct, of all CPU backends, chosen anew at each size",
    FASTEST_OTHER: "the fastest CPU blur that is not your own, chosen anew at each size",
    FASTEST_SOFTWARE: "the fastest of software that stands in for a GPU, chosen anew at each size",
}


@dataclass(frozen=True)
class Side:
    """One or several implementations, of which the fastest competes, chosen anew at each size."""

    name: str
    members: frozenset[str]


def pairs_of(declared: Sequence[Declared]) -> list[tuple[str, str]]:
    """The method pairs of each backend, as names of implementations; one's own have no method."""
    declared = [one for one in declared if one.origin != YOURS]
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

    On the CPU the separable blurs and the transforms, what SciPy blurs with and the transforms,
    the transforms and the recursive filters, the transforms and multirate; then a person's own blur
    and all others; the CPU's and the GPU's, and the CPU's and those of software that stands in for
    a GPU. What a pair of one backend says already is left out.
    """
    cpu, gpu, software = ([one for one in declared if one.kind == kind] for kind in KINDS)
    separable = _side(FASTEST_SEPARABLE, [one for one in cpu if one.group == SEPARABLE])
    transforms = _side(FASTEST_FFT, [one for one in cpu if one.group == FFT])
    approximate = [
        _side(name, [one for one in cpu if one.method in methods])
        for name, methods in ((FASTEST_RECURSIVE, RECURSIVE), (FASTEST_MULTIRATE, MULTIRATE))
    ]
    own = _side(OWN_FILTER, [one for one in cpu if one.name == OWN_FILTER])
    others = _side(FASTEST_OTHER, [one for one in cpu if one.origin != YOURS])
    pairs = pairs_of(declared)
    found = [
        (separable, transforms),
        *([(own, transforms)] if own.members != separable.members else []),
        *((transforms, one) for one in approximate if _of_several_backends(transforms, one)),
        *((others, _side(one.name, [one])) for one in cpu if one.origin == YOURS),
        (_side(FASTEST_CPU, cpu), _side(FASTEST_GPU, gpu)),
        (_side(FASTEST_CPU, cpu), _side(FASTEST_SOFTWARE, software)),
    ]
    return [
        (one, other)
        for one, other in found
        if one.members and other.members and not _is_said(one, other, pairs)
    ]


def _side(name: str, declared: Sequence[Declared]) -> Side:
    return Side(name, frozenset(one.name for one in declared))


def _of_several_backends(one: Side, other: Side) -> bool:
    return len({name.partition(":")[0] for name in one.members | other.members}) > 1


def _is_said(one: Side, other: Side, pairs: Sequence[tuple[str, str]]) -> bool:
    """Whether each side is one implementation, and the two are a pair."""
    return any(one.members == {first} and other.members == {second} for first, second in pairs)
