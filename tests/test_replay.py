"""What the samples of kept runs say by the rules of today."""

from __future__ import annotations

from pathlib import Path

import pytest

import replay
from blurbench.records.journal import load

RESULTS = Path(__file__).parent.parent / "results"
RUNS = [RESULTS / f"2026-11-28-testcard-{name}" for name in ("15", "sweep")]


@pytest.fixture(scope="module")
def races() -> list[replay.Replayed]:
    points = [one for folder in RUNS for one in load(folder).points.values()]
    return [race for one in points if (race := replay.replay(one, replay.HERE)) is not None]


def test_half_the_rounds_of_the_kept_runs_decide_as_much(races: list[replay.Replayed]) -> None:
    assert sum(one.measured for one in races) == 2225
    assert sum(sum(one.left_after.values()) for one in races) <= 1050
    assert sum(len(one.undecided) for one in races) <= 1


def test_nobody_who_lost_every_round_by_far_is_undecided(races: list[replay.Replayed]) -> None:
    assert sum(len(one.lost_all) for one in races) > 50
    assert [one.lost_all & one.undecided for one in races if one.lost_all & one.undecided] == []


def test_the_tool_says_what_the_runs_would_have_cost(capsys: pytest.CaptureFixture[str]) -> None:
    assert replay.main([str(folder) for folder in RUNS]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("verdict of this run: ")
    assert "of 2225 contender rounds; 115 of 115 decided" in first
    assert second.startswith("verdict beyond")
