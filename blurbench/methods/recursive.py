"""Filters whose output feeds back, so that their cost does not depend on sigma.

A kernel that is a sum of `weight * pole ** |m|` is run term by term, along the line for m from 0 on
and against it for the others; added up, and not multiplied out to one filter of a high order, they
keep their digits however large sigma is. What lies outside the image enters through the outputs
that a filter would have had there: sums of inside samples, weighed with its impulse response.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from blurbench.border import sums_before

NEGLIGIBLE = 1e-18  # of an impulse response: what is left of it beyond

Sums = Callable[[Any], Any]  # of lines `(n, ...)`: `(count, ...)`


@dataclass(frozen=True)
class Term:
    """`weight * pole ** m`; of a complex one it is twice the real part, as its conjugate joins."""

    weight: complex
    pole: complex

    @property
    def gain(self) -> float:
        """The sum of the term over all m, to either side."""
        weight, pole = complex(self.weight), complex(self.pole)
        return (weight * (1 + pole) / (1 - pole)).real * (2 if pole.imag else 1)


@dataclass(frozen=True)
class Recursion:
    """`y[n] = sum(forward[j] * x[n-j]) - sum(back[k] * y[n-1-k])`, causal and stable.

    Attributes:
        slowest: the largest modulus of its poles.
    """

    forward: tuple[float, ...]
    back: tuple[float, ...]
    slowest: float

    def response(self) -> list[float]:
        """The impulse response, until it is negligible."""
        length = int(math.log(NEGLIGIBLE) / math.log(self.slowest)) + 4
        out: list[float] = []
        for n in range(length):
            total = self.forward[n] if n < len(self.forward) else 0.0
            total -= sum(b * out[n - 1 - k] for k, b in enumerate(self.back) if n > k)
            out.append(total)
        return out


def along(term: Term) -> Recursion:
    """The filter of a term for m from 0 on."""
    weight, pole = complex(term.weight), complex(term.pole)
    if not pole.imag:
        return Recursion((weight.real,), (-pole.real,), abs(pole))
    forward = (2 * weight.real, -2 * (weight * pole.conjugate()).real)
    return Recursion(forward, (-2 * pole.real, abs(pole) ** 2), abs(pole))


def against(term: Term) -> Recursion:
    """That for m from 1 on."""
    later = along(Term(term.weight * term.pole, term.pole))
    return Recursion((0.0, *later.forward), later.back, later.slowest)


@dataclass(frozen=True)
class Outside:
    """What lies before lines of `n` samples, as sums of their samples.

    Each sum takes lines `(n, ...)`; that next to the first sample comes first. All borders are the
    same from either end.
    """

    border: str
    cval: float

    def samples(self, xp: Any, n: int, count: int) -> Sums:
        """The samples themselves."""
        return self._sums(xp, n, [1.0], count)

    def outputs(self, xp: Any, n: int, filter_: Recursion) -> Sums:
        """What a filter along the lines has put out before."""
        taps = filter_.response()
        return self._sums(xp, n, [*taps[::-1], *[0.0] * (len(taps) - 1)], len(filter_.back))

    def _sums(self, xp: Any, n: int, taps: Sequence[float], count: int) -> Sums:
        matrix, outside = sums_before(taps, count, n, self.border)
        weights, constants = xp.asarray(matrix), xp.asarray(outside * self.cval)

        def sums(lines: Any) -> Any:
            found = xp.tensordot(weights, lines, axes=1)
            return found + xp.reshape(constants, (count, *(1,) * (lines.ndim - 1)))

        return sums


class RecursivePass:
    """Blurs lines `(n, ...)` by the sum of terms, both ways."""

    def __init__(self, xp: Any, n: int, terms: Sequence[Term], outside: Outside) -> None:
        self._xp = xp
        self._ways = [
            [_Run(xp, n, one(term), outside) for term in terms] for one in (along, against)
        ]

    def __call__(self, lines: Any) -> Any:
        there, back = self._ways
        turned = self._xp.flip(lines, axis=0)
        total = sum(run(lines) for run in there)
        return total + self._xp.flip(sum(run(turned) for run in back), axis=0)


class _Run:
    """A filter down lines."""

    def __init__(self, xp: Any, n: int, filter_: Recursion, outside: Outside) -> None:
        self._xp, self._filter = xp, filter_
        self._inputs = outside.samples(xp, n, len(filter_.forward) - 1)
        self._outputs = outside.outputs(xp, n, filter_)

    def __call__(self, lines: Any) -> Any:
        out = self._xp.empty_like(lines)
        inputs, outputs = list(self._inputs(lines)), list(self._outputs(lines))
        for n in range(lines.shape[0]):
            inputs = [lines[n, ...], *inputs[: len(self._filter.forward) - 1]]
            total = -self._filter.back[0] * outputs[0]
            for b, one in zip(self._filter.back[1:], outputs[1:], strict=True):
                total = total - b * one
            for f, one in zip(self._filter.forward, inputs, strict=True):
                total = total + f * one
            out[n, ...] = total
            outputs = [total, *outputs[:-1]]
        return out
