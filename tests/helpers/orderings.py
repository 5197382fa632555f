"""Orderings by chance, and how they are read."""

from __future__ import annotations

import math

from hypothesis import strategies as st

from blurbench.analysis.ordering import Ordering
from blurbench.measure.stats import Estimate
from helpers.written import SAME, unknown

SIZES = st.integers(0, 127).map(lambda n: 2 * n + 1)
ESTIMATES = st.builds(
    lambda log, width: Estimate(math.exp(log), math.exp(log - width), math.exp(log + width)),
    st.floats(-2, 2),
    st.floats(0, 1),
)
ORDERINGS = st.dictionaries(SIZES, st.one_of(ESTIMATES, st.just(unknown(2.0))), max_size=24).map(
    lambda ratios: Ordering(ratios, SAME)
)


def brackets(ordering: Ordering) -> list[tuple[str, int, int]]:
    """Who is faster from then on, and the two ends."""
    return [
        (one.faster_after, one.last_size_before, one.first_size_after) for one in ordering.changes
    ]
