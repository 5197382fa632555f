"""As much of `cupy.cuda.runtime` as this project uses."""

# ruff: noqa: N802  CUDA's names

from __future__ import annotations

from typing import Any

from helpers.cuda_on_cpu import PROCESSORS

NAME = "Emulated GPU"
FREE, TOTAL = 6 * 2**30, 8 * 2**30


class CUDARuntimeError(RuntimeError):
    """As CuPy raises it."""


def getDeviceCount() -> int:
    return 1


def getDevice() -> int:
    return 0


def setDevice(number: int) -> None: ...


def getDeviceProperties(number: int) -> dict[str, Any]:
    return {
        "name": NAME.encode(),
        "major": 9,
        "minor": 0,
        "multiProcessorCount": PROCESSORS,
        "l2CacheSize": 2**17,
        "totalGlobalMem": TOTAL,
        "kernelExecTimeoutEnabled": 0,
        "tccDriver": 0,
    }


def deviceGetPCIBusId(number: int) -> str:
    return "0000:00:00.0"


def deviceSynchronize() -> None: ...


def streamSynchronize(stream: int) -> None: ...


def runtimeGetVersion() -> int:
    return 13000


driverGetVersion = runtimeGetVersion  # noqa: N816  CUDA's name


def memGetInfo() -> tuple[int, int]:
    return FREE, TOTAL
