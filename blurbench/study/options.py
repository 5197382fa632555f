"""What a measurement is told, and the problem and implementations that follow from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from blurbench.backends.backend import Backend, Implementation
from blurbench.backends.own_blur import OwnBlur
from blurbench.backends.registry import check_method, find_backends
from blurbench.errors import InputError
from blurbench.image import Image
from blurbench.kernel import GaussianKernel
from blurbench.measure.judge import Rules
from blurbench.problem import Problem
from blurbench.recipe import Recipe


@dataclass(frozen=True)
class Options:
    """What every measurement can be told; None means: decide here.

    Attributes:
        backends: names, or `cpu` and `gpu` for all of a kind; empty for all.
        methods: names, or empty for all.
        threads: for libraries that can be told; None is the CPUs this process may use.
        device: number of the GPU.
        tf32: whether a GPU's libraries may round float32 factors to TF32; their error then shows.
        cache: `hot`, or `cold` to rotate images through more than the last-level cache.
        budget: seconds for the whole comparison.
        rounds: most rounds of a race.
        same: ratios within 1/(1+same)..1+same are the same speed.
        processes: restarts that the measurement is spread over.
        seed: of the order of the rounds.
        keep: times the best of its origin; what is slower is measured once. None races all.
        tolerance: error, as a share of the largest value, up to which an approximation competes.
        own: a person's own blurs, which run whichever backends and methods are named.
    """

    backends: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    border: str = "reflect"
    cval: float = 0.0
    dtype: str = "float32"
    threads: int | None = None
    device: int = 0
    tf32: bool = False
    cache: str = "hot"
    budget: float | None = None
    rounds: int | None = None
    same: float = Rules.same
    processes: int = 1
    seed: int | None = None
    keep: float | None = None
    tolerance: float | None = None
    own: tuple[OwnBlur, ...] = ()

    @property
    def rules(self) -> Rules:
        """By which races are judged."""
        return Rules(same=self.same, most=self.rounds, keep=self.keep, tolerance=self.tolerance)

    def recipe(self, kernel: GaussianKernel) -> Recipe:
        """The blur that is measured; backend and method are those of whoever competes."""
        return Recipe(kernel, self.border, self.cval)


def problem_for(image: Image, kernel: GaussianKernel, options: Options) -> Problem:
    """The problem that an image, a kernel and the options pose.

    Raises:
        InputError: an option cannot be used, or the dtype cannot hold the image's pixels.
    """
    dtype, own = np.dtype(options.dtype), image.pixels.dtype
    if dtype.kind != "f" and not np.can_cast(own, dtype):
        raise InputError(
            f"dtype {dtype} cannot hold this image's {own} pixels: use {own} or float32"
        )
    if dtype == np.float16 and float(image.pixels.max()) > float(np.finfo(dtype).max):
        raise InputError(
            f"dtype {dtype} ends at 65504, below this image's largest pixel: use float32"
        )
    return options.recipe(kernel).problem(tuple(image.pixels.shape), dtype, options.threads)


def chosen(options: Options) -> list[tuple[Backend, Implementation]]:
    """The implementations that the options name, in the order of the registry, then one's own.

    Approximate ones are left out unless a method, a tolerance or a backend without others is named.

    Raises:
        InputError: a name is unknown, or no named backend offers a named method.
    """
    owners = find_backends(options.backends)
    for method in options.methods:
        check_method(method)
    pairs = [
        (owner, one)
        for owner in owners
        for one in owner.implementations
        if not options.methods or one.method in options.methods
        if one.exact
        or options.methods
        or options.tolerance is not None
        or _is_named(owner, options)
    ]
    if options.methods and not pairs:
        names = ", ".join(owner.name for owner in owners)
        raise InputError(f"no method {', '.join(options.methods)} in {names}: choose another")
    return pairs + [(one.backend, one.implementation) for one in options.own]


def _is_named(owner: Backend, options: Options) -> bool:
    """Whether nothing but its approximations can be meant by naming a backend."""
    return owner.name in options.backends and not any(one.exact for one in owner.implementations)


def memory_needed(shape: tuple[int, ...], kernel: GaussianKernel, options: Options) -> int:
    """Bytes that a comparison takes beside the image as read.

    Its input, a result for each implementation, and the plan that asks for least with its double,
    the control; a plan that asks for more than there is becomes a row that says so.
    """
    problem = options.recipe(kernel).problem(shape, np.dtype(options.dtype), threads=1)
    plans = [
        one.work_bytes(problem)
        for backend, one in chosen(options)
        if backend.kind == "cpu"
        and problem.border in one.borders
        and problem.dtype.name in one.dtypes
    ]
    return (2 + len(plans)) * problem.image_bytes + 2 * min(plans, default=0)
