"""The device's own clock, read between its commands."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

SLOTS = 64  # an event is overwritten by the one so many later
NOTHING = "@compute @workgroup_size(1) fn main() {}"


class Timestamps:
    """Events in the queue of a device that has `timestamp-query`.

    An event is the end of a pass that does nothing: that is what every such device can note.
    """

    def __init__(self, device: Any) -> None:
        wgpu = import_module("wgpu")
        usage = wgpu.BufferUsage
        self._device = device
        self._queries = device.create_query_set(type="timestamp", count=SLOTS)
        self._ticks = device.create_buffer(
            size=8 * SLOTS, usage=usage.QUERY_RESOLVE | usage.COPY_SRC
        )
        self._nothing = device.create_compute_pipeline(
            layout=device.create_pipeline_layout(bind_group_layouts=[]),
            compute={
                "module": device.create_shader_module(code=NOTHING),
                "entry_point": "main",
            },
        )
        native = import_module("wgpu.backends.wgpu_native")
        self.tick_s: float = 1e-9 * native.lib.wgpuQueueGetTimestampPeriod(device.queue._internal)
        self._next = 0

    def write(self, encoder: Any) -> int:
        """Encode an event; its slot."""
        slot = self._next
        self._next = (slot + 1) % SLOTS
        mark = encoder.begin_compute_pass(
            timestamp_writes={"query_set": self._queries, "end_of_pass_write_index": slot}
        )
        mark.set_pipeline(self._nothing)
        mark.dispatch_workgroups(1)
        mark.end()
        return slot

    def advance(self) -> bool:
        """Whether the device notes anything, and later events later."""
        encoder = self._device.create_command_encoder()
        start, stop = self.write(encoder), self.write(encoder)
        self._device.queue.submit([encoder.finish()])
        ticks = self._read()
        return 0 < ticks[start] <= ticks[stop]

    def elapsed_s(self, start: int, stop: int) -> float:
        """Wait for both events, which are submitted; seconds between them."""
        ticks = self._read()
        return (ticks[stop] - ticks[start]) * self.tick_s

    def _read(self) -> list[int]:
        encoder = self._device.create_command_encoder()
        encoder.resolve_query_set(self._queries, 0, SLOTS, self._ticks, 0)
        self._device.queue.submit([encoder.finish()])
        seen = self._device.queue.read_buffer(self._ticks)
        return [int(tick) for tick in np.frombuffer(seen, np.uint64)]
