"""The kinds of values that options take."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from blurbench.errors import InputError

if TYPE_CHECKING:
    ParamType = click.ParamType[Any]
else:  # it takes no type argument before Click 8.5
    ParamType = click.ParamType


def _option(param: click.Parameter | None) -> str:
    """How a value's option is called in messages."""
    return param.opts[0] if param else "value"


class Number(ParamType):
    """A number in words that a user would use, with bounds; text that is none is refused."""

    def __init__(self, kind: type, least: float | None = None, percent: bool = False) -> None:
        self.name = "integer" if kind is int else "number"
        self._kind, self._least, self._percent = kind, least, percent

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from blurbench.study.numbers import read_number

        return read_number(value, _option(param), self._kind, self._least, self._percent)


class Taps(Number):
    """The size of a square kernel, `15` or `15x15`."""

    def __init__(self) -> None:
        super().__init__(int)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from blurbench.study.numbers import read_sides

        if {",", ":"} & set(str(value)):
            raise InputError(f"--size {value} is several: give one; sweep --sizes takes more")
        sides = read_sides(str(value))
        if len(sides) < 2:
            return super().convert(value, param, ctx)
        if len(sides) > 2 or sides[0] != sides[1]:
            raise InputError(f"--size {value} is not square: give one number, as in 15")
        return sides[0]


class Folder(ParamType):
    """The name of a folder."""

    name = "folder"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not value:
            option = _option(param)
            raise InputError(f"{option} '' is no folder's name: give one")
        return Path(value)


class Names(ParamType):
    """Names separated by commas."""

    name = "names"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return tuple(part.strip() for part in str(value).split(",") if part.strip())


class Several(ParamType):
    """Values of one kind separated by commas, each once."""

    def __init__(self, one: ParamType) -> None:
        self._one = one
        self.name = one.name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        parts = dict.fromkeys(part.strip() for part in str(value).split(","))
        return tuple(self._one.convert(part, param, ctx) for part in parts)


class Numbers(ParamType):
    """Numbers separated by commas, each once."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        option = _option(param)
        try:
            numbers = [float(part) for part in str(value).split(",")]
        except ValueError:
            numbers = []
        if not numbers or not all(map(math.isfinite, numbers)):
            raise InputError(f"{option} {value!r} is not usable: give numbers, as in 1,2,5")
        return tuple(dict.fromkeys(numbers))


class Extent(ParamType):
    """Width and height in pixels, `1920x1080`."""

    name = "WxH"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from blurbench.study.numbers import read_extent

        return read_extent(value, _option(param))


class ImageSize(ParamType):
    """Width and height in pixels, and channels where they matter, as the shape of an array."""

    def __init__(self, channels: bool = False) -> None:
        self._most = 3 if channels else 2
        self.name = "WxHxC" if channels else "WxH"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from blurbench.study.numbers import read_sides

        sides = read_sides(str(value))
        if not 2 <= len(sides) <= self._most:
            option = _option(param)
            raise InputError(
                f"{option} {value!r} is not usable: give WIDTHxHEIGHT, as in 1920x1080"
            )
        width, height, *channels = sides
        return height, width, *channels


class OldShape(ParamType):
    """The shape that earlier versions took, height first, which is refused with what to give."""

    name = "HxW"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from blurbench.study.numbers import read_sides

        sides = read_sides(str(value))
        height, width, *channels = sides if len(sides) > 1 else (1080, 1920)
        line = "x".join(map(str, (width, height, *channels)))
        raise InputError(f"--shape is --image-size now, width first: give --image-size {line}")


class Sizes(ParamType):
    """Kernel sizes: `3:101:2`, `3:255:x1.3` (made odd) or `3,5,9`, in order, each once."""

    name = "sizes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from blurbench.study.numbers import read_sizes

        return read_sizes(value, _option(param))


class Range(ParamType):
    """Smallest and largest kernel size, `3:255`."""

    name = "LOW:HIGH"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from blurbench.study.numbers import read_range

        return read_range(value, _option(param))


class Extents(ParamType):
    """Image sizes, `512,1024` (square) or `1920x1080`."""

    name = "extents"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from blurbench.study.numbers import read_extents

        return read_extents(value, _option(param))
