"""Who was ahead over which kernel sizes, in words, whatever shows it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter


def ranges_text(ahead: Iterable[tuple[str, int]]) -> str:
    """`a from 3 to 15, b at 31`: neighbouring sizes of one name become a range.

    Args:
        ahead: a name for each size, in order of the sizes.
    """
    ranges = [(name, [size for _, size in own]) for name, own in groupby(ahead, key=itemgetter(0))]
    return ", ".join(
        f"{name} at {sizes[0]}" if len(sizes) == 1 else f"{name} from {sizes[0]} to {sizes[-1]}"
        for name, sizes in ranges
    )
