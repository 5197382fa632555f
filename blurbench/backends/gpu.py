"""The GPU that the CuPy backends share: whether it can be used, and how a blur gets there."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import PackageNotFoundError, distribution
from typing import Any

from blurbench.backends.backend import Availability
from blurbench.backends.cuda_device import CudaDevice
from blurbench.extras import install

TF32 = "CUPY_TF32"  # CuPy's own switch; it looks at its first product

NO_CUPY = "CuPy is not installed (a driver older than CUDA 13 needs cupy-cuda12x[ctk] instead)"
NO_HEADER = "cannot open source file"  # how the compiler says that CUDA's headers are missing

_SUM = r"""
extern "C" __global__ void add(const float* a, float* total) { atomicAdd(total, a[threadIdx.x]); }
"""


def allow_tf32() -> None:
    """Let this process's libraries round float32 factors to TF32: call it before their first."""
    os.environ[TF32] = "1"


def tf32_allowed() -> bool:
    """Whether they may, by us or by the user."""
    return os.environ.get(TF32, "0") not in ("", "0")


def open_device(number: int = 0) -> CudaDevice:
    """The device, opened once a process; from then on the calling thread works on its stream.

    Raises:
        Exception: CuPy's own, where there is no such device or it cannot do what a blur needs.
    """
    device = _opened(number)
    device.use()
    return device


@functools.cache
def _opened(number: int) -> CudaDevice:
    device, cupy = CudaDevice(number), import_module("cupy")
    for check in (_run_kernel, _run_fft):  # the probe tried the first device alone
        check(cupy)
    return device


@functools.cache
def probe() -> Availability:
    """Whether CuPy can run here, tried rather than asked: `is_available()` hides every reason."""
    return examine(lambda: import_module("cupy"))


def examine(load: Callable[[], Any]) -> Availability:
    """Go through what a blur needs, from import to FFT; the first failure is the reason."""
    try:
        cupy = load()
    except (ImportError, RuntimeError) as error:
        if isinstance(error, ModuleNotFoundError) and error.name == "cupy":
            return Availability(NO_CUPY, install("cuda13"))
        remedy = install(f"cuda{cuda_version()}", upgrade=True)
        return Availability(f"CuPy cannot be imported: {_line(error)}", remedy)
    versions = {"cupy": str(cupy.__version__)}
    runtime = cupy.cuda.runtime
    try:
        count = runtime.getDeviceCount()
    except RuntimeError as error:
        return Availability(*_no_device(runtime, error), versions)
    if count == 0:
        return Availability("no CUDA device is visible", "check CUDA_VISIBLE_DEVICES", versions)
    libraries = install(f"cuda{cuda_version()}")
    checks: tuple[tuple[Callable[[Any], object], str, str], ...] = (
        (
            lambda cupy: cupy.cuda.nvrtc.getVersion(),
            "the CUDA compiler library (NVRTC) cannot be loaded",
            libraries,
        ),
        (_run_kernel, "a small kernel failed", "check that the driver supports this CuPy's CUDA"),
        (_run_fft, "a small FFT (cuFFT) failed", libraries),
    )
    for check, what, remedy in checks:
        try:
            check(cupy)
        except Exception as error:  # CuPy's own errors are of many kinds
            if NO_HEADER in str(error):
                remedy = libraries
            return Availability(f"{what}: {_line(error)}", remedy, versions)
    devices = tuple(runtime.getDeviceProperties(number)["name"].decode() for number in range(count))
    versions["cuda"] = str(runtime.runtimeGetVersion())
    return Availability(versions=versions, devices=devices)


def cuda_version() -> str:
    """The major version of the CUDA that the installed CuPy is for; the newer where none is."""
    try:
        distribution("cupy-cuda12x")
    except PackageNotFoundError:
        return "13"
    return "12"


def _no_device(runtime: Any, error: Exception) -> tuple[str, str]:
    try:
        driver = runtime.driverGetVersion()
    except RuntimeError:
        driver = 0
    if driver == 0:
        return "no NVIDIA driver was found on this machine", "install the NVIDIA driver"
    return (
        f"CUDA cannot be used: {_line(error)}",
        f"the driver supports CUDA {driver // 1000}.{driver % 1000 // 10}: "
        "update it, or install the CuPy that matches it",
    )


def _run_kernel(cupy: Any) -> None:
    ones, total = cupy.ones(32, dtype="float32"), cupy.zeros(1, dtype="float32")
    cupy.RawKernel(_SUM, "add")((1,), (32,), (ones, total))
    if float(total[0]) != 32.0:
        raise RuntimeError(f"32 ones summed to {float(total[0])}")


def _run_fft(cupy: Any) -> None:
    first = complex(cupy.fft.rfft(cupy.ones(8, dtype="float32"))[0])
    if abs(first - 8.0) > 1e-5:
        raise RuntimeError(f"the transform of 8 ones begins with {first}")


def _line(error: Exception) -> str:
    """The first line of an error, for a reason that fits a table's footer."""
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
