"""The options that commands share, written once."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from blurbench.errors import InputError

if TYPE_CHECKING:
    from blurbench.image import Image
    from blurbench.kernel import GaussianKernel
    from blurbench.study.options import Options

    ParamType = click.ParamType[Any]
else:  # it takes no type argument before Click 8.5
    ParamType = click.ParamType

Command = TypeVar("Command", bound=Callable[..., Any])


class Number(ParamType):
    """A number in words that a user would use, with bounds; text that is none is refused."""

    def __init__(self, kind: type, least: float | None = None, percent: bool = False) -> None:
        self.name = "integer" if kind is int else "number"
        self._kind, self._least, self._percent = kind, least, percent

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        option = param.opts[0] if param else "value"
        text = str(value)
        try:
            if self._percent and text.endswith("%"):
                number = self._kind(text[:-1]) / 100
            else:
                number = self._kind(text)
        except ValueError:
            what = "a whole number" if self._kind is int else "a number"
            raise InputError(f"{option} {text!r} is not {what}") from None
        if self._least is not None and not self._least <= number < float("inf"):
            raise InputError(f"{option} {text} is out of range: give {self._least:g} or more")
        return number


class Folder(ParamType):
    """The name of a folder."""

    name = "folder"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not value:
            option = param.opts[0] if param else "value"
            raise InputError(f"{option} '' is no folder's name: give one")
        return Path(value)


class Names(ParamType):
    """Names separated by commas."""

    name = "names"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return tuple(part.strip() for part in str(value).split(",") if part.strip())


class Extent(ParamType):
    """Width and height in pixels, `1920x1080`."""

    name = "WxH"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        option = param.opts[0] if param else "value"
        width, _, height = str(value).lower().partition("x")
        if not all(side.isdecimal() and int(side) > 0 for side in (width, height)):
            raise InputError(
                f"{option} {value!r} is not usable: give WIDTHxHEIGHT, as in 1920x1080"
            )
        return int(width), int(height)


KERNEL = [
    click.option("--size", type=Number(int), metavar="K", help="Number of taps, odd."),
    click.option("--sigma", type=Number(float), metavar="S", help="Standard deviation, in pixels."),
]

SHARED = [
    click.option("--backend", "backends", type=Names(), multiple=True, help="Only these backends."),
    click.option("--method", "methods", type=Names(), multiple=True, help="Only these methods."),
    click.option(
        "--border",
        default="reflect",
        show_default=True,
        help="What lies outside: reflect, mirror, nearest, wrap or constant.",
    ),
    click.option("--cval", type=Number(float), default=0.0, help="Value of the constant border."),
    click.option(
        "--dtype",
        default="float32",
        show_default=True,
        help="Of the blurred array: uint8, uint16, float32 or float64.",
    ),
    click.option("--threads", type=Number(int, 1), help="Default: the CPUs this process may use."),
    click.option("--device", type=Number(int, 0), default=0, help="Number of the GPU."),
    click.option(
        "--cache",
        default="hot",
        show_default=True,
        help="hot: the same image again; cold: rotate copies through more than the cache.",
    ),
    click.option("--crop", type=Extent(), help="Measure the middle of the image, of this size."),
    click.option("--resize", type=Extent(), help="Resize the image first (before --crop)."),
    click.option("--budget", type=Number(float, 1.0), metavar="SECONDS", help="Time to spend."),
    click.option("--rounds", type=Number(int, 1), help="Most rounds to measure."),
    click.option(
        "--same",
        type=Number(float, 0.0, percent=True),
        default="3%",
        show_default=True,
        help="Ratios this close to 1 count as the same speed.",
    ),
    click.option("--seed", type=Number(int, 0), help="Of the order of the rounds."),
    click.option("--csv", "csv_path", metavar="PATH|-", help="Write the rows as CSV."),
    click.option("--json", "json_path", metavar="PATH|-", help="Write the answer as JSON."),
    click.option("--markdown", "markdown_path", metavar="PATH|-", help="Write a Markdown table."),
    click.option("--out", type=Folder(), metavar="DIR", help="Keep every sample in a new folder."),
    click.option("--quiet", "-q", is_flag=True, help="No header, no progress."),
]


def with_options(*lists: list[Any]) -> Callable[[Command], Command]:
    """Give a command the options of the lists, in that order on its help page."""

    def decorate(command: Command) -> Command:
        for option in reversed([option for options in lists for option in options]):
            command = option(command)
        return command

    return decorate


def build_options(given: dict[str, Any]) -> Options:
    """The shared options as a study takes them, checked.

    Raises:
        InputError: a name is unknown or a value cannot be used.
    """
    import numpy as np

    from blurbench.border import check_border
    from blurbench.plan import DTYPES, MAX_THREADS
    from blurbench.study.options import Options, chosen

    if given["dtype"] not in DTYPES:
        raise InputError(f"dtype {given['dtype']!r} is unknown: use one of {', '.join(DTYPES)}")
    if given["cache"] not in ("hot", "cold"):
        raise InputError(f"cache {given['cache']!r} is unknown: use hot or cold")
    if given["threads"] is not None and given["threads"] > MAX_THREADS:
        raise InputError(f"--threads {given['threads']} is out of range: give 1 to {MAX_THREADS}")
    check_border(given["border"], given["cval"])
    options = Options(
        backends=tuple(name for names in given["backends"] for name in names),
        methods=tuple(name for names in given["methods"] for name in names),
        border=given["border"],
        cval=given["cval"],
        dtype=np.dtype(given["dtype"]).name,
        threads=given["threads"],
        device=given["device"],
        cache=given["cache"],
        budget=given["budget"],
        rounds=given["rounds"],
        same=given["same"],
        seed=given["seed"],
    )
    chosen(options)
    return options


def load_image(
    path: str | None, kernel: GaussianKernel, options: Options, given: dict[str, Any]
) -> Image:
    """The named image or the test card, resized and cropped as the options say."""
    from blurbench.image import check_memory, crop, read_image, resize, testcard_image
    from blurbench.study.options import memory_needed

    if path is None:
        image = testcard_image()
    else:
        image = read_image(path, lambda shape, dtype: memory_needed(shape, kernel, options))
    if given["resize"]:
        width, height = given["resize"]
        shape = (height, width, *image.pixels.shape[2:])
        # Resizing goes through float32, there and back.
        resized = memory_needed(shape, kernel, options) + 12 * math.prod(shape)
        check_memory(f"image resized to {width}x{height}", resized)
        image = resize(image, *given["resize"])
    if given["crop"]:
        image = crop(image, *given["crop"])
    return image
