"""Which OpenCL device OpenCV takes in this process, and whether that is a GPU."""

from __future__ import annotations

import ctypes
import functools
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from blurbench.backends import optional
from blurbench.backends.backend import Availability
from blurbench.backends.opencv_ocl.filters import never_leave_the_device
from blurbench.extras import install

CHOICE = "OPENCV_OPENCL_DEVICE"  # OpenCV's own variable, looked at when OpenCL is first used
TYPE_CPU = 2  # in the OpenCL standard
ANY = ":GPU|CPU:"  # the first GPU, or else a CPU; unasked, OpenCV takes no CPU
SILENT = 0  # OpenCV's least level of logging
LIBRARY = "OPENCV_OPENCL_RUNTIME"
LIBRARIES = {
    "linux": "libOpenCL.so.1",
    "win32": "OpenCL.dll",
    "darwin": "/System/Library/Frameworks/OpenCL.framework/Versions/Current/OpenCL",
}
DRIVER = (
    "install the OpenCL driver of the GPU and OpenCL's library (on Debian ocl-icd-libopencl1; "
    "pocl-opencl-icd is a driver for the CPU)"
)


@functools.cache
def probe() -> Availability:
    """Whether OpenCV can be imported and finds an OpenCL device.

    Where there is no OpenCL at all, OpenCV is not even imported.
    """
    if find_spec("cv2") is not None and not has_library():
        return Availability("no OpenCL library was found", DRIVER)
    found = optional.examine(lambda: import_module("cv2"), "cv2", "OpenCV", "peers")
    if not found.ok:
        return found
    return describe(import_module("cv2"), dict(found.versions))


def has_library() -> bool:
    """Whether the library is there that hands calls on to OpenCL's drivers."""
    name = os.environ.get(LIBRARY) or LIBRARIES.get(sys.platform)
    if name is None:  # then let OpenCV look for it
        return True
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def describe(cv2: Any, versions: dict[str, str]) -> Availability:
    """What this OpenCV can do on this machine."""
    if not re.search(r"OpenCL:\s+YES", cv2.getBuildInformation()):
        remedy = install("peers", upgrade=True)
        return Availability("this OpenCV was built without OpenCL", remedy, versions)
    if not cv2.ocl.haveOpenCL():
        return Availability("no OpenCL platform was found", DRIVER, versions)
    device, asked = chosen(cv2), os.environ.get(CHOICE)
    if not device.name():
        if asked:
            reason = f"{CHOICE}={asked} names no OpenCL device of this machine"
            return Availability(reason, f"unset {CHOICE}", versions)
        return Availability("no platform of OpenCL has a device", DRIVER, versions)
    if not never_leave_the_device():
        reason = "this OpenCV could go on on the CPU unseen"
        return Availability(reason, install("peers", upgrade=True), versions)
    version = f"{device.deviceVersionMajor()}.{device.deviceVersionMinor()}"
    versions = {**versions, "opencl": version}
    return Availability(versions=versions, devices=(name_of(device),), software=is_software(device))


def chosen(cv2: Any) -> Any:
    """The device that OpenCV takes; by whom it is asked first in a process, it is for all."""
    with _any_device(), _silent(cv2):
        return cv2.ocl.Device.getDefault()


@contextmanager
def _any_device() -> Iterator[None]:
    """Let OpenCV take a CPU where there is no GPU, unless the user has chosen."""
    if CHOICE in os.environ:
        yield
        return
    os.environ[CHOICE] = ANY
    try:
        yield
    finally:
        del os.environ[CHOICE]


@contextmanager
def _silent(cv2: Any) -> Iterator[None]:
    """Keep OpenCV from printing by itself that it finds no device: our own line says so."""
    five = hasattr(cv2.utils, "logging")  # OpenCV 5, or 4
    set_level = cv2.utils.logging.setLogLevel if five else cv2.setLogLevel
    before = set_level(SILENT)
    try:
        yield
    finally:
        set_level(before)


def is_software(device: Any) -> bool:
    """Whether it is a program that runs on the CPU."""
    return bool(device.type() & TYPE_CPU)


def name_of(device: Any) -> str:
    """Name, kind, interface and driver, as tables and records show them."""
    kind = "integrated" if device.hostUnifiedMemory() else "discrete"
    if is_software(device):
        kind = "software"
    return f"{device.name()} ({kind}, OpenCL, {device.driverVersion()})"
