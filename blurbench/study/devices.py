"""The devices of a session: opened, called with patience, and closed where they fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from blurbench.backends.backend import Implementation
from blurbench.backends.device import Device
from blurbench.backends.device_loss import loss_of
from blurbench.backends.registry import find_backend
from blurbench.errors import DeviceLostError, InputError, lacks_memory, text_of
from blurbench.problem import Problem
from blurbench.study.patience import PATIENCE_S, HungError, Returned, within

SLOWER = 10.0  # times as long as expected: no call takes longer
REMEDY = "leave it out, or update the driver"


class Devices(dict[str, Device]):
    """Those that work, by backend; several backends may be on one.

    Whatever may hang is called in a thread of its own, for which the backend opens its device once
    more: that a thread works on a device is the thread's own affair.

    Attributes:
        closed: why nothing runs on a backend's device any more, by backend.
    """

    def __init__(self, number: int = 0) -> None:
        super().__init__()
        self.closed: dict[str, str] = {}
        self._number = number
        self._for_good: set[str] = set()  # backends whose device is not opened again
        self._hangs = False
        self._kept: list[object] = []

    def open(self, backend: str) -> None:
        """Open a backend's device, for the calling thread.

        Raises:
            Exception: whatever its library says; HungError where it says nothing.
        """
        enter = partial(_enter, backend, self._number)
        within(PATIENCE_S, enter)
        self[backend] = enter()

    def call(
        self, backend: str, name: str, call: Callable[[], Returned], expected_s: float = 0.0
    ) -> Returned:
        """What a call returns or raises; a device from which it does not return is closed.

        Args:
            name: of what runs there.
            expected_s: seconds that its work takes, about.

        Raises:
            HungError: it did not return.
        """
        if backend not in self:  # it runs on no device
            return call()

        def call_there() -> Returned:
            _enter(backend, self._number)
            return call()

        try:
            return within(PATIENCE_S + SLOWER * expected_s, call_there)
        except HungError as error:
            self._close_hung(self[backend], name)
            raise HungError(f"{error}: {REMEDY}") from None

    def close_lost(self, name: str, error: Exception) -> None:
        """Close the devices that cannot be waited for, now that `name` met an error."""
        for device in self._each():
            try:
                lost = within(PATIENCE_S, partial(loss_of, device.synchronize))
            except HungError:
                self._close_hung(device, name)
            else:
                if lost is not None:
                    met = error.__cause__ if isinstance(error, DeviceLostError) else None
                    said = text_of(met or error)  # a library's own words
                    self._close(device, f"the device was lost while {name} ran ({said}): {REMEDY}")

    def close_all(self, reason: str) -> None:
        """Ask nothing of any device any more, and open none again."""
        for device in self._each():
            self._for_good |= self._close(device, f"{reason}: {REMEDY}")

    def meaning(self, error: Exception, one: Implementation, problem: Problem) -> Exception:
        """An error that an implementation met, in our words where it tells of its device.

        A device that is lost is closed.
        """
        if one.backend not in self or isinstance(error, InputError):
            return error
        self.close_lost(one.name, error)
        if one.backend in self.closed:
            return error if lacks_memory(error) else DeviceLostError(self.closed[one.backend])
        if not lacks_memory(error):
            return error
        needed, free = one.work_bytes(problem), self[one.backend].free_bytes()
        return MemoryError(
            f"{text_of(error)}: it needs {needed / 2**30:.2f} GiB of work buffers, "
            f"{free / 2**30:.2f} GiB of the device is free"
        )

    def reopen(self) -> None:
        """Open what was lost once more, and no third time.

        WebGPU gives a device that works; a process's context of CUDA stays broken.
        """
        for backend in self.closed.keys() - self._for_good:
            self._for_good.add(backend)
            with suppress(Exception):
                self.open(backend)
                within(PATIENCE_S, self[backend].synchronize)
                del self.closed[backend]
            if backend in self.closed:
                self.pop(backend, None)

    def release(self) -> None:
        """Give back the memory that nothing holds."""
        for device in self._each():
            try:
                device.release()
            except Exception as error:
                self.close_lost("an earlier row", error)

    def keep(self, thing: object) -> None:
        """Where a device hangs, never let go of what may lie on it: that could hang, too."""
        if self._hangs:
            self._kept.append(thing)

    def _each(self) -> Iterator[Device]:
        """Every device once."""
        yield from {id(device): device for device in self.values()}.values()

    def _close_hung(self, device: Device, name: str) -> None:
        self._hangs = True
        self._for_good |= self._close(device, f"the device hangs since {name} ran: {REMEDY}")

    def _close(self, device: Device, reason: str) -> set[str]:
        """Nothing is asked of a device any more; the backends that were on it."""
        found = {backend for backend, one in self.items() if one is device}
        for backend in found:
            del self[backend]
            self.closed[backend] = reason
        return found


def _enter(backend: str, number: int) -> Any:
    """A backend's device, on which the calling thread works from now on."""
    open_device = find_backend(backend).open_device
    assert open_device is not None
    return open_device(number)
