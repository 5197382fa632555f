"""The adapters of this machine: which there are, which comes first, and whether one is a GPU."""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any

from blurbench.backends import optional
from blurbench.backends.backend import Availability

# The best first; what is none of these (a virtual GPU, say) comes before a CPU.
KINDS = {"DiscreteGPU": "discrete", "IntegratedGPU": "integrated"}
SOFTWARE = "CPU"

LAYER_OFF = "NODEVICE_SELECT"
NO_ADAPTER = "no adapter for Vulkan, Metal or Direct3D 12 was found"


@functools.cache
def probe() -> Availability:
    """Whether wgpu can be imported and finds an adapter."""
    found = optional.examine(lambda: import_module("wgpu"), "wgpu", "wgpu", "wgpu")
    if not found.ok:
        return found
    return describe(adapters(), dict(found.versions))


def describe(known: list[Any], versions: dict[str, str]) -> Availability:
    """What a machine with these adapters, the best first, can do."""
    if not known:
        return Availability(NO_ADAPTER, "install the driver of the GPU", versions)
    devices = tuple(name_of(one) for one in known)
    return Availability(
        versions=versions, devices=devices, software=all(is_software(one) for one in known)
    )


@functools.cache
def adapters() -> list[Any]:
    """Those of this machine, the best first; through OpenGL, the same ones would appear again."""
    native = import_module("wgpu.backends.wgpu_native.extras")
    with _without_layer():
        with suppress(RuntimeError):  # another user of wgpu in this process has begun already
            native.set_instance_extras(backends=["Primary"])
        known = import_module("wgpu").gpu.enumerate_adapters_sync()
    logging.getLogger("wgpu").setLevel(logging.CRITICAL)  # the errors that it logs are raised, too
    return ranked([one for one in known if not one.info["backend_type"].startswith("OpenGL")])


@contextmanager
def _without_layer() -> Iterator[None]:
    """Without Mesa's layer that reorders devices: it complains where there is no desktop."""
    if LAYER_OFF in os.environ:
        yield
        return
    os.environ[LAYER_OFF] = "1"
    try:
        yield
    finally:
        del os.environ[LAYER_OFF]


def ranked(known: list[Any]) -> list[Any]:
    """The adapters, the best first."""
    order = [*KINDS, None, SOFTWARE]

    def place(adapter: Any) -> int:
        kind = adapter.info["adapter_type"]
        return order.index(kind if kind in order else None)

    return sorted(known, key=place)


def is_software(adapter: Any) -> bool:
    """Whether it is a program that runs on the CPU."""
    return bool(adapter.info["adapter_type"] == SOFTWARE)


def name_of(adapter: Any) -> str:
    """Name, kind, interface and driver, as tables and records show them."""
    info = adapter.info
    kind = "software" if is_software(adapter) else KINDS.get(info["adapter_type"], "other")
    about = ", ".join(part for part in (kind, info["backend_type"], info["description"]) if part)
    return f"{info['device']} ({about})"
