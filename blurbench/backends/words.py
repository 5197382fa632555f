"""The names that people use, read as those that are used here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from blurbench.backends.registry import KINDS, backends, known_methods
from blurbench.border import check_border
from blurbench.errors import InputError
from blurbench.names import BORDERS, DTYPES
from blurbench.synonyms import BACKEND, BORDER, DTYPE, METHOD, ZERO_BORDERS, plain


def read_backends(groups: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """Names of backends, and of kinds of them, that were given with commas and repeats."""
    known = (*backends(), *KINDS)
    return tuple(BACKEND.find(word, known) or word for group in groups for word in group)


def read_backend(word: str) -> str:
    """The name of one backend.

    Raises:
        InputError: it is a kind of which there are several.
    """
    (name,) = read_backends([[word]])
    if name in KINDS and name not in backends():
        several = ", ".join(one.name for one in backends().values() if one.kind == name)
        raise InputError(f"backend {name} is several, and one is needed: use one of {several}")
    return name


def read_methods(
    groups: Iterable[Sequence[str]], known: Iterable[str] | None = None
) -> tuple[str, ...]:
    """Names of methods, by default those of the backends."""
    names = list(known_methods() if known is None else known)
    return tuple(METHOD.find(word, names) or word for group in groups for word in group)


def read_dtype(word: str) -> str:
    """The name of a dtype.

    Raises:
        InputError: it is unknown.
    """
    name = DTYPE.find(word, DTYPES)
    if name is None:
        raise DTYPE.unknown(word, DTYPES)
    return name


def read_border(word: str, cval: float = 0.0) -> str:
    """The name of a border.

    Raises:
        InputError: it is unknown, or its value is not finite or not the one that the word says.
    """
    border = BORDER.find(word, BORDERS) or word
    check_border(border, cval)
    if cval != 0 and plain(word) in ZERO_BORDERS:
        raise InputError(f"border {word} says 0 and cval {cval:g}: use constant for another value")
    return border
