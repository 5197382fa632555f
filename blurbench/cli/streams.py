"""`blurbench blur - -o -`: an image from standard input, an image to standard output."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from blurbench.errors import InputError

STREAM = "-"  # in place of a file's name
BEGINNING = 12  # bytes by which the types of image can be told
SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": ".png",
    b"\xff\xd8\xff": ".jpg",
    b"II*\0": ".tif",
    b"MM\0*": ".tif",
    b"II+\0": ".tif",  # BigTIFF
    b"MM\0+": ".tif",
    b"BM": ".bmp",
    b"P5": ".pgm",
    b"P6": ".ppm",
}

Told = TypeVar("Told")


def suffix_of(beginning: bytes) -> str:
    """The ending of the names of files that begin so; empty where that is not known."""
    if beginning.startswith(b"RIFF") and beginning[8:12] == b"WEBP":
        return ".webp"
    return next((end for start, end in SIGNATURES.items() if beginning.startswith(start)), "")


def check_streams(inputs: Sequence[str], output: str, as_type: str | None) -> None:
    """Raise InputError where `-` or a type for it is given and cannot be meant.

    Args:
        as_type: of the image on standard output; None for that of the input.
    """
    from blurbench.image import SUFFIXES

    if as_type is not None and f".{as_type}" not in SUFFIXES:
        known = ", ".join(suffix.removeprefix(".") for suffix in SUFFIXES)
        raise InputError(f"--format {as_type} is unknown: use one of {known}")
    if as_type is not None and output != STREAM:
        raise InputError(f"--format {as_type} is for -o -: a file's type is in its name")
    if STREAM in inputs and len(inputs) > 1:
        raise InputError(f"input - is one image, and {len(inputs)} are given: give it alone")
    if STREAM in inputs and (sys.stdin is None or sys.stdin.isatty()):
        raise InputError("input - is stdin, and nothing is piped into it: name a file, or add < IN")
    if output != STREAM:
        if STREAM in inputs and (Path(output).is_dir() or output.endswith(("/", os.sep))):
            raise InputError(f"input - has no name to have in folder {output}: name a file in it")
        return
    if len(inputs) > 1 or Path(inputs[0]).is_dir():
        what = f"{inputs[0]} is a folder" if len(inputs) == 1 else f"{len(inputs)} are given"
        raise InputError(f"output - is one image, and {what}: name a folder")
    if sys.__stdout__ is None:
        raise InputError("output - is stdout, and that is closed: name a file, or add > OUT")
    if sys.stdout.isatty():
        raise InputError("output - is stdout, and that is a terminal: name a file, or add > OUT")


def through_streams(
    source: str, target: str, as_type: str | None, blur: Callable[[Path, Path], Told]
) -> Told:
    """Blur from one file into another, where `-` stands for a standard stream.

    Readers seek, and what fails halfway must not have been sent: so files of our own lie between.

    Raises:
        InputError: whatever `blur` raises, with the streams' names; the type is not known.
    """
    with TemporaryDirectory(prefix="blurbench-") as folder:
        between = Path(folder)
        given = _received(between) if source == STREAM else Path(source)
        made = Path(target)
        if target == STREAM:
            made = between / f"stdout{f'.{as_type}' if as_type else _suffix_of_file(given)}"
        try:
            told = blur(given, made)
        except InputError as error:
            raise InputError(str(error).replace(f"{between}{os.sep}", "")) from None
        if target == STREAM:
            with made.open("rb") as image:
                shutil.copyfileobj(image, sys.stdout.buffer)
    return told


def _received(folder: Path) -> Path:
    """A file with what comes from standard input."""
    stream = sys.stdin.buffer
    beginning = stream.read(BEGINNING)
    if not beginning:
        raise InputError("input - is empty: nothing came from stdin")
    path = folder / f"stdin{suffix_of(beginning)}"
    with path.open("wb") as file:
        file.write(beginning)
        shutil.copyfileobj(stream, file)
    return path


def _suffix_of_file(path: Path) -> str:
    from blurbench.image import SUFFIXES

    try:
        with path.open("rb") as file:
            suffix = suffix_of(file.read(BEGINNING))
    except OSError:  # which is told when it is read
        return path.suffix
    if suffix not in SUFFIXES:
        raise InputError(
            f"{path.name} is of no type that can be written to stdout: give --format png"
        )
    return suffix
