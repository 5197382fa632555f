"""Error against time at one sigma: what is measured, what is best, and the picture."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import blurbench.inspect.frontier as study
from blurbench.analysis.answer import Answer
from blurbench.image import Image
from blurbench.inspect.accuracy import fir_radius, measure_accuracy
from blurbench.inspect.frontier import Frontier, Spot
from blurbench.kernel import GaussianKernel
from blurbench.names import APPROXIMATIONS
from blurbench.report.plots.frontier import draw_frontier
from blurbench.study.compare import compare
from blurbench.study.options import Options
from helpers.command import deny_gpu, run
from helpers.process import work_in

SIGMA = 3.0


def spot(name: str, error: float, median_s: float, size: int | None = None) -> Spot:
    return Spot(name, size, error, median_s, 0.9 * median_s, 1.1 * median_s)


def compare_briefly(image: Image, kernel: GaussianKernel, options: Options) -> Answer:
    """In one round, with time for a call of everyone even on a busy machine."""
    return compare(image, kernel, replace(options, rounds=1))


@pytest.fixture(scope="module")
def found() -> Iterator[Frontier]:
    """Measured briefly on a small image."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study, "SIDE", 48)
        patch.setattr(study, "compare", compare_briefly)
        yield study.measure_frontier(SIGMA, budget=20.0, backends=("numpy",))


