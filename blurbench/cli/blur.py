"""`blurbench blur`: one file in, one file out, or standard streams; or many files into a folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from blurbench.cli.large import LARGE, blur_in_tiles, is_large
from blurbench.cli.options import KERNEL, with_options
from blurbench.cli.streams import STREAM, check_streams, through_streams
from blurbench.cli.types import Number
from blurbench.cli.words import BORDERS_HELP, tell_borders
from blurbench.errors import CannotRunError, DeviceLostError, InputError
from blurbench.names import APPROXIMATIONS, EXACT, ON_CPU, ON_GPU

if TYPE_CHECKING:
    from blurbench.folders.batch import FileBlur
    from blurbench.kernel import GaussianKernel
    from blurbench.recipe import Recipe

EXAMPLES = """\b
Examples:
  blurbench blur photo.jpg -o soft.png --sigma 2.5
  blurbench blur photo.png -o soft.png --size 101 --method fft
  blurbench blur photos -o soft --sigma 2.5 --method auto
  blurbench blur photo.png -o soft.png --sigma 40 --tolerance 1%
  blurbench blur a.jpg b.png c.tif -o soft --sigma 2.5
  blurbench blur big.tif -o soft.zarr --sigma 30 --memory 2GiB
  cat photo.png | blurbench blur - -o - --sigma 2.5 > soft.png
