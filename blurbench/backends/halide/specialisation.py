"""What compiled code depends on: neither on the shape of an image nor on the border's kind."""

from __future__ import annotations

from typing import NamedTuple

UNROLLED = 31  # the most taps of which code is made for each size; more go in a loop
FEW = 9  # taps up to which two passes read the image where it lies
FEW_ROWS, ROWS = 8, 32  # of a strip: with few taps, and else


class Specialisation(NamedTuple):
    """What code is made for.

    Attributes:
        method: `direct` or `separable`.
        size: of the kernel, odd, where code is made for it; 0 for a loop over any number of taps.
        dtype: of the image.
        constant: whether the border is `constant`.
        wide: whether a row's last vectors may begin early enough to end with it.
        parallel: whether threads share the strips.
    """

    method: str
    size: int
    dtype: str
    constant: bool
    wide: bool
    parallel: bool

    @property
    def is_few(self) -> bool:
        return self.method == "separable" and 0 < self.size <= FEW

    @property
    def rows(self) -> int:
        """Of a strip."""
        return FEW_ROWS if self.is_few else ROWS
