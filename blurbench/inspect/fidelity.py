"""How near a kernel comes to the Gaussian that it samples."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy.special
from numpy.typing import NDArray

from blurbench.kernel import MAX_RADIUS, GaussianKernel

TAIL = 1e-15  # beyond the reference's taps; double precision holds no less
FREQUENCIES = 4096  # at least, on the whole circle
ACCURACIES = (1e-2, 1e-4, 1e-6)


@dataclass(frozen=True)
class Fidelity:
    """What cutting and sampling do to a Gaussian.

    Distances are operator norms from L-infinity to L-infinity of one 1-D pass: the sum of the
    absolute differences of the taps. That is the largest error of a pixel for values from -1 to 1;
    of 0 to 1 it is half of it, since both sets of taps sum to 1. Two passes have at most twice
    that. They are held against the untruncated sampled Gaussian: sampled
    at the integers up to where its tail is below `TAIL`, and normalised to sum 1.

    Attributes:
        effective_sigma: standard deviation of the taps.
        cut_off: how much of the untruncated Gaussian lies beyond the taps, a share of 1.
        distance: from the untruncated Gaussian with the same centre.
        distance_from_centred: from the one centred on the pixel; larger for an even kernel.
        aliasing: what sampling alone does: the largest difference, over frequencies from 0 to pi,
            of the untruncated samples' response and the Gaussian's, `exp(-sigma^2 w^2 / 2)`.
        response_error: the same of these taps' response.
        response_error_at: the frequency of that difference, as a share of pi.
        nyquist: the response of the taps at the frequency pi.
        nyquist_gaussian: the Gaussian's.
    """

    effective_sigma: float
    cut_off: float
    distance: float
    distance_from_centred: float
    aliasing: float
    response_error: float
    response_error_at: float
    nyquist: float
    nyquist_gaussian: float


def fidelity(kernel: GaussianKernel) -> Fidelity:
    """Hold a kernel against its Gaussian."""
    whole = untruncated(kernel)
    frequencies, response = response_of(kernel)
    gaussian = np.exp(-0.5 * (kernel.sigma * frequencies) ** 2)
    error = np.abs(response - gaussian)
    worst = int(error.argmax())
    return Fidelity(
        effective_sigma=kernel.effective_sigma,
        cut_off=_beyond(whole, kernel),
        distance=distance(kernel.taps, whole.taps),
        distance_from_centred=distance(kernel.taps, GaussianKernel(whole.sigma, whole.radius).taps),
        aliasing=float(np.abs(response_of(whole)[1] - _gaussian_response(whole)).max()),
        response_error=float(error[worst]),
        response_error_at=float(frequencies[worst] / math.pi),
        nyquist=float(response[-1]),
        nyquist_gaussian=float(gaussian[-1]),
    )


def untruncated(kernel: GaussianKernel) -> GaussianKernel:
    """The same Gaussian, cut where its tail is below `TAIL`, or at the kernel if that is wider."""
    reach = math.ceil(math.sqrt(2) * kernel.sigma * scipy.special.erfcinv(TAIL / 2)) + 1
    radius = min(max(kernel.radius, reach), MAX_RADIUS)
    return GaussianKernel(kernel.sigma, radius, kernel.even)


def distance(taps: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    """The sum of the absolute differences of two sets of taps, odd in number and centred."""
    short, long = sorted((taps, others), key=len)
    margin = (len(long) - len(short)) // 2
    return float(np.abs(np.pad(short, margin) - long).sum())


def response_of(kernel: GaussianKernel) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Frequencies from 0 to pi, and the kernel's response there, around its own centre."""
    length = max(FREQUENCIES, 1 << (2 * kernel.radius + 1).bit_length())
    frequencies = np.linspace(0, math.pi, length // 2 + 1)
    response = kernel.response(length)[: length // 2 + 1]
    turned = response * np.exp(1j * kernel.shift * frequencies)
    return frequencies, np.asarray(turned.real)


def _gaussian_response(kernel: GaussianKernel) -> NDArray[np.float64]:
    frequencies, _ = response_of(kernel)
    return np.asarray(np.exp(-0.5 * (kernel.sigma * frequencies) ** 2))


def _beyond(whole: GaussianKernel, kernel: GaussianKernel) -> float:
    """How much of the whole Gaussian lies beyond the kernel's taps."""
    outer = whole.radius - kernel.radius
    last = len(whole.taps) - outer - (1 if kernel.even else 0)
    return float(whole.taps[:outer].sum() + whole.taps[last:].sum())


@dataclass(frozen=True)
class Choice:
    """A size for a sigma: by whose rule, and how far that kernel is from the whole Gaussian."""

    rule: str
    size: int
    distance: float


def choices(sigma: float) -> list[Choice]:
    """The sizes that libraries take for a sigma by default, and those that an accuracy needs."""
    radii = {
        "MATLAB imgaussfilt": math.ceil(2 * sigma),
        "DIPlib": math.ceil(3 * sigma),
        "OpenCV, uint8": _opencv_radius(sigma, 3),
        "OpenCV, float": _opencv_radius(sigma, 4),
        "SciPy, scikit-image": int(4 * sigma + 0.5),
    }
    whole = untruncated(GaussianKernel(sigma, 0))
    # Renormalising spreads what is cut over the taps, so that it counts twice.
    cut_off = 2 * _tails(whole)
    for accuracy in ACCURACIES:
        radii[f"distance up to {accuracy:g}"] = int(np.argmax(cut_off <= accuracy))
    return [
        Choice(rule, 2 * radius + 1, float(cut_off[min(radius, whole.radius)]))
        for rule, radius in radii.items()
    ]


def _opencv_radius(sigma: float, reach: int) -> int:
    """Of `round(2*sigma*reach + 1) | 1` taps (createGaussianKernels in OpenCV's smooth)."""
    return (round(2 * sigma * reach + 1) | 1) // 2


def _tails(whole: GaussianKernel) -> NDArray[np.float64]:
    """How much lies beyond each radius from 0 on."""
    one_side = np.cumsum(whole.taps[whole.radius + 1 :][::-1])[::-1]
    return np.asarray(2 * np.concatenate([one_side, [0.0]]))
