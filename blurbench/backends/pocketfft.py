"""Lengths that pocketfft, the code beneath numpy.fft and scipy.fft, transforms fastest."""

from __future__ import annotations

import functools

import scipy.fft

from blurbench.methods.transform import NEAR, factor_cost

FOUR, TWO = -0.019, 0.039  # of a sample, fitted along with what the other factors cost


@functools.lru_cache(maxsize=1024)
def fast_length(n: int) -> int:
    """The length from `n` up, and near the shortest that is fast at all, that costs least."""
    length = first = int(scipy.fft.next_fast_len(n, real=True))
    found = []
    while length <= first * NEAR:
        found.append(length)
        length = int(scipy.fft.next_fast_len(length + 1, real=True))
    return min(found, key=_cost)


def _cost(length: int) -> float:
    twos = (length & -length).bit_length() - 1
    return factor_cost(length) + length * (FOUR * (twos // 2) + TWO * (twos % 2))
