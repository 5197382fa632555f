"""The exactness contract on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from blurbench.records.kinds import SOFTWARE, marked
from blurbench.report.console import say, say_missing
from blurbench.report.table import Table
from blurbench.study.verify import Asked, Check

SHOWN = 5  # failures an implementation, before the rest is counted


def show_checks(console: Console, asked: Asked, checks: Sequence[Check]) -> None:
    """What was checked, what failed, and what could not be checked here."""
    headers = ("implementation", "dtype", "cases", "worst", "verdict")
    table = Table(headers, right=(2, 3), spare=("cases", "worst"))
    for check in checks:
        worst = f"{check.worst:.2f} of allowed"
        verdict = f"{len(check.failures)} failed" if check.failures else "ok"
        backend = check.implementation.partition(":")[0]
        name = marked(check.implementation, SOFTWARE if backend in asked.software else "")
        table.add_row(name, check.dtype, str(check.cases), worst, verdict)
    if checks:
        table.show(console)
    for check in checks:
        for failure in (check.failures or [])[:SHOWN]:
            say(console, f"{check.implementation} {check.dtype}: {failure}")
    for name in asked.approximate:
        say(console, f"{name} is approximate and claims no exactness.")
    say_missing(console, asked.missing)
    if checks:
        failed = sum(len(check.failures or []) for check in checks)
        total = sum(check.cases for check in checks)
        say(console, f"{total - failed} of {total} cases keep the exactness contract.")
