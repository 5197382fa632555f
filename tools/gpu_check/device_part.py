"""What the device is, and which backends can run on it; as JSON, for the process that asks."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from importlib import import_module
from typing import Any

from blurbench import __version__
from blurbench.backends import gpu
from blurbench.backends.registry import backends, probe
from blurbench.records.machine import git_revision
from gpu_check.tensors import OF_TENSORS


@dataclass(frozen=True)
class DeviceFound:
    """The device, and the GPU backends.

    Attributes:
        usable: backends that can run, and whether theirs is a library's own filter.
        unusable: why the others cannot.
        apart: usable ones whose plans take no array of CUDA's, so they are not in its races.
    """

    name: str
    versions: dict[str, str]
    cache_bytes: int
    free_bytes: int
    total_bytes: int
    compute_capability: str
    usable: dict[str, bool]
    unusable: dict[str, str]
    apart: list[str] = field(default_factory=list)

    @property
    def libraries(self) -> list[str]:
        """The backends that are held against ours."""
        return [name for name in self.raced if self.usable[name]]

    @property
    def raced(self) -> list[str]:
        """The backends that blur arrays of CUDA's."""
        return [name for name in self.usable if name not in self.apart]


def find() -> DeviceFound:
    """Ask the first device.

    Raises:
        RuntimeError: no GPU can be used; the message says why and what to do.
    """
    state = gpu.probe()
    if not state.ok:
        raise RuntimeError(state.explanation)
    cupy = import_module("cupy")
    device = gpu.open_device(0)
    free, total = cupy.cuda.runtime.memGetInfo()
    states = {one: probe(one, named=False) for one in backends().values() if one.kind == "gpu"}
    versions = {"blurbench": git_revision() or __version__}
    for each in states.values():
        versions |= each.versions
    versions["driver's CUDA"] = str(cupy.cuda.runtime.driverGetVersion())
    return DeviceFound(
        device.name,
        versions,
        device.cache_bytes or 0,
        int(free),
        int(total),
        str(cupy.cuda.Device(0).compute_capability),
        {
            one.name: any(each.origin == "library" for each in one.implementations)
            for one, state in states.items()
            if state.ok
        },
        {one.name: state.reason or "" for one, state in states.items() if not state.ok},
        [
            one.name
            for one, state in states.items()
            if state.ok and one.own_arrays and one.name != OF_TENSORS
        ],
    )


def to_json(found: DeviceFound) -> str:
    """On one line."""
    return json.dumps(asdict(found))


def from_json(text: str) -> DeviceFound:
    """What `to_json` made."""
    given: dict[str, Any] = json.loads(text)
    return DeviceFound(**given)
