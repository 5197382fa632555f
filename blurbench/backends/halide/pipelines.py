"""The blurs in Halide's language: what is computed, in which order, and the code for it.

An image of `(H, W, C)` is taken as `(H, W * C)`: its values lie along `i`, its rows along `y`.
What lies outside comes from tables (see `blurbench.border`).
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

from blurbench.backends.halide.specialisation import Specialisation
from blurbench.forks import keep_from_forks

BLOCK = 16  # taps that a turn of a loop over them takes
TOGETHER = 4  # rows whose sums share what is loaded
VECTORS = 2  # summed at once along a row

Expression = Any  # Halide's, without types
Function = Any

_compiling = keep_from_forks(threading.Lock())


def compiled(kind: Specialisation) -> Callable[..., None]:
    """The code for one, compiled once a process: for its processor, or as HL_JIT_TARGET says.

    It takes, as Halide's buffers and numbers: the image; the taps; the sources of the rows and of
    the values beside a row, -1 for `cval`; `cval`; the radius; the channels; the strips of a
    share; the result.
    """
    with _compiling:
        return _compiled(kind)


@functools.cache
def _compiled(kind: Specialisation) -> Callable[..., None]:
    return _Pipeline(kind).compile()


class _Pipeline:
    """Strips of rows, shared out to threads; the last one of all may be cut short."""

    def __init__(self, kind: Specialisation) -> None:
        self._kind = kind
        self._hl = hl = import_module("halide")
        self._work = hl.Float(64 if kind.dtype == "float64" else 32)
        self._given = {"uint8": hl.UInt(8), "uint16": hl.UInt(16)}.get(kind.dtype, self._work)
        self._lanes = hl.get_jit_target_from_environment().natural_vector_size(self._work)
        self._image = hl.ImageParam(self._given, 2, "image")
        self._taps = hl.ImageParam(self._work, 2 if kind.method == "direct" else 1, "taps")
        self._rows, self._columns = (
            hl.ImageParam(hl.Int(32), 1, name) for name in ("rows", "columns")
        )
        self._cval = hl.Param(self._work, "cval")
        self._radius, self._channels, self._share = (
            hl.Param(hl.Int(32), name) for name in ("radius", "channels", "share")
        )
        self._values, self._height = (self._image.dim(axis).extent() for axis in (0, 1))
        self._reach = kind.size // 2 if kind.size else self._radius
        self._i, self._y = hl.Var("i"), hl.Var("y")

    def compile(self) -> Callable[..., None]:
        out = self._direct() if self._kind.method == "direct" else self._separable()
        tables = (self._image, self._taps, self._rows, self._columns)
        for table in tables:
            for axis in range(table.dimensions()):
                table.dim(axis).set_min(0)
        result = out.output_buffer()
        result.dim(0).set_bounds(0, self._values)
        result.dim(1).set_bounds(0, self._height)
        numbers = (self._cval, self._radius, self._channels, self._share)
        arguments = [self._hl.Argument(one) for one in (*tables, *numbers)]
        code: Callable[..., None] = out.compile_to_callable(arguments)
        return code

    def _separable(self) -> Function:
        """Down the columns of a strip, then along its rows."""
        i, y, taps = self._i, self._y, self._taps
        loaded, down = self._loaded(), self._hl.Func("down")
        sum_down = self._sum(lambda k: taps[k] * loaded[i, self._below(k)])
        down[i, y] = self._hl.cast(self._work, sum_down[i, y])
        sum_along = self._sum(lambda k: taps[k] * down[self._beside(k), y])
        out = self._stored(sum_along)
        strip, part = self._in_strips(out)
        square = self._in_squares(down.compute_at(out, strip))
        if self._kind.is_few:
            self._in_vectors(loaded.compute_at(down, square)).unroll(y)
        else:
            self._in_vectors(loaded.compute_at(out, strip))
        self._in_registers(sum_down, down, square)
        self._in_registers(sum_along, out, part)
        return out

    def _direct(self) -> Function:
        """All taps at once, each row of them summed by itself."""
        taps, loaded = self._taps, self._loaded()
        total = self._sum(
            lambda k, line: taps[k, line] * loaded[self._beside(k), self._below(line)],
            2 * self._reach + 1,
        )
        out = self._stored(total)
        strip, part = self._in_strips(out)
        self._in_vectors(loaded.compute_at(out, strip))
        self._in_registers(total, out, part)
        return out

    # What is computed.

    def _beside(self, k: Any) -> Expression:
        return self._i + (k - self._reach) * self._channels

    def _below(self, k: Any) -> Expression:
        return self._y + k - self._reach

    def _loaded(self) -> Function:
        """The image as floats, with what lies around it."""
        hl, i, values = self._hl, self._i, self._values
        outside = (i < 0) | (i >= values)
        place = hl.select(i < 0, i, i - values) + self._reach * self._channels
        column = _entry(hl, self._columns, place)
        row = _entry(hl, self._rows, self._y + self._reach)
        # Likely to be inside and likely within bounds: so vectors of the inside ask neither.
        inside = hl.likely(hl.clamp(hl.likely(i), 0, values - 1))
        x = hl.select(outside, hl.clamp(column, 0, values - 1), inside)
        value = hl.cast(self._work, self._image[x, hl.clamp(row, 0, self._height - 1)])
        if self._kind.constant:
            value = hl.select((row < 0) | (outside & (column < 0)), self._cval, value)
        loaded = hl.Func("loaded")
        loaded[i, self._y] = value
        return loaded

    def _sum(self, term: Callable[..., Expression], *lines: Any) -> Function:
        """The sum of a term for each tap: all in one expression, or in loops, turn by turn.

        What the turns find is added in float64: in float32 many would leave the exactness contract.

        Args:
            lines: how many rows of taps there are, if they are dense.
        """
        size, total = self._kind.size, self._hl.Func("total")
        loops = [*([] if size else [self._taps.dim(0).extent() // BLOCK]), *lines]
        if not loops:
            total[self._i, self._y] = _added(term(k) for k in range(size))
            return total
        domain = self._hl.RDom([(0, turns) for turns in loops])
        line = [domain[len(loops) - 1]] if lines else []
        taps = range(size) if size else [BLOCK * domain[0] + k for k in range(BLOCK)]
        wide = functools.partial(self._hl.cast, self._hl.Float(64))
        total[self._i, self._y] = wide(0)
        total[self._i, self._y] += wide(_added(term(k, *line) for k in taps))
        return total

    def _stored(self, total: Function) -> Function:
        """The result in the type of the image."""
        hl, out = self._hl, self._hl.Func("out")
        value = hl.cast(self._work, total[self._i, self._y])
        if self._given != self._work:
            value = hl.saturating_cast(self._given, hl.round(value))
        out[self._i, self._y] = value
        return out

    # In which order.

    def _in_strips(self, out: Function) -> tuple[Any, Any]:
        """The loops over strips and over parts of a row."""
        hl, i, y = self._hl, self._i, self._y
        share, strip, part, inner = (hl.Var(name) for name in ("share", "strip", "part", "inner"))
        cut = hl.TailStrategy.GuardWithIf
        out.split(y, strip, y, self._kind.rows, cut)
        if self._kind.parallel:
            out.split(strip, share, strip, self._share, cut).parallel(share)
        overlap = hl.TailStrategy.ShiftInwards if self._kind.wide else cut
        out.split(i, part, inner, VECTORS * self._lanes, overlap)
        out.vectorize(inner, self._lanes).unroll(inner)
        return strip, part

    def _in_squares(self, down: Function) -> Any:
        """The loop over squares of some rows and a vector."""
        hl, i, y = self._hl, self._i, self._y
        rows, square, inner = hl.Var("rows"), hl.Var("square"), hl.Var("inner")
        beyond = hl.TailStrategy.RoundUp
        down.split(y, rows, y, TOGETHER, beyond).split(i, square, inner, self._lanes, beyond)
        down.reorder(inner, y, square, rows).vectorize(inner).unroll(y)
        return square

    def _in_vectors(self, function: Function) -> Function:
        return function.vectorize(self._i, self._lanes, self._hl.TailStrategy.RoundUp)

    def _in_registers(self, total: Function, consumer: Function, loop: Any) -> None:
        """Sum what a turn of the consumer's loop takes, where that is a loop itself."""
        if not total.has_update_definition():
            return
        i, y, inner = self._i, self._y, self._hl.Var("inner")
        total.compute_at(consumer, loop).vectorize(i, self._lanes).unroll(i).unroll(y)
        update = total.update()
        update.split(i, i, inner, self._lanes)
        update.reorder(inner, i, y, *total.rvars()).vectorize(inner).unroll(i).unroll(y)


def _entry(hl: Any, table: Any, place: Expression) -> Expression:
    return table[hl.clamp(place, 0, table.dim(0).extent() - 1)]


def _added(terms: Iterable[Expression]) -> Expression:
    return functools.reduce(lambda a, b: a + b, terms)
