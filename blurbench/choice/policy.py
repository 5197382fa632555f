"""The choice as a Python file of its own, which needs nothing but Python."""

from __future__ import annotations

import pprint
from importlib import resources
from typing import Any

from blurbench.choice.auto import HOST, runnable
from blurbench.choice.table import Table

KEPT = ("threads", "cache_bytes", "errors")
OF_A_COST = ("timings", "median_deviation")  # nothing is chosen by these
FILES = ("methods/transform.py", "choice/model.py")  # what is written out

_CHOOSE = '''
def choose(
    height, width, channels=1, dtype="float32", size=None, sigma=None, border="reflect",
    tolerance=None, threads=None,
):
    """The blur to run, as "backend:method"; of a size, a sigma (cut at 4 sigmas), or both.

    Threads: all of the machine that was measured, unless given.
    """
    if size is None:
        size = 2 * int(4 * sigma + 0.5) + 1
    if sigma is None:
        sigma = 0.3 * ((size - 1) * 0.5 - 1) + 0.8
    case = Case(
        height, width, channels, dtype, size, sigma, border, threads or TABLE["threads"]
    )
    found = ranking(TABLE, case, tolerance=tolerance)
    return found[0][1] if found else "scipy:separable"
'''


def policy(table: Table) -> str:
    """Source code: `choose` and all that it needs, to choose as `auto` does here."""
    versions = ", ".join(f"{name} {text}" for name, text in table["versions"].items())
    heading = (
        f"Which Gaussian blur is the fastest on {table['machine']['cpu']}, {table['threads']} "
        f"threads.\n\nMade by `blurbench tune --policy` from figures of "
        f"{table['measured_at_utc']}, with\n{versions}."
    )
    return f'"""{heading}\n"""\n\n{_code()}\n\nTABLE = {_literal(table)}\n\n{_CHOOSE}'


def _code() -> str:
    """The files as one, beneath what they import from elsewhere."""
    lines: list[str] = []
    for file in FILES:
        text = resources.files("blurbench").joinpath(file).read_text("utf-8")
        lines += text.partition('"""\n\n')[2].splitlines()
    imports = {line for line in lines if line.startswith(("from ", "import "))}
    from_elsewhere = sorted(line for line in imports if not line.startswith("from blurbench."))
    return "\n".join([*from_elsewhere, *(line for line in lines if line not in imports)])


def _literal(table: Table) -> str:
    costs: list[dict[str, Any]] = [
        {name: value for name, value in cost.items() if name not in OF_A_COST}
        for cost in runnable(table)["costs"]
        if cost["place"] == HOST
    ]
    kept = {**{name: table[name] for name in KEPT}, "costs": costs}
    return pprint.pformat(kept, width=96, sort_dicts=False)
