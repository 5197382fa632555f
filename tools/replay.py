"""Put the samples of finished runs through the rules of today: what they would have cost.

    python tools/replay.py results/2026-11-28-testcard-15 results/2026-11-28-testcard-sweep

Round by round the race is judged at every look, and whoever has a verdict leaves. What is printed:
the rounds that this takes of those that were measured, and who never gets a verdict.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from blurbench.measure.judge import SLOWER, SLOWER_HERE, TIED, judge
from blurbench.measure.stats import is_look
from blurbench.records.findings import Findings
from blurbench.records.journal import load

HERE = frozenset({SLOWER, SLOWER_HERE, TIED})  # proven of this run
EVERYWHERE = HERE - {SLOWER_HERE}


@dataclass(frozen=True)
class Replayed:
    """One race.

    Attributes:
        left_after: rounds after which each left; of those that never did, what there is.
        undecided: who never got a verdict.
        lost_all: whose every ratio to the reference was above 1.5.
    """

    measured: int
    left_after: dict[str, int]
    undecided: frozenset[str]
    lost_all: frozenset[str]


def replay(findings: Findings, leaving: frozenset[str]) -> Replayed | None:
    """A race as it would have gone, had these verdicts let go; None where there was none."""
    race, rounds = findings.race(), findings.rounds()
    if race is None or not rounds.measured:
        return None
    others = [name for name in race.standings if name != race.reference]
    left: dict[str, int] = {}
    for number in range(1, len(rounds.measured) + 1):
        if is_look(number):
            so_far = replace(rounds, measured=rounds.measured[:number])
            result = judge(so_far, list(race.standings), race.reference, findings.rules)
            for name in others:
                if name not in left and result.standings[name].verdict in leaving:
                    left[name] = number
    measured = {name: rounds.count(name) for name in others}
    ratios = {
        name: [one[name][0] / one[race.reference][0] for one in rounds.measured if name in one]
        for name in others
    }
    return Replayed(
        sum(measured.values()),
        {name: left.get(name, measured[name]) for name in others},
        frozenset(others) - frozenset(left),
        frozenset(name for name in others if min(ratios[name]) > 1.5),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what the runs would have taken, and whether anyone was left without a verdict."""
    parser = argparse.ArgumentParser(description="What finished runs would cost by today's rules.")
    parser.add_argument("folders", nargs="+", type=Path)
    given = parser.parse_args(arguments)
    points = [one for folder in given.folders for one in load(folder).points.values()]
    shameful = False
    for title, leaving in (("verdict of this run", HERE), ("verdict beyond", EVERYWHERE)):
        races = [one for point in points if (one := replay(point, leaving)) is not None]
        racers = sum(len(one.left_after) for one in races)
        undecided = sum(len(one.undecided) for one in races)
        lost = [sorted(one.undecided & one.lost_all) for one in races]
        shameful |= any(lost)
        print(
            f"{title}: {sum(sum(one.left_after.values()) for one in races)} of "
            f"{sum(one.measured for one in races)} contender rounds; "
            f"{racers - undecided} of {racers} decided; "
            f"{sum(map(len, lost))} undecided that lost every round by 1.5x"
        )
    return 1 if shameful else 0


if __name__ == "__main__":
    sys.exit(main())
