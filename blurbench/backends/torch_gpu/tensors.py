"""Tensors of one device, and the little of a namespace that plans ask for."""

from __future__ import annotations

from typing import Any

import numpy as np

from blurbench.names import DTYPES


class Tensors:
    """The functions of the array API that plans ask for; types may be NumPy's or PyTorch's.

    Attributes:
        device: where the tensors lie, as they name it.
    """

    def __init__(self, torch: Any, device: Any) -> None:
        self._torch, self.device = torch, device
        vars(self).update({name: getattr(torch, name) for name in DTYPES})

    def empty(self, shape: tuple[int, ...], dtype: Any) -> Any:
        return self._torch.empty(shape, dtype=self._dtype(dtype), device=self.device)

    def asarray(self, given: Any, copy: bool | None = None) -> Any:
        """A host array on the device, or a tensor that is there; outside of any gradient."""
        if isinstance(given, np.ndarray):
            return self._torch.tensor(given, device=self.device)
        given = given.detach()
        return given.clone() if copy else given

    def astype(self, given: Any, dtype: Any, copy: bool = True) -> Any:
        return given.to(self._dtype(dtype), copy=copy)

    def sum(self, given: Any, axis: int, keepdims: bool) -> Any:
        return self._torch.sum(given, dim=axis, keepdim=keepdims)

    @staticmethod
    def may_share_memory(one: Any, other: Any) -> bool:
        return bool(one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr())

    def _dtype(self, given: Any) -> Any:
        return getattr(self._torch, dtype_name(given))


def dtype_name(given: Any) -> str:
    """NumPy's name of a type."""
    is_torch = type(given).__module__.partition(".")[0] == "torch"
    return str(given).removeprefix("torch.") if is_torch else np.dtype(given).name
