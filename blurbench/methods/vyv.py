"""The filters of Vliet, Young and Verbeek: one along the line, then the same against it.

L. J. van Vliet, I. T. Young, P. W. Verbeek, "Recursive Gaussian derivative filters", ICPR 1998.
Both together are a kernel `sum(weight * pole ** |m|)`, by partial fractions.
"""

from __future__ import annotations

import cmath
import math

from blurbench.methods.recursive import Term

# Poles for sigma about 2, by order; of those that are complex the conjugate belongs to it.
POLES: dict[int, tuple[complex, ...]] = {
    3: (1.4165 + 1.00829j, 1.86543),
    4: (1.13228 + 1.28114j, 1.78534 + 0.46763j),
    5: (0.8643 + 1.45389j, 1.61433 + 0.83134j, 1.87504),
}


def vyv(sigma: float, order: int) -> list[Term]:
    """The terms of the kernel whose variance is `sigma^2`."""
    known = [complex(pole) for pole in POLES[order]]
    count = len(known)
    known += [pole.conjugate() for pole in known if pole.imag]
    scale = _scale(known, sigma)
    poles = [1 / pole ** (1 / scale) for pole in known]
    level = math.prod((1 - pole for pole in poles), start=1 + 0j) ** 2
    terms = []
    for k, pole in enumerate(poles[:count]):
        others = (1 - one / pole for j, one in enumerate(poles) if j != k)
        both = (1 - one * pole for one in poles)
        weight = level / math.prod(others, start=1 + 0j) / math.prod(both, start=1 + 0j)
        terms.append(Term(weight, pole))
    return terms


def _scale(poles: list[complex], sigma: float) -> float:
    """The q whose poles `pole ** (1 / q)` give the variance, by Newton's method."""
    q = sigma / 2
    for _ in range(100):
        moved = [pole ** (1 / q) for pole in poles]
        variance = sum(2 * z / (z - 1) ** 2 for z in moved).real
        slope = sum(2 * z * (z + 1) * cmath.log(z) / (z - 1) ** 3 for z in moved).real / q
        step = (variance - sigma**2) / slope
        q -= step
        if abs(step) <= 1e-15 * q:
            break
    return q
