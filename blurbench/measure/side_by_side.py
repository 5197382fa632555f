"""Rounds without a verdict: everyone is measured in each, and nobody leaves."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Sequence

from blurbench.measure.contest import Contender, Contest
from blurbench.measure.judge import Rules
from blurbench.measure.race import race
from blurbench.measure.rounds import Round, Rounds, Sample


def side_by_side(
    contenders: Sequence[Contender],
    rounds: int,
    rng: random.Random,
    *,
    sample_s: float = 0.0,
    seconds: float = math.inf,
    now: Callable[[], float] = lambda: time.perf_counter(),
) -> list[Round]:
    """Seconds a call of everyone in so many rounds, each in an order drawn by lot.

    Args:
        sample_s: least duration of a sample, reached by several calls; by default one is made.
        seconds: after which no round begins, on the clock `now`; the first one does.

    Raises:
        ContenderError: a contender raised an exception while it was measured.
    """
    kept: list[Sample] = []
    rules = Rules(pilot=rounds, most=0, sample_s=sample_s)
    contest = Contest(contenders, rules, pairs=())
    result = race(contest, seconds=seconds, rng=rng, keep=kept.append, now=now)
    if result.interrupted:
        raise KeyboardInterrupt
    return Rounds.of(kept).pilot
