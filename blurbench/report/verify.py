"""The exactness contract on the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.progress import Progress

from blurbench.backends.backend import Backend, Implementation
from blurbench.backends.registry import probe
from blurbench.records.kinds import SOFTWARE, marked
from blurbench.report.console import error_console, say, say_missing
from blurbench.report.table import Table
from blurbench.study.verify import count_cases, verify

SHOWN = 5  # failures an implementation, before the rest is counted


def run_and_show(
    console: Console,
    pairs: list[tuple[Backend, Implementation]],
    allow_even: bool,
    named: bool = True,
) -> int:
    """Verify what can run; the exit code: 0, 1 if one failed, 3 if none could run.

    Args:
        named: whether the backends are those that somebody named.
    """
    states = {backend.name: probe(backend, named) for backend, _ in pairs}
    software = {name for name, state in states.items() if state.software}
    runnable = [pair for pair in pairs if states[pair[0].name].ok and pair[1].exact]
    errors = error_console()
    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as progress:
        task = progress.add_task("verifying", total=count_cases(runnable, allow_even))

        def advance(name: str) -> None:
            progress.update(task, advance=1, description=name)

        checks = verify(runnable, advance, allow_even)
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
