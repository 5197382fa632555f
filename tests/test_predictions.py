"""How far what a call is expected to take lies from what it took, in a run kept in `results`."""

from __future__ import annotations

from pathlib import Path

from blurbench.measure.judge import FEW_OFF
from blurbench.records.journal import load

RUN = Path(__file__).parent.parent / "results" / "2026-11-29-testcard-15"


def test_predictions_were_as_near_as_is_said() -> None:
    rows = [row for row in load(RUN).rows() if row.end_to_end_median_s and row.predicted_s]
    off = {row.name: (row.predicted_s or 0.0) / (row.end_to_end_median_s or 1.0) for row in rows}
    assert len(off) > 10
    assert {name: one for name, one in off.items() if not 1 / FEW_OFF <= one <= FEW_OFF} == {}
