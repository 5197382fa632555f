"""Which blur to use at which kernel size, from leads that are written by hand."""

from __future__ import annotations

from collections.abc import Sequence

from blurbench.records.advice import Spell, advice_text, advise
from blurbench.records.findings import Findings
from helpers.written import Written

ONE, TWO = "fake:separable", "other:separable"


def points(*ratios: float) -> Sequence[Findings]:
    """Points at sizes 3, 5, 7, ...: the second takes so many times as long as the first."""
    log = Written(ONE, TWO)
    for number, times in enumerate(ratios):
        log.race(2 * number + 3, {ONE: 0.010, TWO: 0.010 * times})
    return list(log.log.points.values())


def test_neighbouring_sizes_with_one_leader_are_one_spell() -> None:
    assert advise(points(1.2, 1.3)) == [Spell(ONE, (3, 5), ())]


def test_a_proven_change_of_the_leader_begins_a_spell() -> None:
    assert advise(points(1.2, 0.8)) == [Spell(ONE, (3,), ()), Spell(TWO, (5,), ())]


def test_an_island_of_one_unproven_size_is_no_advice() -> None:
    assert advise(points(1.2, 0.99, 1.2)) == [Spell(ONE, (3, 5, 7), (5,))]


def test_where_nothing_at_all_is_proven_more_sizes_weigh_more_than_fewer() -> None:
    assert advise(points(1.01, 1.01, 0.99)) == [Spell(ONE, (3, 5, 7), (3, 5, 7))]


def test_an_island_of_one_proven_size_is_advice() -> None:
    assert [one.name for one in advise(points(1.2, 0.8, 1.2))] == [ONE, TWO, ONE]


def test_sizes_without_times_are_left_out() -> None:
    log = Written(ONE, TWO).race(3, {ONE: 0.010, TWO: 0.012})
    log.out(5, ONE, "failed").out(5, TWO, "failed")
    assert advise(list(log.log.points.values())) == [Spell(ONE, (3,), ())]


def test_the_advice_is_one_sentence_that_tells_its_doubts() -> None:
    expected = f"use {ONE} up to 7x7 (1 of 3 sizes not proven); use {TWO} from 9x9 on"
    assert advice_text(points(1.2, 0.99, 1.2, 0.8, 0.8)) == expected


def test_where_nothing_is_timed_there_is_no_advice() -> None:
    assert advice_text([]) == "nothing could be ranked"
