"""Fewer cases than a product of all levels, in which nothing that a few levels do together is lost.

Most faults need a certain level of one factor, or of two or three at the same time: a border with
a radius, say. A covering array of strength t is a list of cases in which any levels of any t
factors meet at least once. It is found greedily (D. M. Cohen et al., The AETG System, IEEE Trans.
Software Engineering 23(7), 1997): the next case is the one in which most combinations meet that
have not met so far; of equals the one whose levels were used least, then the first, so that the
list is always the same.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest

from blurbench.backends.backend import Implementation
from helpers.contract import EXACT_ON_CPU

PRODUCTS = "full products"


def covering(strength: int = 2, **levels: Sequence[Any]) -> pytest.MarkDecorator:
    """Parametrise a test with levels, each by its argument's name.

    The quick run takes a covering array of this strength, and leaves the rest of their product to
    the whole one. Where the test takes an `implementation`, each has an array of its own, of the
    borders and dtypes that it has.
    """
    return pytest.mark.covering(strength, **levels)


def generate(metafunc: pytest.Metafunc, mark: pytest.Mark, checks: str) -> int:
    """Make the cases of a test that is `covering`.

    Returns:
        How many cases the quick run leaves out.
    """
    names, left, found = list(mark.kwargs), 0, []
    by_one = "implementation" in metafunc.fixturenames
    for turn, one in enumerate(EXACT_ON_CPU if by_one else [None]):
        levels = [_turned(_offered(name, each, one), turn) for name, each in mark.kwargs.items()]
        counts = [len(each) for each in levels]
        quick = cases(mark.args[0], counts)
        left += math.prod(counts) - len(quick)
        for case in sorted(quick) if checks == "quick" else product(*map(range, counts)):
            values = [each[level] for each, level in zip(levels, case, strict=True)]
            text = "-".join(
                str(getattr(value, "name", value)) for value in [*[one] * by_one, *values]
            )
            marks = () if case in quick else (pytest.mark.rest(PRODUCTS),)
            found.append(pytest.param(*[one] * by_one, *values, id=text, marks=marks))
    metafunc.parametrize(["implementation"] * by_one + names, found)
    return left


def cases(strength: int, counts: Sequence[int]) -> frozenset[tuple[int, ...]]:
    """A covering array of so many levels a factor; each case has the level of each factor."""
    return _cases(min(strength, len(counts)), tuple(counts))


@functools.cache
def _cases(strength: int, counts: tuple[int, ...]) -> frozenset[tuple[int, ...]]:
    whole = np.indices(counts).reshape(len(counts), -1)
    # For each choice of factors: which combination of their levels each case of the product holds.
    held, missing = [], []
    for chosen in combinations(range(len(counts)), strength):
        sides = [counts[factor] for factor in chosen]
        held.append(np.ravel_multi_index(list(whole[list(chosen)]), sides))
        missing.append(np.ones(math.prod(sides), bool))
    used = [np.zeros(count) for count in counts]
    found = set()
    while any(one.any() for one in missing):
        gained = sum(one[each].astype(int) for one, each in zip(missing, held, strict=True))
        worn = sum(one[each] for one, each in zip(used, whole, strict=True))
        best = int(np.argmax(gained - worn / (1 + whole.size)))
        found.add(tuple(map(int, whole[:, best])))
        for one, level in zip(used, whole[:, best], strict=True):
            one[level] += 1
        for one, each in zip(missing, held, strict=True):
            one[each[best]] = False
    return frozenset(found)


def _offered(name: str, levels: Sequence[Any], one: Implementation | None) -> list[Any]:
    """The levels that an implementation has."""
    offered = {} if one is None else {"border": one.borders, "dtype": one.dtypes}
    return [level for level in levels if level in offered.get(name, levels)]


def _turned(levels: list[Any], turn: int) -> list[Any]:
    """From another level on for each implementation, so that together they meet in more cases."""
    first = turn % len(levels)
    return levels[first:] + levels[:first]
