"""What a reader asks of crossovers: from which size on does the one pay, best against best?"""

from __future__ import annotations

from collections.abc import Sequence

from blurbench.analysis.crossing import Crossover
from blurbench.analysis.opponents import (
    FASTEST_CPU,
    FASTEST_FFT,
    FASTEST_GPU,
    FASTEST_SEPARABLE,
    OWN_FILTER,
)
from blurbench.analysis.ordering import FIRST, SECOND, UNDECIDED
from blurbench.analysis.place import Place
from blurbench.records.scopes import RANKING_SCOPE

THERE = "The GPU with the data already there"


def verdicts(crossovers: Sequence[Crossover]) -> list[str]:
    """A sentence on FFT, end to end, and two on the GPU, with transfers and without, of one image.

    Each where there is such a crossover. FFT is any transform, and the best separable blur and
    the best FFT are those of all CPU backends; where there is but one of either, those two.
    """
    found = {(one.first, one.second): one for one in crossovers if one.scope == RANKING_SCOPE}
    sentences = []
    transforms = separable_to_fft(crossovers)
    if transforms is not None:
        said = _pays("FFT", "the best FFT", "the best separable blur", transforms)
        own = found.get((OWN_FILTER, FASTEST_FFT))
        if (
            own is not None
            and transforms.ordering.always_faster == FIRST
            and not _spells(transforms)
        ):
            said += _against_own(own)
        sentences.append(f"{said}.")
    devices = found.get((FASTEST_CPU, FASTEST_GPU))
    if devices is not None:
        said = _pays("The GPU", "the best on the GPU with transfers", "the best CPU blur", devices)
        sentences.append(f"{said}.")
    for one in crossovers:
        if (one.second, one.scope) == (FASTEST_GPU, "compute"):
            said = _pays(THERE, "the best on the GPU", "the best CPU blur", one)
            sentences.append(f"{said}.")
    return sentences


def separable_to_fft(crossovers: Sequence[Crossover]) -> Crossover | None:
    """Of the best of both, end to end; where there is but one of either, of those two.

    Software that stands in for a GPU is left out.
    """
    ranked = [one for one in crossovers if one.scope == RANKING_SCOPE and not one.on_software]
    best = [one for one in ranked if (one.first, one.second) == (FASTEST_SEPARABLE, FASTEST_FFT)]
    methods = [(one.first.partition(":")[2], one.second.partition(":")[2]) for one in ranked]
    pairs = zip(methods, ranked, strict=True)
    found = best or [one for names, one in pairs if names == ("separable", "fft")]
    return found[0] if len(found) == 1 else None


def _pays(subject: str, second: str, first: str, one: Crossover) -> str:
    """Where the second is faster, or how far it is from that."""
    ordering = one.ordering
    if spells := _spells(one):
        return f"{subject} pays {spells}: {second} against {first}"
    if ordering.always_faster == UNDECIDED:
        inside = subject.replace("The", "the", 1)  # of a sentence
        return f"Whether {inside} pays is not proven {_range(one)}: {second} against {first}"
    size = min(ordering.proven) if ordering.always_faster == SECOND else max(ordering.proven)
    names, slower = one.chosen[size], ordering.ratios[size].value
    said = f"{subject} {_throughout(one)}: {second} ({names[1]}) takes {slower:.2g}x {first} "
    may = [f"it may pay {_turn(place)} {place.words}" for place in one.places]
    return "; ".join([f"{said}({names[0]}) at {size}", *may])


def _spells(one: Crossover) -> str:
    """From where and up to where, if both ends of any such place are proven."""
    return ", ".join(
        f"{_turn(place)} about {place.size:.0f} ({place.low} to {place.high} at 95 %)"
        for place in one.places
        if place.bracket is not None
    )


def _turn(place: Place) -> str:
    return "from" if place.faster_after == SECOND else "up to"


def _throughout(one: Crossover) -> str:
    """Who is faster all along, as far as it is proven."""
    outcomes, proven = one.ordering.outcomes, one.ordering.proven
    if one.ordering.always_faster == SECOND:
        latest = "" if one.sizes[0] in proven else " at the latest"
        said = f"pays from {min(proven)}x{min(proven)} on{latest}"
    elif outcomes == proven:
        said = f"does not pay {_range(one)}"
    else:
        said = f"is not proven to pay {_range(one)}"
    if one.reaches_both_ends or len(one.sizes) == len(one.asked):
        return said
    return f"{said} (measured at {len(one.sizes)} of {len(one.asked)} sizes)"


def _range(one: Crossover) -> str:
    """The sizes that were measured, as where nothing pays."""
    last = one.sizes[-1]
    if len(one.sizes) == 1:
        return f"at {last}x{last}"
    up_to = f"up to {last}x{last}"
    return up_to if one.sizes[0] == one.asked[0] else f"from {one.sizes[0]}x{one.sizes[0]} {up_to}"


def _against_own(own: Crossover) -> str:
    """Of what SciPy blurs with, where it is slower than the best FFT."""
    if spells := _spells(own):
        return f"; against SciPy's own filter it pays {spells}"
    if own.ordering.always_faster == SECOND:
        return f"; against SciPy's own filter it pays from {min(own.ordering.proven)}"
    return ""
