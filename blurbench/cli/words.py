"""The names that people type, read as those that are used here; and these, for help pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import click

from blurbench.errors import InputError
from blurbench.names import APPROXIMATIONS, BORDERS, DTYPES, EXACT, ON_CPU, ON_GPU

BORDERS_HELP = (
    "What lies outside: reflect dcba|abcd|dcba, mirror dcb|abcd|cba (NumPy's reflect), nearest, "
    "wrap or constant."
)
BACKENDS_HELP = (
    f"Only these, commas between: {', '.join(ON_CPU)} (cpu: all of them), {', '.join(ON_GPU)} "
    "(gpu).  [default: all that can run here]"
)
METHODS_HELP = (
    f"Only these, commas between: {', '.join(EXACT)}; approximate: {', '.join(APPROXIMATIONS)}.  "
    "[default: the exact ones]"
)
OWN_HELP = (
    "Your own function (image, taps) or class, too; runs the code of that file. May be given "
    "several times; see docs/your-own-blur.md."
)
DTYPES_HELP = f"{', '.join(DTYPES[:-1])} or {DTYPES[-1]}."


def read_backends(groups: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """Names of backends, and of kinds of them, that were given with commas and repeats."""
    from blurbench.backends.registry import KINDS, backends
    from blurbench.synonyms import BACKEND

    known = (*backends(), *KINDS)
    return tuple(BACKEND.find(word, known) or word for group in groups for word in group)


def read_backend(word: str) -> str:
    """The name of one backend.

    Raises:
        InputError: it is a kind of which there are several.
    """
    from blurbench.backends.registry import KINDS, backends

    (name,) = read_backends([[word]])
    if name in KINDS and name not in backends():
        several = ", ".join(one.name for one in backends().values() if one.kind == name)
        raise InputError(f"backend {name} is several, and one is needed: use one of {several}")
    return name


def read_methods(
    groups: Iterable[Sequence[str]], known: Iterable[str] | None = None
) -> tuple[str, ...]:
    """Names of methods, by default those of the backends."""
    from blurbench.backends.registry import known_methods
    from blurbench.synonyms import METHOD

    names = list(known_methods() if known is None else known)
    return tuple(METHOD.find(word, names) or word for group in groups for word in group)


def read_dtype(word: str) -> str:
    """The name of a dtype.

    Raises:
        InputError: it is unknown.
    """
    from blurbench.synonyms import DTYPE

    name = DTYPE.find(word, DTYPES)
    if name is None:
        raise DTYPE.unknown(word, DTYPES)
    return name


def read_border(word: str, cval: float = 0.0) -> str:
    """The name of a border.

    Raises:
        InputError: it is unknown, or its value is not finite or not the one that the word says.
    """
    from blurbench.border import check_border
    from blurbench.synonyms import BORDER, ZERO_BORDERS, plain

    border = BORDER.find(word, BORDERS) or word
    check_border(border, cval)
    if cval != 0 and plain(word) in ZERO_BORDERS:
        raise InputError(
            f"border {word} says 0 and --cval {cval:g}: use constant for another value"
        )
    return border


def tell_borders(*words: str) -> None:
    """Say on stderr which border each word stands for, where it was typed and is not ours alone."""
    from blurbench.report.console import error_console, say
    from blurbench.synonyms import BORDER, TWO_BORDERS, plain

    context = click.get_current_context()
    sources = [context.get_parameter_source(name) for name in ("border", "borders")]
    if click.core.ParameterSource.COMMANDLINE not in sources:
        return
    for word in words:
        border = BORDER.find(word, BORDERS) or word
        note = TWO_BORDERS.get(plain(word))
        if plain(word) != plain(border):
            note = f"{word} is called {border} here"
        if note:
            say(error_console(), f"Note: border {note}.", "yellow")
