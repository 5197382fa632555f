"""The GPU that the CuPy backends share: whether it can be used, and how a blur gets there."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from importlib import import_module
from typing import Any

from blurbench.backends import cupy_packages
from blurbench.backends.backend import Availability
from blurbench.backends.cuda_device import CudaDevice
from blurbench.backends.driver import OLDEST_CARD_OF_CUDA_13, Card, this_driver
from blurbench.extras import uninstall

TF32 = "CUPY_TF32"  # CuPy's own switch; it looks at its first product

# How CuPy, and the compiler, say that CUDA's headers are missing.
NO_HEADERS = ("CUDA headers", "cannot open source file")

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
            return _without_cupy()
        remedy = cupy_packages.command(cupy_packages.cuda(), upgrade=True)
        return Availability(f"CuPy cannot be imported: {_line(error)}", remedy)
    versions = {"cupy": str(cupy.__version__)}
    try:
        versions["cuda"] = str(cupy.cuda.runtime.runtimeGetVersion())
        for check in CHECKS:
            check(cupy)
    except _FailedCheckError as failure:
        return Availability(failure.reason, failure.remedy, versions)
    names = tuple(card.name for card in _cards(cupy))
    return Availability(versions=versions, devices=names)


class _FailedCheckError(Exception):
    """Why CuPy cannot run here, and what to do, in a line each."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason, self.remedy = reason, remedy


def _without_cupy() -> Availability:
    driver = this_driver()
    if not driver.usable:
        return Availability(driver.reason, driver.remedy)
    return Availability("CuPy is not installed", cupy_packages.command(driver.cuda))


def _libraries() -> str:
    return cupy_packages.command(cupy_packages.cuda())


def _check_packages(cupy: Any) -> None:
    """One CuPy, and a new one."""
    several = cupy_packages.installed()
    if len(several) > 1:
        reason = f"{' and '.join(several)} are installed over one another"
        raise _FailedCheckError(reason, cupy_packages.command(this_driver().cuda or "13"))
    version = str(cupy.__version__)
    if int(version.partition(".")[0]) < cupy_packages.OLDEST:
        reason = f"CuPy {version} is too old: {cupy_packages.OLDEST} or newer is needed"
        raise _FailedCheckError(reason, cupy_packages.command(cupy_packages.cuda(), upgrade=True))


def _check_devices(cupy: Any) -> None:
    """A driver that runs this CuPy's CUDA, and cards that it compiles for."""
    made_for = _cuda_of(cupy)
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except RuntimeError as error:
        driver = this_driver()
        if not driver.usable:
            raise _FailedCheckError(driver.reason, driver.remedy) from None
        if made_for == "13" and driver.cuda == "12":
            reason = f"this CuPy is for CUDA 13, which does not run here ({driver})"
            raise _FailedCheckError(reason, cupy_packages.command("12")) from None
        remedy = "see that nvidia-smi runs, and update the NVIDIA driver"
        raise _FailedCheckError(f"CUDA cannot be used: {_line(error)}", remedy) from None
    if count == 0:
        raise _FailedCheckError("no CUDA device is visible", "check CUDA_VISIBLE_DEVICES")
    oldest = min(_cards(cupy), key=lambda card: card.capability)
    if made_for == "13" and oldest.capability < OLDEST_CARD_OF_CUDA_13:
        reason = f"{oldest} is too old for CUDA 13, which this CuPy is for"
        raise _FailedCheckError(reason, cupy_packages.command("12"))


def _check_compiler(cupy: Any) -> None:
    """The compiler library of the CUDA that CuPy is for, whose headers are beside it."""
    try:
        version = cupy.cuda.nvrtc.getVersion()
    except Exception as error:  # CuPy's own errors are of many kinds
        reason = f"the CUDA compiler library (NVRTC) cannot be loaded: {_line(error)}"
        raise _FailedCheckError(reason, _libraries()) from None
    if str(version[0]) != _cuda_of(cupy) and not cupy.cuda.runtime.is_hip:
        reason = (
            f"this CuPy is for CUDA {_cuda_of(cupy)}, and finds the compiler of CUDA {version[0]}"
        )
        raise _FailedCheckError(reason, uninstall("nvidia-cuda-nvrtc"))


def _check_kernel(cupy: Any) -> None:
    try:
        _run_kernel(cupy)
    except Exception as error:
        if any(words in str(error) for words in NO_HEADERS):
            reason = f"CUDA's headers, which CuPy compiles with, are missing: {_line(error)}"
            raise _FailedCheckError(reason, _libraries()) from None
        remedy = "check that the driver supports this CuPy's CUDA"
        raise _FailedCheckError(f"a small kernel failed: {_line(error)}", remedy) from None


def _check_fft(cupy: Any) -> None:
    try:
        _run_fft(cupy)
    except Exception as error:
        raise _FailedCheckError(
            f"a small FFT (cuFFT) failed: {_line(error)}", _libraries()
        ) from None


def _check_product(cupy: Any) -> None:
    try:
        ones = cupy.ones((2, 2), dtype="float32")
        if (corner := float(cupy.matmul(ones, ones)[0, 0])) != 2.0:
            raise RuntimeError(f"a product of ones begins with {corner}")
    except Exception as error:
        raise _FailedCheckError(
            f"a small matrix product (cuBLAS) failed: {_line(error)}", _libraries()
        ) from None


CHECKS = (
    _check_packages,
    _check_devices,
    _check_compiler,
    _check_kernel,
    _check_fft,
    _check_product,
)


def _cuda_of(cupy: Any) -> str:
    """The major version of the CUDA that this CuPy was built for."""
    return str(cupy.cuda.runtime.runtimeGetVersion() // 1000)


def _cards(cupy: Any) -> list[Card]:
    runtime = cupy.cuda.runtime
    found = map(runtime.getDeviceProperties, range(runtime.getDeviceCount()))
    return [Card(one["name"].decode(), (one["major"], one["minor"])) for one in found]


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
