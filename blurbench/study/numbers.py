"""Numbers, kernel sizes and extents as people give them: in words of a command, or as values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from blurbench.errors import InputError

Extent = tuple[int, int]  # width, height

MOST_SIZES = 10_000


def in_words(given: Any, separator: str = ",") -> str:
    """A value as a command takes it: `[3, 15]` as `3,15`, or with another separator."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        return str(given)
    return separator.join(map(str, given))


def read_number(
    given: Any, what: str, kind: type = float, least: float | None = None, percent: bool = False
) -> Any:
    """A number within its bounds.

    Args:
        what: the option that it is given to.
        percent: whether it is a part of 1, which may be given in per cent.

    Raises:
        InputError: it is no such number, or out of range.
    """
    text = str(given)
    part = percent and text.endswith("%")
    try:
        number = kind(text[:-1]) / 100 if part else kind(text)
    except ValueError:
        wanted = "a whole number, as in 2" if kind is int else "a number, as in 2.5"
        raise InputError(f"{what} {text!r} is not usable: give {wanted}") from None
    if percent and number > 1 and not part:
        raise InputError(f"{what} {text} is ambiguous: write {text}%, or a part of 1")
    if least is not None and not least <= number < float("inf"):
        raise InputError(f"{what} {text} is out of range: give {least:g} or more")
    return number


def read_sides(text: str) -> tuple[int, ...]:
    """The whole numbers above 0 of `1920x1080`; none where something else stands there."""
    sides = text.strip().lower().split("x")
    if not all(side.isdecimal() and int(side) > 0 for side in sides):
        return ()
    return tuple(map(int, sides))


def read_extent(given: Any, what: str) -> Extent:
    """Width and height in pixels: `1920x1080`, or a pair.

    Raises:
        InputError: it is none.
    """
    sides = read_sides(in_words(given, "x"))
    if len(sides) != 2:
        raise InputError(f"{what} {given!r} is not usable: give WIDTHxHEIGHT, as in 1920x1080")
    return sides[0], sides[1]


def read_extents(given: Any, what: str) -> tuple[Extent, ...]:
    """Image sizes: `512,1024` (square) or `1920x1080`, each once; or a list of such.

    Raises:
        InputError: one is none.
    """
    parts = [given] if isinstance(given, str) or not isinstance(given, Iterable) else given
    text = ",".join(in_words(part, "x") for part in parts)
    found = [read_sides(part) for part in text.split(",")]
    if not all(1 <= len(sides) <= 2 for sides in found):
        raise InputError(f"{what} {text!r} is not usable: give a list, as in 512,1024 or 1920x1080")
    return tuple(dict.fromkeys((sides[0], sides[-1]) for sides in found))


def read_sizes(given: Any, what: str) -> tuple[int, ...]:
    """Kernel sizes: `3:101:2`, `3:255:x1.3` (made odd) or `3,5,9`, in order, each once; or a list.

    Raises:
        InputError: they are none.
    """
    text = in_words(given)
    try:
        sizes = _grid(*text.split(":")) if ":" in text else [int(n) for n in text.split(",")]
    except (ValueError, TypeError, OverflowError):
        sizes = []
    if not sizes:
        raise InputError(
            f"{what} {text!r} is not usable: give START:STOP:STEP, START:STOP:xFACTOR "
            "or a list, as in 3:101:2, 3:255:x1.3 or 3,5,9"
        )
    return tuple(sorted(set(sizes)))


def _grid(start: str, stop: str, step: str) -> list[int]:
    """The sizes from start to stop, both included."""
    first, last = int(start), int(stop)
    if not step.startswith("x"):
        if int(step) < 1 or (last - first) // int(step) >= MOST_SIZES:
            return []
        return list(range(first, last + 1, int(step)))
    factor, first, last = float(step[1:]), first | 1, last - 1 + last % 2
    if not 1.001 <= factor < float("inf") or not 0 < first <= last:
        return []
    sizes, exact = [first], float(first)
    while sizes[-1] < last:
        exact *= factor
        sizes.append(min(last, max(sizes[-1] + 2, 2 * int(exact / 2) + 1)))
    return sizes


def read_range(given: Any, what: str) -> tuple[int, int]:
    """Smallest and largest kernel size: `3:255`, or a pair.

    Raises:
        InputError: they are none, or too far apart.
    """
    text = in_words(given, ":")
    low, _, high = text.partition(":")
    if not (low.isdecimal() and high.isdecimal() and int(low) < int(high)):
        raise InputError(f"{what} {text!r} is not usable: give LOW:HIGH, as in 3:255")
    if int(high) - int(low) >= 2 * MOST_SIZES:
        raise InputError(f"{what} {text!r} is too much: give at most {MOST_SIZES} odd sizes")
    if int(low) % 2 == 0 or int(high) % 2 == 0:
        raise InputError(f"{what} {text!r} is not usable: both ends must be odd")
    return int(low), int(high)
