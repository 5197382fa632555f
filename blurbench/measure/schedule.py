"""The order in which competitors run: no position, and no neighbour, is anyone's for long."""

from __future__ import annotations

import random
from collections.abc import Iterator


def shuffled_rounds(n: int, rng: random.Random) -> Iterator[list[int]]:
    """Endless orders of 0..n-1: the rows of randomly permuted cyclic Latin squares.

    In every n rounds from the start each competitor stands in each position once.
    """
    while True:
        symbols, rows, columns = (rng.sample(range(n), n) for _ in range(3))
        for row in rows:
            yield [symbols[(row + column) % n] for column in columns]
