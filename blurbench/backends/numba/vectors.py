"""Sums of vectors in registers, as Numba intrinsics.

Numba's compiler turns a plain loop into vector code only where it can prove that arrays do not
overlap, and it keeps no sums in registers across the taps. So the innermost loops are written in
its intermediate language: four vectors of neighbouring values are summed over all taps before
they are stored. Nothing depends on the kernel's size: each function is compiled once a type.

Addresses, offsets and distances are in bytes, `count` in values, at least `LANES` of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

VECTOR_BYTES = 64  # the largest there is; the compiler halves it where need be
AT_ONCE = 4  # vectors: they hide the latency of an addition, and leave registers for the rest
LANES = VECTOR_BYTES // 4  # of float32; no fewer values than this can be summed

INT64 = ir.IntType(64)
Builder = Any  # llvmlite's, without types
Pair = tuple[Any, Any]


def number(value: int) -> Any:
    return ir.Constant(INT64, value)


class Vectors:
    """Vectors of a floating-point type, as instructions for a builder."""

    def __init__(self, builder: Builder, dtype: Any) -> None:
        self._builder = builder
        self.item = dtype.bitwidth // 8
        self.lanes = VECTOR_BYTES // self.item
        self._scalar = ir.FloatType() if self.item == 4 else ir.DoubleType()
        self.type = ir.VectorType(self._scalar, self.lanes)
        name = f"llvm.fmuladd.v{self.lanes}f{dtype.bitwidth}"
        signature = ir.FunctionType(self.type, [self.type] * 3)
        self._multiply_add = cgutils.get_or_insert_function(builder.module, signature, name)

    def load(self, address: Any) -> Any:
        pointer = self._builder.inttoptr(address, self.type.as_pointer())
        return self._builder.load(pointer, align=self.item)

    def store(self, value: Any, address: Any) -> None:
        pointer = self._builder.inttoptr(address, self.type.as_pointer())
        self._builder.store(value, pointer, align=self.item)

    def tap(self, address: Any) -> Any:
        """One tap in every lane."""
        builder = self._builder
        tap = builder.load(builder.inttoptr(address, self._scalar.as_pointer()))
        undefined = ir.Constant(self.type, ir.Undefined)
        first = builder.insert_element(undefined, tap, ir.Constant(ir.IntType(32), 0))
        lanes = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), [0] * self.lanes)
        return builder.shuffle_vector(first, undefined, lanes)

    def multiply_add(self, a: Any, b: Any, c: Any) -> Any:
        return self._builder.call(self._multiply_add, [a, b, c])


def over_blocks(
    builder: Builder, vectors: Vectors, count: Any, body: Callable[[Any, int], None]
) -> None:
    """Call `body(offset, vectors at once)` until `count` values are covered.

    The last vector begins early enough to end with them.
    """
    block = number(AT_ONCE * vectors.lanes)
    blocks = builder.udiv(count, block)
    with cgutils.for_range(builder, blocks, intp=INT64) as loop:
        body(builder.mul(loop.index, number(AT_ONCE * VECTOR_BYTES)), AT_ONCE)
    done = builder.mul(blocks, number(AT_ONCE * VECTOR_BYTES))
    rest = builder.udiv(builder.urem(count, block), number(vectors.lanes))
    with cgutils.for_range(builder, rest, intp=INT64) as loop:
        body(builder.add(done, builder.mul(loop.index, number(VECTOR_BYTES))), 1)
    ragged = builder.urem(count, number(vectors.lanes))
    with builder.if_then(builder.icmp_unsigned("!=", ragged, number(0))):
        last = builder.sub(count, number(vectors.lanes))
        body(builder.mul(last, number(vectors.item)), 1)


def sum_symmetric(
    builder: Builder,
    vectors: Vectors,
    taps: Any,
    radius: Any,
    out: Any,
    count: Any,
    mirrored: Callable[[Any, Any], Pair],
) -> None:
    """Store the sums over symmetric taps, smallest first, each pair added before it is multiplied.

    Args:
        taps: address of the centre tap, the others following it.
        mirrored: the addresses of the values at a distance from the centre, before and after,
            given the distance and the offset of the sums.
    """

    def body(offset: Any, at_once: int) -> None:
        sums = [cgutils.alloca_once(builder, vectors.type) for _ in range(at_once)]
        for one in sums:
            builder.store(ir.Constant(vectors.type, None), one)
        with cgutils.for_range(builder, radius, intp=INT64) as loop:
            distance = builder.sub(radius, loop.index)
            tap = vectors.tap(builder.add(taps, builder.mul(distance, number(vectors.item))))
            before, after = mirrored(distance, offset)
            for position, one in enumerate(sums):
                ahead = number(position * VECTOR_BYTES)
                pair = builder.fadd(
                    vectors.load(builder.add(before, ahead)),
                    vectors.load(builder.add(after, ahead)),
                )
                builder.store(vectors.multiply_add(tap, pair, builder.load(one)), one)
        centre, tap = mirrored(number(0), offset)[0], vectors.tap(taps)
        for position, one in enumerate(sums):
            ahead = number(position * VECTOR_BYTES)
            value = vectors.load(builder.add(centre, ahead))
            total = vectors.multiply_add(tap, value, builder.load(one))
            vectors.store(total, builder.add(builder.add(out, offset), ahead))

    over_blocks(builder, vectors, count, body)


def signature(taps: Any) -> Any:
    return types.void(taps, *(types.int64,) * 5)


def address_of(context: Any, builder: Builder, array_type: Any, array: Any) -> Any:
    return builder.ptrtoint(context.make_array(array_type)(context, builder, array).data, INT64)


@intrinsic
def sum_down(
    typing_context: Any, taps: Any, radius: Any, rows: Any, offset: Any, out: Any, count: Any
) -> tuple[Any, Any]:
    """Sum rows: `rows` is the address of the centre row's in a table of the rows' addresses."""

    def generate(context: Any, builder: Builder, given: Any, arguments: Any) -> Any:
        array, radius, rows, offset, out, count = arguments
        vectors = Vectors(builder, given.args[0].dtype)
        table = builder.inttoptr(rows, INT64.as_pointer())

        def mirrored(distance: Any, at: Any) -> Pair:
            at = builder.add(offset, at)
            above = builder.load(builder.gep(table, [builder.neg(distance)]))
            below = builder.load(builder.gep(table, [distance]))
            return builder.add(above, at), builder.add(below, at)

        address = address_of(context, builder, given.args[0], array)
        sum_symmetric(builder, vectors, address, radius, out, count, mirrored)
        return context.get_dummy_value()

    return signature(taps), generate


@intrinsic
def sum_along(
    typing_context: Any, taps: Any, radius: Any, line: Any, stride: Any, out: Any, count: Any
) -> tuple[Any, Any]:
    """Sum neighbours in a line, `stride` from one to the next."""

    def generate(context: Any, builder: Builder, given: Any, arguments: Any) -> Any:
        array, radius, line, stride, out, count = arguments
        vectors = Vectors(builder, given.args[0].dtype)

        def mirrored(distance: Any, at: Any) -> Pair:
            at, apart = builder.add(line, at), builder.mul(distance, stride)
            return builder.sub(at, apart), builder.add(at, apart)

        address = address_of(context, builder, given.args[0], array)
        sum_symmetric(builder, vectors, address, radius, out, count, mirrored)
        return context.get_dummy_value()

    return signature(taps), generate


@intrinsic
def sum_dense(
    typing_context: Any,
    taps: Any,
    radius: Any,
    rows: Any,
    offset: Any,
    stride: Any,
    out: Any,
    count: Any,
) -> tuple[Any, Any]:
    """Sum over size x size taps, each row by itself: `rows` as in `sum_down`."""

    def generate(context: Any, builder: Builder, given: Any, arguments: Any) -> Any:
        array, radius, rows, offset, stride, out, count = arguments
        vectors = Vectors(builder, given.args[0].dtype)
        address = address_of(context, builder, given.args[0], array)
        size = builder.add(builder.mul(radius, number(2)), number(1))
        first = builder.sub(rows, builder.mul(radius, number(8)))
        table = builder.inttoptr(first, INT64.as_pointer())
        left = builder.sub(offset, builder.mul(radius, stride))
        zero = ir.Constant(vectors.type, None)

        def body(at: Any, at_once: int) -> None:
            sums = [cgutils.alloca_once(builder, vectors.type) for _ in range(at_once)]
            parts = [cgutils.alloca_once(builder, vectors.type) for _ in range(at_once)]
            for one in sums:
                builder.store(zero, one)
            with cgutils.for_range(builder, size, intp=INT64) as down:
                for one in parts:
                    builder.store(zero, one)
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

        over_blocks(builder, vectors, count, body)
        return context.get_dummy_value()

    return types.void(taps, *(types.int64,) * 6), generate
