"""Software that stands in for a GPU is marked in pictures and on the page, and wins in neither."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from blurbench.records.declared import Declared
from blurbench.records.journal import Log
from helpers.figures import lines_named, words
from helpers.made_runs import SIZES, run_of

pytest.importorskip("matplotlib", reason="Matplotlib is missing: pip install '.[plot]'")
pytest.importorskip("altair", reason="Altair is missing: pip install '.[report]'")
pytest.importorskip("vl_convert", reason="vl-convert is missing: pip install '.[report]'")

from blurbench.report.plots.data import columns_of
from blurbench.report.plots.figure import draw
from helpers.pages import Page, page_of

CPU = ("numpy:separable", "numpy:fft")
SOFTWARE = ("scipy:separable", "scipy:fft")
MARKED = tuple(f"{name} (software)" for name in SOFTWARE)


def on_software(one: Declared) -> Declared:
    return replace(one, kind="software" if one.backend == "scipy" else "cpu")


def quick(name: str, size: int, extent: tuple[int, int]) -> float:
    """Seconds: software takes a tenth of what the CPU takes; FFT wins from 31 on."""
    return (size if name.endswith("separable") else 20) * (1e-4 if name in CPU else 1e-5)


def beside(sizes: tuple[int, ...] = SIZES) -> Log:
    return run_of((*CPU, *SOFTWARE), sizes, times=quick, declare=on_software)


def alone(*sides: int) -> Log:
    extents = tuple((side, side) for side in sides or (512,))
    return run_of(SOFTWARE, extents=extents, times=quick, declare=on_software)


# Pictures.


def test_in_a_picture_it_is_dashed_and_marked_and_never_the_best() -> None:
    log = beside()
    figure = draw([log])
    (column,) = columns_of([log])
    assert {name for one in column.bests for name in one.names} == set(CPU)
    for name, label in zip(SOFTWARE, MARKED, strict=True):
        assert lines_named(figure.axes[0], name)[0].get_linestyle() == "--"
        assert label in words(figure)


def test_below_a_picture_stands_what_its_dashes_mean() -> None:
    said = "Dashed: software that stands in for a GPU, which never wins."
    assert said in words(draw([beside()]))


def test_in_a_picture_of_one_size_it_is_marked() -> None:
    assert all(label in words(draw([beside((15,))])) for label in MARKED)


def test_alone_it_is_marked_in_every_panel() -> None:
    written = words(draw([alone()], everything=True))
    assert f"separable: {MARKED[0]}" in written  # the best of each kind
    assert written.count(MARKED[0]) == 2  # and all of them
    assert "scipy (software): separable → fft" in written  # the bracket
    assert written.count("scipy (software) ") == 1  # the ratio


def test_it_is_marked_in_the_map_of_winners() -> None:
    figure = draw([alone(128, 512)])
    written = {one.get_text().replace("\n", ":") for one in figure.axes[-1].texts}
    assert written == set(MARKED)


# The page.


@pytest.fixture(scope="module")
def page() -> Page:
    return page_of(beside())


def test_the_list_of_names_on_the_page_marks_it(page: Page) -> None:
    assert set(page.texts["span"]) >= {*CPU, *MARKED}


def test_the_page_says_which_marks_are_hollow_because_of_it(page: Page) -> None:
    (chart,) = page.charts("times")
    assert "must not win (software: scipy:" in chart["note"]


def test_the_figures_of_the_page_name_it_with_its_mark(page: Page) -> None:
    (chart,) = page.charts("times")
    assert f"({MARKED[0]} at 3x3)" in chart["answer"]


def test_every_table_of_cells_on_the_page_says_what_a_row_ran_on(page: Page) -> None:
    charts = [one for one in page.data["charts"] if one["table"] == "cells"]
    assert charts
    assert all("kind" in one["columns"] for one in charts)


def test_the_answer_on_the_page_takes_none_of_it(page: Page) -> None:
    (answer,) = [text for text in page.texts["p"] if text.startswith("For ")]
    assert "scipy" not in answer


def test_at_one_size_the_axis_of_names_marks_it() -> None:
    (chart,) = page_of(beside((15,))).charts("times")
    assert MARKED[0] in json.dumps(chart["spec"])


def test_alone_it_is_marked_in_the_answer_and_the_map_of_the_page() -> None:
    page = page_of(alone())
    (answer,) = [text for text in page.texts["p"] if text.startswith("For ")]
    (winners,) = page.charts("winners")
    assert f"use {MARKED[0]} up to " in answer
    assert f"{MARKED[0]} from 3 to 15" in winners["answer"]
