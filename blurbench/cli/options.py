"""The options that commands share, written once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from blurbench.cli.words import (
    BACKENDS_HELP,
    BORDERS_HELP,
    DTYPES_HELP,
    METHODS_HELP,
    OWN_HELP,
    read_backends,
    read_border,
    read_dtype,
    read_methods,
)
from blurbench.errors import InputError

if TYPE_CHECKING:
    from blurbench.study.options import Options
    from blurbench.study.question import ImageSource

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
            what = "a whole number, as in 2" if self._kind is int else "a number, as in 2.5"
            raise InputError(f"{option} {text!r} is not usable: give {what}") from None
        if self._percent and number > 1 and not text.endswith("%"):
            raise InputError(f"{option} {text} is ambiguous: write {text}%, or a part of 1")
        if self._least is not None and not self._least <= number < float("inf"):
            raise InputError(f"{option} {text} is out of range: give {self._least:g} or more")
        return number


class Taps(Number):
    """The size of a square kernel, `15` or `15x15`."""

    def __init__(self) -> None:
        super().__init__(int)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if {",", ":"} & set(str(value)):
            raise InputError(f"--size {value} is several: give one; sweep --sizes takes more")
        sides = _sides(str(value))
        if len(sides) < 2:
            return super().convert(value, param, ctx)
        if len(sides) > 2 or sides[0] != sides[1]:
            raise InputError(f"--size {value} is not square: give one number, as in 15")
        return sides[0]


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


class Several(ParamType):
    """Values of one kind separated by commas, each once."""

    def __init__(self, one: ParamType) -> None:
        self._one = one
        self.name = one.name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        parts = dict.fromkeys(part.strip() for part in str(value).split(","))
        return tuple(self._one.convert(part, param, ctx) for part in parts)


class Numbers(ParamType):
    """Numbers separated by commas, each once."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        option = param.opts[0] if param else "value"
        try:
            numbers = [float(part) for part in str(value).split(",")]
        except ValueError:
            numbers = []
        if not numbers or not all(map(math.isfinite, numbers)):
            raise InputError(f"{option} {value!r} is not usable: give numbers, as in 1,2,5")
        return tuple(dict.fromkeys(numbers))


class Extent(ParamType):
    """Width and height in pixels, `1920x1080`."""

    name = "WxH"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        sides = _sides(str(value))
        if len(sides) != 2:
            option = param.opts[0] if param else "value"
            raise InputError(
                f"{option} {value!r} is not usable: give WIDTHxHEIGHT, as in 1920x1080"
            )
        return sides


class ImageSize(ParamType):
    """Width and height in pixels, and channels where they matter, as the shape of an array."""

    def __init__(self, channels: bool = False) -> None:
        self._most = 3 if channels else 2
        self.name = "WxHxC" if channels else "WxH"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        sides = _sides(str(value))
        if not 2 <= len(sides) <= self._most:
            option = param.opts[0] if param else "value"
            raise InputError(
                f"{option} {value!r} is not usable: give WIDTHxHEIGHT, as in 1920x1080"
            )
        width, height, *channels = sides
        return height, width, *channels


class OldShape(ParamType):
    """The shape that earlier versions took, height first, which is refused with what to give."""

    name = "HxW"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        sides = _sides(str(value))
        height, width, *channels = sides if len(sides) > 1 else (1080, 1920)
        line = "x".join(map(str, (width, height, *channels)))
        raise InputError(f"--shape is --image-size now, width first: give --image-size {line}")


def _sides(text: str) -> tuple[int, ...]:
    """The whole numbers above 0 of `1920x1080`; none where something else stands there."""
    sides = text.strip().lower().split("x")
    if not all(side.isdecimal() and int(side) > 0 for side in sides):
        return ()
    return tuple(map(int, sides))


class Sizes(ParamType):
    """Kernel sizes: `3:101:2`, `3:255:x1.3` (made odd) or `3,5,9`, in order, each once."""

    name = "sizes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        text = str(value)
        try:
            sizes = _grid(*text.split(":")) if ":" in text else [int(n) for n in text.split(",")]
        except (ValueError, TypeError, OverflowError):
            sizes = []
        if not sizes:
            raise InputError(
                f"--sizes {text!r} is not usable: give START:STOP:STEP, START:STOP:xFACTOR "
                "or a list, as in 3:101:2, 3:255:x1.3 or 3,5,9"
            )
        return tuple(sorted(set(sizes)))


MOST_SIZES = 10_000


