"""The scatter between processes as a level of its own, above that between rounds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean, stdev

from blurbench.measure.stats import Estimate


def widen(pooled: Estimate, process_values: Sequence[float], alpha: float) -> Estimate:
    """The interval of all rounds, wide enough for what processes differ by.

    A process keeps its memory layout and its plans: its rounds share a bias that more rounds do
    not average away. So the interval also covers Student's t interval of the processes' own
    values. It assumes that these scatter normally, and needs two of them.

    Args:
        pooled: from the rounds of all processes together, on a scale where differences count.
        process_values: the median of each process, on that scale.
        alpha: probability of missing, by which the pooled interval was made too.
    """
    count = len(process_values)
    if pooled.low is None or pooled.high is None or count < 2:
        return pooled
    middle = fmean(process_values)
    reach = t_quantile(1 - alpha / 2, count - 1) * stdev(process_values) / math.sqrt(count)
    return replace(
        pooled, low=min(pooled.low, middle - reach), high=max(pooled.high, middle + reach)
    )


def widen_ratio(pooled: Estimate, process_ratios: Sequence[float], alpha: float) -> Estimate:
    """The same of a ratio, whose differences count by their logarithms."""
    if pooled.low is None or pooled.high is None:
        return pooled
    logs = Estimate(*map(math.log, (pooled.value, pooled.low, pooled.high)))
    wide = widen(logs, [math.log(ratio) for ratio in process_ratios], alpha)
    assert wide.low is not None
    assert wide.high is not None
    return replace(pooled, low=math.exp(wide.low), high=math.exp(wide.high))


def t_quantile(probability: float, freedom: int) -> float:
    """What Student's t exceeds with 1 - `probability`, which is above one half."""
    low, high = 0.0, 1.0
    while t_probability(high, freedom) < probability:
        low, high = high, 2 * high
    while low < (middle := (low + high) / 2) < high:
        if t_probability(middle, freedom) < probability:
            low = middle
        else:
            high = middle
    return high


def t_probability(t: float, freedom: int) -> float:
    """The probability that Student's t is at most `t`, for whole degrees of freedom.

    The finite sums of Abramowitz and Stegun (1964), 26.7.3 and 26.7.4.
    """
    angle = math.atan(t / math.sqrt(freedom))
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = freedom % 2
    term, total = (cosine if odd else 1.0), 0.0
    for step in range(1 + odd, freedom, 2):
        total += term
        term *= step / (step + 1) * cosine**2
    within = 2 / math.pi * (angle + sine * total) if odd else sine * total
    return (1 + within) / 2
