"""What a plan is: an implementation prepared for one problem, then called on image after image."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from blurbench.adjoint import transpose
from blurbench.errors import InputError
from blurbench.memory import fresh_block, result_memory
from blurbench.problem import Problem


class Plan:
    """An implementation prepared for one problem: `plan(image, out=None)`, again and again.

    A plan owns its kernel spectrum, transform lengths and work buffers, so one plan serves one
    thread at a time. Subclasses implement `_run`; those that blur a stack faster than image after
    image, `_run_stack` too.

    Attributes:
        problem: what it was prepared for.
        nbytes: memory that it holds, in bytes.
        prepare: makes a plan by the same implementation for another problem; None where the
            implementation is approximate.
    """

    prepare: Callable[[Problem], Plan] | None = None

    def __init__(self, xp: Any, problem: Problem) -> None:
        self.problem = problem
        self.nbytes = 0
        self._siblings: dict[Problem, Plan] = {}
        self._xp = xp
        self._dtype = xp.empty((0,), dtype=getattr(xp, problem.dtype.name)).dtype
        # A namespace without this test has no views to overlap through either.
        self._overlap: Callable[[Any, Any], bool] = getattr(
            xp, "may_share_memory", lambda a, b: False
        )

    def __call__(self, image: Any, out: Any = None) -> Any:
        """Blur `image`, of the problem's shape and dtype, into `out` or a fresh array.

        `out` may be the image itself. Not-a-number and infinite pixels are not looked for.

        Raises:
            InputError: image or out has another shape or dtype than the plan was made for, is no
                array of the plan's kind, or out cannot be written to.
        """
        return self._fill(out, self._run, image, "image", self.problem.shape)

    def stack(self, images: Any, out: Any = None) -> Any:
        """Blur each of a stack of equal images, as a call blurs one, into `out` or a fresh array.

        Shapes: images, out and result are `(N, H, W)` or `(N, H, W, C)`, N images of the problem's
        shape and dtype; N may be 0. `out` may be the images themselves or overlap them, and then
        they are copied first, all of them.

        Raises:
            InputError: images or out have another shape or dtype than that, are no arrays of the
                plan's kind, or out cannot be written to.
        """
        images = self._array(images, "images")
        shape = (*getattr(images, "shape", ())[:1], *self.problem.shape)
        return self._fill(out, self._run_stack, images, "images", shape)

    def __reduce__(self) -> str | tuple[Any, ...]:
        raise TypeError(
            "a plan holds work memory and compiled code and cannot be pickled: "
            "pickle the arguments of blurbench.prepare, and prepare it there"
        )

    def adjoint(self, gradient: Any, out: Any = None) -> Any:
        """Apply the transpose of the blur, its border included, to `gradient`.

        This is the backward pass: where `gradient` is the derivative of a loss by each pixel of
        the blurred image, the result is its derivative by each pixel of the image. For all x and
        y, `sum(plan(x) * y) == sum(x * plan.adjoint(y))` to rounding; of a `constant` border
        that is true of the linear part, so `cval` counts as 0.

        Shapes: gradient and result have the image's, `(H, W)` or `(H, W, C)`, and its dtype. Each
        channel is blurred on its own, so each channel's gradient goes back on its own; nothing
        is summed over channels, which would give the derivative by the taps, and those are not
        learnt.

        An output pixel gathers its neighbours, weighted by the taps; so an input pixel gets back
        what it gave to each neighbour, weighted by the same taps seen from the other end: a
        correlation with the flipped kernel. A Gaussian flipped is itself. Pixels that the border
        repeats outside the image gave more than once, so what belongs to their copies is folded
        back onto them. Under `reflect`, `wrap` and `constant` all of it is the blur itself;
        under `mirror` and `nearest` it is not (see `blurbench.adjoint`).

        `out` may be the gradient itself. The first call may prepare further plans, which are
        kept and counted in `nbytes`.

        Raises:
            InputError: the plan is of integers, approximate or of an even kernel; gradient or
                out is refused as a call refuses it; or the border is `nearest` and the
                implementation cannot do `constant`.
        """
        if self.prepare is None:
            raise InputError(
                "this plan has no adjoint: call blurbench.prepare with an exact method, "
                "such as separable"
            )
        if self.problem.dtype.kind != "f":
            raise InputError(
                f"a plan of {self.problem.dtype} has no adjoint, for it rounds: "
                "prepare it with dtype float32"
            )
        if self.problem.kernel.even:  # flipped, it shifts the other way
            raise InputError(
                f"a plan of even size {self.problem.kernel.size} has no adjoint: use an odd size"
            )
        run = partial(transpose, self._xp, self.problem, self.sibling)
        return self._fill(out, run, gradient, "gradient", self.problem.shape)

    def sibling(self, **changes: Any) -> Plan:
        """The plan by the same implementation for the problem with these changes; kept."""
        problem = replace(self.problem, **changes)
        if problem == self.problem:
            return self
        if problem not in self._siblings:
            assert self.prepare is not None
            self._siblings[problem] = self.prepare(problem)
            self.nbytes += self._siblings[problem].nbytes
        return self._siblings[problem]

    def _fill(
        self,
        out: Any,
        run: Callable[[Any, Any], None],
        given: Any,
        name: str,
        shape: tuple[int, ...],
    ) -> Any:
        """Let `run` write into `out` or a fresh array what it makes of the given one.

        Args:
            shape: that both are to have, of one image or of a stack.
        """
        given = self._array(given, name)
        self._check(given, name, shape)
        if out is None:
            if self._xp is np:
                out, target = result_memory.lend(shape, self._dtype)
            else:
                out = target = self._xp.empty(shape, dtype=self._dtype)
        else:
            self._check(out, "out", shape)
            # Compiled code does not ask: it would write into memory that is not ours.
            if self._xp is np and not (isinstance(out, np.ndarray) and out.flags.writeable):
                raise InputError(
                    f"out is a {type(out).__name__} that cannot be written to: "
                    "give a NumPy array that can, or none for a fresh one"
                )
            if self._overlap(given, out):
                given = self._xp.asarray(given, copy=True)
            target = np.asarray(out) if self._xp is np else out
        run(given, target)
        return out

    def _array(self, given: Any, name: str) -> Any:
        """What was given as a plain array: libraries look past a labelled or masked one's own."""
        if self._xp is not np or type(given) is np.ndarray:
            return given
        refuse_mask(given, name)
        try:
            return np.asarray(given)
        except Exception as error:  # whatever kind of object it is
            said = " ".join(str(error).split())
            raise InputError(
                f"{name} is a {type(given).__name__}, which is no array: {said}"
            ) from None

    def _hold(self, array: Any) -> Any:
        """Count an array of the work type as this plan's own."""
        self.nbytes += array.size * self.problem.work_dtype.itemsize
        return array

    def _run(self, image: Any, out: Any) -> None:
        raise NotImplementedError

    def _run_stack(self, images: Any, out: Any) -> None:
        """Blur each image; all was checked, and `out` lies elsewhere."""
        for number in range(images.shape[0]):
            self._run(images[number], out[number])

    def _check(self, array: Any, name: str, shape: tuple[int, ...]) -> None:
        if array.shape != shape or array.dtype != self._dtype:
            dtype, one = self.problem.dtype, self.problem.shape
            wanted = f"this plan was made for {dtype} {one}"
            if shape != one:
                sides = ", ".join(map(str, one))
                wanted = (
                    f"a stack for this plan is {dtype} (N, {sides}), with one N for images and out"
                )
            raise InputError(f"{name} is {array.dtype} {tuple(array.shape)}: {wanted}")


