"""What the plans over the kernels share: bands, tables and launches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from blurbench.backends.carried import OwnArraysPlan
from blurbench.backends.device import Call
from blurbench.backends.wgpu.arrays import WgpuArray
from blurbench.backends.wgpu.bands import BINDING, FOUR, NOWHERE, ROWS, Band, Window, bands
from blurbench.backends.wgpu.device import WgpuDevice
from blurbench.border import OUTSIDE, source_index
from blurbench.errors import InputError
from blurbench.problem import Problem

IMAGE, BETWEEN, RESULT = "image", "between", "result"
SHAPE = np.dtype(  # as in prelude.wgsl
    [
        *((name, np.uint32) for name in ("row", "height", "channels", "radius")),
        *((name, np.uint32) for name in ("strip", "strips", "tiles", "first")),
        ("outside", np.float32),
        *((name, np.uint32) for name in ("turns", "step", "unused")),  # in whole vectors
    ]
)


@dataclass(frozen=True)
class Stage:
    """A launch for each band.

    Attributes:
        parts: the files that its kernel is made of.
        source, target: `IMAGE`, `BETWEEN` or `RESULT`.
        strip: pixels of a row that a workgroup makes.
        strips: that cover a row.
        rows: that a workgroup makes.
        touched: pixels of a row that all strips have, those beyond the image included.
        turns, step: how often taps come, and how many at a time.
    """

    parts: tuple[str, ...]
    source: str
    target: str
    strip: int
    strips: int
    rows: int = ROWS
    touched: int = 0
    turns: int = 1
    step: int = 0


class WgpuPlan(OwnArraysPlan):
    """Stages over bands of rows; arrays are `WgpuArray`s.

    What a call binds is kept for as long as its arrays live.

    Raises:
        InputError: the device cannot take the problem, even in bands.
    """

    def __init__(
        self,
        device: WgpuDevice,
        problem: Problem,
        taps: NDArray[np.float32],
        stages: Sequence[Stage],
        most_rows: int = 2**31,
    ) -> None:
        super().__init__(device, problem, "wgpu", WgpuArray)
        self._stages = stages
        self._bands = bands(problem, device.limits, most_rows)
        self._taps = self._put(taps)
        self._columns = self._put(columns(problem, max(one.touched for one in stages)))
        self._rows = [self._put(band.rows) for band in self._bands]
        self._between = self._scratch(self._between_bytes())
        self._gathered = self._scratch(max(map(_gathered_bytes, self._bands)))
        self._shapes = [
            [device.memory.uniform(self._shape(band, stage)) for stage in stages]
            for band in self._bands
        ]
        self._pipelines = [device.pipelines.get(*stage.parts) for stage in stages]
        self._calls: WeakKeyDictionary[
            WgpuArray, WeakKeyDictionary[WgpuArray, list[list[Call]]]
        ] = WeakKeyDictionary()

    def _run(self, image: WgpuArray, out: WgpuArray) -> None:
        known = self._calls.setdefault(image, WeakKeyDictionary())
        if out not in known:
            known[out] = [
                self._calls_of(number, image.buffer, out.buffer)
                for number in range(len(self._bands))
            ]
        for band, calls in zip(self._bands, known[out], strict=True):
            with self.device.queue.commands() as encoder:
                if len(band.sources) > 1:
                    self._gather(encoder, band, image.buffer)
                for call in calls:
                    call()

    def _put(self, table: NDArray[Any]) -> Any:
        """A buffer with a table, counted as this plan's own."""
        binding = self.device.limits[BINDING]
        if table.nbytes > binding:
            raise InputError(
                f"{self.problem.kernel.size} taps take a table of {table.nbytes} bytes and this "
                f"adapter binds {binding}: use a smaller kernel or another backend"
            )
        self.nbytes += table.nbytes
        return self.device.memory.buffer(table.nbytes, table)

    def _scratch(self, nbytes: int) -> Any:
        """A buffer of so many bytes, counted as this plan's own; None for none."""
        self.nbytes += nbytes
        return self.device.memory.buffer(nbytes) if nbytes else None

    def _between_bytes(self) -> int:
        """What lies between two stages: whole tiles of rows, in float32."""
        if all(stage.target != BETWEEN for stage in self._stages):
            return 0
        height = -(-self._bands[0].height // ROWS) * ROWS
        return height * self.problem.width * self.problem.channels * 4

    def _shape(self, band: Band, stage: Stage) -> NDArray[Any]:
        shape = np.zeros((), SHAPE)
        shape["row"] = self.problem.width * self.problem.channels
        shape["height"] = band.height
        shape["channels"] = self.problem.channels
        shape["radius"] = self.problem.kernel.radius
        shape["strip"], shape["strips"] = stage.strip, stage.strips
        shape["tiles"] = _tiles(band, stage)
        shape["first"] = band.result.first if stage.target == RESULT else 0
        shape["turns"], shape["step"] = stage.turns, stage.step
        shape["outside"] = self.problem.cval
        return shape

    def _calls_of(self, number: int, image: Any, result: Any) -> list[Call]:
        """The launches of a band."""
        band = self._bands[number]
        source = _part(image, band.sources[0])
        if len(band.sources) > 1:
            source = {"buffer": self._gathered}
        known = {IMAGE: source, RESULT: _part(result, band.result)}
        if self._between is not None:
            known[BETWEEN] = {"buffer": self._between}
        tables = [{"buffer": one} for one in (self._rows[number], self._columns, self._taps)]
        calls: list[Call] = []
        for stage, pipeline, shape in zip(
            self._stages, self._pipelines, self._shapes[number], strict=True
        ):
            ends = known[stage.source], known[stage.target]
            bindings = self.device.pipelines.bind([{"buffer": shape}, *tables, *ends])
            calls.append(partial(self.device.queue.launch, pipeline, bindings, _tiles(band, stage)))
        return calls

    def _gather(self, encoder: Any, band: Band, image: Any) -> None:
        place = 0
        for part in band.sources:
            encoder.copy_buffer_to_buffer(image, part.offset, self._gathered, place, part.size)
            place += part.size


def columns(problem: Problem, width: int) -> NDArray[np.uint32]:
    """Where each column begins in a row, in values, margins included, for `width` pixels at least.

    Strips may reach further right than the image; what they make there is dropped.
    """
    radius, most = problem.kernel.radius, problem.width + problem.kernel.radius
    positions = np.arange(-radius, max(width, problem.width) + radius + FOUR)
    sources = source_index(positions.clip(None, most - 1), problem.width, problem.border)
    return np.where(sources == OUTSIDE, NOWHERE, sources * problem.channels).astype(np.uint32)


def in_fours(taps: NDArray[np.float64], room: int) -> NDArray[np.float32]:
    """Taps in whole fours, with 0s behind them: as many fours as fit into `room` more."""
    made = np.zeros((len(taps) + room) // 4 * 4, np.float32)
    made[: len(taps)] = taps
    return made


def check_turns(device: WgpuDevice, problem: Problem, turns: int) -> None:
    """Raise InputError if the device would leave a loop of so many turns too early."""
    if device.most_turns is not None and turns > device.most_turns:
        raise InputError(
            f"{problem.kernel.size} taps take {turns} turns of a loop and {device.name} leaves one "
            f"after {device.most_turns}: use a smaller kernel or another backend"
        )


def _tiles(band: Band, stage: Stage) -> int:
    return stage.strips * -(-band.height // stage.rows)


def _part(buffer: Any, window: Window) -> dict[str, Any]:
    return {"buffer": buffer, "offset": window.offset, "size": window.size}


def _gathered_bytes(band: Band) -> int:
    return sum(one.size for one in band.sources) if len(band.sources) > 1 else 0
