"""What the whole-channel methods ask of a device's library, beside its array namespace."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from blurbench.methods.windows import Windows, strided


class Product(Protocol):
    """Many matrix products at once: `out[i] = a[i] @ b[i]`, or `out[i] += a[i] @ b[i]`.

    Shapes: a `(count, m, k)`, b `(count, k, n)`, out `(count, m, n)`; an a or b of two dimensions
    serves all. They are views of any strides but that the samples of a row lie together; nothing
    is copied, and the matrices of a and of b may overlap.
    """

    def __call__(self, a: Any, b: Any, out: Any, *, add: bool) -> None: ...


@dataclass(frozen=True)
class Library:
    """A device's library.

    Attributes:
        xp: its array namespace.
        product: multiplies matrices in place.
        windows: views of pieces of lines.
    """

    xp: Any
    product: Product
    windows: Windows

    @classmethod
    def of(cls, xp: Any, product: Product) -> Library:
        """That of a namespace which has `lib.stride_tricks`."""
        return cls(xp, product, partial(strided, xp))
