"""How large a check is: images, kernel sizes, rounds and time; a rehearsal makes it small."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from blurbench.kernel import GaussianKernel
from blurbench.problem import Problem

SIZES = (*range(3, 33, 2), 41, 63, 101, 151, 255)
CHANNELS = (1, 3)
OWN, LIBRARY = "cuda:separable", "cupyx:separable"
OURS = (OWN, "cuda:fft")  # what libraries are raced beside
OWN_PART = "cuda"  # the races of our kernels among themselves
EVERY_PART = "cupyx"  # the races at every odd size
ODD_WIDTH_SIZES = (3, 9, 17, 31, 63, 255)


@dataclass(frozen=True)
class Scale:
    """What is asked.

    Attributes:
        side: of the square images, in pixels.
        sizes: of the kernels, odd.
        rounds: of a race.
        budget_s: seconds for all of it.
    """

    side: int = 4096
    sizes: tuple[int, ...] = SIZES
    rounds: int = 9
    budget_s: float = 470.0

    @property
    def every_size(self) -> tuple[int, ...]:
        """All odd sizes from the smallest to the largest."""
        return tuple(range(min(self.sizes), max(self.sizes) + 1, 2))

    def points(self, part: str) -> list[tuple[int, int]]:
        """Kernel size and channels of a part's points, in an order that may be cut short anywhere.

        Where every odd size is asked for, those in between come last.
        """
        order = spread(self.sizes)
        if part == EVERY_PART:
            order += spread(tuple(size for size in self.every_size if size not in self.sizes))
        return [(size, channels) for size in order for channels in CHANNELS]

    def of_odd_width(self) -> Scale:
        """The same for images whose rows begin anywhere, at few sizes."""
        first, last = min(self.sizes), max(self.sizes)
        sizes = tuple(size for size in ODD_WIDTH_SIZES if first <= size <= last)
        return replace(self, side=self.side - 1, sizes=sizes)

    def problem(self, size: int, channels: int, side: int | None = None) -> Problem:
        """A float32 image with a border that reflects."""
        side = side or self.side
        shape = (side, side) if channels == 1 else (side, side, channels)
        return Problem(GaussianKernel.from_size(size), shape, np.dtype(np.float32))

    def arguments(self) -> list[str]:
        """The options that give this scale."""
        sizes = ",".join(map(str, self.sizes))
        options = {"side": self.side, "sizes": sizes, "rounds": self.rounds}
        options["budget"] = self.budget_s
        return [text for name, value in options.items() for text in (f"--{name}", str(value))]


def spread(sizes: tuple[int, ...]) -> list[int]:
    """The ends, the middle, then the middles between: any beginning of it covers the whole."""
    if len(sizes) < 3:
        return list(sizes)
    found, gaps = [sizes[0], sizes[-1]], [(0, len(sizes) - 1)]
    while gaps:
        low, high = gaps.pop(0)
        middle = (low + high) // 2
        if middle > low:
            found.append(sizes[middle])
            gaps += [(low, middle), (middle, high)]
    return found
