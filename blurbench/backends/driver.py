"""The NVIDIA driver of this machine, asked through its own library.

No toolkit and no package is needed: `make` asks before anything is installed.
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

# The loader looks for bare names; under WSL the library may lie where it does not look.
LIBRARIES = ("libcuda.so.1", "/usr/lib/wsl/lib/libcuda.so.1")
LIBRARIES_OF_WINDOWS = ("nvcuda.dll",)

OLDEST_DRIVER = (12, 0)
OLDEST_CARD = (5, 0)  # that CUDA 12 compiles for
OLDEST_CARD_OF_CUDA_13 = (7, 5)

NO_DRIVER = "no NVIDIA driver was found on this machine"
INSTALL_DRIVER = "install the NVIDIA driver"

NO_DEVICE = 100
_MAJOR, _MINOR = 75, 76  # the attributes that are the compute capability

# What the driver answers when it is started, and what mends it.
_TROUBLES = {
    34: (
        "the CUDA library found here is a stub to link with, no driver",
        f"{INSTALL_DRIVER}, or take the folder of stubs out of LD_LIBRARY_PATH",
    ),
    NO_DEVICE: (
        "the NVIDIA driver sees no GPU",
        "start the container with its GPUs (docker run --gpus all); outside of one, "
        "see that nvidia-smi lists the card",
    ),
    802: (
        "the GPUs of this machine are not ready",
        "start the service nvidia-fabricmanager",
    ),
    803: (
        "the NVIDIA driver's library does not match its kernel module",
        "restart the machine; in a container, the one around it",
    ),
    804: (
        "the CUDA compatibility library found here is not for this card",
        "take it out of LD_LIBRARY_PATH, or update the NVIDIA driver",
    ),
}


@dataclass(frozen=True)
class Card:
    """A GPU that the driver shows, by name and compute capability."""

    name: str
    capability: tuple[int, int]

    def __str__(self) -> str:
        return f"{self.name} (compute capability {_dotted(self.capability)})"


@dataclass(frozen=True)
class Driver:
    """What the driver tells.

    Attributes:
        version: the newest CUDA that it runs; None where there is none, or it does not say.
        cards: the GPUs that it shows.
        reason, remedy: why no GPU can be used through it, and what to do; empty where one can.
    """

    version: tuple[int, int] | None = None
    cards: tuple[Card, ...] = ()
    reason: str = ""
    remedy: str = ""

    @property
    def usable(self) -> bool:
        """Whether a GPU can be used through it."""
        return not self.reason

    @property
    def cuda(self) -> str:
        """The major version of the CUDA to install: 13 or 12; empty where it is of no use.

        It is one that the oldest card can do, if any CUDA of ours can.
        """
        if not self.usable or self.version is None:
            return ""
        oldest = min(one.capability for one in self.cards if one.capability >= OLDEST_CARD)
        return "13" if self.version >= (13, 0) and oldest >= OLDEST_CARD_OF_CUDA_13 else "12"

    def __str__(self) -> str:
        names = list(dict.fromkeys(one.name for one in self.cards))
        return f"{', '.join(names)}, driver for CUDA {_dotted(self.version or (0, 0))}"


@functools.cache
def this_driver() -> Driver:
    """The driver of this machine, asked once a process."""
    return find_driver()


def find_driver(
    load: Callable[[str], Any] = ctypes.CDLL,
    environment: Mapping[str, str] = os.environ,
    platform: str = sys.platform,
) -> Driver:
    """Load the driver's library and ask it.

    Args:
        load: loads a shared library; raises OSError where there is none of this name.
        environment, platform: as in `os.environ` and `sys.platform`.
    """
    for name in LIBRARIES_OF_WINDOWS if platform == "win32" else LIBRARIES:
        try:
            library = load(name)
        except OSError:
            continue
        return _ask(library, environment)
    return Driver(reason=NO_DRIVER, remedy=INSTALL_DRIVER)


def _ask(library: Any, environment: Mapping[str, str]) -> Driver:
    number = ctypes.c_int(0)
    version = None
    if library.cuDriverGetVersion(ctypes.byref(number)) == 0:
        version = (number.value // 1000, number.value % 1000 // 10)
        if version < OLDEST_DRIVER:
            reason = f"the NVIDIA driver is for CUDA {_dotted(version)}: 12.0 or newer is needed"
            return Driver(version, (), reason, "update the NVIDIA driver")
    error = library.cuInit(0)
    if error == 0:
        error = library.cuDeviceGetCount(ctypes.byref(number))
    if error == 0 and number.value == 0:
        error = NO_DEVICE
    if error != 0:
        return Driver(version, (), *_trouble(error, environment))
    cards = tuple(_card(library, index) for index in range(number.value))
    if max(one.capability for one in cards) < OLDEST_CARD:
        reason = f"{cards[0]} is too old: CUDA 12 needs {_dotted(OLDEST_CARD)}"
        return Driver(version, cards, reason, "use a newer card")
    return Driver(version, cards)


def _card(library: Any, index: int) -> Card:
    device, value = ctypes.c_int(0), ctypes.c_int(0)
    library.cuDeviceGet(ctypes.byref(device), index)
    name = ctypes.create_string_buffer(256)
    library.cuDeviceGetName(name, len(name), device)
    capability = []
    for attribute in (_MAJOR, _MINOR):
        library.cuDeviceGetAttribute(ctypes.byref(value), attribute, device)
        capability.append(value.value)
    return Card(name.value.decode(errors="replace"), (capability[0], capability[1]))


def _trouble(error: int, environment: Mapping[str, str]) -> tuple[str, str]:
    hidden = environment.get("CUDA_VISIBLE_DEVICES")
    if error == NO_DEVICE and hidden is not None:
        return (
            f"CUDA_VISIBLE_DEVICES={hidden} hides every GPU",
            "unset CUDA_VISIBLE_DEVICES, or name a GPU that nvidia-smi lists",
        )
    unknown = (
        f"the NVIDIA driver cannot be started (error {error} of cuInit)",
        "see that nvidia-smi runs; after an update of the driver, restart the machine",
    )
    return _TROUBLES.get(error, unknown)


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
