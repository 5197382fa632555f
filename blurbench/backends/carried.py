"""Plans for arrays of a device's own, which know no arithmetic: a host image's way there and back.

What such arrays cannot do themselves, the adjoint's ends under some borders, is done on the host.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench.errors import InputError
from blurbench.plan import Plan
from blurbench.problem import Problem

FOLDED_THERE = ("reflect", "wrap", "constant")  # borders whose adjoint is a blur as it stands


class OwnArraysPlan(Plan):
    """A plan for arrays of a device's own. Subclasses implement `_run`.

    Args:
        backend: as it is called in what refuses other arrays.
        arrays: the type of the device's arrays.

    Attributes:
        device: see `Device`; it also has a namespace `xp`.
    """

    def __init__(self, device: Any, problem: Problem, backend: str, arrays: type) -> None:
        super().__init__(device.xp, problem)
        self.device = device
        self._backend, self._arrays = backend, arrays
        self._carried: CarriedPlan | None = None

    def adjoint(self, gradient: Any, out: Any = None) -> Any:
        """See `Plan.adjoint`; what `mirror` and `nearest` do at the ends is done on the host."""
        if self.problem.border in FOLDED_THERE or self.prepare is None:
            return super().adjoint(gradient, out)
        self._check(gradient, "gradient", self.problem.shape)
        if out is None:
            out = self._xp.empty(self.problem.shape, self._dtype)
        self._check(out, "out", self.problem.shape)
        if self._carried is None:
            self._carried = CarriedPlan(self)
        self.device.upload(self._carried.adjoint(gradient.numpy()), out)
        return out

    def stack(self, images: Any, out: Any = None) -> Any:
        """Refused: the device's arrays are not parted into images.

        Raises:
            InputError: always.
        """
        raise InputError(
            f"plans of {self._backend} blur one image a call: give a stack of NumPy's to "
            "blurbench.gaussian_blur(images, stack=True)"
        )

    def _check(self, array: Any, name: str, shape: tuple[int, ...]) -> None:
        if not isinstance(array, self._arrays):
            raise InputError(
                f"{name} is {type(array).__module__}.{type(array).__name__}: plans of "
                f"{self._backend} take arrays of its device; give NumPy's to "
                "blurbench.gaussian_blur"
            )
        super()._check(array, name, shape)


class CarriedPlan(Plan):
    """A plan for host arrays, by one on the device."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(np, plan.problem)
        self._plan = plan
        self.nbytes = plan.nbytes
        if plan.prepare is not None:
            self.prepare = partial(_prepare_carried, plan.prepare)

    def _run(self, image: NDArray[Any], out: NDArray[Any]) -> None:
        out[...] = carry(self._plan, image)


def _prepare_carried(prepare: Callable[[Problem], Plan], problem: Problem) -> Plan:
    return CarriedPlan(prepare(problem))


def carry(plan: Plan, image: NDArray[Any]) -> NDArray[Any]:
    """Blur a host image on the plan's device, and bring the result back.

    Raises:
        DeviceLostError: the device works no more.
    """
    assert isinstance(plan, OwnArraysPlan)
    try:
        result: NDArray[Any] = plan.device.carrier().blur(plan, image)
    except Exception:
        plan.device.synchronize()  # another thread may have opened the next one already
        raise
    return result
