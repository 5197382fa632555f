"""What is asked of our blurs on a device, and whether it is kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import product

from gpu_check.copying import COPY
from gpu_check.races import Race
from gpu_check.report import MISS, OPEN, PASS, Verdict
from gpu_check.scale import CHANNELS, EVERY_PART, LIBRARY, OWN, OWN_PART, Scale

SAME = 0.03  # times this close count as the same
CLOCKS_APART = 0.03

Ratio = Callable[[Race], float]


@dataclass(frozen=True)
class Criterion:
    """The least that `ratio` has to be at every size from `first` to `last`.

    Attributes:
        part: whose races are looked at; None for those of all libraries.
        every: whether at every odd size, and not just at those of the check.
    """

    words: str
    least: float
    ratio: Ratio
    part: str | None
    first: int = 3
    last: int = 255
    every: bool = False

    def judge(self, races: Sequence[Race], scale: Scale, libraries: Collection[str]) -> Verdict:
        """The worst point in words; missed where one is, unknown where one is lacking.

        Args:
            races: of images of the scale's side.
            libraries: the parts in which libraries raced.
        """
        parts = [self.part] if self.part else libraries
        sizes = scale.every_size if self.every else scale.sizes
        within = [size for size in sizes if self.first <= size <= self.last]
        asked = set(product(parts, CHANNELS, within))
        found = [
            (value, one)
            for one in races
            if (one.part, one.channels, one.size) in asked
            if not math.isnan(value := self.ratio(one))
        ]
        covered = {(one.part, one.channels, one.size) for _, one in found}
        words = f"{self.words}, at least {self.least:.2f} asked"
        if not found:
            return Verdict(OPEN, f"{words}: none of {len(asked)} points was measured")
        worst, where = min(found, key=lambda pair: pair[0])
        words += (
            f": {worst:.2f} at its least (size {where.size}, channels {where.channels}, "
            f"beside {where.part}); {len(covered)} of {len(asked)} points"
        )
        if worst < self.least:
            return Verdict(MISS, words)
        return Verdict(PASS if covered == asked else OPEN, words)


def of_copy(race: Race) -> float:
    """The share of the copy's bandwidth."""
    return race.seconds.get(COPY, math.nan) / race.seconds.get(OWN, math.nan)


def of_cupyx(race: Race) -> float:
    """How many times as fast the best of ours is as CuPy's own separable filter."""
    return race.seconds.get(LIBRARY, math.nan) / best_of(OWN_PART, race)


def of_best_library(race: Race) -> float:
    """How many times as fast the best of ours is as the fastest filter of a library."""
    return best_of(race.part, race) / best_of(OWN_PART, race)


def best_of(backend: str, race: Race) -> float:
    """Seconds of its fastest; not a number where none was raced."""
    raced = [s for name, s in race.seconds.items() if name.startswith(f"{backend}:")]
    return min(raced, default=math.nan)


CRITERIA = (
    Criterion("share of the copy's bandwidth to 17 taps", 0.8, of_copy, OWN_PART, last=17),
    Criterion("share of it from 19 to 31 taps", 0.6, of_copy, OWN_PART, first=19, last=31),
    Criterion(
        "times as fast as cupyx at every odd size (in float64 where its float32 is not exact)",
        *(2.0, of_cupyx, EVERY_PART),
        every=True,
    ),
    Criterion("times as fast as the fastest peer", 1 / (1 + SAME), of_best_library, None),
)


def judge_clocks(name: str, found: dict[str, float]) -> list[Verdict]:
    """How far the other clocks are from our events."""
    events = found["events"]
    words = f"{name}: our events say {events * 1e6:.1f} us"
    apart = {clock: found[clock] / events - 1 for clock in ("benchmark", "wall")}
    return [
        Verdict(
            PASS if abs(off) <= CLOCKS_APART else MISS,
            f"{words}, the clock `{clock}` {off:+.1%}, at most {CLOCKS_APART:.0%} asked",
        )
        for clock, off in apart.items()
    ]
