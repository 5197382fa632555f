"""What the image is blurred with: the sampled, truncated, normalised Gaussian."""

from __future__ import annotations

import math
import numbers
import operator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench.errors import InputError

MAX_RADIUS = 2**20
CUT = 0.9  # of sigma: taps whose own is less are cut too short to be that Gaussian
# Below, the taps no longer change; above, no kernel reaches as far as one sigma.
MIN_SIGMA, MAX_SIGMA = 1e-3, 2.0**20


@dataclass(frozen=True)
class GaussianKernel:
    """A Gaussian sampled at the integers -radius..radius and normalised to sum 1.

    Make one with `from_sigma` or `from_size`; the same taps go to every implementation.

    An even kernel is sampled halfway between: at -radius + 1/2..radius - 1/2. It lies on the
    offsets -radius..radius - 1, as SciPy and OpenCV centre an even kernel, so the blurred image
    lies half a pixel further down and to the right; a last tap of 0 makes the number odd.

    Attributes:
        sigma: standard deviation of the sampled Gaussian, in pixels.
        radius: pixels on each side of the centre; from 1 where the taps are of an even number.
        even: whether the taps are of an even number.
        taps: float64, read-only, shape `(2 * radius + 1,)`.

    Raises:
        InputError: sigma is not from `MIN_SIGMA` to `MAX_SIGMA`, or there is no such radius.
    """

    sigma: float
    radius: int
    even: bool = False
    taps: NDArray[np.float64] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check_sigma(self.sigma)
        object.__setattr__(self, "radius", _integer(self.radius, "radius"))
        least = 1 if self.even else 0
        if not least <= self.radius <= MAX_RADIUS:
            raise InputError(f"radius {self.radius} is out of range: use {least} to {MAX_RADIUS}")
        offsets = np.arange(-self.radius, self.radius + 1, dtype=np.float64) + self.shift
        apart = np.abs(offsets)
        # (a - s)(a + s) in place of a*a, which is s*s more, keeps the smallest sigmas from
        # underflowing to 0/0.
        near, far = (apart - self.shift) / self.sigma, (apart + self.shift) / self.sigma
        taps = np.exp(-0.5 * (near * far))
        if self.even:
            taps[-1] = 0
        taps /= taps.sum()
        taps.flags.writeable = False
        object.__setattr__(self, "taps", taps)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Keep the taps read-only in what a pickle or a copy brings: NumPy brings them writable."""
        self.__dict__.update(state)
        self.taps.flags.writeable = False

    @classmethod
    def from_sigma(
        cls, sigma: float, *, truncate: float = 4.0, radius: int | None = None
    ) -> GaussianKernel:
        """The kernel for a standard deviation, cut at `truncate` sigmas or at `radius` pixels.

        The radius is `int(truncate * sigma + 0.5)`, as in scipy.ndimage.gaussian_filter.

        Raises:
            InputError: sigma is not from `MIN_SIGMA` to `MAX_SIGMA`, truncate is not a finite
                number above 0, or radius is negative.
        """
        sigma = _check_sigma(sigma)
        if radius is None:
            reach = as_number(truncate, "truncate") * sigma
            if not truncate > 0 or not math.isfinite(truncate):
                raise InputError(f"truncate {truncate} is not usable: give a finite number above 0")
            if reach > MAX_RADIUS:
                raise InputError(
                    f"sigma {sigma:g} cut at {truncate:g} sigmas reaches {reach:g} pixels: "
                    f"the largest radius is {MAX_RADIUS}"
                )
            radius = int(reach + 0.5)
        return cls(sigma, _integer(radius, "radius"))

    @classmethod
    def from_size(
        cls, size: int, sigma: float | None = None, *, allow_even: bool = False
    ) -> GaussianKernel:
        """The kernel of an odd number of taps, or of any if even ones are allowed.

        Without `sigma`, OpenCV's formula gives it: `0.3 * ((size - 1) * 0.5 - 1) + 0.8`
        (getGaussianKernel; its fixed tables for small sizes are not used).

        Raises:
            InputError: size is not an odd whole number from 1, or sigma is not from `MIN_SIGMA`
                to `MAX_SIGMA`.
        """
        size = _integer(size, "size")
        if size < 1:
            raise InputError(f"size {size} is not usable: give an odd whole number from 1 up")
        if size > 2 * MAX_RADIUS + 1:
            raise InputError(f"size {size} is too large: the largest is {2 * MAX_RADIUS + 1}")
        if size % 2 == 0 and not allow_even:
            raise InputError(
                f"size {size} is even: a centred even kernel shifts the image by half a pixel; "
                f"use {size - 1} or {size + 1}"
            )
        if sigma is None:
            sigma = 0.3 * ((size - 1) * 0.5 - 1) + 0.8
        return cls(_check_sigma(sigma), size // 2, even=size % 2 == 0)

    @property
    def size(self) -> int:
        """Number of taps, `2 * radius + 1`; one less in an even kernel."""
        return 2 * self.radius + (0 if self.even else 1)

    @property
    def shift(self) -> float:
        """Pixels by which the blurred image lies further down and to the right."""
        return 0.5 if self.even else 0.0

    @property
    def effective_sigma(self) -> float:
        """Standard deviation of the taps, in pixels: less than sigma where they are cut short."""
        return standard_deviation(self.taps)

    @property
    def is_cut(self) -> bool:
        """Whether the taps end so soon that the blur is clearly less than sigma asks for."""
        return self._is_sampled and self.effective_sigma < CUT * self.sigma

    @property
    def _is_sampled(self) -> bool:
        """Whether there are taps enough, and near enough, to show a Gaussian at all."""
        return self.size >= 5 and self.sigma >= 0.8

    @property
    def note(self) -> str | None:
        """Why this kernel does not behave like a centred Gaussian, if it does not."""
        notes = []
        if self.even:
            notes.append(
                f"size {self.size} is even: the blurred image lies half a pixel "
                "further down and to the right"
            )
        elif not self._is_sampled:
            notes.append(
                f"{self.size} taps at sigma {self.sigma:g} do not behave like a Gaussian: "
                "that takes 5 taps and sigma 0.8 or more"
            )
        if self.is_cut:
            notes.append(
                f"size {self.size} cuts sigma {self.sigma:g} short: the effective sigma is "
                f"{self.effective_sigma:.3g}"
            )
        return "; ".join(notes) or None

    def dense(self) -> NDArray[np.float64]:
        """The 2-D taps, shape `(size, size)`: the outer product of the taps with themselves."""
        return np.outer(self.taps, self.taps)

    def response(self, length: int) -> NDArray[Any]:
        """The transform of the taps, centred on index 0 of a circle of `length` samples.

        Real where the taps are symmetric: `t[0] + 2*sum(t[j]*cos(2*pi*f*j/length))`,
        f = 0..length-1; of an even kernel complex, with the phase of its shift. Taps beyond the
        circle wrap around it. Shape `(length,)`, float64 or complex128.
        """
        circle = np.zeros(length)
        np.add.at(circle, np.arange(-self.radius, self.radius + 1) % length, self.taps)
        spectrum = np.fft.fft(circle)
        return spectrum.conj() if self.even else spectrum.real


def make_kernel(
    sigma: float | None = None,
    size: int | None = None,
    truncate: float = 4.0,
    allow_even: bool = False,
) -> GaussianKernel:
    """The kernel for a size, a sigma (cut at `truncate` sigmas), or both.

    Raises:
        InputError: neither is given, or one is not usable.
    """
    if size is not None:
        return GaussianKernel.from_size(size, sigma, allow_even=allow_even)
    if sigma is not None:
        return GaussianKernel.from_sigma(sigma, truncate=truncate)
    raise InputError("no kernel is given: pass sigma, size or both")


def standard_deviation(taps: NDArray[np.float64]) -> float:
    """Of the taps around their mean, in pixels."""
    offsets = np.arange(len(taps)) - len(taps) // 2
    mean = float(taps @ offsets)
    return math.sqrt(float(taps @ (offsets - mean) ** 2))


def as_number(value: Any, name: str) -> float:
    """A real number as a float.

    Raises:
        InputError: it is none, or larger than any float.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise InputError(f"{name} {value!r} is not a number: give one, as in 2.5")
    try:
        return float(value)
    except OverflowError:
        raise InputError(f"{name} is too large a number: give a smaller one") from None


def _integer(value: Any, name: str) -> int:
    try:
        if isinstance(value, bool):
            raise TypeError
        return operator.index(value)
    except TypeError:
        raise InputError(f"{name} {value!r} is not a whole number") from None


def _check_sigma(sigma: Any) -> float:
    value = as_number(sigma, "sigma")
    if not (math.isfinite(value) and value > 0):
        raise InputError(f"sigma {value:g} is not usable: give a finite number above 0")
    if value < MIN_SIGMA:
        raise InputError(f"sigma {value:g} is too small: the smallest is {MIN_SIGMA:g}")
    if value > MAX_SIGMA:
        raise InputError(f"sigma {value:g} is too large: the largest is {MAX_SIGMA:.0f}")
    return value


SMALLEST = GaussianKernel(1.0, 0)  # a single tap
