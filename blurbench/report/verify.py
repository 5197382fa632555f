"""The exactness contract on the terminal."""

from __future__ import annotations

from collections.abc import Collection

from rich.console import Console

from blurbench.backends.backend import Backend, Implementation
from blurbench.backends.registry import probe
from blurbench.records.kinds import SOFTWARE, marked
from blurbench.report.console import error_console, say, say_missing
from blurbench.report.progress import piece_by_piece
from blurbench.report.table import Table
from blurbench.report.units import minutes
from blurbench.study.verify import count_cases, seconds_of, verify

SHOWN = 5  # failures an implementation, before the rest is counted
LONG_S = 60.0  # of which it is said that there is a quicker way


def run_and_show(
    console: Console,
    pairs: list[tuple[Backend, Implementation]],
    named: Collection[str],
    allow_even: bool = False,
    quick: bool = False,
) -> int:
    """Verify what can run; the exit code: 0, 1 if one failed, 3 if none could run.

    Args:
        named: the backends that somebody named.
        allow_even, quick: which cases are tried, as in `cases_of`.
    """
    states = {backend.name: probe(backend, backend.name in named) for backend, _ in pairs}
    software = {name for name, state in states.items() if state.software}
    runnable = [pair for pair in pairs if states[pair[0].name].ok and pair[1].exact]
    seconds = seconds_of(runnable, allow_even, quick, software)
    if runnable:
        count = count_cases(runnable, allow_even, quick)
        quicker = "; --quick tries fewer" if seconds > LONG_S else ""
        say(error_console(), f"{count:,} cases take about {minutes(seconds)}{quicker}.")
    with piece_by_piece("verifying", seconds) as progress:
        checks = verify(runnable, progress, allow_even, quick, software)
    headers = ("implementation", "dtype", "cases", "worst", "verdict")
    table = Table(headers, right=(2, 3), spare=("cases", "worst"))
    for check in checks:
        worst = f"{check.worst:.2f} of allowed"
        verdict = f"{len(check.failures)} failed" if check.failures else "ok"
        backend = check.implementation.partition(":")[0]
        name = marked(check.implementation, SOFTWARE if backend in software else "")
        table.add_row(name, check.dtype, str(check.cases), worst, verdict)
    if checks:
        table.show(console)
    for check in checks:
        for failure in (check.failures or [])[:SHOWN]:
            say(console, f"{check.implementation} {check.dtype}: {failure}")
    for _, one in pairs:
        if not one.exact:
            say(console, f"{one.name} is approximate and claims no exactness.")
    say_missing(
        console, {name: state.explanation for name, state in states.items() if not state.ok}
    )
    if not checks:
        return 3
    failed = sum(len(check.failures or []) for check in checks)
    total = sum(check.cases for check in checks)
    say(console, f"{total - failed} of {total} cases keep the exactness contract.")
    return 1 if failed else 0
