"""The commands in their groups, and what an error looks like."""

from __future__ import annotations

import os
import re
import shutil
import sys
import textwrap
from contextlib import suppress
from typing import NoReturn

import click

from blurbench.cli.accuracy import accuracy
from blurbench.cli.backends import backends
from blurbench.cli.blur import blur
from blurbench.cli.compare import compare
from blurbench.cli.crossover import crossover
from blurbench.cli.hints import check_values, missing, no_such_command, no_such_option
from blurbench.cli.inspect import inspect
from blurbench.cli.plot import plot
from blurbench.cli.report import report
from blurbench.cli.show import show
from blurbench.cli.sweep import sweep
from blurbench.cli.tune import tune
from blurbench.cli.verify import verify
from blurbench.errors import CannotRunError, InputError, ProcessFailedError
from blurbench.version import __version__

GROUPS = {
    "Measure": [compare, sweep, crossover],
    "Look": [show, plot, report],
    "Understand": [inspect, accuracy, verify, backends],
    "Use": [blur, tune],
}

WHOLE = 1000  # letters of a summary: none is cut
# What is in a command to copy, through which no line break may go.
TO_COPY = (" pip ", " blurbench ")

EXAMPLES = """\b
Examples:
  blurbench compare                        the built-in test card, 15x15
  blurbench compare photo.png --size 31    your photograph
  blurbench compare photo.png --csv out.csv --budget 30
  blurbench blur photo.png -o soft.png --sigma 2.5
"""


class Commands(click.Group):
    """Lists its commands under the headings of `GROUPS`, and answers what cannot be meant."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for heading, commands in GROUPS.items():
            with formatter.section(heading):
                formatter.write_dl(
                    [(one.name or "", one.get_short_help_str(WHOLE)) for one in commands]
                )

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if not ctx.resilient_parsing:  # as a shell does to complete a line
            name, *rest = args
            command = self.get_command(ctx, name)
            if command is None:
                raise no_such_command(name, rest, self.commands)
            check_values(command, rest)
        return super().resolve_command(ctx, args)


@click.group(
    cls=Commands,
    invoke_without_command=True,
    epilog=EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="blurbench", message="%(prog)s %(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """Which Gaussian blur should I run, on this machine, on this image, at this kernel size?

    Times direct, separable, FFT, banded and DCT blurs of every backend side by side, checks that
    they agree, and says which is the fastest, with its uncertainty.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for _commands in GROUPS.values():
    for _command in _commands:
        cli.add_command(_command)


def main() -> None:
    """Run the command line; an error that the user can mend is one line on stderr."""
    _prepare_streams()
    try:
        code = cli.main(prog_name="blurbench", standalone_mode=False)
        # Output still buffered must meet a closed pipe or a full disk here, not at exit.
        sys.stdout.flush()
    except InputError as error:
        code = _fail(str(error))
    except CannotRunError as error:
        code = _fail(str(error), 3)
    except click.exceptions.Exit as exit_:
        code = exit_.exit_code
    except ProcessFailedError as error:
        code = _fail(str(error), max(error.code, 1)) if str(error) else error.code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted: nothing was kept.", err=True)
        code = 130
    except click.NoSuchOption as error:
        code = _fail(no_such_option(error, cli.commands))
    except click.MissingParameter as error:
        code = _fail(missing(error))
    except click.ClickException as error:
        code = _fail(error.format_message())
    except MemoryError:
        code = _fail("the work does not fit in memory: use a smaller image or kernel")
    except BrokenPipeError:
        _drop_stdout()
        code = 141
    except OSError as error:
        _drop_stdout()
        code = _fail(f"writing failed: {error.strerror or error}: free some space or choose a file")
    _end(code)


def _end(code: int | None) -> NoReturn:
    """End the process; at once where a driver hangs, for which the interpreter would wait."""
    from blurbench.study.patience import any_left_behind

    if any_left_behind():
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):
                stream.flush()
        os._exit(code or 0)
    sys.exit(code)


def _prepare_streams() -> None:
    """Give a closed stream a place to go, and escape what the others cannot encode."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _drop_stdout() -> None:
    """Keep the interpreter from trying, at its exit, to write what could not be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(message: str, code: int = 2) -> int:
    """Say it in one line, on a terminal in as many as that needs."""
    from blurbench.files import shown_name

    line = shown_name("Error: " + " ".join(message.split()))
    click.echo(_broken(line) if sys.stderr.isatty() else line, err=True)
    return code


def _broken(line: str) -> str:
    """Lines of the terminal's width, and a command to copy at the end whole on one of its own."""
    width = shutil.get_terminal_size().columns
    *sentence, last = re.split(r"(?<=[:;]) ", line)
    ends_in_command = any(start in f" {last}" for start in TO_COPY)
    if len(line) > width and ends_in_command:
        return f"{_filled(' '.join(sentence), width)}\n{last}"
    return _filled(line, width)


def _filled(text: str, width: int) -> str:
    return textwrap.fill(text, width, break_long_words=False, break_on_hyphens=False)
