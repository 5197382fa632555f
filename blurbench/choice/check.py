"""Whether a table holds what a choice needs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from blurbench.choice.model import TERMS

Rule = Callable[[Any], bool]


def check_table(table: dict[str, Any]) -> None:
    """Raise ValueError, which names it, where something is missing or damaged."""
    _check("", table, TABLE)
    for place, cost in enumerate(table["costs"]):
        _check(f"costs[{place}].", cost, COST)


def _check(where: str, found: Any, rules: Mapping[str, Rule]) -> None:
    for name, fits in rules.items():
        if not (isinstance(found, dict) and name in found and fits(found[name])):
            raise ValueError(f"its {where}{name} is missing or damaged")


def _is_a(kind: type, value: Any) -> bool:
    return isinstance(value, kind)


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 1


def _is_figure(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value < math.inf


def _are_errors(value: Any) -> bool:
    """Of each method, lines of a sigma and an error."""
    return isinstance(value, dict) and all(
        isinstance(lines, list) and all(map(_is_pair, lines)) for lines in value.values()
    )


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_is_figure, value))


_is_text, _is_flag, _is_list = (partial(_is_a, kind) for kind in (str, bool, list))

TABLE: dict[str, Rule] = {
    "machine": lambda machine: isinstance(machine, dict) and "cpu" in machine,
    "versions": partial(_is_a, dict),
    "measured_at_utc": _is_text,
    "threads": _is_count,
    "cache_bytes": _is_figure,
    "costs": _is_list,
    "errors": _are_errors,
}
COST: dict[str, Rule] = {
    **dict.fromkeys(("backend", "method", "dtype", "place"), _is_text),
    "threads": _is_count,
    **dict.fromkeys(("exact", "even", "half"), _is_flag),
    "borders": _is_list,
    **dict.fromkeys(TERMS, _is_figure),
}
