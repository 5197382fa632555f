"""What a command writes beside its folder: where to, whether it can, and the writing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from blurbench.errors import InputError

if TYPE_CHECKING:
    from blurbench.records.outputs import Outputs

KINDS = ("csv", "json", "markdown", "report")  # of text that is written


def exports_from(given: Mapping[str, Any]) -> dict[str, str]:
    """Where text is to be written, by format, checked; `-` is standard output.

    Raises:
        InputError: a file cannot be written, or two would go to one place.
    """
    return outputs_from(given).texts


def outputs_from(given: Mapping[str, Any]) -> Outputs:
    """Everything that is to be written, checked.

    Raises:
        InputError: a file cannot be written, or two would go to one place.
    """
    from blurbench.records.outputs import SAVE, Outputs

    places = {kind: given.get(f"{kind}_path") for kind in KINDS}
    places[SAVE] = given.get(SAVE)
    named = {kind: str(place) for kind, place in places.items() if place is not None}
    return checked(Outputs(named, given.get("all_columns", False)), given.get("out"))


def checked(outputs: Outputs, folder: Path | None = None) -> Outputs:
    """The outputs, now that it is known that all can be written.

    Args:
        folder: of the run that the command keeps, if it does.

    Raises:
        InputError: a file cannot be written, or two would go to one place.
    """
    from blurbench.files import check_apart, check_output

    for name, path in outputs.texts.items():
        if name == "report":
            check_page(path, "--report")
        else:
            check_output(path, f"--{name}", name)
    files = {f"--{name}": path for name, path in outputs.texts.items()}
    check_apart(files, folder, _inputs())
    on_stdout = [f"--{name}" for name, path in outputs.texts.items() if path == "-"]
    if len(on_stdout) > 1:
        raise InputError(f"{' and '.join(on_stdout)} cannot both write to stdout: name a file")
    return outputs


def _inputs() -> list[str]:
    """The files that the command was given to read: images, and blurs of one's own."""
    params = click.get_current_context().params
    own = [name.rpartition(":")[0] for name in params.get("own", ())]
    return [*params.get("images", ()), *own]


def write_exports(exports: Mapping[str, str], texts: Mapping[str, Callable[[], str]]) -> None:
    """Write each text to its file, or to standard output."""
    from blurbench.files import write_text

    for name, path in exports.items():
        if path == "-":
            click.echo(texts[name](), nl=False)
            continue
        try:
            write_text(path, texts[name]())
        except OSError as error:
            raise InputError(f"--{name} {path} cannot be written: {error.strerror}") from None


def check_page(path: str, what: str) -> None:
    """Raise InputError unless a page can be made and written to the path."""
    from blurbench.extras import install
    from blurbench.files import check_output

    if Path(path).suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{what} {path} is no .html: name a file that ends so")
    check_output(path, what, "report")
    for module in ("altair", "vl_convert"):
        if find_spec(module) is None:
            raise InputError(f"report needs Altair: {install('report')}")


def check_picture(path: str, what: str) -> None:
    """Raise InputError unless a picture can be drawn and written to the path."""
    from blurbench.extras import install
    from blurbench.files import check_output

    if Path(path).suffix.lower() not in (".png", ".svg", ".pdf"):
        raise InputError(f"{what} {path} is no .png, .svg or .pdf: name a file that ends so")
    check_output(path, what)
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise InputError(f"plot needs Matplotlib: {install('plot')}") from None