def answer_with(frontier: Frontier, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Instead of measuring; the approximations that are asked for."""
    asked: list[list[str]] = []

    def answer(sigma: float, progress: Callable[[str], None], methods: list[str]) -> Frontier:
        assert sigma == SIGMA
        asked.append(methods)
        return frontier

    monkeypatch.setattr(study, "measure_frontier", answer)
    return asked


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found: Frontier) -> None:
    """A working folder, where nothing is measured anew."""
    work_in(tmp_path, monkeypatch)
    deny_gpu(monkeypatch)
    answer_with(found, monkeypatch)


def test_exact_blurs_are_timed_at_kernels_of_three_tolerances(found: Frontier) -> None:
    sizes = [one.size for one in found.spots if one.name == "numpy:separable"]
    assert sizes == [2 * fir_radius(SIGMA, cut) + 1 for cut in (1e-2, 1e-4, 1e-6)]


def test_approximations_are_timed_once(found: Frontier) -> None:
    names = [one.name for one in found.spots if one.size is None]
    assert sorted(names) == sorted(f"numpy:{one}" for one in APPROXIMATIONS)


@pytest.mark.parametrize(
    ("methods", "timed"), [(["vyv"], ["numpy:vyv"]), (["fir"], []), (["fir", "box"], ["numpy:box"])]
)
def test_only_the_named_approximations_are_timed_beside_the_exact_blurs(
    methods: list[str], timed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study, "SIDE", 32)
    monkeypatch.setattr(study, "compare", compare_briefly)
    monkeypatch.setattr(study, "TOLERANCES", (1e-2,))
    spots = study.measure_frontier(SIGMA, methods=methods, budget=20.0, backends=("numpy",)).spots
    assert [one.name for one in spots if one.size is None] == timed
    assert "numpy:separable" in [one.name for one in spots if one.size is not None]


def test_the_errors_are_those_that_accuracy_tells(found: Frontier) -> None:
    told = {
        (one.method, one.order, one.tolerance): one.operator_norm_error
        for one in measure_accuracy([SIGMA])
    }
    errors = {(one.name, one.size): one.operator_norm_error for one in found.spots}
    size = 2 * fir_radius(SIGMA, 1e-4) + 1
    assert errors["numpy:fft", size] == told["fir", None, 1e-4]
    assert errors["numpy:deriche", None] == told["deriche", 4, None]


def test_a_kernel_cut_at_a_tolerance_leaves_no_more_than_it_in_its_tails() -> None:
    whole = GaussianKernel.from_sigma(SIGMA, radius=60).taps
    radius = fir_radius(SIGMA, 1e-4)
    assert whole[: 60 - radius].sum() * 2 < 1e-4


def test_the_best_are_beaten_by_none_in_both_error_and_time() -> None:
    quick, poor = spot("a:box", 0.1, 0.001), spot("a:vyv", 0.2, 0.002)
    good, slow = spot("a:fft", 1e-6, 0.004, 9), spot("a:direct", 1e-6, 0.005, 9)
    frontier = Frontier(SIGMA, [slow, good, poor, quick], [], interrupted=False)
    assert frontier.best == [quick, good]


def texts(frontier: Frontier) -> str:
    figure = draw_frontier(frontier)
    (axes,) = figure.axes
    return " ".join(one.get_text() for one in (*figure.texts, *axes.texts))


def test_the_picture_names_what_is_near_the_fastest_and_leaves_out_the_slow(
    found: Frontier,
) -> None:
    near, far = spot("a:fft", 1e-4, 0.002, 9), spot("a:direct", 1e-4, 0.1, 9)
    quick = spot("a:box", 0.1, 0.001)
    text = texts(Frontier(SIGMA, [near, far, quick], found.answers, interrupted=False))
    assert "a:fft" in text
    assert "a:box" in text
    assert "a:direct" not in text


def test_the_command_writes_the_picture(here: None) -> None:
    assert run("accuracy", "--sigma", "3", "--plot", "out.png").code == 0
    assert Path("out.png").read_bytes().startswith(b"\x89PNG")


def test_the_named_methods_are_those_that_are_timed(
    here: None, found: Frontier, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answer_with(found, monkeypatch)
    ended = run("accuracy", "--sigma", "3", "--method", "box,vyv", "--plot", "out.png")
    assert (ended.code, asked) == (0, [["box", "vyv"]])


def test_the_exports_are_written_before_anything_is_timed(
    here: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def give_up(*arguments: Any) -> Frontier:
        raise KeyboardInterrupt

    monkeypatch.setattr(study, "measure_frontier", give_up)
    exports = ("--csv", "a.csv", "--json", "a.json", "--markdown", "a.md")
    assert run("accuracy", "--sigma", "3", "--plot", "out.png", *exports).code == 130
    assert "deriche" in Path("a.csv").read_text("utf-8")
    assert "deriche" in Path("a.md").read_text("utf-8")
    assert json.loads(Path("a.json").read_text("utf-8"))["frontier"] is None


def test_what_is_interrupted_before_anything_has_a_time_says_so(
    here: None, found: Frontier, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer_with(Frontier(SIGMA, [], found.answers[:1], interrupted=True), monkeypatch)
    ended = run("accuracy", "--sigma", "3", "--plot", "out.png")
    assert (ended.code, ended.err) == (130, "Interrupted: nothing was timed.\n")
    assert not Path("out.png").exists()


def test_the_json_holds_what_the_picture_shows(here: None, found: Frontier) -> None:
    ended = run("accuracy", "--sigma", "3", "--plot", "out.svg", "--json", "-")
    told: dict[str, Any] = json.loads(ended.out)["frontier"]
    assert told["sigma"] == SIGMA
    assert [one["name"] for one in told["spots"]] == [one.name for one in found.spots]


def test_without_a_picture_nothing_is_measured(here: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study, "measure_frontier", partial(pytest.fail, "measured"))
    assert json.loads(run("accuracy", "--sigma", "3", "--json", "-").out)["frontier"] is None


def test_several_sigmas_make_no_picture(here: None) -> None:
    ended = run("accuracy", "--sigma", "1,2", "--plot", "out.png")
    assert (ended.code, ended.err) == (
        2,
        "Error: --plot draws one sigma, not 2: give --sigma 20, say\n",
    )


def test_a_picture_that_cannot_be_drawn_is_refused_before_anything_runs(here: None) -> None:
    ended = run("accuracy", "--sigma", "3", "--plot", "out.txt")
    assert (ended.code, ended.out) == (2, "")
    assert "out.txt" in ended.err