def refuse_mask(given: Any, name: str) -> None:
    """Raise InputError for a masked array, whose plain array shows what the mask hides."""
    if isinstance(given, np.ma.MaskedArray):
        raise InputError(
            f"{name} is a masked array, and a blur spreads what its mask hides: "
            f"give {name}.filled(value)"
        )


class PlanePlan(Plan):
    """A plan that blurs one channel after another through the same buffers.

    Subclasses implement `_plane`.
    """

    def _run(self, image: Any, out: Any) -> None:
        if image.ndim == 2:
            self._plane(image, out)
        else:
            for channel in range(image.shape[2]):
                self._plane(image[:, :, channel], out[:, :, channel])

    def _plane(self, image: Any, out: Any) -> None:
        raise NotImplementedError


def empty(xp: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """An array for work that is timed; on the host in fresh memory, at a page's start.

    The same code runs up to 3 % faster or slower with where the allocator happens to put its
    arrays and what lay there before; a benchmark must not rank that.
    """
    if xp is not np:
        return xp.empty(shape, dtype=dtype)
    nbytes = math.prod(shape) * np.dtype(dtype).itemsize
    return np.frombuffer(fresh_block(nbytes), dtype).reshape(shape)


def store(xp: Any, values: Any, out: Any) -> None:
    """Write float `values` into `out`, rounded to nearest and clipped where `out` is integer."""
    if xp.isdtype(out.dtype, "integral"):
        info = xp.iinfo(out.dtype)
        values = xp.clip(xp.round(values), info.min, info.max)
        out[...] = xp.astype(values, out.dtype)
    else:
        out[...] = xp.astype(values, out.dtype, copy=False)
