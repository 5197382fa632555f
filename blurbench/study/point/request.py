"""What is asked of a point: for how long, of whom, and what besides the ranking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from blurbench.study.point.admission import LONGEST_S, SHORTEST_S


@dataclass(frozen=True)
class PointRequest:
    """By default everyone is held against the fastest, for as long as the calls need.

    Attributes:
        budget: seconds; None decides by what the calls cost, from `shortest` to `longest`.
        spare: seconds beyond a budget that compiling may take.
        process: the restart that this is, from 1.
        left_out: who is not measured here, and why.
        behind: times as long as the fastest that those take at least, where that is known.
        pairs: the comparisons that matter; None holds everyone against the fastest.
        yardstick: whether the fixed work of `make_yardstick` runs in every round.
        with_difference: whether separable and direct are held against each other.
    """

    budget: float | None = None
    spare: float = 0.0
    shortest: float = SHORTEST_S
    longest: float = LONGEST_S
    process: int = 1
    left_out: Mapping[str, str] = field(default_factory=dict)
    behind: Mapping[str, float] = field(default_factory=dict)
    pairs: Sequence[tuple[str, str]] | None = None
    yardstick: bool = False
    with_difference: bool = False
