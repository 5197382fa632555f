"""What can run here: probed backends, opened devices, the seed of all shuffling."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import partial

from blurbench.backends import gpu
from blurbench.backends.backend import Availability, Backend, Implementation, devices_of
from blurbench.backends.device import Device
from blurbench.backends.lanes import Lanes
from blurbench.backends.registry import backends, find_backends, probe
from blurbench.errors import text_of
from blurbench.measure.risks import Watch
from blurbench.records.declared import Declared
from blurbench.records.kinds import GPU, SOFTWARE
from blurbench.records.machine import describe_versions
from blurbench.study.devices import Devices
from blurbench.study.options import Options, chosen
from blurbench.study.patience import PATIENCE_S, HungError, within

HUNG_REMEDY = "restart the machine, or update the driver"


class Session:
    """The chosen implementations, probed once for all that is measured.

    Attributes:
        implementations: by name, in the order of the registry.
        out: why an implementation cannot run here, by name.
        unavailable: the same with the remedy, by backend.
        devices: opened ones that work, by backend.
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
        self.devices = Devices(options.device)
        self._hung: dict[Lanes | str, Availability] = {}  # by what backends of a driver share
        self.seed = random.SystemRandom().getrandbits(32) if options.seed is None else options.seed
        self.rng = random.Random(self.seed)
        self.kinds: dict[str, str] = {one.name: backend.kind for backend, one in pairs}
        libraries: dict[str, str] = {}
        states: list[Availability] = []
        own_backends = [one.backend for one in options.own]
        for backend in [*find_backends(options.backends), *own_backends]:
            name = backend.name
            state = self._ask(backend)
            libraries.update(state.versions)
            own = [one.name for owner, one in pairs if owner is backend]
            if state.ok and own and backend.open_device is not None:
                try:
                    self.devices.open(name)
                    states.append(state)
                    self.kinds.update(dict.fromkeys(own, kind_of(self.devices[name])))
                except Exception as error:
                    reason = f"device {options.device} cannot be opened: {text_of(error)}"
                    state = replace(state, reason=reason, remedy="see blurbench backends")
                    if isinstance(error, HungError):
                        self._hung[backend.lanes or name] = state
            if not state.ok:
                self.unavailable[name] = state.explanation
                self.out.update(dict.fromkeys(own, state.reason or ""))
        self.device_names = devices_of(states)
        self.versions = describe_versions(libraries)

    def _ask(self, backend: Backend) -> Availability:
        """Whether a backend can run here; a driver that hangs is waited for once."""
        asked = partial(probe, backend, named=backend.name in self.options.backends)
        if backend.kind == "cpu":
            return asked()
        driver = backend.lanes or backend.name
        if driver not in self._hung:
            try:
                return within(PATIENCE_S, asked)
            except HungError as error:
                self._hung[driver] = Availability(f"its driver hangs: {error}", HUNG_REMEDY)
        return self._hung[driver]

    @property
    def declared(self) -> tuple[Declared, ...]:
        """The implementations as records keep them."""
        return tuple(declare(one, self.kinds[one.name]) for one in self.implementations.values())

    @property
    def may_be_ended(self) -> bool:
        """Whether a GPU is in use whose library ends the process when the GPU is lost."""
        return any(
            backends()[name].ends_process and not device.software
            for name, device in self.devices.items()
        )

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
        """Those that can run: they could when the session began, and their device works."""
        closed = self.devices.closed
        return [
            one
            for one in self.implementations.values()
            if one.name not in self.out and one.backend not in closed
        ]


def kind_of(device: Device) -> str:
    """What a device is: a `gpu`, or `software` that stands in for one."""
    return SOFTWARE if device.software else GPU


def declare(one: Implementation, kind: str) -> Declared:
    """An implementation as records keep it."""
    return Declared(one.backend, one.method, one.origin, one.exact, kind, one.own_kernel)
