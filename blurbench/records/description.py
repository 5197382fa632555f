"""What a run's description must hold: the names and types that its readers rely on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from itertools import chain
from types import NoneType
from typing import Any

Check = Callable[[Any, str], str | None]  # a value, and its name; what is wrong with it


def of(*types: type) -> Check:
    """A value of one of the types; a truth is no number."""

    def check(value: Any, name: str) -> str | None:
        return None if type(value) in types else f"{name} is {_shown(value)}"

    return check


def one_of(*known: str) -> Check:
    """One of these words."""

    def check(value: Any, name: str) -> str | None:
        return None if value in known else f"{name} is {_shown(value)}, none of {', '.join(known)}"

    return check


def instant(value: Any, name: str) -> str | None:
    """A time in ISO 8601."""
    with suppress(TypeError, ValueError):
        datetime.fromisoformat(value)
        return None
    return f"{name} is {_shown(value)}, no time"


def probability(value: Any, name: str) -> str | None:
    """A number between 0 and 1."""
    if type(value) is float and 0 < value < 1:
        return None
    return f"{name} is {_shown(value)}, no probability"


def each(check: Check, least: int = 0, most: float = float("inf")) -> Check:
    """A list of so many values."""

    def check_all(values: Any, name: str) -> str | None:
        if not isinstance(values, (list, tuple)):
            return f"{name} is {_shown(values)}, no list"
        if not least <= len(values) <= most:
            return f"{name} has {len(values)} entries"
        return _first(check(one, f"{name}[{place}]") for place, one in enumerate(values))

    return check_all


def named(check: Check) -> Check:
    """An object whose values are all alike."""

    def check_all(values: Any, name: str) -> str | None:
        if not isinstance(values, Mapping):
            return f"{name} is {_shown(values)}, no object"
        return _first(check(one, f"{name}.{key}") for key, one in values.items())

    return check_all


def parts(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """An object that has the parts, and may have others."""

    def check(values: Any, name: str) -> str | None:
        if not isinstance(values, Mapping):
            return f"{name} is {_shown(values)}, no object"
        inside = f"{name}." if name else ""
        missing = (f"{inside}{one} is missing" for one in required if one not in values)
        present = ((n, c) for n, c in {**required, **(optional or {})}.items() if n in values)
        return _first(chain(missing, (check(values[n], f"{inside}{n}") for n, check in present)))

    return check


def _first(found: Any) -> str | None:
    return next((one for one in found if one is not None), None)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 30 else f"{text[:27]}..."


TEXT, COUNT, NUMBER, TRUTH = of(str), of(int), of(int, float), of(bool)
MAYBE_TEXT = of(str, NoneType)

_fault = parts(
    {
        "run_id": TEXT,
        "machine_id": MAYBE_TEXT,
        "study": one_of("compare", "sweep", "crossover"),
        "started_at_utc": instant,
        "images": each(
            parts(
                {"path": TEXT, "width": COUNT, "height": COUNT, "channels": COUNT},
                {"dtype": TEXT, "array": TEXT},
            ),
            least=1,
        ),
        "kernels": each(parts({"size": COUNT, "sigma": NUMBER}), least=1),
        "image_sizes": each(each(COUNT, 2, 2)),
        "options": parts(
            {"border": TEXT, "cval": NUMBER, "dtype": TEXT, "cache": TEXT}, {"processes": COUNT}
        ),
        "seed": COUNT,
        "machine": parts({"cpu": TEXT, "usable_cpus": COUNT, "gpus": each(TEXT)}),
        "versions": named(TEXT),
        "unavailable": named(TEXT),
        "threads": COUNT,
        "rules": parts(
            {"pilot": COUNT, "same": NUMBER, "alpha": probability},
            {
                "comparisons": of(int, NoneType),
                "tolerance": of(int, float, NoneType),
                "most": of(int, NoneType),
            },
        ),
        "implementations": each(
            parts({"backend": TEXT, "method": TEXT, "origin": TEXT, "exact": TRUTH, "kind": TEXT})
        ),
    },
    {
        "command": each(TEXT),
        "risks": each(TEXT),
        "devices": named(TEXT),
        "outputs": named(TEXT),
        "own": each(parts({"given": TEXT, "folder": MAYBE_TEXT, "sha256": MAYBE_TEXT})),
        "all_columns": TRUTH,
    },
)


def fault_of(description: Any) -> str | None:
    """What keeps a `run.json` from being understood; None where nothing does."""
    return _fault(description, "")
