"""What can run here: probed backends, opened devices, the seed of all shuffling."""

from __future__ import annotations

import random
from dataclasses import replace

from blurbench.backends import gpu
from blurbench.backends.backend import Availability, Implementation, devices_of
from blurbench.backends.device import Device
from blurbench.backends.registry import backends, probe
from blurbench.measure.risks import Watch
from blurbench.records.findings import Declared
from blurbench.records.kinds import GPU, SOFTWARE
from blurbench.records.machine import describe_versions
from blurbench.study.options import Options, chosen

LONGEST_TEXT = 500


class Session:
    """The chosen implementations, probed once for all that is measured.

    Attributes:
        implementations: by name, in the order of the registry.
        out: why an implementation cannot run here, by name.
        unavailable: the same with the remedy, by backend.
        devices: opened ones, by backend.
        watch: of what other work the CPUs do, since before the probing.

    Raises:
        InputError: the options name what is unknown.
    """

    def __init__(self, options: Options) -> None:
        self.options, self.watch = options, Watch()
        if options.tf32:
            gpu.allow_tf32()
        pairs = chosen(options)
        self.implementations = {one.name: one for _, one in pairs}
        self.out: dict[str, str] = {}
        self.unavailable: dict[str, str] = {}
        self.devices: dict[str, Device] = {}
        self.seed = random.SystemRandom().getrandbits(32) if options.seed is None else options.seed
        self.rng = random.Random(self.seed)
        self.kinds: dict[str, str] = {one.name: backend.kind for backend, one in pairs}
        libraries: dict[str, str] = {}
        states: list[Availability] = []
        for name in dict.fromkeys(options.backends or backends()):
            backend = backends()[name]
            state = probe(backend, named=name in options.backends)
            libraries.update(state.versions)
            own = [one.name for owner, one in pairs if owner is backend]
            if state.ok and own and backend.open_device is not None:
                try:
                    self.devices[name] = backend.open_device(options.device)
                    states.append(state)
                    self.kinds.update(dict.fromkeys(own, self.kind_of_device(name)))
                except Exception as error:
                    reason = f"device {options.device} cannot be opened: {text_of(error)}"
                    state = replace(state, reason=reason, remedy="see blurbench backends")
            if not state.ok:
                self.unavailable[name] = state.explanation
                self.out.update(dict.fromkeys(own, state.reason or ""))
        self.device_names = devices_of(states)
        self.versions = describe_versions(libraries)

    @property
    def declared(self) -> tuple[Declared, ...]:
        """The implementations as records keep them."""
        return tuple(declare(one, self.kinds[one.name]) for one in self.implementations.values())

    def kind_of_device(self, backend: str) -> str:
        """What a backend's device is: a `gpu`, or `software` that stands in for one."""
        return SOFTWARE if self.devices[backend].software else GPU

    @property
    def names_of_devices(self) -> dict[str, str]:
        """What each GPU backend runs on."""
        return {backend: device.name for backend, device in self.devices.items()}

    @property
    def cautions(self) -> tuple[str, ...]:
        """What makes times on the devices less trustworthy, each once."""
        found = (device.caution for device in self.devices.values())
        return tuple(dict.fromkeys(one for one in found if one is not None))

    @property
    def runnable(self) -> list[Implementation]:
        """Those that can run."""
        return [one for one in self.implementations.values() if one.name not in self.out]


def declare(one: Implementation, kind: str) -> Declared:
    """An implementation as records keep it."""
    return Declared(one.backend, one.method, one.origin, one.exact, kind, one.own_kernel)


def text_of(error: Exception) -> str:
    """What an error says, in one line of bearable length."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + " ..."


def lacks_memory(error: Exception) -> bool:
    """Whether host or device ran out of memory; the CUDA libraries say so each in its own way."""
    if isinstance(error, MemoryError) or "OutOfMemory" in type(error).__name__:
        return True
    text = str(error)
    return "out of memory" in text.lower() or "ALLOC_FAILED" in text
