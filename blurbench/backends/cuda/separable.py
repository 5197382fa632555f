"""Which of the two separable plans runs a problem."""

from __future__ import annotations

from blurbench.backends.cuda.columns import ColumnsPlan
from blurbench.backends.cuda.compiler import Toolkit
from blurbench.backends.cuda.fused import FusedPlan
from blurbench.backends.cuda.shapes import quick_shape, shape_for
from blurbench.plan import Plan
from blurbench.problem import Problem


def separable_plan(toolkit: Toolkit, problem: Problem) -> Plan:
    """The faster of the two separable plans."""
    card = toolkit.capability
    shape = quick_shape(problem, toolkit.processors, card) or shape_for(problem, card)
    if shape is None:
        return ColumnsPlan(toolkit, problem)
    return FusedPlan(toolkit, problem, shape)


def separable_bytes(problem: Problem) -> int:
    """The transposed image between the two passes, where there are two."""
    if shape_for(problem) is not None:
        return 0
    return problem.height * problem.width * problem.channels * problem.work_dtype.itemsize
