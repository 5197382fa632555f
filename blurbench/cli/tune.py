"""`blurbench tune`: measure once, and let `auto` choose by it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from blurbench.cli.options import KERNEL, OLD_SHAPE, with_options
from blurbench.cli.types import ImageSize, Names, Number
from blurbench.cli.words import BACKENDS_HELP, BORDERS_HELP, DTYPES_HELP, tell_borders
from blurbench.errors import InputError

# What is asked, and the options that are for it alone.
EXPLAIN, POLICY, MEASURE = "--explain", "--policy", "measuring"
ONLY_FOR = {
    EXPLAIN: ("shape", "size", "sigma", "allow_even", "dtype", "border", "tolerance"),
    POLICY: (),
    MEASURE: ("budget", "backends", "seed"),
}

EXAMPLES = """\b
Examples:
  blurbench tune
  blurbench tune --explain --image-size 1920x1080x3 --sigma 2.5
  blurbench tune --policy choose.py
"""


@click.command(epilog=EXAMPLES)
@click.option(
    "--budget",
    type=Number(float, 1),
    default=160.0,
    show_default=True,
    help="Seconds to measure: 60 or more for approximations, 30 or more for anything at all.",
)
@click.option("--out", metavar="PATH", help="The table's file. [default: in your data folder]")
@click.option("--backend", "backends", type=Names(), multiple=True, help=BACKENDS_HELP)
@click.option("--seed", type=Number(int, 0), help="Of the problems that are measured.")
@click.option("--explain", is_flag=True, help="Measure nothing: say what is chosen, and why.")
@click.option(
    "--image-size",
    "shape",
    type=ImageSize(channels=True),
    metavar="WxH[xC]",
    help="With --explain: of the image.",
)
@OLD_SHAPE
@with_options(KERNEL)
@click.option(
    "--dtype", default="float32", show_default=True, help=f"With --explain: {DTYPES_HELP}"
)
@click.option(
    "--border", default="reflect", show_default=True, help=f"With --explain: {BORDERS_HELP}"
)
@click.option(
    "--tolerance", type=Number(float, 0, percent=True), help="With --explain: let approximations."
)
@click.option("--policy", metavar="PATH", help="Measure nothing: write the choice as Python code.")
@click.option("--quiet", "-q", is_flag=True, help="No progress.")
def tune(
    budget: float,
    out: str | None,
    backends: tuple[tuple[str, ...], ...],
    seed: int | None,
    explain: bool,
    policy: str | None,
    quiet: bool,
    **given: Any,
) -> int:
    """Measure what `auto` chooses by, and keep it for this machine.

    `gaussian_blur(..., method="auto", backend="auto")` and `blurbench blur --method auto` then take
    the implementation that is expected to be the fastest for the image and the kernel. Takes 160 s,
    or what --budget says.
    """
    if explain and policy is not None:
        raise InputError("--explain and --policy are two questions: ask one at a time")
    _check_options(EXPLAIN if explain else MEASURE if policy is None else POLICY)
    if out == "-":
        raise InputError("--out - is no file: name one")
    path = None if out is None else Path(out)
    if explain:
        return _explain(path, given)
    if policy is not None:
        return _write_policy(path, policy)
    return _measure(path, budget, backends, seed, quiet)


def _check_options(asked: str) -> None:
    """Raise InputError where an option is given that is not for what is asked."""
    context = click.get_current_context()
    for question, names in ONLY_FOR.items():
        for param in context.command.params:
            if question == asked or param.name not in names:
                continue
            if context.get_parameter_source(param.name) is ParameterSource.COMMANDLINE:
                option = param.opts[0]
                raise InputError(f"{option} is for {question}, not for {asked}: leave it out")


def _measure(
    path: Path | None,
    budget: float,
    backends: tuple[tuple[str, ...], ...],
    seed: int | None,
    quiet: bool,
) -> int:
    from blurbench.backends.words import read_backends
    from blurbench.choice.table import own_path, write_table
    from blurbench.files import check_output
    from blurbench.records.journal import check_folder
    from blurbench.report.console import open_console
    from blurbench.report.progress import share_by_share
    from blurbench.report.tune import show_measured
    from blurbench.study.options import Options
    from blurbench.study.session import Session
    from blurbench.tune.tuning import LEAST_S
    from blurbench.tune.tuning import tune as run

    if path is None:
        path = own_path()
        check_folder(path.parent, "table")
    else:
        check_output(str(path), "--out", "json")
    if budget < LEAST_S and not quiet:
        few = f"in less than {LEAST_S:g} s there may be too few timings to choose by"
        click.echo(f"Note: {few}.", err=True)
    session = Session(Options(backends=read_backends(backends), seed=seed, tolerance=1.0))
    with share_by_share("measuring", quiet) as progress:
        table = run(session, budget, progress)
    write_table(path, table)
    show_measured(open_console(), table, str(path))
    return 0


def _explain(path: Path | None, given: Mapping[str, Any]) -> int:
    import numpy as np

    from blurbench.backends.words import read_border, read_dtype
    from blurbench.choice.auto import AUTO, choose, expected, runnable
    from blurbench.choice.table import current, read_table
    from blurbench.kernel import make_kernel
    from blurbench.recipe import Recipe
    from blurbench.report.console import open_console
    from blurbench.report.tune import show_explanation

    if given["shape"] is None:
        raise InputError("--explain needs an --image-size: give WIDTHxHEIGHT, as in 1920x1080")
    kernel = make_kernel(given["sigma"], given["size"], allow_even=given["allow_even"])
    recipe = Recipe(kernel, read_border(given["border"]), backend=AUTO, method=AUTO)
    problem = recipe.problem(given["shape"], np.dtype(read_dtype(given["dtype"])))
    tolerance = given["tolerance"]
    table, where = (read_table(path), str(path)) if path is not None else current()
    found = expected(table, problem, tolerance=tolerance)
    ranked = expected(runnable(table), problem, tolerance=tolerance)
    chosen = choose(problem, tolerance=tolerance, table=table).name
    show_explanation(open_console(), problem, table, where, found, ranked, chosen)
    tell_borders(given["border"])
    return 0


def _write_policy(path: Path | None, target: str) -> int:
    from blurbench.choice.policy import policy
    from blurbench.choice.table import current, read_table
    from blurbench.cli.outputs import write_exports
    from blurbench.files import check_output

    check_output(target, "--policy", "policy")
    table = read_table(path) if path is not None else current()[0]
    write_exports({"policy": target}, {"policy": lambda: policy(table)})
    return 0