def _grid(start: str, stop: str, step: str) -> list[int]:
    """The sizes from start to stop, both included."""
    first, last = int(start), int(stop)
    if not step.startswith("x"):
        if int(step) < 1 or (last - first) // int(step) >= MOST_SIZES:
            return []
        return list(range(first, last + 1, int(step)))
    factor, first, last = float(step[1:]), first | 1, last - 1 + last % 2
    if not 1.001 <= factor < float("inf") or not 0 < first <= last:
        return []
    sizes, exact = [first], float(first)
    while sizes[-1] < last:
        exact *= factor
        sizes.append(min(last, max(sizes[-1] + 2, 2 * int(exact / 2) + 1)))
    return sizes


class Range(ParamType):
    """Smallest and largest kernel size, `3:255`."""

    name = "LOW:HIGH"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        low, _, high = str(value).partition(":")
        if not (low.isdecimal() and high.isdecimal() and int(low) < int(high)):
            raise InputError(f"--sizes {value!r} is not usable: give LOW:HIGH, as in 3:255")
        if int(high) - int(low) >= 2 * MOST_SIZES:
            raise InputError(f"--sizes {value!r} is too much: give at most {MOST_SIZES} odd sizes")
        if int(low) % 2 == 0 or int(high) % 2 == 0:
            raise InputError(f"--sizes {value!r} is not usable: both ends must be odd")
        return int(low), int(high)


class Extents(ParamType):
    """Image sizes, `512,1024` (square) or `1920x1080`."""

    name = "extents"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        found = [_sides(text) for text in str(value).split(",")]
        if not all(1 <= len(sides) <= 2 for sides in found):
            option = param.opts[0] if param else "value"
            raise InputError(
                f"{option} {value!r} is not usable: give a list, as in 512,1024 or 1920x1080"
            )
        return tuple(dict.fromkeys((sides[0], sides[-1]) for sides in found))


# The options of which a sweep takes several values.
AXES = {"borders": "--border", "dtypes": "--dtype", "threads": "--threads"}

SIGMA = click.option(
    "--sigma", type=Number(float), metavar="S", help="Standard deviation, in pixels."
)
ALLOW_EVEN = click.option(
    "--allow-even", is_flag=True, help="Let the size be even: it shifts by half a pixel."
)
KERNEL = [
    click.option("--size", type=Taps(), metavar="K", help="Number of taps, odd."),
    SIGMA,
    ALLOW_EVEN,
]

OLD_SHAPE = click.option("--shape", "old_shape", type=OldShape(), hidden=True, expose_value=False)

EXPORTS = [
    click.option("--csv", "csv_path", metavar="PATH|-", help="Write the rows as CSV."),
    click.option("--json", "json_path", metavar="PATH|-", help="Write the answer as JSON."),
    click.option("--markdown", "markdown_path", metavar="PATH|-", help="Write a Markdown table."),
]

ALL_COLUMNS = click.option(
    "--all-columns", is_flag=True, help="With --csv: also the columns that are empty in every row."
)

REPORT = click.option(
    "--report", "report_path", metavar="PATH", help="Make an HTML page of it. Needs Altair."
)

OWN = click.option("--with", "own", multiple=True, metavar="FILE.py:NAME", help=OWN_HELP)

SHARED = [
    click.option("--backend", "backends", type=Names(), multiple=True, help=BACKENDS_HELP),
    click.option("--method", "methods", type=Names(), multiple=True, help=METHODS_HELP),
    OWN,
    click.option(
        "--border",
        "borders",
        type=Several(click.STRING),
        metavar="NAME",
        default="reflect",
        show_default=True,
        help=BORDERS_HELP,
    ),
    click.option(
        "--cval",
        type=Number(float),
        default=0.0,
        show_default=True,
        help="Value of the constant border.",
    ),
    click.option(
        "--dtype",
        "dtypes",
        type=Several(click.STRING),
        metavar="NAME",
        default="float32",
        show_default=True,
        help=f"Of the blurred array: {DTYPES_HELP}",
    ),
    click.option(
        "--threads",
        type=Several(Number(int, 1)),
        metavar="N",
        help="[default: all CPUs that this process may use]",
    ),
    click.option(
        "--device", type=Number(int, 0), default=0, show_default=True, help="Number of the GPU."
    ),
    click.option("--tf32", is_flag=True, help="Let GPU libraries round factors to 10 bits."),
    click.option(
        "--cache",
        default="hot",
        show_default=True,
        help="hot: the same image again; cold: rotate copies through more than the cache.",
    ),
    click.option(
        "--crop",
        type=Extent(),
        metavar="WxH",
        help="Measure the middle of the image, of this size.",
    ),
    click.option(
        "--resize", type=Extent(), metavar="WxH", help="Resize the image first (before --crop)."
    ),
    click.option(
        "--budget",
        type=Number(float, 1.0),
        metavar="SECONDS",
        help="Time to spend.  [default: compare 15, or up to 60 where it needs it; sweep 5 a "
        "point; crossover 60]",
    ),
    click.option(
        "--rounds",
        type=Number(int, 1),
        help="Most rounds to measure.  [default: until all is decided, or the time is up]",
    ),
    click.option(
        "--processes",
        type=Number(int, 1),
        default=1,
        show_default=True,
        metavar="N",
        help="Spread the measurement over N fresh processes.",
    ),
    click.option(
        "--same",
        type=Number(float, 0.0, percent=True),
        default="3%",
        show_default=True,
        help="Ratios this close to 1 count as the same speed.",
    ),
    click.option(
        "--tolerance",
        type=Number(float, 0.0, percent=True),
        metavar="ERROR",
        help="Let approximations compete whose error is within this share of the largest value.",
    ),
    click.option(
        "--seed", type=Number(int, 0), help="Of the order of the rounds.  [default: a new one]"
    ),
    *EXPORTS,
    ALL_COLUMNS,
    REPORT,
    click.option("--out", type=Folder(), metavar="DIR", help="Keep every sample in a new folder."),
    click.option("--quiet", "-q", is_flag=True, help="No header, no progress."),
]

