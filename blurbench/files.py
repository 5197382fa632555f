"""Writing files: whole or not at all, and never in place of another kind of file."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from blurbench.errors import InputError

# Names that end so hold what the option of that name writes, and nothing else's.
ENDINGS = {
    "csv": (".csv",),
    "json": (".json",),
    "markdown": (".md", ".markdown"),
    "report": (".html", ".htm"),
}
CONTROLS = re.compile(r"[\0-\x1f\x7f-\x9f\u2028\u2029]")
# What a run keeps in its folder: every sample, a row for each cell, and what it is about.
SAMPLES, SUMMARY, DESCRIPTION = OF_A_RUN = ("samples.csv", "summary.csv", "run.json")


def shown_name(name: str | os.PathLike[str]) -> str:
    """A file's name as a terminal may have it: what would break a line or command it is escaped."""
    return CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), os.fspath(name))


def check_output(path: str, what: str, kind: str | None = None) -> None:
    """Raise InputError unless the file can be written; `-` is standard output.

    Args:
        what: the option that names it.
        kind: of text that is to be written there, of `ENDINGS`; what is there already, under a
            name of another kind or as no text at all, is then not replaced.
    """
    if path == "-":
        return
    target = Path(path)
    if target.is_dir():
        raise InputError(f"{what} {path} is a folder: name a file in it")
    if not target.parent.is_dir():
        raise InputError(f"{what} folder {target.parent} does not exist: make it first")
    if target.name in OF_A_RUN and (target.parent / DESCRIPTION).is_file():
        raise InputError(f"{what} {path} is kept by the run in {target.parent}: name another file")
    writable = os.access(target if target.exists() else target.parent, os.W_OK)
    if not writable:
        raise InputError(f"{what} {path} cannot be written to: choose another place")
    if kind is None:
        return
    suffix, endings = target.suffix.lower(), ENDINGS.get(kind, ())
    others = {one for known in ENDINGS.values() for one in known}.difference(endings)
    if suffix in others or (target.is_file() and not _is_text(target)):
        fitting = f"one with {' or '.join(endings)}" if endings else "another"
        raise InputError(f"{what} {path} is another kind of file: name {fitting}")


def _is_text(path: Path) -> bool:
    """Whether a file holds text, as far as its beginning tells."""
    with open(path, "rb") as stream:
        return b"\0" not in stream.read(4096)


def check_apart(
    files: Mapping[str, str], folder: Path | None = None, inputs: Iterable[str] = ()
) -> None:
    """Raise InputError where an output of a command would take another's place, or an input's.

    Args:
        files: by the options that name them; `-` is standard output.
        folder: of the run that the command keeps, if it does.
        inputs: files that the command reads.
    """
    read = {os.path.realpath(one) for one in inputs}
    places: dict[str, str] = {}
    if folder is not None:
        places = {
            os.path.realpath(one): "--out" for one in (folder, *map(folder.joinpath, OF_A_RUN))
        }
    for what, path in files.items():
        if path == "-":
            continue
        if os.path.realpath(path) in read:
            raise InputError(f"{what} {path} is an input of this command: name another file")
        other = places.setdefault(os.path.realpath(path), what)
        if other != what:
            raise InputError(f"{other} and {what} would both write {path}: name another file")


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary name in the same folder; put in the file's place in the end.

    Where anything is raised nothing is left of it. A link stays a link, to the new content; the
    permissions of what is replaced stay. What is no file, as a pipe, is written to as it is.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        yield target
        return
    # A name of fixed length: one with a few letters more than the target's may be too long.
    short = hashlib.sha1(os.fsencode(target.name), usedforsecurity=False).hexdigest()[:12]
    partial = target.with_name(f".{short}.{os.getpid()}.partial")
    try:
        partial.unlink(missing_ok=True)  # left by a killed process that had the same number
        yield partial
        if target.exists():
            shutil.copymode(target, partial)
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write UTF-8 with plain line ends; what no UTF-8 can hold, as a name of any bytes, escaped."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")


def remove_partials(folder: str | os.PathLike[str]) -> None:
    """Remove the temporary files that killed processes left in a folder."""
    for partial in Path(folder).glob(".*.partial"):
        owner = partial.name.split(".")[-2]
        if owner.isdecimal() and not is_another_process(int(owner)):
            with suppress(OSError):  # another may be faster; Windows keeps open files
                partial.unlink()


def is_another_process(number: int) -> bool:
    """Whether a living process, other than this one, has that number."""
    if number == os.getpid() or os.name != "posix":
        return False
    try:
        os.kill(number, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # somebody else's
        pass
    return True
