"""From how large an image on the GPU pays, in words."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from blurbench.analysis.image_sizes import by_image
from blurbench.analysis.ordering import FIRST, SECOND, UNDECIDED, Ordering
from blurbench.analysis.place import Place, places_of
from blurbench.records.journal import Log
from blurbench.report.units import megapixels


def image_size_lines(log: Log) -> list[str]:
    """A sentence for each image that was cut to several sizes and each stretch of kernel sizes."""
    lines = []
    for name, orderings in by_image(log).items():
        whose = f"{name}: " if len(log.image_numbers) > 1 else ""
        told = [(size, _pays(one)) for size, one in orderings.items()]
        for text, own in groupby(told, key=lambda one: one[1]):
            kernels = _kernels([size for size, _ in own])
            lines.append(f"{whose}End to end, at {kernels}, the GPU {text}.")
    return lines


def _kernels(sizes: Sequence[int]) -> str:
    first, last = (f"{size}x{size}" for size in (sizes[0], sizes[-1]))
    return first if first == last else f"{first} to {last}"


def _pays(ordering: Ordering) -> str:
    sizes = list(ordering.outcomes)
    reach = f"images of {megapixels(sizes[0])} to {megapixels(sizes[-1])}"
    if ordering.changes:
        return f"pays {', '.join(map(_turn, places_of(ordering)))}"
    if ordering.always_faster == UNDECIDED:
        return f"is not proven to pay on any of the {reach}"
    if ordering.always_faster == SECOND:
        return f"pays on images of {megapixels(min(ordering.proven))} and more"
    later = [place for place in places_of(ordering) if place.faster_after == SECOND]
    beyond = f"; it may from about {megapixels(later[0].size)} on" if later else ""
    return f"does not pay on the {reach}{beyond}"


def _turn(place: Place) -> str:
    """The size of image from or up to which it holds, and the measured ones around it."""
    turn = {FIRST: "up to", SECOND: "from"}[place.faster_after]
    low, high = place.bracket or (0, 0)
    ends = f"{megapixels(low)} to {megapixels(high)}, proven"
    return f"{turn} an image of about {megapixels(place.size)} ({ends})"
