"""`blurbench blur` of an image that need not fit in memory: its options, and when it is asked."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import click

from blurbench.cli.types import ParamType
from blurbench.errors import CannotRunError, InputError

if TYPE_CHECKING:
    from blurbench.recipe import Recipe

_SCALES = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_BINARY_SCALES = {"KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}


class Bytes(ParamType):
    """An amount of memory: `512MiB`, `2GB`, or a number of bytes."""

    name = "bytes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        option = param.opts[0] if param else "value"
        found = re.fullmatch(r"(\d+|\d*\.\d+)\s*([KMGT]I?|)B?", str(value).strip().upper())
        number = found and int(float(found[1]) * {**_SCALES, **_BINARY_SCALES}[found[2]])
        if not number:
            raise InputError(f"{option} {value!r} is not usable: give an amount, as in 2GiB")
        return number


LARGE = [
    click.option(
        "--memory",
        type=Bytes(),
        metavar="BYTES",
        help="Blur in tiles within this memory, TIFF or Zarr. [default: half of what is free]",
    ),
    click.option(
        "--dask", "scheduler", metavar="ADDRESS", help="Blur in tiles on this Dask cluster."
    ),
]


def is_large(image: str, output: str, large: dict[str, Any], recipe: Recipe) -> bool:
    """Whether the image is to be blurred in tiles: asked for, Zarr, or more than fits in memory."""
    from blurbench import host
    from blurbench.large.source import is_tiff, is_zarr, look_at
    from blurbench.large.window import bytes_as_a_whole

    if any(large.values()) or is_zarr(image) or is_zarr(output):
        return True
    if not (is_tiff(image) and is_tiff(output) and find_spec("tifffile")):
        return False
    try:
        needed = bytes_as_a_whole(recipe, look_at(image))
    except (InputError, CannotRunError):  # the other way may know better
        return False
    free = host.available_memory()
    return free is not None and needed > free


def blur_in_tiles(
    image: str, output: str, recipe: Recipe, quiet: bool, memory: int | None, scheduler: str | None
) -> None:
    """Blur an image in tiles, and show the progress on stderr."""
    from blurbench.large.run import blur_large
    from blurbench.report.progress import TilesProgress

    with TilesProgress(quiet) as progress:
        blur_large(
            image,
            output,
            recipe,
            memory=memory,
            scheduler=scheduler,
            listener=progress,
        )
