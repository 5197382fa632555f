"""The transpose of a blur, border included, made of blurs.

Without a border the matrix of a blur holds `taps[i - j]`, and its transpose `taps[j - i]`: the
correlation with the flipped kernel, which for symmetric taps is the kernel itself. A border makes
an outside sample of some inside one, so the transpose adds what falls outside to that sample:

- `reflect`, `wrap` and `constant` do so symmetrically: the blur is its own transpose.
- `mirror` repeats every sample once in a period of 2N - 2 but the two at the ends, which the blur
  of the period, symmetric itself, therefore weighs half: A' = W A W^-1, W being 1/2 at the ends.
- `nearest` makes every outside sample of the one at the end, which gathers them all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from blurbench.plan import Problem

Blur = Callable[[Any], Any]


def transposed(xp: Any, problem: Problem, blur: Blur, prepare: Callable[[Problem], Blur]) -> Blur:
    """What applies the transpose of the linear part of a blur.

    Args:
        blur: the plan of the problem.
        prepare: makes a plan of the same implementation for another problem.
    """
    if problem.border == "mirror":
        return lambda gradient: _weigh_ends(xp, blur(_weigh_ends(xp, gradient, 2.0)), 0.5)
    if problem.border == "constant" and problem.cval != 0:
        return prepare(replace(problem, cval=0.0))
    if problem.border != "nearest":
        return blur
    # One sample of zeros beyond what the blur can reach: the border repeats those.
    margin = problem.kernel.radius + 1
    height, width, *channels = problem.shape
    shape = (height + 2 * margin, width + 2 * margin, *channels)
    wider = prepare(replace(problem, shape=shape))
    inside = slice(margin, margin + height), slice(margin, margin + width)

    def gather(gradient: Any) -> Any:
        spread = xp.zeros(shape, dtype=gradient.dtype)
        spread[(*inside, ...)] = gradient
        return _fold(xp, _fold(xp, wider(spread), 0, inside[0]), 1, inside[1])

    return gather


def _weigh_ends(xp: Any, image: Any, weight: float) -> Any:
    """A copy whose first and last rows and columns are multiplied, where they are not the same."""
    weighed = xp.asarray(image, copy=True)
    for axis in (0, 1):
        if image.shape[axis] > 1:
            for end in (0, -1):
                weighed[(*(slice(None),) * axis, end, ...)] *= weight
    return weighed


def _fold(xp: Any, image: Any, axis: int, inside: slice) -> Any:
    """What lies inside along an axis, the rest being added to its ends."""
    lead = (slice(None),) * axis
    kept = image[(*lead, inside, ...)]
    for end, outside in ((0, slice(0, inside.start)), (-1, slice(inside.stop, None))):
        # As many terms as the radius: in float32 they would lose digits.
        gathered = xp.sum(image[(*lead, outside, ...)], axis=axis, dtype=xp.float64)
        kept[(*lead, end, ...)] += xp.astype(gathered, image.dtype)
    return kept
