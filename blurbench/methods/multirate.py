"""A smoothed image of fewer samples, blurred, and smoothed as it grows: no sigma costs more.

Each line is weighed with B-splines that lie D samples apart, D = sigma / 2 or a little less; what
comes of it, a small line, is blurred; and the splines, weighed with that, add up to the line again.
Their filters are those of M. Unser, A. Aldroubi, M. Eden, "B-spline signal processing", IEEE
Transactions on Signal Processing 41, 1993, here for a D that need not be whole.

The bound. A spline of order p, p boxes of width D one after the other, lets a wave of theta turns
in D samples pass by sinc(theta)^p, sinc(t) = sin(pi t) / (pi t). On the small line, waves of theta
and theta + j are the same for whole j. So what goes in at theta + j, |theta| <= 1/2, comes out at
all theta + k, by

    sinc(theta + j)^p S(theta) sinc(theta + k)^p,

where S is the blur of the small line. That is G(theta) / sinc(theta)^(2p) for the Gaussian
G(theta) = exp(-(2 pi theta sigma / D)^2 / 2). Then the way of j = k = 0 is the Gaussian's, and all
others are errors: G(theta) r_j r_k with r_j = (theta / (theta + j))^p. (The sampled spline of order
2p, by which S divides, is sinc^(2p) but for a part of r_j^2.) Of the four largest, where one of j
and k is 1 or -1, each is G(theta) theta^p first of all: the p-th derivative of the Gaussian, whose
absolute values, for X normal and He_p the polynomial of Hermite, sum to E|He_p(X)| (D / (2 pi
sigma))^p. Hence

    error <= 4 E|He_p(X)| (D / (2 pi sigma))^p

to the first order: 4.5e-4 for p = 4, 7.5e-5 for p = 5 and 2.8e-6 for p = 7 at D = sigma / 2. With
all orders, on lines of several lengths under every border, it was found to be at most 6.5e-4,
9.3e-5 and 6.9e-6; `BOUNDS` says 1e-3, 1e-4 and 1e-5, the small kernel's cut tails included. A
kernel that is cut at 4 sigma is itself about 1e-4 from the Gaussian.

Below sigma 2 there are no samples to spare: each is kept, and only the taps' tails are cut.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from blurbench.methods.banded import product
from blurbench.methods.parallel import run_in_threads
from blurbench.methods.recursive import Outside
from blurbench.plan import Plan, empty, store
from blurbench.problem import Problem
from blurbench.splines import Detour, Entries, spacing_for

METHOD = "multirate"
REACH = 5  # of the small kernel, in sigmas
STRIP = 512  # values of a row that are worked on at a time: what comes of them stays in the cache


def operations(problem: Problem, order: int) -> float:
    """Multiply-adds that one image takes."""
    spacing = spacing_for(problem.kernel.sigma)
    taps = 2 * REACH * problem.kernel.sigma / spacing + 1
    # Down to fewer rows and up again; these rows blurred, and the same again along them.
    each = 2 * order + (taps + 2 * order) / spacing + taps / spacing**2
    return each * problem.height * problem.width * problem.channels


def work_bytes(problem: Problem) -> int:
    """Memory of a plan and its call: the image of fewer rows, and strips around each step."""
    height, row = problem.height, problem.width * problem.channels
    rows, most = small_count(problem, height), problem.threads * STRIP
    strips = max(min(most, row) * height, min(most, rows * problem.channels) * problem.width)
    return (rows * row + 3 * strips) * problem.work_dtype.itemsize


def small_count(problem: Problem, n: int) -> int:
    """Samples of the small line of a line of `n`, with those beside it."""
    beside = 2 * (3 + (small_radius(problem, n) if problem.border == "nearest" else 0))
    return math.ceil(n / spacing_for(problem.kernel.sigma)) + beside


def small_radius(problem: Problem, n: int) -> int:
    """Samples that the blur of the small line of a line of `n` reaches, at most."""
    sigma = problem.kernel.sigma
    spacing = spacing_for(sigma)
    if problem.border not in ("nearest", "constant"):  # the small line ends with the line
        spacing = min(spacing, max(1, n - 1) if problem.border == "mirror" else n)
    return math.ceil(REACH * sigma / spacing)


class MultiratePlan(Plan):
    """Blurs columns, then rows as columns of a copy that is turned about, in strips of columns.

    Args:
        order: one of `BOUNDS`.
        strip: values of a row that are worked on at a time.
        threads: that share the strips.
    """

    def __init__(
        self, xp: Any, problem: Problem, order: int, strip: int = STRIP, threads: int = 1
    ) -> None:
        super().__init__(xp, problem)
        sigma, outside = problem.kernel.sigma, Outside(problem.border, problem.cval)
        dtype = getattr(xp, problem.work_dtype.name)
        self._down, self._along = (
            MultiratePass(xp, n, order, sigma, outside, dtype) for n in problem.shape[:2]
        )
        self._strip, self._threads = strip, threads
        self._turned = self._hold(
            empty(xp, (problem.width, problem.channels, self._down.count), dtype)
        )

    def _run(self, image: Any, out: Any) -> None:
        xp, turned, channels = self._xp, self._turned, self.problem.channels
        rows = xp.reshape(turned, (turned.shape[0], -1))

        def shrink(part: slice) -> None:
            lines = xp.reshape(image[:, part, ...], (image.shape[0], -1))
            small = xp.reshape(self._down.shrink(lines), (self._down.count, -1, channels))
            turned[part, ...] = xp.permute_dims(small, (1, 2, 0))

        def along(part: slice) -> None:
            rows[:, part] = self._along(rows[:, part])

        def grow(part: slice) -> None:
            small = xp.asarray(xp.permute_dims(turned[part, ...], (2, 0, 1)), copy=True)
            self._down.grow(xp.reshape(small, (self._down.count, -1)), out[:, part, ...])

        self._share(shrink, turned.shape[0], max(1, self._strip // channels))
        self._share(along, rows.shape[1], self._strip)
        self._share(grow, turned.shape[0], max(1, self._strip // channels))

    def _share(self, step: Callable[[slice], None], count: int, width: int) -> None:
        """Call a step on parts of so many columns, by whichever thread is free."""
        starts = iter(range(0, count, width))

        def work(thread: int) -> None:
            for start in starts:
                step(slice(start, min(start + width, count)))

        run_in_threads(work, range(min(self._threads, -(-count // width))))


class MultiratePass:
    """Blurs lines `(n, lines)` by way of small ones.

    Attributes:
        count: samples of a small line.
    """

    def __init__(
        self, xp: Any, n: int, order: int, sigma: float, outside: Outside, dtype: Any
    ) -> None:
        detour = Detour.over(n, outside.border, sigma, order)
        self._down, self._across, self._up = (
            Bands(xp, one, dtype) for one in (detour.down, detour.across, detour.up)
        )
        self.count = detour.across.shape[0]
        self._beside = None
        if outside.border == "constant" and outside.cval:
            self._beside = outside.cval * (1 - self.shrink(xp.ones((n, 1), dtype=dtype)))

    def __call__(self, lines: Any) -> Any:
        """The lines, blurred."""
        return self.grow(self.shrink(lines))

    def shrink(self, lines: Any) -> Any:
        """The small lines, blurred."""
        small = self._across(self._down(lines))
        return small if self._beside is None else small + self._beside

    def grow(self, small: Any, out: Any = None) -> Any:
        """The lines that small ones stand for, in `out` or a fresh array."""
        return self._up(small, out)


class Bands:
    """A matrix of few entries, times lines, some neighbouring rows at a time."""

    def __init__(self, xp: Any, entries: Entries, dtype: Any) -> None:
        self._xp, self._dtype, self._count = xp, dtype, entries.shape[0]
        self._blocks = [
            (
                rows,
                columns if isinstance(columns, slice) else xp.asarray(columns),
                xp.astype(xp.asarray(weights), dtype),
            )
            for rows, columns, weights in entries.blocks()
        ]

    def __call__(self, lines: Any, out: Any = None) -> Any:
        """Lines `(columns, count)` of any type to `(rows, ...)`, in `out` or a fresh array."""
        xp = self._xp
        if out is None:
            out = xp.empty((self._count, lines.shape[1]), dtype=self._dtype)
        for rows, columns, weights in self._blocks:
            part = xp.astype(lines[columns, :], self._dtype, copy=False)
            made = out[rows, ...]
            store(xp, xp.reshape(product(xp, weights, part), made.shape), made)
        return out
