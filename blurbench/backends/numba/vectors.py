"""Vectors of neighbouring values, as instructions for Numba's compiler.

Numba's compiler turns a plain loop into vector code only where it can prove that arrays do not
overlap, and it keeps no sums in registers across the taps. So the innermost loops are written in
its intermediate language. Nothing depends on the kernel's size: each is compiled once a type.

Addresses, offsets and steps are in bytes.
"""

from __future__ import annotations

from typing import Any

from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

VECTOR_BYTES = 64 if binding.get_host_cpu_features().get("avx512f") else 32
CACHE_LINE = 64  # bytes
LINE_BYTES = 128  # two lines of the cache: what is moved and summed at once
AHEAD = 512  # bytes beyond what is copied that will be wanted soon, where a row is read on

INT32, INT64 = ir.IntType(32), ir.IntType(64)
Builder = Any  # llvmlite's, without types


def number(value: int) -> Any:
    return ir.Constant(INT64, value)


class Vectors:
    """Vectors of `lanes` values of a floating-point type."""

    def __init__(self, builder: Builder, dtype: Any) -> None:
        self._builder = builder
        self.item = dtype.bitwidth // 8
        self.lanes = VECTOR_BYTES // self.item
        self.line = LINE_BYTES // self.item
        self._scalar = ir.FloatType() if self.item == 4 else ir.DoubleType()
        self.type = ir.VectorType(self._scalar, self.lanes)
        self._narrow = ir.VectorType(ir.FloatType(), self.lanes)
        self._suffix = f"v{self.lanes}f{dtype.bitwidth}"

    def constant(self, value: float) -> Any:
        return ir.Constant(self.type, [value] * self.lanes)

    def variables(self, count: int) -> list[Any]:
        """Room for vectors, in registers where they suffice."""
        return [cgutils.alloca_once(self._builder, self.type) for _ in range(count)]

    def load(self, address: Any, dtype: Any = None) -> Any:
        """`lanes` values from there, of this type or converted from another `dtype`."""
        builder = self._builder
        if isinstance(dtype, types.Float) and dtype.bitwidth < 8 * self.item:
            pointer = builder.inttoptr(address, self._narrow.as_pointer())
            return builder.fpext(builder.load(pointer, align=4), self.type)
        if not isinstance(dtype, types.Integer):
            pointer = builder.inttoptr(address, self.type.as_pointer())
            return builder.load(pointer, align=self.item)
        whole = ir.VectorType(ir.IntType(dtype.bitwidth), self.lanes)
        pointer = builder.inttoptr(address, whole.as_pointer())
        loaded = builder.load(pointer, align=dtype.bitwidth // 8)
        return builder.sitofp(builder.zext(loaded, ir.VectorType(INT32, self.lanes)), self.type)

    def store(self, value: Any, address: Any, dtype: Any = None) -> None:
        """Write `lanes` values there, as another `dtype`; rounded and clipped to integers."""
        if isinstance(dtype, types.Integer):
            value = self._clipped(value, dtype)
        self.store_all([value], address, dtype)

    def store_all(self, values: list[Any], address: Any, dtype: Any = None) -> None:
        """The same for vectors one behind the other, a power of two of them, without clipping."""
        builder = self._builder
        if isinstance(dtype, types.Integer):
            values = [self._joined([self._rounded(value) for value in values], dtype)]
        elif isinstance(dtype, types.Float) and dtype.bitwidth < 8 * self.item:
            values = [builder.fptrunc(value, self._narrow) for value in values]
        item = self.item if dtype is None else dtype.bitwidth // 8
        for i, value in enumerate(values):
            place = builder.add(address, number(i * self.lanes * item))
            builder.store(value, builder.inttoptr(place, value.type.as_pointer()), align=item)

    def _clipped(self, value: Any, dtype: Any) -> Any:
        builder = self._builder
        lowest, highest = self.constant(0.0), self.constant(2.0**dtype.bitwidth - 1)
        value = builder.select(builder.fcmp_ordered(">", value, lowest), value, lowest)
        return builder.select(builder.fcmp_ordered("<", value, highest), value, highest)

    def _rounded(self, value: Any) -> Any:
        """Integers as wide as the floats; the lowest bits are those of the nearest integer."""
        builder = self._builder
        # Among floats as large as this one the next is one away: so the sum is rounded.
        large = self.constant(1.5 * 2.0 ** (23 if self.item == 4 else 52))
        same = ir.VectorType(ir.IntType(8 * self.item), self.lanes)
        return builder.bitcast(builder.fadd(value, large), same)

    def _joined(self, parts: list[Any], dtype: Any) -> Any:
        """The lowest bits of integers, of all vectors in one."""
        lanes = self.lanes
        while len(parts) > 1:
            lanes *= 2
            mask = ir.Constant(ir.VectorType(INT32, lanes), list(range(lanes)))
            pairs = zip(parts[::2], parts[1::2], strict=True)
            parts = [self._builder.shuffle_vector(*pair, mask) for pair in pairs]
        return self._builder.trunc(parts[0], ir.VectorType(ir.IntType(dtype.bitwidth), lanes))

    def tap(self, address: Any, index: int = 0) -> Any:
        """One of the taps from an address on, in every lane."""
        builder = self._builder
        place = builder.add(address, number(index * self.item))
        tap = builder.load(builder.inttoptr(place, self._scalar.as_pointer()))
        undefined = ir.Constant(self.type, ir.Undefined)
        first = builder.insert_element(undefined, tap, ir.Constant(INT32, 0))
        return self.pick(first, undefined, [0] * self.lanes)

    def pick(self, a: Any, b: Any, lanes: list[int]) -> Any:
        """Lanes of two vectors, counted through both."""
        mask = ir.Constant(ir.VectorType(INT32, self.lanes), lanes)
        return self._builder.shuffle_vector(a, b, mask)

    def add(self, a: Any, b: Any) -> Any:
        return self._builder.fadd(a, b)

    def multiply_add(self, a: Any, b: Any, c: Any) -> Any:
        return self._call("llvm.fmuladd", a, b, c)

    def prefetch(self, address: Any) -> None:
        """Have what lies at an address brought near: it is about to be read."""
        byte = ir.IntType(8).as_pointer()
        signature = ir.FunctionType(ir.VoidType(), [byte, INT32, INT32, INT32])
        module = self._builder.module
        function = cgutils.get_or_insert_function(module, signature, "llvm.prefetch.p0i8")
        pointer = self._builder.inttoptr(address, byte)
        flags = [
            ir.Constant(INT32, flag) for flag in (0, 2, 1)
        ]  # to read; to the second cache; data
        self._builder.call(function, [pointer, *flags])

    def _call(self, name: str, *values: Any) -> Any:
        signature = ir.FunctionType(self.type, [self.type] * len(values))
        module = self._builder.module
        function = cgutils.get_or_insert_function(module, signature, f"{name}.{self._suffix}")
        return self._builder.call(function, values)


def address_of(context: Any, builder: Builder, array_type: Any, array: Any) -> Any:
    return builder.ptrtoint(context.make_array(array_type)(context, builder, array).data, INT64)


@intrinsic
def copy_line(
    typing_context: Any, given: Any, made: Any, source: Any, target: Any, ahead: Any
) -> tuple[Any, Any]:
    """Copy LINE_BYTES of floats to `target`, converted from the type of the array `given`.

    Args:
        made: an array of the floats' type.
        ahead: what lies so far from `source` will be wanted soon.
    """

    def generate(context: Any, builder: Builder, kind: Any, arguments: Any) -> Any:
        dtype, vectors = kind.args[0].dtype, Vectors(builder, kind.args[1].dtype)
        source, target, ahead = arguments[2:]
        for line in range(0, LINE_BYTES, CACHE_LINE):
            vectors.prefetch(builder.add(source, builder.add(ahead, number(line))))
        for first in range(0, vectors.line, vectors.lanes):
            value = vectors.load(builder.add(source, number(first * dtype.bitwidth // 8)), dtype)
            vectors.store(value, builder.add(target, number(first * vectors.item)))
        return context.get_dummy_value()

    return types.void(given, made, *(types.int64,) * 3), generate


@intrinsic
def store_line(
    typing_context: Any, made: Any, out: Any, source: Any, target: Any
) -> tuple[Any, Any]:
    """Copy LINE_BYTES of floats to `target`, converted to the type of the array `out`.

    Args:
        made: an array of the floats' type.
    """

    def generate(context: Any, builder: Builder, kind: Any, arguments: Any) -> Any:
        vectors, dtype = Vectors(builder, kind.args[0].dtype), kind.args[1].dtype
        source, target = arguments[2:]
        for first in range(0, vectors.line, vectors.lanes):
            value = vectors.load(builder.add(source, number(first * vectors.item)))
            place = builder.add(target, number(first * dtype.bitwidth // 8))
            vectors.store(value, place, dtype)
        return context.get_dummy_value()

    return types.void(made, out, types.int64, types.int64), generate


@intrinsic
def copy_bytes(typing_context: Any, source: Any, target: Any, count: Any) -> tuple[Any, Any]:
    """Copy `count` bytes from one address to another; the two do not overlap."""

    def generate(context: Any, builder: Builder, kind: Any, arguments: Any) -> Any:
        _copy(builder, *arguments)
        return context.get_dummy_value()

    return types.void(*(types.int64,) * 3), generate


@intrinsic
def stream_bytes(typing_context: Any, source: Any, target: Any, count: Any) -> tuple[Any, Any]:
    """The same past the caches, which then need not read first what is written over.

    Other threads see it after the next atomic change by this one, which waits for it.
    """

    def generate(context: Any, builder: Builder, kind: Any, arguments: Any) -> Any:
        source, target, count = arguments
        line, size = ir.VectorType(INT32, CACHE_LINE // 4).as_pointer(), number(CACHE_LINE)
        before = builder.urem(builder.neg(target), size)
        before = builder.select(builder.icmp_unsigned("<", before, count), before, count)
        _copy(builder, source, target, before)
        lines = builder.udiv(builder.sub(count, before), size)
        with cgutils.for_range(builder, lines, intp=INT64) as loop:
            at = builder.add(before, builder.mul(loop.index, size))
            value = builder.load(builder.inttoptr(builder.add(source, at), line), align=1)
            place = builder.inttoptr(builder.add(target, at), line)
            stored = builder.store(value, place, align=CACHE_LINE)
            mark = builder.module.add_metadata([ir.Constant(INT32, 1)])
            stored.set_metadata("nontemporal", mark)
        done = builder.add(before, builder.mul(lines, size))
        rest = (builder.add(source, done), builder.add(target, done), builder.sub(count, done))
        _copy(builder, *rest)
        return context.get_dummy_value()

    return types.void(*(types.int64,) * 3), generate


def _copy(builder: Builder, source: Any, target: Any, count: Any) -> None:
    byte = ir.IntType(8).as_pointer()
    places = (builder.inttoptr(place, byte) for place in (target, source))
    cgutils.raw_memcpy(builder, *places, count, 1)


@intrinsic
def turn(
    typing_context: Any, sums: Any, out: Any, source: Any, target: Any, step: Any
) -> tuple[Any, Any]:
    """Write a square of lines of floats with rows for columns, in the type of the array `out`.

    Args:
        sums: an array of the floats' type.
        source: the square's lines, one behind the other.
        target: where its first column is written, the others `step` apart.
    """

    def generate(context: Any, builder: Builder, kind: Any, arguments: Any) -> Any:
        vectors, dtype = Vectors(builder, kind.args[0].dtype), kind.args[1].dtype
        source, target, step = arguments[2:]
        blocks = [(i, j) for i in range(0, vectors.line, vectors.lanes) for j in _starts(vectors)]
        for top, left in blocks:
            corner = builder.add(source, number(top * LINE_BYTES + left * vectors.item))
            rows = [
                vectors.load(builder.add(corner, number(i * LINE_BYTES)))
                for i in range(vectors.lanes)
            ]
            for i, column in enumerate(_transposed(vectors, rows)):
                line = builder.add(target, builder.mul(step, number(left + i)))
                vectors.store(column, builder.add(line, number(top * dtype.bitwidth // 8)), dtype)
        return context.get_dummy_value()

    return types.void(sums, out, *(types.int64,) * 3), generate


def _starts(vectors: Vectors) -> range:
    return range(0, vectors.line, vectors.lanes)


def _transposed(vectors: Vectors, rows: list[Any]) -> list[Any]:
    """A square of lanes: blocks of 1, 2, 4... change places across the diagonal."""
    rows, lanes, side = list(rows), range(vectors.lanes), 1
    while side < vectors.lanes:
        low = [j + vectors.lanes - side if j & side else j for j in lanes]
        high = [j + vectors.lanes if j & side else j + side for j in lanes]
        for i in lanes:
            if not i & side:
                a, b = rows[i], rows[i + side]
                rows[i], rows[i + side] = vectors.pick(a, b, low), vectors.pick(a, b, high)
        side *= 2
    return rows
