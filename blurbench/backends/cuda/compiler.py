"""From a kernel's `.cu` file to something that can be launched."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

TYPES = {
    "uint8": "unsigned char",
    "uint16": "unsigned short",
    "float16": "Half",
    "float32": "float",
    "float64": "double",
}


class Kernel(Protocol):
    """A compiled kernel, launched as CuPy's RawKernel is."""

    def __call__(
        self, grid: tuple[int, ...], block: tuple[int, ...], arguments: tuple[Any, ...]
    ) -> object:
        """Queue a launch on the current stream.

        Arrays of the device are passed by their address, NumPy's scalars and arrays of one
        element by value.
        """


@dataclass(frozen=True)
class Toolkit:
    """What plans need of a device; tests bring one that runs on the CPU.

    Attributes:
        xp: its array namespace.
        compile: gives kernel `name` of a source under the given compiler options.
        processors: how many multiprocessors it has.
        capability: its compute capability, such as `90`.
    """

    xp: Any
    compile: Callable[[str, str, tuple[str, ...]], Kernel]
    processors: int
    capability: str = ""

    def kernel(self, name: str, **macros: object) -> Kernel:
        """The kernel of `<name>.cu`, compiled with the macros defined."""
        return self.compile(source(name), name, options(**macros))


@functools.cache
def source(name: str) -> str:
    """The text of a kernel, after what all kernels share."""
    here = Path(__file__).parent
    return "".join((here / f"{part}.cu").read_text("utf-8") for part in ("prelude", name))


def options(**macros: object) -> tuple[str, ...]:
    """The compiler's options; types are given as NumPy names them."""
    defined = {key: TYPES.get(str(value), value) for key, value in macros.items()}
    return "--std=c++17", *(f"-D{key}={value}" for key, value in defined.items())


def toolkit() -> Toolkit:
    """CuPy on the current device. It keeps what it compiled on disk."""
    cupy = import_module("cupy")
    device = cupy.cuda.Device()
    processors = int(device.attributes["MultiProcessorCount"])
    return Toolkit(cupy, _compile, processors, device.compute_capability)


@functools.cache
def _compile(text: str, name: str, given: tuple[str, ...]) -> Kernel:
    kernel: Kernel = import_module("cupy").RawModule(code=text, options=given).get_function(name)
    return kernel
