"""What is said of a command line that cannot be meant as it stands, and what may be meant."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

import click

from blurbench.cli.types import Extents, Names, Numbers, Several, Sizes
from blurbench.errors import InputError
from blurbench.names import BACKENDS, BORDERS, DTYPES, METHODS

MAIN_JOB = "compare"  # what an image without a command is for
FIGURES = re.compile(r"[\d.,:x]+")

Commands = Mapping[str, click.Command]


def no_such_command(name: str, rest: Sequence[str], commands: Commands) -> InputError:
    """What is said of a command that was forgotten or misspelt.

    Args:
        rest: the arguments that follow.
    """
    if Path(name).suffix or Path(name).exists():
        line = shlex.join(["blurbench", MAIN_JOB, name, *rest])
        return InputError(f"{name} is no command; did you mean: {line}")
    if name in ("help", "version"):
        return InputError(f"there is no command {name!r}: did you mean blurbench --{name}?")
    near = get_close_matches(name.lower(), commands, n=1)
    hint = f"did you mean {near[0]}?" if near else f"use one of {', '.join(commands)}"
    return InputError(f"there is no command {name!r}: {hint}")


def no_such_option(error: click.NoSuchOption, commands: Commands) -> str:
    """Which commands have the option, and which one this command has that looks like it."""
    option, own = error.option_name, error.ctx.command if error.ctx else None
    others = [
        name for name, one in commands.items() if one is not own and option in _options_of(one)
    ]
    if own is None or isinstance(own, click.Group):
        if not others:
            return f"there is no {option}: see blurbench --help"
        line = f"blurbench {others[0]} {option}"
        return f"{option} belongs to {_listed(others)}: write the command first, as in {line}"
    hints = [f"{_listed(others)} {'has' if len(others) == 1 else 'have'} it"] if others else []
    near = get_close_matches(option, (one for one in _options_of(own) if one[:2] == "--"), n=1)
    hints += [f"did you mean {near[0]}?"] if near else []
    return f"{own.name} has no {option}: {'; '.join(hints) or f'see blurbench {own.name} --help'}"


def missing(error: click.MissingParameter) -> str:
    """What a command cannot do without, and how that is written."""
    command, param = error.ctx and error.ctx.command.name, error.param
    if param is None or error.ctx is None:
        return error.format_message()
    kind = param.make_metavar(error.ctx)
    if isinstance(param, click.Option):
        name = min(param.opts, key=len)
        return f"{command} needs {name}: write {name} {kind}"
    return f"{command} needs {kind}: see blurbench {command} --help"


def check_values(command: click.Command, arguments: Sequence[str]) -> None:
    """Raise InputError where a value was forgotten, or a blank stands for a comma.

    Click takes `--csv --budget 3` for a file called --budget and an image called 3.
    """
    options = _options_of(command)
    words = list(arguments[: arguments.index("--")] if "--" in arguments else arguments)
    place = 0
    while place < len(words):
        name, place = words[place], place + 1
        option = options.get(name)
        if option is None or option.is_flag:
            continue
        kind = option.metavar or option.type.name.upper()
        if place == len(words):
            raise InputError(f"{name} has no value: write {name} {kind}")
        value, place = words[place], place + 1
        if value in options or value in ("--help", "-h"):
            raise InputError(f"{name} has no value: {value} is an option; write {name} {kind}")
        if place < len(words) and _goes_on(option, words[place]):
            line = f"{name} {value.rstrip(',')},{words[place].lstrip(',')}"
            raise InputError(
                f"{words[place]} after {name} {value}: put commas between several, as in {line}"
            )


def _options_of(command: click.Command) -> dict[str, click.Option]:
    """The options that a help page shows, by each of their names."""
    shown = (one for one in command.params if isinstance(one, click.Option) and not one.hidden)
    return {name: option for option in shown for name in option.opts}


def _goes_on(option: click.Option, word: str) -> bool:
    """Whether a word is another value of an option that takes several, and no file's name."""
    if Path(word).exists():
        return False
    parts = {part.strip().lower() for part in word.split(",")} - {""}
    if isinstance(option.type, (Names, Several)) and parts and parts <= _names():
        return True
    numeric = isinstance(option.type, (Numbers, Sizes, Extents, Several))
    return numeric and FIGURES.fullmatch(word) is not None


def _names() -> set[str]:
    """What may stand between the commas of a list of names."""
    from blurbench.synonyms import BACKEND, BORDER, DTYPE, METHOD

    ours = {*BACKENDS, "cpu", "gpu", *METHODS, *BORDERS, *DTYPES}
    vocabularies = (BACKEND, METHOD, BORDER, DTYPE)
    return ours.union(*(one.elsewhere for one in vocabularies))


def _listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
