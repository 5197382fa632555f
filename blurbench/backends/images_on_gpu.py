"""Images that lie on a GPU already, of whichever library."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from blurbench.backends import gpu
from blurbench.errors import InputError

CUDA_DEVICES = 2, 13  # as DLPack numbers the kinds: a GPU's memory, and such as the host shares


@dataclass(frozen=True)
class OnDevice:
    """An image on a GPU as the plans of a backend take it.

    Attributes:
        array: over the memory of the one that was given.
        dtype: its type, by NumPy's name.
        device: makes its device the current one inside a `with` block.
        converted: makes an array of another type of it.
    """

    array: Any
    dtype: Any
    device: AbstractContextManager[Any]
    converted: Callable[[np.dtype[Any]], Any]


def lies_on_gpu(image: Any) -> bool:
    """Whether this is an array of a GPU.

    PyTorch's, CuPy's, or one that DLPack or CUDA's protocol shows.
    """
    library = library_of(image)
    if library == "torch" and hasattr(image, "device"):
        return bool(image.device.type != "cpu")
    if library == "cupy":
        return True
    if hasattr(image, "__dlpack_device__"):
        return image.__dlpack_device__()[0] in CUDA_DEVICES
    return hasattr(image, "__cuda_array_interface__")


def library_of(image: Any) -> str:
    """The package that an array's type is of."""
    return type(image).__module__.partition(".")[0]


def adopt(image: Any) -> OnDevice:
    """A CuPy array over the memory of an array on a GPU; nothing is copied.

    Raises:
        InputError: its library does not share it, or not such a type.
        RuntimeError: CuPy cannot run here.
    """
    array = _shared(image)
    return OnDevice(array, array.dtype, array.device, array.astype)


def _shared(image: Any) -> Any:
    library = library_of(image)
    if library == "cupy":
        return image
    state = gpu.probe()
    if not state.ok:
        other = "backend='torch_gpu' or " if library == "torch" else ""
        raise RuntimeError(f"an image on a GPU needs {other}CuPy: {state.explanation}")
    cupy = import_module("cupy")
    take = cupy.from_dlpack if hasattr(image, "__dlpack_device__") else cupy.asarray
    try:
        return take(image)
    except Exception as error:  # each library's own
        detail = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"the image of {library} cannot be shared: {detail}; give a CuPy array"
        ) from None
