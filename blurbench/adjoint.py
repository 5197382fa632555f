"""The transpose of a blur and its border, made of blurs by the same implementation.

Inside the image the blur holds `taps[i - j]`, so its transpose `taps[j - i]`: a correlation with
the flipped kernel, and that is the kernel itself. The border copies pixels to the outside, so the
transpose adds up on each pixel what falls on its copies. Along an axis of N:

- `reflect` and `wrap` copy all pixels equally often, `constant` none: this folding is the blur's
  own, which is its own transpose.
- `mirror` has the two ends once in a period of 2N - 2 and all others twice: with W = 1/2 at the
  ends and 1 elsewhere, A' = W A W^-1.
- `nearest` copies the ends alone: A' is the blur under `constant` 0, and what falls beyond an end
  is added to the end. It need not be laid out: from pixel i it is the tail `sum(taps[d], d > i)`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from blurbench.problem import Problem

Blur = Callable[..., Any]  # of an image, into `out` where that is given
BlurFor = Callable[..., Blur]  # the blur for the problem with some attributes changed
FIRST, LAST = slice(0, 1), slice(-1, None)


def transpose(xp: Any, problem: Problem, blur_for: BlurFor, gradient: Any, out: Any) -> None:
    """Write into `out` what the transpose of the linear part of a blur makes of `gradient`."""
    if problem.dtype == problem.work_dtype:
        _transpose(xp, problem, blur_for, gradient, out)
    else:  # float16 may overflow between the steps
        work = getattr(xp, problem.work_dtype.name)
        result = xp.empty(problem.shape, dtype=work)
        _transpose(xp, problem, blur_for, xp.astype(gradient, work), result)
        out[...] = xp.astype(result, out.dtype)


def _transpose(xp: Any, problem: Problem, blur_for: BlurFor, gradient: Any, out: Any) -> None:
    """The same in the work type."""
    blur_for = partial(blur_for, dtype=problem.work_dtype)
    if problem.border == "mirror":
        gradient = xp.asarray(gradient, copy=True)
        _scale_ends(gradient, 2.0)
        blur_for()(gradient, out)
        _scale_ends(out, 0.5)
    elif problem.border == "nearest":
        zero_outside = partial(blur_for, border="constant", cval=0.0)
        zero_outside()(gradient, out)
        _add_beyond(xp, problem, zero_outside, gradient, out)
    else:
        blur_for(cval=0.0)(gradient, out)


def _scale_ends(image: Any, factor: float) -> None:
    """Multiply the first and the last row and column; one that is both, twice."""
    for axis in (0, 1):
        for side in (FIRST, LAST):
            image[_at(axis, side)] *= factor


def _add_beyond(xp: Any, problem: Problem, zero_outside: BlurFor, gradient: Any, out: Any) -> None:
    """Add to the sides of `out` what a blur of `gradient` spreads beyond them.

    What falls beyond a side is a line to be blurred along that side. As an image of its own,
    under `constant` 0, it is also multiplied by the centre tap: nothing lies across.
    """
    height, width, *channels = problem.shape
    centre = float(problem.kernel.taps[problem.kernel.radius])
    for axis, shape in ((0, (1, width, *channels)), (1, (height, 1, *channels))):
        blur = zero_outside(shape=shape)
        for side in (FIRST, LAST):
            line = _beyond(xp, problem, gradient, axis, side)
            out[_at(axis, side)] += blur(line) / centre
            if axis == 1:  # and what falls beyond both, at the corners
                for end in (FIRST, LAST):
                    out[(end, side, ...)] += _beyond(xp, problem, line, 0, end)


def _beyond(xp: Any, problem: Problem, image: Any, axis: int, side: slice) -> Any:
    """What a blur along `axis` spreads beyond `side`, added up; of length 1 along the axis."""
    radius, n = problem.kernel.radius, image.shape[axis]
    reach = min(radius, n)
    tails, near = np.cumsum(problem.kernel.taps[:radius])[::-1][:reach], slice(0, reach)
    if side == LAST:
        tails, near = tails[::-1], slice(n - reach, n)
    across = (1,) * axis + (reach,) + (1,) * (image.ndim - axis - 1)
    weights = xp.asarray(tails.reshape(across).astype(problem.work_dtype))
    return xp.sum(image[_at(axis, near)] * weights, axis=axis, keepdims=True)


def _at(axis: int, where: slice) -> tuple[Any, ...]:
    """The index of a part along an axis."""
    return (*(slice(None),) * axis, where, ...)
