"""A straight line through the ratios of neighbouring sizes: what they tell together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean

from blurbench.measure.rounds import Round

FEWEST_ROUNDS = 8  # of a size that has a say
FEWEST_SIZES = 4  # of a line: two for the line and two to see how far sizes stray from it
TRIMMED = 0.2  # of the rounds on either side: outliers
Z = 1.96  # standard errors on either side at 95 %


@dataclass(frozen=True)
class Level:
    """The logarithm of a ratio at one size: its centre, and the spread from round to round."""

    value: float
    spread: float
    rounds: int


def level_of(rounds: Iterable[Round], first: str, second: str) -> Level | None:
    """Of one's time over the other's in the rounds that have both; None where these are few.

    The centre is the trimmed mean, and the spread the one that makes its standard error.
    """
    logs = [
        fmean(map(math.log, one[first])) - fmean(map(math.log, one[second]))
        for one in rounds
        if first in one and second in one
    ]
    count = len(logs)
    if count < FEWEST_ROUNDS:
        return None
    ordered, cut = sorted(logs), int(TRIMMED * count)
    middle = ordered[cut : count - cut]
    drawn_in = [*cut * [middle[0]], *middle, *cut * [middle[-1]]]
    center = fmean(drawn_in)
    variance = math.fsum((one - center) ** 2 for one in drawn_in) / (count - 1)
    return Level(fmean(middle), math.sqrt(variance) / (1 - 2 * TRIMMED), count)


@dataclass(frozen=True)
class Line:
    """The logarithm of a ratio over the logarithm of the size.

    Attributes:
        center, value: of the sizes, and of the line there; logarithms.
        variances: of the value and of the slope.
        stray: variance by which single sizes lie off the line, beyond the noise: bends, and steps
            where a transform is padded to another length.
    """

    center: float
    value: float
    slope: float
    variances: tuple[float, float]
    stray: float

    def at(self, size: float) -> float:
        return self.value + self.slope * (math.log(size) - self.center)

    def reach(self, size: float) -> float:
        """How far the truth at a size may lie from the line, at 95 %."""
        of_value, of_slope = self.variances
        off = math.log(size) - self.center
        return Z * math.sqrt(of_value + of_slope * off * off + self.stray)

    @property
    def root(self) -> float:
        """The size at which the line meets a ratio of 1; not a number where it is level."""
        exponent = self.center - self.value / self.slope if self.slope else math.nan
        return math.exp(exponent) if abs(exponent) < math.log(1e9) else math.nan


def fit_line(levels: Mapping[int, Level]) -> Line | None:
    """The line through the levels, by size, weighted by rounds; None through too few.

    All sizes share their spread. Where the levels lie off the line by more than the noise
    explains, everything is as uncertain as they say.
    """
    if len(levels) < FEWEST_SIZES:
        return None
    rounds = math.fsum(one.rounds for one in levels.values())
    spread = math.fsum(one.rounds * one.spread**2 for one in levels.values()) / rounds
    logs = {size: math.log(size) for size in levels}
    center = math.fsum(levels[size].rounds * x for size, x in logs.items()) / rounds
    value = math.fsum(one.rounds * one.value for one in levels.values()) / rounds
    extent = math.fsum(levels[size].rounds * (x - center) ** 2 for size, x in logs.items())
    slope = (
        math.fsum(
            levels[size].rounds * (x - center) * levels[size].value for size, x in logs.items()
        )
        / extent
    )
    misses = math.fsum(
        one.rounds * (one.value - value - slope * (logs[size] - center)) ** 2
        for size, one in levels.items()
    )
    variance = max(spread, misses / (len(levels) - 2))  # of a round
    stray = (variance - spread) * len(levels) / rounds
    return Line(center, value, slope, (variance / rounds, variance / extent), stray)
