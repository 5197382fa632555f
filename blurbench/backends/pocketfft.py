"""Lengths that pocketfft, the code beneath numpy.fft and scipy.fft, transforms fastest."""

from __future__ import annotations

import functools
import math

import scipy.fft

NEAR = 1.08  # times the shortest length: what is longer has never been faster
# Cost of a sample, there and back, in units that do not matter: fitted by least squares to 400
# lengths from 90 to 5200 in strips of float32 on an AMD EPYC, to 5 %. Of these lengths the
# cheapest took 2 % less than the shortest on average, and up to 17 %.
ALWAYS, DOUBLING = 0.97, 0.131
FOUR, TWO, THREE, FIVE = -0.019, 0.039, 0.046, 0.025


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
    twos, threes, fives = (_power(length, factor) for factor in (2, 3, 5))
    sample = ALWAYS + DOUBLING * math.log2(length) + FOUR * (twos // 2) + TWO * (twos % 2)
    return length * (sample + THREE * threes + FIVE * fives)


def _power(length: int, factor: int) -> int:
    power = 0
    while length % factor == 0:
        length, power = length // factor, power + 1
    return power