ALL = click.option(
    "--all", "everything", is_flag=True, help="Show every row, however many lines that takes."
)

KEEP = click.option(
    "--keep",
    type=Number(float, 1.0),
    metavar="TIMES",
    help="Race only what is within TIMES the best of ours, or of the libraries.",
)


GATE = [
    click.option(
        "--baseline", type=Folder(), metavar="DIR", help="Hold the times against an earlier run."
    ),
    click.option(
        "--against",
        metavar="PYTHON",
        help="Hold this environment against that of another interpreter, in turns.",
    ),
    click.option(
        "--fail-if-slower",
        "margin",
        type=Number(float, 0.0, percent=True),
        default="5%",
        show_default=True,
        help="Slower than the other by more than this: exit code 10.",
    ),
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
    from blurbench.backends.own_blur import own_blurs
    from blurbench.problem import MAX_THREADS
    from blurbench.study.options import Options, chosen

    border, dtype, threads = (_only(given, name) for name in AXES)
    cache = given["cache"].lower()
    if cache not in ("hot", "cold"):
        raise InputError(f"cache {given['cache']!r} is unknown: use hot or cold")
    if threads is not None and threads > MAX_THREADS:
        raise InputError(f"--threads {threads} is out of range: give 1 to {MAX_THREADS}")
    options = Options(
        backends=read_backends(given["backends"]),
        methods=read_methods(given["methods"]),
        border=read_border(border, given["cval"]),
        cval=given["cval"],
        dtype=read_dtype(dtype),
        threads=threads,
        device=given["device"],
        tf32=given["tf32"],
        cache=cache,
        budget=given["budget"],
        rounds=given["rounds"],
        same=given["same"],
        processes=given["processes"],
        seed=given["seed"],
        keep=given.get("keep"),
        tolerance=given["tolerance"],
        own=own_blurs(given["own"]),
    )
    chosen(options)
    return options


def _only(given: dict[str, Any], axis: str) -> Any:
    """The one value of an option of which a sweep takes several; None where it was not given.

    Raises:
        InputError: there are several.
    """
    values = given[axis] or (None,)  # no threads: as many as there are
    if len(values) > 1:
        command = click.get_current_context().command.name
        listed = ",".join(map(str, values))
        raise InputError(
            f"{command} takes one value of {AXES[axis]}, not {listed}: sweep takes more"
        )
    return values[0]


def source_from(path: str | None, given: dict[str, Any]) -> ImageSource:
    """The named image or the test card, to be resized and cropped as the options say."""
    from blurbench.study.question import ImageSource

    return ImageSource(path, given["resize"], given["crop"])


def sources_from(paths: Sequence[str], given: dict[str, Any]) -> tuple[ImageSource, ...]:
    """The named images, or the test card, treated alike."""
    return tuple(source_from(path, given) for path in paths) or (source_from(None, given),)


def exports_from(given: dict[str, Any]) -> dict[str, str]:
    """Where data is to be written, by format, checked; `-` is standard output.

    Raises:
        InputError: a file cannot be written, or two would go to one place.
    """
    from blurbench.files import check_apart, check_output

    exports: dict[str, str] = {}
    for name in ("csv", "json", "markdown", "report"):
        if (path := given.get(f"{name}_path")) is not None:
            exports[name] = path
    for name, path in exports.items():
        if name == "report":
            check_page(path, "--report")
        else:
            check_output(path, f"--{name}", name)
    check_apart({f"--{name}": path for name, path in exports.items()}, given.get("out"))
    on_stdout = [f"--{name}" for name, path in exports.items() if path == "-"]
    if len(on_stdout) > 1:
        raise InputError(f"{' and '.join(on_stdout)} cannot both write to stdout: name a file")
    return exports


def write_exports(exports: dict[str, str], texts: Mapping[str, Callable[[], str]]) -> None:
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
