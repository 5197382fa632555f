"""Which is faster over image sizes, the CPU or the GPU, of a run that cut images to several."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from blurbench.analysis.ordering import Ordering
from blurbench.analysis.place import places_of
from blurbench.records.findings import Findings
from blurbench.records.gpu_pays import gpu_pays
from blurbench.records.journal import Log


def over_image_sizes(points: Iterable[Findings]) -> dict[int, Ordering]:
    """The best of the CPU, the first, against the best of the GPU, end to end.

    Args:
        points: of one image, cut to several sizes.

    Returns:
        An ordering by pixels for each kernel size at which both ran on images of two sizes or more.
    """
    found: dict[int, dict[int, Findings]] = {}
    for one in points:
        found.setdefault(one.point.size, {})[one.point.height * one.point.width] = one
    orderings = {size: _ordering(own) for size, own in sorted(found.items())}
    return {size: one for size, one in orderings.items() if len(one.ratios) > 1}


def _ordering(points: Mapping[int, Findings]) -> Ordering:
    answers = {pixels: gpu_pays(one.rows()) for pixels, one in points.items()}
    same = next(iter(points.values())).rules.same
    return Ordering({pixels: one.ratio for pixels, one in answers.items() if one}, same)


def by_image(log: Log) -> dict[str, dict[int, Ordering]]:
    """The same of every image of a run that has any, by its name."""
    points: dict[str, list[Findings]] = {}
    for one in log.points.values():
        points.setdefault(one.point.image, []).append(one)
    found = {name: over_image_sizes(own) for name, own in points.items()}
    return {name: orderings for name, orderings in found.items() if orderings}


def document(log: Log) -> list[dict[str, Any]]:
    """As other programs read it; sizes of images are in pixels, ratios the GPU's over the CPU's."""
    return [
        {
            "image": name,
            "size": size,
            "changes": [asdict(change) for change in one.changes],
            "estimates": [asdict(place) for place in places_of(one)],
            "ratios": [
                {
                    "pixels": pixels,
                    "ratio": ratio.value,
                    "ratio_ci95_low": ratio.low,
                    "ratio_ci95_high": ratio.high,
                    "faster": one.outcomes[pixels],
                }
                for pixels, ratio in sorted(one.ratios.items())
            ],
        }
        for name, orderings in by_image(log).items()
        for size, one in orderings.items()
    ]
