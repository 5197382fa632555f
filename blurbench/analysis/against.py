"""Against the peers: in each cell, the best exact library over the best exact blur of ours."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from blurbench.errors import InputError
from blurbench.measure.stats import Estimate
from blurbench.names import LIBRARY, OURS
from blurbench.records.findings import Findings
from blurbench.records.journal import Log
from blurbench.records.lead import ranked_rows, ratio_between
from blurbench.records.summary import Row

PLACE = ("height", "width", "channels", "dtype", "size", "border", "threads")


@dataclass(frozen=True)
class Match:
    """The best of both sides in one cell, end to end, as the judge ranks them.

    Attributes:
        ratio: time of the peer over that of ours; its interval is paired, where both raced.
    """

    ours: Row
    peer: Row
    ratio: Estimate

    def as_dict(self) -> dict[str, Any]:
        """The match by column name."""
        return {
            **{name: getattr(self.ours.key, name) for name in PLACE},
            "ours": self.ours.name,
            "peer": self.peer.name,
            "ratio": self.ratio.value,
            "ratio_ci95_low": self.ratio.low,
            "ratio_ci95_high": self.ratio.high,
        }


def find_matches(logs: Iterable[Log]) -> list[Match]:
    """The matches of all runs, image by image and in order of kernel size.

    Raises:
        InputError: there are none, for want of an exact peer or of an exact blur of ours.
    """
    matches, sides = [], set()
    for log in logs:
        for findings in log.points.values():
            rows = _in_the_running(findings)
            sides |= {row.origin for row in rows} & {OURS, LIBRARY}
            ours, peer = (
                next((row for row in rows if row.origin == origin), None)
                for origin in (OURS, LIBRARY)
            )
            if ours is not None and peer is not None:
                matches.append(Match(ours, peer, _ratio(findings, ours, peer)))
    if not matches:
        lacking = "no exact peer" if LIBRARY not in sides else "no exact blur of ours"
        if len(sides) == 2:
            lacking = "no cell with both an exact peer and an exact blur of ours"
        raise InputError(f"{lacking} was timed: name runs that hold libraries against ours")
    return sorted(matches, key=_place)


def geometric_mean(matches: Iterable[Match]) -> float:
    """Of the ratios: as a whole, how many times as long the peers take."""
    logs = [math.log(one.ratio.value) for one in matches]
    return math.exp(math.fsum(logs) / len(logs))


def _place(match: Match) -> tuple[Any, ...]:
    key = match.ours.key
    pixels = key.height * key.width * key.channels
    return (pixels, key.width, key.dtype, key.border, key.threads, key.size)


def _in_the_running(findings: Findings) -> list[Row]:
    """What was timed of the exact blurs, as it ranks."""
    ranked = ranked_rows(findings.rows())
    return [row for row in ranked if row.exact and row.end_to_end_median_s is not None]


def _ratio(findings: Findings, ours: Row, peer: Row) -> Estimate:
    """As the race judged it; where they shared none, of the two medians, without an interval."""
    assert ours.end_to_end_median_s
    assert peer.end_to_end_median_s
    race, judged = findings.race(), ratio_between(ours, peer)
    if judged.low is not None and race is not None and race.control_passed:
        return judged
    return Estimate(peer.end_to_end_median_s / ours.end_to_end_median_s, None, None)