"""


@click.command(epilog=EXAMPLES)
@click.argument("inputs", nargs=-1, required=True, metavar="IN...")
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="OUT|-",
    help="File to write, or folder for many; - is stdout.",
)
@with_options(KERNEL)
@click.option(
    "--backend",
    help=f"One of {', '.join(ON_CPU)}, {', '.join(ON_GPU)}.  [default: scipy; auto with --method "
    "auto]",
)
@click.option(
    "--method",
    help=f"One of {', '.join(EXACT)}; approximate: {', '.join(APPROXIMATIONS)}; "
    "or auto: the fastest, by blurbench tune.  [default: separable; auto with --tolerance]",
)
@click.option(
    "--tolerance",
    type=Number(float, 0.0, percent=True),
    metavar="ERROR",
    help="Let auto take approximations whose error is within this share of the largest value.",
)
@click.option("--border", default="reflect", show_default=True, help=BORDERS_HELP)
@click.option(
    "--cval",
    type=Number(float),
    default=0.0,
    show_default=True,
    help="Value of the constant border.",
)
@click.option(
    "--nodata",
    type=Number(float),
    metavar="VALUE",
    help="Leave out pixels of this value: they stay as they are.",
)
@click.option(
    "--format",
    "as_type",
    metavar="TYPE",
    help="Of the image on stdout, as png.  [default: the input's]",
)
@click.option(
    "--force",
    is_flag=True,
    help="Blur again what is in an output folder already. A file, or an array, is always replaced.",
)
@with_options(LARGE)
@click.option("--quiet", "-q", is_flag=True, help="No progress, no notes, no summary.")
def blur(
    inputs: tuple[str, ...],
    output: str,
    nodata: float | None,
    as_type: str | None,
    force: bool,
    quiet: bool,
    **given: Any,
) -> int:
    """Blur image files; their type of pixel, opacity, colour profile and EXIF are kept.

    OUT is a file for one image and a folder for several, or for all images in and below a folder;
    IN and OUT may be -, standard input and output. Every file is written under a temporary name and
    renamed, so it is whole or not there. What is in a folder already is kept, unless --force is
    given: a run that was ended goes on when it is called again. A file or array that OUT names is
    replaced, with or without --force. TIFF and Zarr images larger than memory are blurred in tiles:
    see --memory and --dask. What a method would spread over the whole image, as an FFT a no-data
    value of -3.4e38, is refused.
    """
    from blurbench.backends.registry import find_backend, probe
    from blurbench.choice.auto import AUTO
    from blurbench.folders.batch import FileBlur

    recipe = _read_recipe(given)
    if not quiet:
        tell_borders(given["border"])
    as_type = as_type and as_type.lower().removeprefix(".")
    check_streams(inputs, output, as_type)
    streams = STREAM in (*inputs, output)
    large = {name: given[name] for name in ("memory", "scheduler")}
    if not streams and len(inputs) == 1 and is_large(inputs[0], output, large, recipe):
        if nodata is not None:
            raise InputError("--nodata is not for images in tiles, as Zarr: do without it")
        blur_in_tiles(inputs[0], output, recipe, quiet, **large)
        return _noted(0, recipe.kernel, quiet)
    if any(large.values()):
        images = STREAM if streams else len(inputs)
        raise InputError(f"--memory and --dask are for one image, not {images}: name one")
    how = FileBlur(recipe, nodata)
    how.check()
    many = not streams and _are_many(inputs, output)
    state = None if recipe.backend == AUTO else probe(find_backend(recipe.backend))
    if state is not None and not state.ok:
        raise CannotRunError(f"{recipe.backend} cannot run: {state.explanation}")
    if many:
        code = _blur_many(inputs, output, how, force, quiet)
    else:
        code = _blur_one(inputs[0], output, as_type, how, quiet)
    return _noted(code, recipe.kernel, quiet)


def _read_recipe(given: Mapping[str, Any]) -> Recipe:
    """What the options of a kernel, a border, a backend and a method ask for, checked.

    Raises:
        InputError: a name is unknown or a value cannot be used.
    """
    from blurbench.backends.registry import known_methods
    from blurbench.backends.words import read_backend, read_border, read_methods
    from blurbench.choice.auto import AUTO
    from blurbench.kernel import make_kernel
    from blurbench.recipe import Recipe

    for name in ("backend", "method"):
        if "," in (given[name] or ""):
            raise InputError(f"--{name} {given[name]} is several, and a blur takes one: name one")
    kernel = make_kernel(given["sigma"], given["size"], allow_even=given["allow_even"])
    tolerance = given["tolerance"]
    named = given["method"] or ("separable" if tolerance is None else AUTO)
    (method,) = read_methods([[named]], (*known_methods(), AUTO))
    backend = read_backend(given["backend"] or (AUTO if method == AUTO else "scipy"))
    border = read_border(given["border"], given["cval"])
    return Recipe(kernel, border, given["cval"], backend, method, tolerance)


def _blur_one(source: str, target: str, as_type: str | None, how: FileBlur, quiet: bool) -> int:
    """Blur a file into a file, or through standard streams, and tell; the exit code."""
    from blurbench.files import shown_name
    from blurbench.folders.batch import blur_file
    from blurbench.folders.jobs import Job

    notes = through_streams(
        source, target, as_type, lambda given, made: blur_file(Job(given, made), how)
    )
    name = "stdin" if source == STREAM else shown_name(source)
    for note in () if quiet else notes:
        click.echo(f"Note: {name}: {note}.", err=True)
    return 0


def _noted(code: int, kernel: GaussianKernel, quiet: bool) -> int:
    """The exit code, once it is told how the kernel shifts the image, or falls short of sigma."""
    if (kernel.even or kernel.is_cut) and not quiet:
        click.echo(f"Note: {kernel.note}.", err=True)
    return code


def _are_many(inputs: tuple[str, ...], output: str) -> bool:
    """Whether the output is a folder.

    Raises:
        InputError: it has to be one and is named like a file.
    """
    from blurbench.image import SUFFIXES

    if "" in inputs:
        raise InputError("input '' is no file's name: give one")
    like_folder = output.endswith(("/", os.sep))
    like_file = not like_folder and Path(output).suffix.lower() in SUFFIXES
    if len(inputs) == 1 and not Path(inputs[0]).is_dir():
        return like_folder or (Path(output).is_dir() and not like_file)
    if like_file:
        what = f"{inputs[0]} is a folder" if len(inputs) == 1 else f"{len(inputs)} images are given"
        raise InputError(f"{what}, and output {output} is named like a file: name a folder")
    return True


def _blur_many(
    inputs: tuple[str, ...], output: str, how: FileBlur, force: bool, quiet: bool
) -> int:
    """Blur into a folder what is not there yet, and tell; the exit code."""
    from blurbench.folders.batch import blur_files
    from blurbench.folders.jobs import find_jobs, prepare_folders
    from blurbench.report.batch import FilesReport

    found = find_jobs(inputs, output)
    jobs = found.jobs
    prepare_folders(jobs)
    missing = [job for job in jobs if force or not job.target.is_file()]
    report = FilesReport(
        len(missing), len(jobs) - len(missing), found.left_out, force=force, quiet=quiet
    )
    try:
        with report:
            blur_files(missing, how, report.tell)
    except KeyboardInterrupt:
        report.finish("Interrupted")
        return 130
    except DeviceLostError as error:
        click.echo(f"Error: {error}", err=True)
        report.finish("Stopped")
        return 1
    return report.finish()
