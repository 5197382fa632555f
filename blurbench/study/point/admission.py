"""What a budget pays for: who races, who runs once, who stays out."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass

from blurbench.measure.judge import Rules
from blurbench.measure.race import LONG, NEAR
from blurbench.measure.stats import FIRST_LOOK
from blurbench.study.point.cells import HEATED_S

SHORTEST_S, LONGEST_S = 15.0, 60.0
NEAR_FASTEST = 10  # times the fastest: what is slower has no say in the length of a run

_SAMPLES = Rules.pilot + FIRST_LOOK  # to the first look
_LONG_ROUNDS = 4  # to that of those who are far slower
_WARM_UP_CALLS = 3
SLACK = 1.15  # predictions are rough, and what just misses its first look tells nothing
_SINGLE_CALLS = 2  # the first call and one sample


@dataclass(frozen=True)
class Admission:
    """Names in order of cost; `over_budget` does not fit even once."""

    racing: tuple[str, ...]
    single: tuple[str, ...]
    over_budget: tuple[str, ...]


def default_budget(
    costs: Mapping[str, float],
    shortest: float = SHORTEST_S,
    longest: float = LONGEST_S,
    overhead_s: float = 0.0,
) -> float:
    """Seconds for a comparison whose calls cost so much: what the best need, within limits.

    Args:
        overhead_s: what goes into anything but the race.
    """
    fastest = min(costs.values(), default=0.0)
    near = {name: cost for name, cost in costs.items() if cost <= NEAR_FASTEST * fastest}
    return min(longest, max(shortest, overhead_s + SLACK * race_seconds(near)))


def admit(costs: Mapping[str, float], seconds: float, first: Collection[str] = ()) -> Admission:
    """Share out `seconds`, given the seconds of a call of each.

    The cheapest race, after those that come `first`, as long as the first look of all of them
    and one run of each of the others fit. Before not even two can race, the dearest gives up its
    single run; where that does not help, whoever fits runs once.
    """
    names = sorted(costs, key=lambda name: (name not in first, costs[name]))
    for least in (2, 0):
        for kept in range(len(names), least - 1, -1):
            for racing in range(kept, least - 1, -1):
                if _seconds(names[:racing], names[racing:kept], costs) <= seconds:
                    return Admission(
                        tuple(names[:racing]), tuple(names[racing:kept]), tuple(names[kept:])
                    )
    return Admission((), (), tuple(names))


def near_best(
    costs: Mapping[str, float], sides: Mapping[str, Hashable], keep: float
) -> dict[str, float]:
    """The costs of those that take at most `keep` times as long as the best of their side."""
    best: dict[Hashable, float] = {}
    for name, cost in costs.items():
        best[sides[name]] = min(cost, best.get(sides[name], cost))
    return {name: cost for name, cost in costs.items() if cost <= keep * best[sides[name]]}


def race_seconds(costs: Mapping[str, float]) -> float:
    """The calls of a race to the first look of everyone; the control is one of the cheapest."""
    if not costs:
        return 0.0
    best = min(costs.values())
    near = [cost for cost in costs.values() if cost <= NEAR * best]
    far = [cost for cost in costs.values() if cost > NEAR * best]
    samples = [(cost, _SAMPLES) for cost in (*near, best)]
    if far:
        samples += [(cost, _LONG_ROUNDS) for cost in far]
        samples.append((best, _LONG_ROUNDS * LONG))
    return sum(
        cost * (count * (2 if cost < HEATED_S else 1) + _WARM_UP_CALLS) for cost, count in samples
    )


def _seconds(racing: list[str], single: list[str], costs: Mapping[str, float]) -> float:
    race = race_seconds({name: costs[name] for name in racing})
    return race + sum(_SINGLE_CALLS * costs[name] for name in single)
