"""Who takes part in tuning: what can run here, may be chosen, and computes what it should."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench.backends.backend import Backend, Implementation
from blurbench.backends.device import Device
from blurbench.backends.registry import find_backend
from blurbench.choice.auto import DEVICE, HOST, may_be_chosen
from blurbench.errors import InputError
from blurbench.kernel import GaussianKernel
from blurbench.measure.clock import Call, Clock, HostClock
from blurbench.methods.approximate import ORDERS
from blurbench.plan import Plan
from blurbench.problem import Problem
from blurbench.study.exactness import allowed_error, image_scale, reference_sample, take_sample
from blurbench.study.session import Session

SMALL, SMALL_SIZE = (48, 40), 15  # of the image on which results are checked


@dataclass(frozen=True)
class Candidate:
    """An implementation and where its image lies; the clock knows when a call is done there."""

    implementation: Implementation
    owner: Backend
    place: str
    clock: Clock
    device: Device | None = None

    @property
    def name(self) -> str:
        """Of the implementation and the place."""
        return f"{self.implementation.name} from the {self.place}"

    @property
    def compiles(self) -> bool:
        """Whether a first call may have to compile code."""
        return self.implementation.compiles or self.device is not None

    def call(self, plan: Plan, image: NDArray[Any]) -> Call:
        """A blur of the image, from the candidate's place to the same."""
        if self.device is not None and self.place == DEVICE:
            there = self.device.empty(image.shape, image.dtype)
            result = self.device.empty(image.shape, image.dtype)
            self.device.upload(image, there)
            return lambda: plan(there, result)
        if self.owner.carry is not None:
            carry = self.owner.carry
            return lambda: carry(plan, image)
        result = np.empty_like(image)
        return lambda: plan(image, result)

    def check_result(self, problem: Problem) -> None:
        """Blur a small image of the problem's dtype.

        Raises:
            ArithmeticError: the result of an exact implementation breaks the exactness contract.
        """
        one, shape = self.implementation, SMALL + problem.shape[2:]
        small = replace(problem, shape=shape, kernel=GaussianKernel.from_size(SMALL_SIZE))
        image = np.random.default_rng(0).uniform(0, 255, shape).astype(problem.dtype)
        plan = one.prepare(small)
        result = plan(image) if self.owner.carry is None else self.owner.carry(plan, image)
        error = np.abs(take_sample(result) - reference_sample(image, small)).max()
        allowed = allowed_error(small.dtype, image_scale(image, small), one.integer_error)
        if one.exact and not error <= allowed:
            raise ArithmeticError(
                f"its {small.dtype} result is wrong by {error:.2g}, and {allowed:.2g} is allowed"
            )


def candidates_of(session: Session) -> list[Candidate]:
    """Whatever can run and may be chosen; what runs on a device, from the host and there.

    Raises:
        InputError: there is none.
    """
    found = []
    for one in session.runnable:
        if not may_be_chosen(one) and one.method not in ORDERS:
            continue
        owner, device = find_backend(one.backend), session.devices.get(one.backend)
        clock = HostClock(device.synchronize if device else None)
        found.append(Candidate(one, owner, HOST, clock, device))
        if device is not None:
            found.append(Candidate(one, owner, DEVICE, clock, device))
    if not found:
        raise InputError("nothing can be measured here: see blurbench backends")
    return found
