"""Colours that nobody takes for one another, on paper and on a dark page."""

from __future__ import annotations

from itertools import combinations

import pytest

from blurbench.backends.registry import backends
from blurbench.report.palette import COLOURS, GROUPS, METHODS, OTHER_METHODS, assigned
from helpers.colours import EYES, contrast, distance

GROUNDS = {"white": "#ffffff", "dark": "#14161a"}


@pytest.mark.parametrize("ground", GROUNDS.values(), ids=GROUNDS)
@pytest.mark.parametrize("colour", COLOURS)
def test_a_colour_stands_out_on_both_grounds(colour: str, ground: str) -> None:
    assert contrast(colour, ground) >= 3


@pytest.mark.parametrize("eyes", EYES)
def test_the_usual_groups_are_far_apart_to_any_eyes(eyes: str) -> None:
    usual = [colour for group, colour in GROUPS.items() if group != "approximate"]
    assert min(distance(*pair, eyes) for pair in combinations(usual, 2)) > 25


@pytest.mark.parametrize("eyes", EYES)
def test_all_methods_differ_to_any_eyes(eyes: str) -> None:
    found = {pair: distance(*pair, eyes) for pair in combinations(METHODS.values(), 2)}
    assert min(found.values()) > 10


def test_every_method_of_ours_has_a_colour_of_its_own() -> None:
    methods = {one.method for own in backends().values() for one in own.implementations}
    assert len(set(assigned(methods, METHODS, OTHER_METHODS).values())) == len(methods)


def test_a_method_keeps_its_colour_whoever_else_is_there() -> None:
    assert assigned(["fft", "new"], METHODS, OTHER_METHODS)["fft"] == METHODS["fft"]


def test_unknown_methods_are_told_apart_whatever_their_order() -> None:
    found = assigned(["b", "a"], METHODS, OTHER_METHODS)
    assert found == assigned(["a", "b", "a"], METHODS, OTHER_METHODS)
    assert found["a"] != found["b"]
