"""One file that holds everything: text, data, the library that draws it, and a policy."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Sequence
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup

from blurbench.records.export import printable
from blurbench.records.journal import Log
from blurbench.report.heading import machine_line, run_lines
from blurbench.report.page.answer import answers
from blurbench.report.page.bundle import bundling, digest_of
from blurbench.report.page.chart_parts import Chart
from blurbench.report.page.charts import charts_of
from blurbench.report.page.palette import Palette
from blurbench.report.page.tables import CELLS, CLAIMED, CROSSOVERS, DataTable, tables_of
from blurbench.report.units import plural
from blurbench.version import __version__

HOME = resources.files("blurbench.report.page")


def build_page(logs: Sequence[Log]) -> str:
    """The page of one run, or of several side by side."""
    bundle = bundling()
    tables = tables_of(logs)
    sections = [[_described(one) for one in own] for own in charts_of(tables, len(logs))]
    palette, cells = Palette(tables), tables[CELLS]
    pictures = list(dict.fromkeys(row[cells.columns.index("picture")] for row in cells.rows))
    data = {
        "pictures": pictures,
        "tables": {name: table.document() for name, table in tables.items()},
        "charts": [one for own in sections for one in own],
    }
    library = bundle.result()
    script, style = _file("page.js"), _file("style.css")
    loader = jinja2.Environment(
        autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined, finalize=_shown
    )
    return loader.from_string(_file("page.html")).render(
        policy=_policy([library.digest, digest_of(script.encode())], [digest_of(style.encode())]),
        version=__version__,
        title=f"blurbench: {'; '.join(dict.fromkeys(run_lines(log.run)[0] for log in logs))}",
        style=Markup(style),
        runs=[
            {**_run(number, log), "claims": _claims(tables[CROSSOVERS], number)}
            for number, log in enumerate(logs, 1)
        ],
        sections=sections,
        pictures=pictures,
        names=[
            {
                "name": one,
                "label": palette.label(one),
                "colour": palette.colour(one),
                "shape": palette.shape(one),
            }
            for one in palette.names
        ],
        implementations=[(one, palette.label(one)) for one in palette.implementations],
        data=Markup(_json(data)),
        library=library.packed,
        script=Markup(script),
    )


def _file(name: str) -> str:
    return HOME.joinpath(name).read_text("utf-8")


def _shown(value: Any) -> Any:
    """Text of a run, without what no page can hold."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _described(chart: Chart) -> dict[str, Any]:
    return {
        "id": chart.name if chart.run is None else f"{chart.name}-{chart.run}",
        "name": chart.name,
        "title": chart.title,
        "says": chart.says,
        "note": chart.note,
        "answer": chart.answer,
        "table": chart.table,
        "columns": chart.columns,
        "run": chart.run,
        "spec": chart.spec,
    }


def _run(number: int, log: Log) -> dict[str, Any]:
    about = log.run.about
    machine = about["machine"]
    shown = {
        "begun": about["started_at_utc"],
        "machine": machine_line(log.run),
        "versions": ", ".join(f"{name} {text}" for name, text in about["versions"].items()),
        "seed": about["seed"],
        "not here": "; ".join(f"{name}: {why}" for name, why in about["unavailable"].items()),
    }
    return {
        "number": number,
        "machine": "; ".join(
            [f"{machine['cpu']}, {plural(machine['usable_cpus'], 'CPU')}", *machine["gpus"]]
        ),
        "answers": answers(log),
        "facts": [*run_lines(log.run), machine_line(log.run)],
        "risks": about.get("risks", []),
        "command": shlex.join(_repeatable(about.get("command", []))),
        "about": [(name, value) for name, value in shown.items() if value],
    }


def _repeatable(command: Sequence[str]) -> list[str]:
    """Without the folder that it made: a folder that holds a run is refused."""
    words = iter(command)
    kept = []
    for word in words:
        if word == "--out":
            next(words, None)
        elif not word.startswith("--out="):
            kept.append(word)
    return kept


def _claims(crossovers: DataTable, number: int) -> list[dict[str, Any]]:
    """What others say, and whether it held: by image, unless it is the same everywhere."""
    here: dict[str, dict[str, list[str]]] = {}
    for row in crossovers.entries(number):
        if row["kind"] == CLAIMED:
            here.setdefault(row["says"], {}).setdefault(row["held"], []).append(row["picture"])
    return [
        {
            "says": says,
            "held": [
                held if len(found) == 1 else f"{', '.join(pictures)}: {held}"
                for held, pictures in found.items()
            ],
        }
        for says, found in here.items()
    ]


def _json(value: Any) -> str:
    """JSON that ends no script; what is not a finite number is null."""
    text = json.dumps(_plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value


def _policy(scripts: Sequence[str], styles: Sequence[str]) -> str:
    """Nothing is loaded; only the scripts and styles of these digests run."""

    def quoted(digests: Sequence[str]) -> str:
        return " ".join(f"'{one}'" for one in digests)

    return (
        f"default-src 'none'; script-src {quoted(scripts)}; style-src {quoted(styles)}; "
        "base-uri 'none'; form-action 'none'"
    )
