"""What a real Fourier transform of a line costs in pocketfft, beneath numpy.fft and scipy.fft.

Nothing but Python is needed: `blurbench tune --policy` writes this file out for use elsewhere.
"""

from __future__ import annotations

import functools
import math

NEAR = 1.08  # times the shortest length that is fast at all: what is longer has never been faster
# Cost of a sample, there and back, in units that do not matter: fitted by least squares to 400
# lengths from 90 to 5200 in strips of float32 on an AMD EPYC, to 5 %. Of these lengths the
# cheapest took 2 % less than the shortest on average, and up to 17 %.
ALWAYS, DOUBLING, THREE, FIVE = 0.97, 0.131, 0.046, 0.025
LARGER = 0.06  # times the factor, of each that is larger


@functools.cache
def padded_cost(n: int) -> float:
    """Of the cheapest line of `n` samples and little more."""
    lengths = [length for length in range(n, int(n * NEAR) + 16) if _is_smooth(length)]
    return min(line_cost(length) for length in lengths)


def _is_smooth(n: int) -> bool:
    for factor in (2, 3, 5):
        while n % factor == 0:
            n //= factor
    return n == 1


def line_cost(n: int) -> float:
    """Of a transform of `n` samples there and back."""
    direct = factor_cost(n)
    if n < 50:
        return direct
    power = 1 << (2 * n - 1).bit_length()
    return min(direct, 3.0 * factor_cost(power))  # as a convolution of that length (Bluestein)


def factor_cost(n: int) -> float:
    """Of a transform of `n` samples there and back, factor by factor."""
    left, each, factor = n, ALWAYS + DOUBLING * math.log2(n), 2
    while left > 1:
        while left % factor == 0:
            left //= factor
            each += {2: 0.0, 3: THREE, 5: FIVE}.get(factor, LARGER * factor)
        factor = factor + 1 if factor * factor <= left else left
    return n * each
