"""Backend `numba`: our own loops, compiled for this processor's vectors."""

from __future__ import annotations

import functools
from importlib import import_module

from blurbench.backends import optional
from blurbench.backends.backend import Availability, Backend, Implementation
from blurbench.backends.numba import line_plans, multirate_plans, plans, separable_plans
from blurbench.methods import approximate, direct, separable
from blurbench.methods.multirate import METHOD
from blurbench.problem import WITHOUT_FLOAT16


@functools.cache
def probe() -> Availability:
    """Whether Numba can be imported; it refuses versions of NumPy that it does not know."""
    return optional.examine(lambda: import_module("numba"), "numba", "Numba", "numba")


backend = Backend(
    "numba",
    "cpu",
    (
        Implementation(
            "numba",
            "direct",
            "ours",
            plans.NumbaDirectPlan,
            direct.operations,
            plans.direct_bytes,
            compiles=True,
            dtypes=WITHOUT_FLOAT16,
        ),
        Implementation(
            "numba",
            "separable",
            "ours",
            separable_plans.prepare_separable,
            separable.operations,
            separable_plans.separable_bytes,
            compiles=True,
            folds=True,
            dtypes=WITHOUT_FLOAT16,
        ),
        *(
            Implementation(
                "numba",
                method,
                "ours",
                functools.partial(line_plans.NumbaApproximatePlan, method=method),
                functools.partial(approximate.operations, method=method),
                line_plans.work_bytes,
                exact=False,
                compiles=True,
                dtypes=WITHOUT_FLOAT16,
                own_kernel=True,
            )
            for method in (*approximate.BOXES, *approximate.TERMS)
        ),
        Implementation(
            "numba",
            METHOD,
            "ours",
            multirate_plans.NumbaMultiratePlan,
            functools.partial(approximate.operations, method=METHOD),
            multirate_plans.work_bytes,
            exact=False,
            compiles=True,
            dtypes=WITHOUT_FLOAT16,
            own_kernel=True,
        ),
    ),
    probe,
    distributions=("numba",),
)
