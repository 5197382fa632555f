"""Images that lie on a GPU already, of whichever library."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from blurbench.backends import gpu
from blurbench.errors import InputError

CUDA_DEVICES = 2, 13  # as DLPack numbers the kinds: a GPU's memory, and such as the host shares


def lies_on_gpu(image: Any) -> bool:
    """Whether this is an array of a GPU: CuPy's, or one that DLPack or CUDA's protocol shows."""
    if library_of(image) == "cupy":
        return True
    if hasattr(image, "__dlpack_device__"):
        return image.__dlpack_device__()[0] in CUDA_DEVICES
    return hasattr(image, "__cuda_array_interface__")


def library_of(image: Any) -> str:
    """The package that an array's type is of."""
    return type(image).__module__.partition(".")[0]


def adopt(image: Any) -> Any:
    """A CuPy array over the memory of an array on a GPU; nothing is copied.

    Raises:
        InputError: its library does not share it, or not such a type.
        RuntimeError: CuPy cannot run here.
    """
    if library_of(image) == "cupy":
        return image
    state = gpu.probe()
    if not state.ok:
        raise RuntimeError(f"an image on a GPU needs CuPy: {state.explanation}")
    cupy = import_module("cupy")
    take = cupy.from_dlpack if hasattr(image, "__dlpack_device__") else cupy.asarray
    try:
        return take(image)
    except Exception as error:  # each library's own
        detail = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"the image of {library_of(image)} cannot be shared: {detail}; give a CuPy array"
        ) from None
