"""What the device is, and which backends can run on it; as JSON, for the process that asks."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import Any

from blurbench.backends import gpu
from blurbench.backends.registry import backends, probe


@dataclass(frozen=True)
class Found:
    """The device, and the GPU backends.

    Attributes:
        usable: backends that can run, and whether theirs is a library's own filter.
        unusable: why the others cannot.
    """

    name: str
    versions: dict[str, str]
    cache_bytes: int
    free_bytes: int
    total_bytes: int
    compute_capability: str
    usable: dict[str, bool]
    unusable: dict[str, str]

    @property
    def libraries(self) -> list[str]:
        """The backends that are held against ours."""
        return [name for name, library in self.usable.items() if library]


def find() -> Found:
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
    states = {one: probe(one) for one in backends().values() if one.kind == "gpu"}
    return Found(
        device.name,
        {name: str(version) for name, version in state.versions.items()},
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
    )


def to_json(found: Found) -> str:
    """On one line."""
    return json.dumps(asdict(found))


def from_json(text: str) -> Found:
    """What `to_json` made."""
    given: dict[str, Any] = json.loads(text)
    return Found(**given)
