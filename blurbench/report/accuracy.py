"""The errors of the approximations: a line for each method and order, a column for each sigma."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.console import Console

from blurbench.inspect.accuracy import BORDER, COLUMNS, SAMPLES, Accuracy
from blurbench.inspect.frontier import Frontier
from blurbench.records.export import to_csv, to_json
from blurbench.report.console import markdown_row, room_of, say
from blurbench.report.table import Table


def show_accuracy(console: Console, found: Sequence[Accuracy]) -> None:
    """Tables of as many sigmas as there is room for, under what they hold."""
    say(
        console,
        "Largest error for values from -1 to 1, against the Gaussian sampled until its tail is "
        f"below 1e-15; lines of {SAMPLES} samples, border {BORDER}, float64.",
    )
    sigmas = _sigmas(found)
    while sigmas:
        count = 1
        while count < len(sigmas) and _table(found, sigmas[: count + 1]).width <= room_of(console):
            count += 1
        console.print()
        _table(found, sigmas[:count]).show(console)
        sigmas = sigmas[count:]


def _table(found: Sequence[Accuracy], sigmas: Sequence[float]) -> Table:
    table = Table(_headers(sigmas), range(2, 2 + len(sigmas)))
    for row in _rows(found, sigmas):
        table.add_row(*row)
    return table


def texts_of(
    found: Sequence[Accuracy], frontier: Frontier | None = None
) -> dict[str, Callable[[], str]]:
    """The errors as CSV, JSON and Markdown; the frontier goes with the JSON."""
    rows = [one.as_dict() for one in found]
    document = {
        "schema": "blurbench.accuracy/1",
        "samples": SAMPLES,
        "border": BORDER,
        "rows": rows,
        "frontier": frontier and frontier.document(),
    }
    return {
        "csv": lambda: to_csv(COLUMNS, rows),
        "json": lambda: to_json(document),
        "markdown": lambda: _to_markdown(found),
    }


def _to_markdown(found: Sequence[Accuracy]) -> str:
    sigmas = _sigmas(found)
    ruler = ["---"] * 2 + ["---:"] * len(sigmas)
    lines = [_headers(sigmas), ruler, *_rows(found, sigmas)]
    return "\n".join(map(markdown_row, lines)) + "\n"


def _sigmas(found: Sequence[Accuracy]) -> list[float]:
    return list(dict.fromkeys(one.sigma for one in found))


def _headers(sigmas: Sequence[float]) -> list[str]:
    return ["method", "order", *(f"sigma {sigma:g}" for sigma in sigmas)]


def _rows(found: Sequence[Accuracy], sigmas: Sequence[float]) -> list[list[str]]:
    """Method, order or tolerance, and an error for each sigma."""
    errors = {
        (one.method, one.order, one.tolerance, one.sigma): one.operator_norm_error for one in found
    }
    kinds = dict.fromkeys((one.method, one.order, one.tolerance) for one in found)
    return [
        [
            method,
            f"{order}" if order is not None else f"{tolerance:.0e}",
            *(f"{errors[method, order, tolerance, sigma]:.2e}" for sigma in sigmas),
        ]
        for method, order, tolerance in kinds
    ]
