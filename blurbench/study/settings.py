"""The settings that commands and calls share, read as a study takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypedDict

from blurbench.backends.own_blur import own_blurs
from blurbench.backends.words import read_backends, read_border, read_dtype, read_methods
from blurbench.errors import InputError
from blurbench.problem import MAX_THREADS, check_dtype
from blurbench.study.numbers import read_number
from blurbench.study.options import Options, chosen


class Settings(TypedDict, total=False):
    """By the names of the commands' options; what is left out is decided here.

    Attributes:
        backend, method: names, several with commas or as a list.
        own: a blur of one's own, or a list: `FILE.py:NAME`, which runs that file, or a function.
        border, cval: what lies outside of the image, and the value of the constant border.
        dtype: of the blurred array; float32.
        threads: for libraries that can be told.
        device: number of the GPU.
        tf32: whether libraries of a GPU may round factors to 10 bits.
        cache: `hot` or `cold`.
        budget: seconds.
        rounds: most rounds of a race.
        processes: fresh ones that the measurement is spread over.
        same: ratios this close to 1 are the same speed: `"3%"` or 0.03.
        tolerance: error, of the largest value, up to which approximations compete.
        seed: of the order of the rounds.
        keep: times the best; what is slower is measured once.
        crop, resize: the middle of the image, or all of it, at `(width, height)`.
    """

    backend: str | Sequence[str]
    method: str | Sequence[str]
    own: str | Callable[..., Any] | Sequence[str | Callable[..., Any]]
    border: str
    cval: float
    dtype: Any
    threads: int | None
    device: int
    tf32: bool
    cache: str
    budget: float | None
    rounds: int | None
    processes: int
    same: float | str
    tolerance: float | str | None
    seed: int | None
    keep: float | None
    crop: Any
    resize: Any


# What a number has to be: its kind, its least value, whether it may be in per cent.
NUMBERS: dict[str, tuple[type, float | None, bool]] = {
    "cval": (float, None, False),
    "threads": (int, 1, False),
    "device": (int, 0, False),
    "budget": (float, 1.0, False),
    "rounds": (int, 1, False),
    "processes": (int, 1, False),
    "same": (float, 0.0, True),
    "tolerance": (float, 0.0, True),
    "seed": (int, 0, False),
    "keep": (float, 1.0, False),
}

NAMES = ("border", "cache")  # of which there is one


def read_options(given: Settings) -> Options:
    """The options of a call, whose numbers may be in words as those of a command are.

    Raises:
        InputError: a name is unknown or a value cannot be used.
    """
    read: dict[str, Any] = dict(given)
    for name, (kind, least, percent) in NUMBERS.items():
        if read.get(name) is not None:
            read[name] = read_number(read[name], name, kind, least, percent)
    if not isinstance(read.get("dtype", ""), str):
        read["dtype"] = check_dtype(read["dtype"]).name
    told = {name: value for name, value in read.items() if value is not None}
    for name in NAMES:
        _check_name(told.get(name, ""), name)
    return options_of(told)


def options_of(given: Mapping[str, Any]) -> Options:
    """The options of settings whose numbers are read already.

    Raises:
        InputError: a name is unknown or a value cannot be used.
    """
    cval, threads = given.get("cval", 0.0), given.get("threads")
    cache = given.get("cache", "hot").lower()
    if cache not in ("hot", "cold"):
        raise InputError(f"cache {given['cache']!r} is unknown: use hot or cold")
    if threads is not None and threads > MAX_THREADS:
        raise InputError(f"threads {threads} is out of range: give 1 to {MAX_THREADS}")
    others = {
        name: given[name]
        for name in ("device", "tf32", "budget", "rounds", "processes", "same", "tolerance", "seed")
        if name in given
    }
    options = Options(
        backends=read_backends([_words(given.get("backend", ()), "backend")]),
        methods=read_methods([_words(given.get("method", ()), "method")]),
        border=read_border(given.get("border", "reflect"), cval),
        cval=cval,
        dtype=read_dtype(given.get("dtype", "float32")),
        threads=threads,
        cache=cache,
        keep=given.get("keep"),
        own=own_blurs(_each(given.get("own", ()))),
        **others,
    )
    chosen(options)
    return options


def _each(given: Any) -> Sequence[Any]:
    return given if isinstance(given, list | tuple) else [given]


def _words(given: Any, what: str) -> list[str]:
    """Names, one by one."""
    words = given.split(",") if isinstance(given, str) else given
    words = list(words) if isinstance(words, Iterable) else [words]
    for word in words:
        _check_name(word, what)
    return [word.strip() for word in words if word.strip()]


def _check_name(given: Any, what: str) -> None:
    if not isinstance(given, str):
        raise InputError(f"{what} {given!r} is no name: give it as text")
