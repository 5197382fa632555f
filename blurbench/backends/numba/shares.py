"""Rows shared out to threads within compiled code: whoever is free takes the next few.

A board has two counters: of the turns taken, and of the threads that may be at work on some. A
thread counts itself before it takes rows. So one that finds no rows left, and then nobody else at
work, knows that all are done; and one that comes too late finds none, and touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from blurbench.backends.numba.atomics import add_to, pause

Array = NDArray[Any]
# A bell; how often a helper has heard it, or -1 of him who rings it; a board; and how many rows
# are taken at once.
Turns = tuple[Array, int, Array, int]
GENERATED_BY = "befd98a31edbf70e"  # the hash of atomics
PATIENCE = 3000  # pauses for which a thread waits awake: some 30 to 100 us

compiled = njit(nogil=True, cache=True, error_model="numpy")


@njit(nogil=True, error_model="numpy")  # Numba cannot take up a generator from the disk
def shares(turns: Turns, images: int, rows: int) -> Iterator[tuple[int, int, int]]:
    """Take rows while there are some: of which image, and from a first to before a last.

    He who rings then waits a little for his helpers; and they for the next ring, for nobody waits
    for Python's lock as long as they are here.
    """
    bell, heard, board, step = turns
    if heard < 0:
        add_to(bell.ctypes.data, 1)
    add_to(board.ctypes.data + 8, 1)
    parts = (rows + step - 1) // step
    turn = add_to(board.ctypes.data, 1)
    while turn < images * parts:
        image, first = turn // parts, turn % parts * step
        yield image, first, min(first + step, rows)
        turn = add_to(board.ctypes.data, 1)
    end(board)
    if heard >= 0:
        listen(bell, heard)
    else:
        for _ in range(PATIENCE):
            if add_to(board.ctypes.data + 8, 0) == 0:
                break
            pause()


@compiled
def end(board: Array) -> None:
    """Count this thread no more."""
    add_to(board.ctypes.data + 8, -1)


@compiled
def close(board: Array) -> None:
    """Let no rows be taken any more."""
    add_to(board.ctypes.data, np.int64(2**62))


@compiled
def listen(bell: Array, heard: int) -> int:
    """How often the bell was rung; waits a little for more than was `heard`."""
    rung = heard
    for _ in range(PATIENCE):
        rung = add_to(bell.ctypes.data, 0)
        if rung != heard:
            break
        pause()
    return rung
