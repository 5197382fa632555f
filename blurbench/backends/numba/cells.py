"""Neighbouring rows that meet the same few lines, by weights of their own: a cell.

The lines of a cell stay in registers while its rows pass by, so that each row is read or written
once. A row is long: its values are taken LINE_BYTES of floats at a time, and each such part of a
row meets lines of its own, a stride further on than those of the part before.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from blurbench.backends.numba.vectors import (
    INT64,
    LINE_BYTES,
    VECTOR_BYTES,
    Builder,
    Vectors,
    number,
)

MEETS = 5  # lines that a row meets
AT_ONCE = 2  # vectors of each of them that are kept in registers


class _Cell:
    """What is known of a cell; arguments as of `gather_rows`."""

    def __init__(self, builder: Builder, given: Any, arguments: Any) -> None:
        self._builder, self._dtype = builder, given.args[0].dtype
        self.vectors = Vectors(builder, given.args[1].dtype)
        self._weights, meets, cell, parts = arguments
        self._first, self._step, self._count = cgutils.unpack_tuple(builder, cell)
        self._parts, self._stride = cgutils.unpack_tuple(builder, parts)
        self.further = builder.mul(self._step, self._count)  # to the next cell's rows
        each = [builder.add(meets, number(8 * k)) for k in range(MEETS)]
        pointers = [builder.inttoptr(one, INT64.as_pointer()) for one in each]
        self._lines = [builder.load(one) for one in pointers]

    @contextmanager
    def columns(self) -> Iterator[Iterator[int]]:
        """For each part of the rows: where the vectors begin that are worked on at once."""
        with cgutils.for_range(self._builder, self._parts, intp=INT64) as loop:
            self._part = loop.index
            yield iter(range(0, LINE_BYTES, AT_ONCE * VECTOR_BYTES))

    def met(self, column: int) -> list[list[Any]]:
        """Addresses of the vectors of each line."""
        ahead = self._builder.mul(self._part, self._stride)
        starts = [self._builder.add(line, ahead) for line in self._lines]
        return [
            [self._builder.add(start, number(column + n * VECTOR_BYTES)) for n in range(AT_ONCE)]
            for start in starts
        ]

    @contextmanager
    def rows(self, column: int) -> Iterator[tuple[list[Any], list[Any]]]:
        """For each row: the addresses of its vectors, and its weights."""
        builder, vectors = self._builder, self.vectors
        item = self._dtype.bitwidth // 8
        part = builder.mul(self._part, number(vectors.line * item))
        with cgutils.for_range(builder, self._count, intp=INT64) as loop:
            row = builder.add(self._first, builder.mul(loop.index, self._step))
            start = builder.add(builder.add(row, part), number(column // vectors.item * item))
            weights = builder.add(
                self._weights, builder.mul(loop.index, number(MEETS * vectors.item))
            )
            yield (
                [builder.add(start, number(n * vectors.lanes * item)) for n in range(AT_ONCE)],
                [vectors.tap(weights, k) for k in range(MEETS)],
            )


def _signature(rows: Any, lines: Any) -> Any:
    three, two = (types.UniTuple(types.int64, count) for count in (3, 2))
    return types.void(rows, lines, types.int64, types.int64, three, two)


@intrinsic
def gather_rows(
    typing_context: Any, rows: Any, lines: Any, weights: Any, meets: Any, cell: Any, parts: Any
) -> tuple[Any, Any]:
    """Add weighted rows to the lines that they meet.

    Args:
        rows, lines: arrays of their types.
        weights: address of MEETS weights for each row.
        meets: address of the addresses of MEETS lines, all different.
        cell: address of the first row, the step from one to the next, and their count.
        parts: of each row, and the stride from the lines of one to those of the next.
    """

    def generate(context: Any, builder: Builder, given: Any, arguments: Any) -> Any:
        here, dtype = _Cell(builder, given, arguments[2:]), given.args[0].dtype
        vectors = here.vectors
        with here.columns() as columns:
            for column in columns:
                met = here.met(column)
                sums = [vectors.variables(AT_ONCE) for _ in met]
                for own, places in zip(sums, met, strict=True):
                    for one, place in zip(own, places, strict=True):
                        builder.store(vectors.load(place), one)
                with here.rows(column) as (starts, taps):
                    for start in starts:
                        vectors.prefetch(builder.add(start, here.further))
                    values = [vectors.load(start, dtype) for start in starts]
                    for own, tap in zip(sums, taps, strict=True):
                        for one, value in zip(own, values, strict=True):
                            total = vectors.multiply_add(tap, value, builder.load(one))
                            builder.store(total, one)
                for own, places in zip(sums, met, strict=True):
                    for one, place in zip(own, places, strict=True):
                        vectors.store(builder.load(one), place)
        return context.get_dummy_value()

    return _signature(rows, lines), generate


@intrinsic
def spread_lines(
    typing_context: Any, rows: Any, lines: Any, weights: Any, meets: Any, cell: Any, parts: Any
) -> tuple[Any, Any]:
    """Write rows that are weighted sums of the lines that they meet; see `gather_rows`."""

    def generate(context: Any, builder: Builder, given: Any, arguments: Any) -> Any:
        here, dtype = _Cell(builder, given, arguments[2:]), given.args[0].dtype
        vectors = here.vectors
        with here.columns() as columns:
            for column in columns:
                values = [[vectors.load(place) for place in own] for own in here.met(column)]
                with here.rows(column) as (starts, taps):
                    for n, start in enumerate(starts):
                        total = builder.fmul(taps[0], values[0][n])
                        for tap, own in zip(taps[1:], values[1:], strict=True):
                            total = vectors.multiply_add(tap, own[n], total)
                        vectors.store(total, start, dtype)
        return context.get_dummy_value()

    return _signature(rows, lines), generate
