"""The options that commands share, written once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from blurbench.cli.types import Extent, Folder, Names, Number, OldShape, Several, Taps
from blurbench.cli.words import BACKENDS_HELP, BORDERS_HELP, DTYPES_HELP, METHODS_HELP, OWN_HELP
from blurbench.errors import InputError

if TYPE_CHECKING:
    from blurbench.study.options import Options
    from blurbench.study.source import ImageSource

Command = TypeVar("Command", bound=Callable[..., Any])


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


def build_options(given: Mapping[str, Any]) -> Options:
    """The shared options as a study takes them, checked.

    Raises:
        InputError: a name is unknown or a value cannot be used.
    """
    from blurbench.study.settings import options_of

    one = {name.removesuffix("s"): _only(given, name) for name in ("borders", "dtypes")}
    return options_of({**settings_from(given), **one, "threads": _only(given, "threads")})


def settings_from(given: Mapping[str, Any]) -> dict[str, Any]:
    """The shared options by the names of settings; of some there may be several values."""
    alike = ("cval", "threads", "device", "tf32", "cache", "budget", "rounds", "same", "processes")
    return {
        **{name: given[name] for name in (*alike, "tolerance", "seed")},
        "backend": [word for words in given["backends"] for word in words],
        "method": [word for words in given["methods"] for word in words],
        "own": given["own"],
        "border": given["borders"],
        "dtype": given["dtypes"],
        "keep": given.get("keep"),
    }


def _only(given: Mapping[str, Any], axis: str) -> Any:
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


def source_from(path: str | None, given: Mapping[str, Any]) -> ImageSource:
    """The named image or the test card, to be resized and cropped as the options say."""
    from blurbench.study.source import ImageSource

    return ImageSource(path, given["resize"], given["crop"])


def sources_from(paths: Sequence[str], given: Mapping[str, Any]) -> tuple[ImageSource, ...]:
    """The named images, or the test card, treated alike."""
    return tuple(source_from(path, given) for path in paths) or (source_from(None, given),)
