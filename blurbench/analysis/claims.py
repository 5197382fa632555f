"""What others say of where FFT overtakes, and whether it held here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from blurbench.analysis.crossing import Crossover
from blurbench.analysis.ordering import SECOND
from blurbench.kernel import SMALLEST
from blurbench.records.scopes import RANKING_SCOPE

STEP = 2  # from one odd size to the next


@dataclass(frozen=True)
class Claim:
    """A published size, and what it compares.

    Attributes:
        methods: the pair that it speaks of; None where nothing measured here is comparable.
        sizes: smallest and largest size that the claim allows; None where it names none.
    """

    text: str
    compares: str
    source: str
    methods: tuple[str, str] | None = None
    sizes: tuple[int, int] | None = None


CLAIMS = (
    Claim(
        "don't bother below 49x49",
        "FFT against anything",
        "Stack Overflow 7765142",
        ("separable", "fft"),
        (49, 49),
    ),
    Claim(
        "about 11x11",
        "DFT against a dense sum",
        "OpenCV filter2D, documentation; 130 taps in its code, 50 without SSE3",
        ("direct", "fft"),
        (7, 13),
    ),
    Claim(
        "over 17 in 2-D",
        "FFT against a dense sum, on a GPU",
        "ArrayFire convolve, AUTO",
        sizes=(17, 17),
    ),
    Claim(
        "over 128 in 1-D",
        "FFT against a direct sum, 1-D, on a GPU",
        "ArrayFire convolve, AUTO",
        sizes=(128, 128),
    ),
    Claim(
        "3 already, for images of 128 to 8192",
        "FFT against a dense sum, by a model",
        "constants in scipy.signal.choose_conv_method",
        ("direct", "fft"),
        (3, 3),
    ),
    Claim(
        "over about 500 samples",
        "FFT against a direct sum, 1-D",
        "SciPy, documentation",
        sizes=(500, 500),
    ),
    Claim(
        "always FFT",
        "FFT against a direct sum, 1-D, on a GPU; constants never measured",
        "CuPy choose_conv_method",
    ),
    Claim(
        "sigma over 10: recursive; under 0.8: Fourier",
        "a sum of taps against both",
        "DIPlib, Gauss, method best",
    ),
    Claim(
        "about 141, on 2k RGB",
        "DFT against separable",
        "chaiNNer issue 1974",
        ("separable", "fft"),
        (141, 141),
    ),
    Claim(
        "27 to 33, for images of 512 to 4096",
        "separable against two real transforms, spectrum kept",
        "counting operations alone",
        ("separable", "fft"),
        (27, 33),
    ),
)


def held_against(crossovers: Sequence[Crossover]) -> list[dict[str, Any]]:
    """Each claim with what was found here of the same pair of methods, on no stand-in for a GPU."""
    return [
        {
            "claim": claim.text,
            "compares": claim.compares,
            "source": claim.source,
            "here": [
                {
                    "first": one.first,
                    "second": one.second,
                    "scope": one.scope,
                    "found": one.answer
                    if one.scope == RANKING_SCOPE
                    else f"{one.answer} ({one.scope})",
                    "held": _held(claim.sizes, one),
                }
                for one in crossovers
                if claim.methods and claim.sizes and _methods(one) == claim.methods
                if not one.on_software
            ],
        }
        for claim in CLAIMS
    ]


def _methods(one: Crossover) -> tuple[str, str]:
    return one.first.partition(":")[2], one.second.partition(":")[2]


def _held(sizes: tuple[int, int] | None, one: Crossover) -> bool | None:
    """Whether FFT overtakes where the claim says, give or take a step; None if it cannot be told.

    It held where a bracket lies within the claimed sizes, and did not where none meets them. A
    bracket that reaches further allows other claims as well, so it tells of none.
    """
    if sizes is None or not one.ordering.proven:
        return None
    low, high = sizes
    meeting = [
        (before, after) for before, after in _brackets(one) if before < high and low <= after
    ]
    if not meeting:
        return False
    within = any(low - STEP <= before and after <= high + STEP for before, after in meeting)
    return True if within else None


def _brackets(one: Crossover) -> list[tuple[float, float]]:
    """Between which sizes the second overtakes; open where nothing is proven beyond."""
    proven = one.ordering.proven
    smallest, largest = min(proven), max(proven)
    found: list[tuple[float, float]] = [
        place.bracket for place in one.places if place.bracket and place.faster_after == SECOND
    ]
    if proven[smallest] == SECOND:
        found.append((SMALLEST.size, smallest))
    if proven[largest] != SECOND:
        found.append((largest, math.inf))
    return found


def scipy_chooses_fft_from(height: int, width: int, sizes: Sequence[int]) -> int | None:
    """The smallest of the sizes for which `scipy.signal.choose_conv_method` says `fft`.

    It weighs FFT against a dense sum, by constants measured on another machine.
    """
    from scipy.signal import choose_conv_method  # takes long to import, and not all ask

    image = np.zeros((height, width), np.float32)
    for size in sorted(sizes):
        dense = np.zeros((size, size), np.float32)
        if min(height, width) >= size and choose_conv_method(image, dense, mode="same") == "fft":
            return size
    return None
