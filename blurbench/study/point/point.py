"""A point while it is measured: its image here and on devices, its cells, its records."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench.backends.backend import Implementation
from blurbench.image import Image
from blurbench.kernel import GaussianKernel
from blurbench.problem import Problem
from blurbench.records.evidence import RUNNABLE
from blurbench.records.journal import Log
from blurbench.records.kinds import SOFTWARE
from blurbench.records.summary import Key
from blurbench.study.exactness import image_scale, reference_sample
from blurbench.study.options import problem_for
from blurbench.study.point.admission import near_best
from blurbench.study.point.cells import Cell, rotation_of
from blurbench.study.point.device_cells import DeviceCell, DevicePlace
from blurbench.study.point.recorder import Recorder
from blurbench.study.session import Session


def point_key(problem: Problem, image: str, cache: str) -> Key:
    """What all cells of a point share."""
    return Key(
        implementation="",
        image=image,
        height=problem.height,
        width=problem.width,
        channels=problem.channels,
        size=problem.kernel.size,
        sigma=problem.kernel.sigma,
        border=problem.border,
        cval=problem.cval,
        dtype=problem.dtype.name,
        threads=0,
        cache=cache,
    )


class MeasuredPoint:
    """What all who measure a point share.

    Attributes:
        pixels: the image, in the type that is blurred.
        on_devices: the image in the memory of a device, by backend.
        cells: those that are prepared, by implementation.

    Raises:
        InputError: an option cannot be used.
    """

    def __init__(
        self, session: Session, image: Image, kernel: GaussianKernel, log: Log, process: int
    ) -> None:
        self.session, self.rules = session, log.run.rules
        self.problem = problem_for(image, kernel, session.options)
        key = point_key(self.problem, image.name, session.options.cache)
        self.recorder = Recorder(log, key, process)
        self.findings = self.recorder.findings
        self.pixels = image.pixels.astype(self.problem.dtype)
        self.on_devices: dict[str, DevicePlace] = {}
        self.cells: dict[str, Cell] = {}

    @cached_property
    def images(self) -> list[NDArray[Any]]:
        """What the cells blur, in turn; made when it is first needed."""
        return rotation_of(self.pixels, self.session.options.cache)

    @cached_property
    def truth(self) -> NDArray[np.float64]:
        """The float64 reference at the sampled pixels."""
        return reference_sample(self.pixels, self.problem)

    @cached_property
    def scale(self) -> float:
        """The largest absolute value that enters the blur."""
        return image_scale(self.pixels, self.problem)

    def relative(self, error: float) -> float | None:
        """An error as a share of the scale, unless that is 0."""
        return error / self.scale if self.scale else None

    def make_cell(self, one: Implementation, expected_s: float) -> Cell:
        """A cell that is warmed up; its first call is expected to take so long."""
        if one.backend not in self.session.devices:
            return Cell(one, self.problem, self.images)
        there = self.on_devices[one.backend]
        make = partial(DeviceCell, one, self.problem, self.images, there)
        return self.session.devices.call(one.backend, one.name, make, expected_s)

    def may_run(self, name: str) -> bool:
        """Whether it may be measured: nothing failed until now."""
        return self.findings.status(name) in RUNNABLE

    def is_ok(self, name: str) -> bool:
        """Whether it is prepared and may win."""
        return self.findings.status(name) == "ok" and name in self.cells

    def lacks_time(self, name: str) -> bool:
        """Whether it may be measured, and this process has no time of it yet."""
        return self.may_run(name) and not self.findings.timed(name, self.recorder.process)

    def costs(self) -> dict[str, float]:
        """Seconds of a call of whoever is prepared and may win."""
        return {name: cell.cost_s for name, cell in self.cells.items() if self.is_ok(name)}

    def near_best(self, costs: Mapping[str, float], times: float) -> dict[str, float]:
        """The costs of those that take at most so many times as long as the best of their side."""
        ones, kinds = self.session.implementations, self.session.kinds
        sides = {
            name: (ones[name].origin, ones[name].exact, kinds[name] == SOFTWARE) for name in costs
        }
        return near_best(costs, sides, times)
