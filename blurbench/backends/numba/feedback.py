"""Filters of lines whose cost does not grow with sigma, their states kept in registers."""

from __future__ import annotations

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
    address_of,
    number,
)

COLUMNS = range(0, LINE_BYTES, VECTOR_BYTES)  # where the vectors of a line begin
TERMS = (1, 2, 3)  # of which code is made for each
FORWARD, BACK = 3, 2  # coefficients of a term


@intrinsic
def weigh_lines(
    typing_context: Any, weights: Any, count: Any, first: Any, step: Any, out: Any
) -> tuple[Any, Any]:
    """Add to the line at `out` the sum of `count` weighted lines, `step` apart."""

    def generate(context: Any, builder: Builder, given: Any, arguments: Any) -> Any:
        array, count, first, step, out = arguments
        vectors = Vectors(builder, given.args[0].dtype)
        weights = address_of(context, builder, given.args[0], array)
        sums = vectors.variables(len(COLUMNS))
        for one, at in zip(sums, COLUMNS, strict=True):
            builder.store(vectors.load(builder.add(out, number(at))), one)
        with cgutils.for_range(builder, count, intp=INT64) as loop:
            place = builder.mul(loop.index, number(vectors.item))
            weight = vectors.tap(builder.add(weights, place))
            line = builder.add(first, builder.mul(loop.index, step))
            for one, at in zip(sums, COLUMNS, strict=True):
                value = vectors.load(builder.add(line, number(at)))
                builder.store(vectors.multiply_add(weight, value, builder.load(one)), one)
        for one, at in zip(sums, COLUMNS, strict=True):
            vectors.store(builder.load(one), builder.add(out, number(at)))
        return context.get_dummy_value()

    return types.void(weights, *(types.int64,) * 4), generate


@intrinsic
def feed_back(
    typing_context: Any, coefficients: Any, terms: Any, before: Any, lines: Any, added: Any
) -> tuple[Any, Any]:
    """Run the filters of all terms down lines.

    `y[n] = sum(forward[j] * x[n-j]) - sum(back[k] * y[n-1-k])` of each term; their sum is written.

    Args:
        coefficients: for each term FORWARD, then BACK.
        before: address of lines: the FORWARD - 1 inputs before, then of each term the BACK
            outputs before, the nearest first.
        lines: address of the first, the step from one to the next, their count, and the address of
            the first output; the others are as far apart.
        added: 1 to add the outputs to what is there.
    """

    def generate(context: Any, builder: Builder, given: Any, arguments: Any) -> Any:
        array, terms, before, lines, added = arguments
        lines = cgutils.unpack_tuple(builder, lines)
        vectors = Vectors(builder, given.args[0].dtype)
        address = address_of(context, builder, given.args[0], array)
        for known in TERMS:
            for adds in (0, 1):
                fits = builder.and_(
                    builder.icmp_unsigned("==", terms, number(known)),
                    builder.icmp_unsigned("==", added, number(adds)),
                )
                with builder.if_then(fits):
                    factors = [vectors.tap(address, i) for i in range((FORWARD + BACK) * known)]
                    _run(builder, vectors, factors, before, lines, bool(adds))
        return context.get_dummy_value()

    four = types.UniTuple(types.int64, 4)
    return types.void(coefficients, types.int64, types.int64, four, types.int64), generate


def _run(
    builder: Builder, vectors: Vectors, factors: list[Any], before: Any, lines: Any, adds: bool
) -> None:
    first, step, count, out = lines
    each = FORWARD + BACK
    terms = len(factors) // each
    state = [vectors.variables(len(COLUMNS)) for _ in range(FORWARD - 1 + BACK * terms)]
    for i, parts in enumerate(state):
        for part, at in zip(parts, COLUMNS, strict=True):
            builder.store(vectors.load(builder.add(before, number(i * LINE_BYTES + at))), part)
    with cgutils.for_range(builder, count, intp=INT64) as loop:
        ahead = builder.mul(loop.index, step)
        for column, at in enumerate(COLUMNS):
            own = [parts[column] for parts in state]
            value = vectors.load(builder.add(builder.add(first, ahead), number(at)))
            inputs = [value, *(builder.load(one) for one in own[: FORWARD - 1])]
            target = builder.add(builder.add(out, ahead), number(at))
            total = vectors.load(target) if adds else vectors.constant(0.0)
            for term in range(terms):
                forward = factors[each * term : each * term + FORWARD]
                back = factors[each * term + FORWARD : each * (term + 1)]
                outputs = own[FORWARD - 1 + BACK * term : FORWARD - 1 + BACK * (term + 1)]
                found = builder.fmul(forward[0], inputs[0])
                for factor, one in zip(forward[1:], inputs[1:], strict=True):
                    found = vectors.multiply_add(factor, one, found)
                # The latest output last: what comes before it need not wait for it.
                for factor, variable in zip(back[::-1], outputs[::-1], strict=True):
                    found = vectors.multiply_add(factor, builder.load(variable), found)
                builder.store(builder.load(outputs[0]), outputs[1])
                builder.store(found, outputs[0])
                total = builder.fadd(total, found)
            builder.store(inputs[1], own[1])
            builder.store(inputs[0], own[0])
            vectors.store(total, target)


@intrinsic
def slide_box(
    typing_context: Any,
    weights: Any,
    radius: Any,
    centre: Any,
    step: Any,
    count: Any,
    out: Any,
) -> tuple[Any, Any]:
    """The moving averages of `count` lines, `step` apart, and so are the averages.

    Args:
        weights: of the samples up to `radius` away, and of those next to them.
        centre: address of the first line; there is one more than `radius` before and after all.
    """

    def generate(context: Any, builder: Builder, given: Any, arguments: Any) -> Any:
        array, radius, centre, step, count, out = arguments
        vectors = Vectors(builder, given.args[0].dtype)
        address = address_of(context, builder, given.args[0], array)
        inner, outer = vectors.tap(address, 0), vectors.tap(address, 1)
        reach = builder.mul(radius, step)
        sums = vectors.variables(len(COLUMNS))
        for one in sums:
            builder.store(vectors.constant(0.0), one)
        width = builder.add(builder.mul(radius, number(2)), number(1))
        start = builder.sub(centre, reach)
        with cgutils.for_range(builder, width, intp=INT64) as loop:
            line = builder.add(start, builder.mul(loop.index, step))
            for one, at in zip(sums, COLUMNS, strict=True):
                value = vectors.load(builder.add(line, number(at)))
                builder.store(builder.fadd(builder.load(one), value), one)
        with cgutils.for_range(builder, count, intp=INT64) as loop:
            ahead = builder.mul(loop.index, step)
            line = builder.add(centre, ahead)
            for one, at in zip(sums, COLUMNS, strict=True):
                oldest = builder.add(builder.sub(line, reach), number(at))
                newest = builder.add(builder.add(line, reach), number(at))
                before = vectors.load(builder.sub(oldest, step))
                after = vectors.load(builder.add(newest, step))
                total = builder.load(one)
                ends = builder.fmul(outer, builder.fadd(before, after))
                average = vectors.multiply_add(inner, total, ends)
                vectors.store(average, builder.add(builder.add(out, ahead), number(at)))
                change = builder.fsub(after, vectors.load(oldest))
                builder.store(builder.fadd(total, change), one)
        return context.get_dummy_value()

    return types.void(weights, *(types.int64,) * 5), generate
