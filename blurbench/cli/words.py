"""What help pages say of names, and what is said of a border that has several."""

from __future__ import annotations

import click

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
