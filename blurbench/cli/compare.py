"""`blurbench compare`: which blur is the fastest on this image at this kernel size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from blurbench.cli.options import (
    ALL,
    GATE,
    KEEP,
    KERNEL,
    SHARED,
    Folder,
    build_options,
    exports_from,
    sources_from,
    with_options,
)
from blurbench.cli.outputs import check_save
from blurbench.cli.runs import carry_out, gate_processes, measure_points
from blurbench.cli.side_by_side import carry_out_side_by_side
from blurbench.cli.words import tell_borders

if TYPE_CHECKING:
    from blurbench.records.journal import Log
    from blurbench.study.session import Session

DEFAULT_SIZE = 15

EXAMPLES = """\b
Examples:
  blurbench compare photo.png --size 31
  blurbench compare --sigma 5 --method separable,fft --border mirror
  blurbench compare photo.png --json - | jq .control
  blurbench compare thumbnail.png photo.png poster.png --size 31
  blurbench compare photo.png --with mine.py:blur
  blurbench compare --processes 5 --out before    later: --baseline before
  blurbench compare photo.png --against ../main/.venv/bin/python
"""


@click.command(epilog=EXAMPLES)
@click.argument("images", nargs=-1, metavar="[IMAGE]...")
@with_options(KERNEL, SHARED, [ALL, KEEP], GATE)
@click.option(
    "--save", type=Folder(), metavar="DIR", help="Write each implementation's blurred image."
)
def compare(
    images: tuple[str, ...],
    size: int | None,
    sigma: float | None,
    allow_even: bool,
    **given: Any,
) -> int:
    """Time every blur side by side on an image, name the fastest; the same for further images.

    Without IMAGE the built-in test card is used; without --size and --sigma, 15x15. Takes 15 s an
    image, or up to 60 s where the best need it to be told apart. With --baseline or --against the
    exit code is 0 for not slower, 10 for slower, 11 for undecided, 12 for not comparable.
    """
    from blurbench.kernel import make_kernel
    from blurbench.records.journal import check_run_folder
    from blurbench.report.console import open_console
    from blurbench.report.progress import TerminalListener
    from blurbench.report.show import show_log
    from blurbench.study.compare import compare as run
    from blurbench.study.options import problem_for
    from blurbench.study.question import Question

    gate_processes(given)
    options = build_options(given)
    size = DEFAULT_SIZE if size is None and sigma is None else size
    kernel = make_kernel(sigma, size, allow_even=allow_even)
    console = open_console(data_on_stdout="-" in exports_from(given).values())
    sources = sources_from(images, given)
    originals = tuple(source.load((kernel,), options) for source in sources)
    question = Question("compare", sources, originals, (kernel,), options)
    question.check()
    if not given["quiet"]:
        tell_borders(*given["borders"])
    if given["save"]:
        check_save(given["save"], question)
    if given["out"]:
        check_run_folder(given["out"])
    listener = TerminalListener(originals, console, options.cache, given["quiet"])

    def measure(session: Session, log: Log) -> bool:
        if len(originals) > 1:
            return measure_points(question, session, log, console, given["quiet"])
        listener.start()
        return not run(originals[0], kernel, options, listener, log, session).interrupted

    def show(log: Log) -> None:
        listener.stop()
        if len(originals) == 1:
            listener.ran_on(log.run.about.get("devices", {}))
        show_log(console, log, given["everything"])

    with listener:
        if len(originals) == 1:
            listener.header(problem_for(originals[0], kernel, options))
        if given["against"] is None:
            return carry_out(question, options.rules, given, measure, show)
        return carry_out_side_by_side(question, options.rules, given, show)
