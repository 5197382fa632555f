"""Backends that are planted as a stranger's would come in: through the entry points."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import pytest

from blurbench.backends import registry
from blurbench.backends.backend import Availability, Backend, Implementation
from blurbench.image import Image
from blurbench.plan import Plan
from blurbench.problem import Problem

Behaviour = Callable[[Plan, Any, Any], None]  # the right plan, the image, where the result goes


def picture(height: int, width: int, *channels: int, dtype: str = "uint8") -> Image:
    values = np.random.default_rng(3).uniform(0, 255, (height, width, *channels))
    return Image("a picture", values.astype(dtype))


SMALL = picture(16, 16)


def right(blur: Plan, image: Any, out: Any) -> None:
    blur(image, out)


LAST: WeakKeyDictionary[Plan, tuple[bytes, Any]] = WeakKeyDictionary()


def recalled(blur: Plan, image: Any, out: Any) -> None:
    """The right blur where the clock is simulated: a plan copies it for the image it had last."""
    pixels = image.tobytes()
    if blur not in LAST or LAST[blur][0] != pixels:
        LAST[blur] = pixels, blur(image)
    np.copyto(out, LAST[blur][1])


def add_half(out: Any) -> None:
    out += 0.5


def blot(out: Any) -> None:
    out[0, 0] = np.nan


def then(behave: Behaviour, spoil: Callable[[Any], None]) -> Behaviour:
    """Behaves, and then does something to the result."""

    def behave_badly(blur: Plan, image: Any, out: Any) -> None:
        behave(blur, image, out)
        spoil(out)

    return behave_badly


def raising(error: BaseException) -> Behaviour:
    def behave(blur: Plan, image: Any, out: Any) -> None:
        raise error

    return behave


def failing_after(calls: int, behave: Behaviour, error: BaseException) -> Behaviour:
    """Behaves for so many calls, whichever plans they go to."""
    left = iter(range(calls))

    def fail_later(blur: Plan, image: Any, out: Any) -> None:
        if next(left, None) is None:
            raise error
        behave(blur, image, out)

    return fail_later


class Library:
    """NumPy by another name: its arrays may be told apart, as those of a device."""

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


class Planted(Plan):
    """A plan that leaves it to a behaviour what to do with the right plan."""

    def __init__(self, problem: Problem, behave: Behaviour) -> None:
        super().__init__(Library(), problem)
        self._right = registry.find_implementation("numpy", "separable").prepare(problem)
        self._behave = behave

    def _run(self, image: Any, out: Any) -> None:
        self._behave(self._right, image, out)


def planted(
    method: str,
    behave: Behaviour = right,
    *,
    backend: str = "fake",
    prepare: Callable[[Problem], Plan] | None = None,
    work_bytes: int = 0,
) -> Implementation:
    return Implementation(
        backend,
        method,
        "ours",
        prepare or (lambda problem: Planted(problem, behave)),
        lambda problem: float(problem.height * problem.width),
        lambda problem: work_bytes,
    )


def backend_of(*implementations: Implementation, **more: Any) -> Backend:
    more = {"name": "fake", "kind": "cpu", "probe": Availability, **more}
    return Backend(implementations=implementations, **more)


@dataclass
class Entry:
    """An entry point whose module is there already."""

    backend: Any
    name: str = "fake"
    value: str = "fake_package:backend"

    def load(self) -> Any:
        return self.backend


@contextmanager
def planting() -> Iterator[Callable[..., None]]:
    """Offers backends as another package would."""
    with pytest.MonkeyPatch.context() as patch:

        def offer(*backends: Backend) -> None:
            entries = [Entry(one, one.name) for one in backends]
            patch.setattr(registry, "entry_points", lambda group: entries)
            registry.backends.cache_clear()

        yield offer
    registry.backends.cache_clear()


@pytest.fixture
def plant() -> Iterator[Callable[..., None]]:
    with planting() as offer:
        yield offer
