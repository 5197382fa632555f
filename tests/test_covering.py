"""Covering arrays: every combination is there, in no more cases than need be."""

from __future__ import annotations

from itertools import combinations, product
from typing import Any

import pytest

from helpers.contract import EXACT_ON_CPU
from helpers.covering import cases, covering, generate

COUNTS = [(1,), (3,), (2, 2), (5, 4, 3), (1, 7, 1), (5, 5, 6, 7, 3), (2, 2, 2, 2, 2)]


class Metafunc:
    """What pytest gives to those who make a test's cases; it remembers them."""

    def __init__(self, *names: str) -> None:
        self.fixturenames = names
        self.cases: list[Any] = []

    def parametrize(self, names: list[str], found: list[Any]) -> None:
        self.names, self.cases = names, found


def generated(checks: str, *names: str, **levels: Any) -> tuple[Metafunc, int]:
    made: Any = Metafunc(*names)
    return made, generate(made, covering(2, **levels).mark, checks)


@pytest.mark.parametrize("counts", COUNTS, ids=str)
@pytest.mark.parametrize("strength", [1, 2, 3])
def test_any_levels_of_any_few_factors_meet(strength: int, counts: tuple[int, ...]) -> None:
    found = cases(strength, counts)
    for factors in combinations(range(len(counts)), min(strength, len(counts))):
        met = {tuple(case[factor] for factor in factors) for case in found}
        assert met == set(product(*(range(counts[factor]) for factor in factors)))


@pytest.mark.parametrize(
    ("strength", "counts", "most"),
    [(2, (4, 2), 8), (2, (5, 5, 5), 30), (2, (2,) * 10, 10), (3, (5, 5, 6, 7, 3), 300)],
    ids=str,
)
def test_there_are_not_many_more_cases_than_there_must_be(
    strength: int, counts: tuple[int, ...], most: int
) -> None:
    assert len(cases(strength, counts)) <= most


def test_the_quick_run_and_the_rest_are_the_product() -> None:
    levels = {"size": (1, 3, 5), "border": "abcd", "dtype": ("x", "y")}
    quick, left = generated("quick", **levels)
    rest, _ = generated("rest", **levels)
    of_rest = [one.values for one in rest.cases if one.marks]
    assert sorted([*(one.values for one in quick.cases), *of_rest]) == sorted(
        product(*levels.values())
    )
    assert left == len(of_rest)


def test_each_implementation_has_cases_of_the_borders_that_it_has() -> None:
    made, _ = generated("quick", "implementation", border=("reflect", "wrap"))
    found = {(one.values[0].name, one.values[1]) for one in made.cases}
    assert found == {
        (one.name, border)
        for one in EXACT_ON_CPU
        for border in ("reflect", "wrap")
        if border in one.borders
    }
