"""Our array code for whole channels as a device backend's implementations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from blurbench.backends.arrays import approximate_implementations
from blurbench.backends.backend import Implementation
from blurbench.methods import approximate, banded, dct, direct, fft, separable
from blurbench.methods.multirate import METHOD
from blurbench.methods.whole import banded as whole_banded
from blurbench.methods.whole import box as whole_box
from blurbench.methods.whole import dct as whole_dct
from blurbench.methods.whole import direct as whole_direct
from blurbench.methods.whole import fft as whole_fft
from blurbench.methods.whole import multirate as whole_multirate
from blurbench.methods.whole import separable as whole_separable
from blurbench.methods.whole.device_library import Library
from blurbench.methods.whole.fft import PlaneFourier
from blurbench.plan import Plan
from blurbench.problem import Problem


def array_implementations(backend: str, load: Callable[[], Library]) -> tuple[Implementation, ...]:
    """`direct` and `separable` over the library that `load` imports when first needed."""
    return (
        Implementation(
            backend,
            "direct",
            "ours",
            lambda problem: whole_direct.WholeDirectPlan(load(), problem),
            direct.operations,
            whole_direct.work_bytes,
            folds=True,
            slowdown=whole_direct.slowdown,
        ),
        Implementation(
            backend,
            "separable",
            "ours",
            lambda problem: whole_separable.WholeSeparablePlan(load(), problem),
            separable.operations,
            whole_separable.work_bytes,
            folds=True,
        ),
    )


def banded_implementation(backend: str, load: Callable[[], Library]) -> Implementation:
    """`banded` over a library."""
    return Implementation(
        backend,
        "banded",
        "ours",
        lambda problem: whole_banded.WholeBandedPlan(load(), problem),
        lambda problem: banded.operations(problem, whole_banded.BLOCK),
        whole_banded.work_bytes,
    )


def fft_implementation(
    backend: str, load: Callable[[], Any], fourier: Callable[[], PlaneFourier]
) -> Implementation:
    """`fft` over a namespace and its transforms."""

    def prepare(problem: Problem) -> Plan:
        return whole_fft.WholeFFTPlan(load(), problem, fourier())

    return Implementation(
        backend,
        "fft",
        "ours",
        prepare,
        lambda problem: fft.operations(problem, fourier().fast_length),
        lambda problem: whole_fft.work_bytes(problem, fourier().fast_length),
    )


def dct_implementation(
    backend: str, load: Callable[[], Any], fourier: Callable[[], PlaneFourier]
) -> Implementation:
    """`dct` over a namespace and its Fourier transforms."""

    def prepare(problem: Problem) -> Plan:
        return whole_dct.CosinePlan(load(), problem, fourier())

    return Implementation(
        backend,
        "dct",
        "ours",
        prepare,
        dct.operations,
        whole_dct.work_bytes,
        borders=("reflect",),
        folds=True,
    )


def box_implementations(backend: str, load: Callable[[], Any]) -> tuple[Implementation, ...]:
    """`box` and `extended_box` over a namespace."""

    def prepare(method: str, problem: Problem) -> Plan:
        return whole_box.BoxPlan(load(), problem, method)

    return tuple(
        replace(
            one,
            prepare=partial(prepare, one.method),
            work_bytes=partial(whole_box.work_bytes, method=one.method),
        )
        for one in approximate_implementations(backend, load, tuple(approximate.BOXES))
    )


def multirate_implementation(backend: str, load: Callable[[], Any]) -> Implementation:
    """`multirate` over a namespace."""
    (one,) = approximate_implementations(backend, load, (METHOD,))
    return replace(
        one,
        prepare=lambda problem: whole_multirate.WholeMultiratePlan(load(), problem),
        work_bytes=whole_multirate.work_bytes,
    )
