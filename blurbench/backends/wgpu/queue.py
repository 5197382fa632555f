"""A WebGPU device's one queue: commands are encoded, and handed over together."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from blurbench.forks import Home

home = Home("wgpu")


class CommandQueue:
    """What is encoded for a device, and not yet submitted.

    Args:
        gpu: wgpu's device.
        most_groups: workgroups of a dispatch in one dimension.

    Attributes:
        gathers: whether commands wait until a hold lets go of them.
        lock: held while commands are encoded or what they are about is in use.
    """

    def __init__(self, gpu: Any, most_groups: int) -> None:
        self._gpu, self._most_groups = gpu, most_groups
        self._encoder: Any = None
        self.gathers = False
        self.lock = threading.RLock()

    @contextmanager
    def commands(self) -> Iterator[Any]:
        """An encoder; what is encoded inside the outermost block is submitted at its end."""
        home.check()
        with self.lock:
            outermost = self._encoder is None
            if outermost:
                self._encoder = self._gpu.create_command_encoder()
            try:
                yield self._encoder
            except BaseException:
                if outermost:
                    self._encoder = None
                raise
            if outermost and not self.gathers:
                self.submit()

    def submit(self) -> None:
        """Hand over what is encoded, and gather no more."""
        with self.lock:
            self.gathers = False
            if self._encoder is not None:
                encoder, self._encoder = self._encoder, None
                self._gpu.queue.submit([encoder.finish()])

    def launch(self, pipeline: Any, bindings: Any, tiles: int) -> None:
        """Encode a kernel of so many workgroups, laid out in two dimensions where one ends."""
        across = min(tiles, self._most_groups)
        with self.commands() as encoder:
            work = encoder.begin_compute_pass()
            work.set_pipeline(pipeline)
            work.set_bind_group(0, bindings)
            work.dispatch_workgroups(across, -(-tiles // across))
            work.end()

    def gather(self) -> Gathering:
        """From now on let commands wait."""
        self.submit()
        self.gathers = True
        return Gathering(self)


class Gathering:
    """Commands that gather since the hold began, and start together; it has no end of its own."""

    def __init__(self, queue: CommandQueue) -> None:
        self._queue, self._lasted = queue, False

    def let_go(self) -> None:
        self._lasted = self._queue.gathers
        self._queue.submit()

    def lasted(self) -> bool:
        return self._lasted
