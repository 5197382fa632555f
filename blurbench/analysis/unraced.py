"""The pairs of a question that were never in one race, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from blurbench.analysis.crossing import Crossover
from blurbench.analysis.opponents import pairs_of, sides_of
from blurbench.measure.judge import Rules
from blurbench.records.declared import Declared
from blurbench.records.findings import Findings
from blurbench.records.summary import Row

NEVER = "never in one race"


@dataclass(frozen=True)
class Unraced:
    """Two that were to be compared and could not be."""

    first: str
    second: str
    reason: str


def unraced(
    declared: Sequence[Declared],
    rules: Rules,
    points: Sequence[Findings],
    crossovers: Sequence[Crossover],
) -> list[Unraced]:
    """Every pair that was asked for and has no crossover; without a tolerance only the exact."""
    asked = [one for one in declared if one.exact or rules.tolerance is not None]
    pairs = [(pair, [{pair[0]}, {pair[1]}]) for pair in pairs_of(asked)]
    pairs += [((a.name, b.name), [set(a.members), set(b.members)]) for a, b in sides_of(asked)]
    compared = {(one.first, one.second) for one in crossovers}
    rows = [row for one in points for row in one.rows()]
    return [
        Unraced(*names, _reason(sides, rows)) for names, sides in pairs if names not in compared
    ]


def cannot_run(backend: str) -> str:
    """The reason of all pairs of a backend that is not there."""
    return f"{backend} cannot run"


def _reason(sides: Iterable[set[str]], rows: Sequence[Row]) -> str:
    """What kept a side out; of several members what kept each of them."""
    if not rows:
        return "nothing was measured"
    reasons = (list(dict.fromkeys(_out(side, rows))) for side in sides)
    found = dict.fromkeys(one for own in reasons for one in own)
    return "; ".join(found) or NEVER


def _out(side: set[str], rows: Sequence[Row]) -> Iterator[str]:
    """Why the members of a side have no race, if none of them has at any size."""
    own = [row for row in rows if row.name in side]
    if any(row.status == "ok" and row.reason is None for row in own):
        return
    for name in sorted(side):
        row = next(row for row in own if row.name == name)
        if row.status == "unavailable":
            yield cannot_run(row.backend)
        elif row.status == "ok":
            yield f"{name} {row.reason}"
        else:
            dear = row.status == "over_budget" and row.predicted_s is not None
            why = "one run does not fit the budget" if dear else row.reason
            yield f"{name} {row.status.replace('_', ' ')}" + (f" ({why})" if why else "")
