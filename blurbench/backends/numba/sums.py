"""Sums over the taps, kept in registers: the innermost loops."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from blurbench.backends.numba.vectors import (
    CACHE_LINE,
    INT64,
    LINE_BYTES,
    VECTOR_BYTES,
    Builder,
    Vectors,
    address_of,
    number,
)

AT_ONCE = 2 if VECTOR_BYTES == 64 else 1  # vectors of a line: there are 32 or 16 registers
OUTPUTS = 4  # whose sums share what is loaded
TOGETHER = 4  # rows whose sums share what is loaded, where there are few taps
DOWN_AT_ONCE, ALONG_AT_ONCE = 2, 2  # vectors that are summed at once there
# The largest radius of which code is made for each.
NEAR = 6 if VECTOR_BYTES == 64 else 8


@intrinsic
def sum_lines(
    typing_context: Any, taps: Any, radius: Any, centre: Any, step: Any, out: Any
) -> tuple[Any, Any]:
    """Store OUTPUTS sums over lines of LINE_BYTES, `step` apart, and so are the sums from `out`.

    Neighbouring sums look at almost the same lines: for each distance from the centre one more
    line on each side is loaded, and the lines before stay in registers. Pairs are added before
    they are multiplied, the outermost first.

    Args:
        taps: from the centre on.
        centre: the address of the first sum's.
    """

    def generate(context: Any, builder: Builder, given: Any, arguments: Any) -> Any:
        array, radius, centre, step, out = arguments
        vectors = Vectors(builder, given.args[0].dtype)
        taps = address_of(context, builder, given.args[0], array)
        for column in range(0, LINE_BYTES, AT_ONCE * VECTOR_BYTES):
            at = [number(column + part * VECTOR_BYTES) for part in range(AT_ONCE)]
            _sum_window(builder, vectors, taps, radius, (centre, out, step), at)
        return context.get_dummy_value()

    return types.void(taps, *(types.int64,) * 4), generate


def _sum_window(
    builder: Builder, vectors: Vectors, taps: Any, radius: Any, lines: Any, at: list[Any]
) -> None:
    centre, out, step = lines
    sums = [vectors.variables(len(at)) for _ in range(OUTPUTS)]
    after = [vectors.variables(len(at)) for _ in range(OUTPUTS)]
    before = [vectors.variables(len(at)) for _ in range(OUTPUTS)]

    def fetch(window: list[list[Any]], slot: int, line: Any) -> None:
        address = builder.add(centre, builder.mul(line, step))
        for part, offset in zip(window[slot % OUTPUTS], at, strict=True):
            builder.store(vectors.load(builder.add(address, offset)), part)

    def add_pairs(distance: Any, turn: int) -> None:
        """What lies at a distance; after each `turn` the slots have moved on by one."""
        fetch(after, -turn, distance)
        fetch(before, turn - 1, builder.sub(number(OUTPUTS - 1), distance))
        tap = vectors.tap(builder.add(taps, builder.mul(distance, number(vectors.item))))
        for output in range(OUTPUTS):
            pairs = zip(
                sums[output],
                before[(output + turn) % OUTPUTS],
                after[(output - turn) % OUTPUTS],
                strict=True,
            )
            for one, a, b in pairs:
                pair = builder.fadd(builder.load(a), builder.load(b))
                builder.store(vectors.multiply_add(tap, pair, builder.load(one)), one)

    for part in (part for one in sums for part in one):
        builder.store(vectors.constant(0.0), part)
    for output in range(1, OUTPUTS):
        fetch(after, output, builder.add(radius, number(output)))
        fetch(before, output - 1, builder.sub(number(output - 1), radius))
    turns, rest = (f(radius, number(OUTPUTS)) for f in (builder.udiv, builder.urem))
    with cgutils.for_range(builder, turns, intp=INT64) as loop:
        farthest = builder.sub(radius, builder.mul(loop.index, number(OUTPUTS)))
        for turn in range(OUTPUTS):
            add_pairs(builder.sub(farthest, number(turn)), turn)
    for turn in range(OUTPUTS - 1):
        with builder.if_then(builder.icmp_unsigned(">", rest, number(turn))):
            add_pairs(builder.sub(rest, number(turn)), turn)
    tap = vectors.tap(taps)
    for output, parts in enumerate(sums):
        ahead = builder.mul(step, number(output))
        for one, offset in zip(parts, at, strict=True):
            place = builder.add(ahead, offset)
            value = vectors.load(builder.add(centre, place))
            total = vectors.multiply_add(tap, value, builder.load(one))
            vectors.store(total, builder.add(out, place))


@intrinsic
def sum_down(
    typing_context: Any, taps: Any, radius: Any, image: Any, rows: Any, sums: Any, count: Any
) -> tuple[Any, Any]:
    """Store TOGETHER rows of sums over the rows of an image.

    Args:
        taps: from the centre on.
        radius: 1 to NEAR.
        image: an array of the rows' type.
        rows: the address of a table of addresses of 2 * radius + TOGETHER rows.
        sums: where the first row of sums goes, and how far from it the next.
        count: of the values, at least as many as a vector has lanes.
    """

    def generate(context: Any, builder: Builder, given: Any, arguments: Any) -> Any:
        array, radius, _, rows, sums, count = arguments
        vectors, dtype = Vectors(builder, given.args[0].dtype), given.args[2].dtype
        item = dtype.bitwidth // 8
        taps = address_of(context, builder, given.args[0], array)
        first, apart = cgutils.unpack_tuple(builder, sums)
        targets = [builder.add(first, builder.mul(apart, number(i))) for i in range(TOGETHER)]
        table = builder.inttoptr(rows, INT64.as_pointer())

        def generate_for(radius: int) -> None:
            lines = [
                builder.load(builder.gep(table, [number(i)])) for i in range(2 * radius + TOGETHER)
            ]
            weights = [vectors.tap(taps, distance) for distance in range(radius + 1)]

            def body(at: Any, at_once: int) -> None:
                start = builder.udiv(builder.mul(at, number(item)), number(vectors.item))

                def fetch(i: int) -> list[Any]:
                    line = builder.add(lines[i], start)
                    return [
                        vectors.load(builder.add(line, number(part * vectors.lanes * item)), dtype)
                        for part in range(at_once)
                    ]

                summed = _fold(vectors, weights, fetch, TOGETHER)
                for target, values in zip(targets, summed, strict=True):
                    vectors.store_all(values, builder.add(target, at))

            _over_blocks(builder, vectors, count, body, DOWN_AT_ONCE)

        _for_radius(builder, radius, generate_for)
        return context.get_dummy_value()

    pair = types.UniTuple(types.int64, 2)
    return types.void(taps, types.int64, image, types.int64, pair, types.int64), generate


@intrinsic
def sum_along(
    typing_context: Any, taps: Any, radius: Any, line: Any, step: Any, out: Any, target: Any
) -> tuple[Any, Any]:
    """Store the sums along a line of floats as values of the type of the array `out`.

    Args:
        taps: from the centre on.
        radius: 1 to NEAR.
        line: the address of the first sum's centre, and the step to its neighbours.
        target: where the sums go; their count, at least as many as a vector has lanes; and the
            address of a row of the type of `out`, far away, that will be read soon and is asked for
            meanwhile, while little else is read; or 0.
    """

    def generate(context: Any, builder: Builder, given: Any, arguments: Any) -> Any:
        array, radius, line, step, _, target = arguments
        vectors, made = Vectors(builder, given.args[0].dtype), given.args[4].dtype
        taps = address_of(context, builder, given.args[0], array)
        target, count, wanted = cgutils.unpack_tuple(builder, target)

        def generate_for(radius: int) -> None:
            steps = [builder.mul(step, number(i - radius)) for i in range(2 * radius + 1)]
            lines = [builder.add(line, one) for one in steps]
            weights = [vectors.tap(taps, distance) for distance in range(radius + 1)]

            def body(at: Any, at_once: int, asks: bool = False) -> None:
                parts = [builder.add(at, number(i * VECTOR_BYTES)) for i in range(at_once)]
                ahead = builder.udiv(at, number(8 * vectors.item // made.bitwidth))
                if asks:
                    start = builder.add(wanted, ahead)
                    for part in range(0, at_once * vectors.lanes * made.bitwidth // 8, CACHE_LINE):
                        vectors.prefetch(builder.add(start, number(part)))

                def fetch(i: int) -> list[Any]:
                    return [vectors.load(builder.add(lines[i], part)) for part in parts]

                (summed,) = _fold(vectors, weights, fetch, 1)
                vectors.store_all(summed, builder.add(target, ahead), made)

            asking = functools.partial(body, asks=True)
            with builder.if_else(builder.icmp_signed("!=", wanted, number(0))) as (ask, ask_not):
                with ask:
                    _over_blocks(builder, vectors, count, asking, ALONG_AT_ONCE)
                with ask_not:
                    _over_blocks(builder, vectors, count, body, ALONG_AT_ONCE)

        _for_radius(builder, radius, generate_for)
        return context.get_dummy_value()

    three = types.UniTuple(types.int64, 3)
    return types.void(taps, *(types.int64,) * 3, out, three), generate


def _for_radius(builder: Builder, radius: Any, generate_for: Callable[[int], None]) -> None:
    for known in range(1, NEAR + 1):
        with builder.if_then(builder.icmp_unsigned("==", radius, number(known))):
            generate_for(known)


def _fold(
    vectors: Vectors, taps: list[Any], fetch: Callable[[int], list[Any]], count: int
) -> list[list[Any]]:
    """`count` neighbouring sums over symmetric taps of rows of vectors, the outermost first.

    All sums of a distance, then those of the next: what was fetched for a sum serves its
    neighbour before it has to make room.
    """
    row, radius = functools.cache(fetch), len(taps) - 1
    totals = [[vectors.constant(0.0)] * len(row(2 * radius)) for _ in range(count)]
    for distance in reversed(range(radius + 1)):
        for i, total in enumerate(totals):
            centre = radius + i
            for part, value in enumerate(row(centre - distance)):
                if distance:
                    value = vectors.add(value, row(centre + distance)[part])
                total[part] = vectors.multiply_add(taps[distance], value, total[part])
    return totals


@intrinsic
def sum_dense(
    typing_context: Any, taps: Any, radius: Any, rows: Any, out: Any, count: Any
) -> tuple[Any, Any]:
    """Store `count` sums over size x size taps, each row of them summed by itself.

    Args:
        rows: the address of the centre row's address, in a table of all rows'; the offset of the
            first sum's centre in its row; and the stride from one value to its neighbour in the
            same channel.
        count: at least as many as a vector has lanes.
    """

    def generate(context: Any, builder: Builder, given: Any, arguments: Any) -> Any:
        array, radius, rows, out, count = arguments
        rows, offset, stride = cgutils.unpack_tuple(builder, rows)
        vectors = Vectors(builder, given.args[0].dtype)
        address = address_of(context, builder, given.args[0], array)
        size = builder.add(builder.mul(radius, number(2)), number(1))
        first = builder.sub(rows, builder.mul(radius, number(8)))
        table = builder.inttoptr(first, INT64.as_pointer())
        left = builder.sub(offset, builder.mul(radius, stride))

        def body(at: Any, at_once: int) -> None:
            sums, parts = vectors.variables(at_once), vectors.variables(at_once)
            for one in sums:
                builder.store(vectors.constant(0.0), one)
            with cgutils.for_range(builder, size, intp=INT64) as down:
                for one in parts:
                    builder.store(vectors.constant(0.0), one)
                row = builder.load(builder.gep(table, [down.index]))
                line = builder.add(builder.add(row, left), at)
                weights = builder.mul(builder.mul(down.index, size), number(vectors.item))
                weights = builder.add(address, weights)
                with cgutils.for_range(builder, size, intp=INT64) as along:
                    tap = builder.mul(along.index, number(vectors.item))
                    tap = vectors.tap(builder.add(weights, tap))
                    values = builder.add(line, builder.mul(along.index, stride))
                    for position, one in enumerate(parts):
                        value = vectors.load(builder.add(values, number(position * VECTOR_BYTES)))
                        total = vectors.multiply_add(tap, value, builder.load(one))
                        builder.store(total, one)
                for one, part in zip(sums, parts, strict=True):
                    builder.store(builder.fadd(builder.load(one), builder.load(part)), one)
            for position, one in enumerate(sums):
                ahead = number(position * VECTOR_BYTES)
                vectors.store(builder.load(one), builder.add(builder.add(out, at), ahead))

        _over_blocks(builder, vectors, count, body)
        return context.get_dummy_value()

    three = types.UniTuple(types.int64, 3)
    return types.void(taps, types.int64, three, types.int64, types.int64), generate


def _over_blocks(
    builder: Builder,
    vectors: Vectors,
    count: Any,
    body: Callable[[Any, int], None],
    at_once: int = OUTPUTS,
) -> None:
    """Call `body(offset, vectors at once)` until `count` values are covered.

    The last vector begins early enough to end with them.
    """
    block = number(at_once * vectors.lanes)
    blocks = builder.udiv(count, block)
    with cgutils.for_range(builder, blocks, intp=INT64) as loop:
        body(builder.mul(loop.index, number(at_once * VECTOR_BYTES)), at_once)
    done = builder.mul(blocks, number(at_once * VECTOR_BYTES))
    rest = builder.udiv(builder.urem(count, block), number(vectors.lanes))
    with cgutils.for_range(builder, rest, intp=INT64) as loop:
        body(builder.add(done, builder.mul(loop.index, number(VECTOR_BYTES))), 1)
    ragged = builder.urem(count, number(vectors.lanes))
    with builder.if_then(builder.icmp_unsigned("!=", ragged, number(0))):
        last = builder.sub(count, number(vectors.lanes))
        body(builder.mul(last, number(vectors.item)), 1)
