"""Inspect: the figures against plain arithmetic, and what the command shows of them."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.ndimage

from blurbench import host
from blurbench.border import BORDERS
from blurbench.errors import InputError
from blurbench.inspect import planning as planning_study
from blurbench.inspect.cascade import cascades
from blurbench.inspect.cost import costs
from blurbench.inspect.fidelity import choices, distance, fidelity
from blurbench.inspect.influence import influences, line_influence
from blurbench.inspect.inspection import inspect
from blurbench.inspect.shift import measure_shift
from blurbench.kernel import GaussianKernel, make_kernel
from blurbench.measure.contest import Contender
from blurbench.measure.rounds import Round
from blurbench.problem import Problem
from helpers.command import run
from helpers.covering import covering


def even(size: int) -> GaussianKernel:
    return make_kernel(size=size, allow_even=True)


def gaussian(sigma: float, offsets: list[float]) -> list[float]:
    """Samples of a Gaussian over the sum of all its samples, far beyond these."""
    shift = offsets[0] % 1
    far = math.ceil(10 * sigma) + 2
    total = math.fsum(math.exp(-0.5 * ((x + shift) / sigma) ** 2) for x in range(-far, far))
    return [math.exp(-0.5 * (x / sigma) ** 2) / total for x in offsets]


# How near the taps come to the Gaussian


@pytest.mark.parametrize(("sigma", "radius"), [(0.5, 2), (1.0, 3), (2.6, 7), (10.0, 40)])
def test_the_distance_is_the_sum_of_the_differences_from_the_untruncated_samples(
    sigma: float, radius: int
) -> None:
    far = math.ceil(10 * sigma)
    whole = gaussian(sigma, [float(x) for x in range(-far, far + 1)])
    inner = whole[far - radius : far + radius + 1]
    taps = [one / math.fsum(inner) for one in inner]
    padded = [0.0] * (far - radius) + taps + [0.0] * (far - radius)
    expected = math.fsum(abs(a - b) for a, b in zip(padded, whole, strict=True))
    found = fidelity(GaussianKernel(sigma, radius))
    assert found.distance == pytest.approx(expected, rel=1e-9)
    assert found.distance_from_centred == found.distance
    assert found.cut_off == pytest.approx(1 - math.fsum(inner), rel=1e-9)


@pytest.mark.parametrize(
    ("sigmas", "low", "high"), [(3, 4e-3, 5e-3), (4, 0.9e-4, 1.3e-4), (5, 0.8e-6, 1.3e-6)]
)
def test_the_distance_is_as_published_for_large_sigma(
    sigmas: float, low: float, high: float
) -> None:
    assert low < fidelity(GaussianKernel(20.0, 20 * int(sigmas))).distance < high


@pytest.mark.parametrize("kernel", [make_kernel(0.5), make_kernel(2.6), even(14)], ids=str)
def test_the_effective_sigma_is_the_standard_deviation_of_the_taps(kernel: GaussianKernel) -> None:
    places = [x - kernel.radius + kernel.shift for x in range(len(kernel.taps))]
    variance = math.fsum(t * x * x for t, x in zip(kernel.taps, places, strict=True))
    assert fidelity(kernel).effective_sigma == pytest.approx(math.sqrt(variance), rel=1e-12)


def test_a_small_sigma_aliases() -> None:
    offsets = [float(x) for x in range(-6, 7)]
    taps = gaussian(0.5, offsets)
    nyquist = math.fsum(t * math.cos(math.pi * x) for t, x in zip(taps, offsets, strict=True))
    expected = nyquist - math.exp(-0.5 * (0.5 * math.pi) ** 2)
    assert expected > 0.25
    assert fidelity(make_kernel(0.5)).aliasing == pytest.approx(expected, rel=1e-6)


def test_a_large_sigma_does_not_alias() -> None:
    assert fidelity(make_kernel(5.0)).aliasing < 1e-13


def test_the_response_of_an_even_kernel_vanishes_at_the_highest_frequency() -> None:
    assert fidelity(even(14)).nyquist == pytest.approx(0, abs=1e-14)


def test_the_distance_of_an_even_kernel_from_the_centred_gaussian_is_that_of_its_shift() -> None:
    found = fidelity(even(40))
    # Half a pixel of a wide Gaussian: 2*erf(1 / (4*sqrt(2)*sigma)) of its area changes place.
    moved = 2 * math.erf(0.25 / (math.sqrt(2) * even(40).sigma))
    assert found.distance < found.distance_from_centred
    assert found.distance_from_centred == pytest.approx(moved, rel=0.1)


def test_taps_of_different_lengths_are_held_centre_to_centre() -> None:
    assert distance(np.array([1.0]), np.array([0.25, 0.5, 0.25])) == 1.0


def test_the_sizes_of_scipy_and_opencv_are_theirs() -> None:
    cv2 = pytest.importorskip("cv2")
    for sigma in (0.4, 1.0, 1.7, 2.6, 9.3):
        sizes = {one.rule: one.size for one in choices(sigma)}
        for name, dtype in (("OpenCV, uint8", np.uint8), ("OpenCV, float", np.float32)):
            dot = np.zeros((1, 201), dtype)
            dot[0, 100] = 255
            ones = cv2.GaussianBlur(dot, (0, 1), sigma)
            named = cv2.GaussianBlur(dot, (sizes[name], 1), sigma)
            np.testing.assert_array_equal(ones, named)
        dot = np.zeros(201)
        dot[100] = 1
        seen = np.count_nonzero(scipy.ndimage.gaussian_filter1d(dot, sigma))
        assert sizes["SciPy, scikit-image"] == seen


@pytest.mark.parametrize("sigma", [0.1, 0.5, 2.6, 20.0])
def test_the_size_that_an_accuracy_needs_is_the_smallest(sigma: float) -> None:
    for one in choices(sigma)[-3:]:
        accuracy = float(one.rule.split()[-1])
        assert fidelity(GaussianKernel(sigma, one.size // 2)).distance <= accuracy
        assert one.distance == pytest.approx(fidelity(make_kernel(sigma, one.size)).distance)
        if one.size > 1:
            assert fidelity(GaussianKernel(sigma, one.size // 2 - 1)).distance > accuracy


# Borders


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("kernel", [make_kernel(size=5), make_kernel(3.0), even(6)], ids=str)
@pytest.mark.parametrize("n", [1, 2, 5, 40])
def test_the_influence_of_a_pixel_is_the_sum_of_its_blurred_impulse(
    border: str, kernel: GaussianKernel, n: int
) -> None:
    impulses = np.eye(n)
    blurred = scipy.ndimage.correlate1d(impulses, kernel.taps, 1, mode=border)
    found = line_influence(kernel, n, border)
    np.testing.assert_allclose(found, blurred.sum(axis=1), atol=1e-13)


def test_every_pixel_counts_the_same_under_reflect_and_wrap() -> None:
    for one in influences(make_kernel(2.6)):
        if one.border in ("reflect", "wrap"):
            assert (one.centre, one.edge, one.corner) == pytest.approx((1, 1, 1), abs=1e-13)


def test_a_corner_counts_as_an_edge_twice() -> None:
    for one in influences(make_kernel(2.6)):
        assert one.corner == pytest.approx(one.edge**2, rel=1e-12)
        assert one.centre == pytest.approx(1, abs=1e-13)


# An even size


@pytest.mark.parametrize("size", [2, 4, 14, 40])
def test_a_dot_and_an_edge_move_by_half_a_pixel(size: int) -> None:
    found = measure_shift(even(size))
    moved = (found.dot_down, found.dot_right, found.edge_right)
    assert moved == pytest.approx((0.5, 0.5, 0.5), abs=1e-10)


def test_the_bias_at_an_edge_is_the_difference_of_the_running_sums() -> None:
    taps, fair = even(14).taps, GaussianKernel(even(14).sigma, 7).taps
    expected = float(np.abs(np.cumsum(taps - fair)).max())
    assert measure_shift(even(14)).edge_bias == pytest.approx(expected, rel=1e-9)


# Blurs in a row, and cost


def test_smaller_blurs_in_a_row_have_their_taps_convolved() -> None:
    kernel = make_kernel(5.0)
    for one in cascades(kernel):
        taps = make_kernel(one.sigma, one.size).taps
        together = taps
        for _ in range(one.count - 1):
            together = np.convolve(together, taps)
        margin = (len(together) - kernel.size) // 2
        difference = np.abs(together - np.pad(kernel.taps, margin)).sum()
        assert one.sigma == pytest.approx(5.0 / math.sqrt(one.count))
        assert one.distance == pytest.approx(difference, rel=1e-9)
        assert one.cost == one.count * one.size / kernel.size


def test_operations_and_bytes_are_counted_by_the_formulas() -> None:
    problem = Problem(make_kernel(size=15), (1010, 1010), np.dtype(np.float32))
    direct, separable, fft = costs(problem)
    assert (direct.operations_per_pixel, separable.operations_per_pixel) == (225, 30)
    assert (direct.bytes_per_pixel, separable.bytes_per_pixel) == (8, 16)
    padded = 1024 * 1024 / 1010**2
    assert fft.operations_per_pixel == pytest.approx(2 * 20 * padded)
    assert fft.bytes_per_pixel == pytest.approx(13 * 4 * padded)


def test_the_errors_are_those_of_rounding() -> None:
    for one in costs(Problem(make_kernel(size=15), (64, 64), np.dtype(np.float32))):
        assert 0 < (one.error_float64 or 0) < 1e-13 < 1e-9 < (one.error_float32 or 0) < 1e-6


def test_an_error_that_would_take_long_is_left_out() -> None:
    direct, separable, _ = costs(Problem(make_kernel(50.0), (64, 64), np.dtype(np.float32)))
    assert (direct.error_float32, direct.error_float64) == (None, None)
    assert separable.error_float32 is not None


# Plans


@pytest.fixture
def only_scipy_separable(monkeypatch: pytest.MonkeyPatch) -> None:
    every = planning_study.chosen

    def chosen(options: Any) -> list[Any]:
        return [pair for pair in every(options) if pair[1].name == "scipy:separable"]

    monkeypatch.setattr(planning_study, "chosen", chosen)


@pytest.mark.usefixtures("only_scipy_separable")
def test_plans_calls_and_the_ratios_of_a_round_are_told_by_their_medians(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rounds = [  # plan, call, and a call on each padded size
        [9.0, 4.0, 8.0, 12.0, 4.0],
        [1.0, 40.0, 80.0, 120.0, 60.0],  # a slow moment of the machine
        [2.0, 4.0, 8.0, 12.0, 6.0],
        [1.5, 3.0, 6.0, 12.0, 6.0],
        [2.5, 5.0, 5.0, 10.0, 5.0],
    ]

    def measured(contenders: Sequence[Contender], count: int, rng: Any) -> list[Round]:
        names = [one.name for one in contenders]
        return [dict(zip(names, ([one] for one in each), strict=True)) for each in rounds]

    monkeypatch.setattr(planning_study, "side_by_side", measured)
    problem = Problem(make_kernel(size=5), (20, 30), np.dtype(np.float32))
    (row,) = planning_study.planning(problem)
    assert (row.name, row.plan_s, row.call_s) == ("scipy:separable", 2.0, 4.0)
    assert row.padded == {"fast": 2.0, "2^n": 3.0, "256n": 1.5}


@pytest.mark.usefixtures("only_scipy_separable")
def test_a_call_that_takes_long_is_told_but_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning_study, "LONGEST_S", 0.0)
    problem = Problem(make_kernel(size=5), (20, 30), np.dtype(np.float32))
    (row,) = planning_study.planning(problem)
    assert (row.plan_s, row.call_s, row.padded) == (None, None, {})
    assert (row.expected_s or 0) > 0


def test_common_sizes_leave_room_for_the_border() -> None:
    problem = Problem(make_kernel(size=15), (1080, 1920), np.dtype(np.float32))
    shapes = {one.name: one.shape for one in planning_study.paddings(problem)}
    assert shapes == {
        "fast": (1125, 1944),
        "2^n": (2048, 2048),
        "256n": (1280, 2048),
    }


def test_an_image_that_does_not_fit_in_memory_is_refused_before_it_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(host, "available_memory", lambda: 8 * 2**30)
    monkeypatch.setattr(np.random, "default_rng", partial(pytest.fail, "an image was made"))
    problem = Problem(make_kernel(size=5), (50000, 50000), np.dtype(np.float32))
    with pytest.raises(InputError, match=r"50000x50000, padded, needs .* GiB is free"):
        planning_study.planning(problem)


# The command


def refusal(*arguments: str) -> str:
    """The one line with which they are refused."""
    done = run("inspect", *arguments)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    return done.err


def test_every_section_is_shown_within_80_columns() -> None:
    for arguments in (("--size", "15"), ("--size", "14", "--allow-even"), ("--sigma", "0.3")):
        done = run("inspect", *arguments)
        assert done.code == 0
        assert max(len(line.rstrip()) for line in done.out.splitlines()) <= 80


def test_the_plans_are_shown_within_80_columns_where_an_image_size_is_given() -> None:
    done = run("inspect", "--size", "5", "--image-size", "8x9")
    assert "A new plan against an image of 8x9" in done.out
    assert max(len(line.rstrip()) for line in done.out.splitlines()) <= 80


def test_without_a_shape_nothing_is_timed() -> None:
    assert "new plan" not in run("inspect", "--size", "5").out


def test_an_even_size_is_refused_unless_allowed() -> None:
    assert re.search(r"size 14 is even.*use 13 or 15", refusal("--size", "14"))


def test_the_shift_of_an_even_size_is_shown() -> None:
    assert (
        "half a pixel down and to the right" in run("inspect", "--size", "14", "--allow-even").out
    )


def test_json_on_stdout_has_it_to_itself() -> None:
    done = run("inspect", "--sigma", "2", "--border", "wrap", "--json", "-")
    document = json.loads(done.out)
    assert document["schema"] == "blurbench.inspect/1"
    assert document["border"] == "wrap"
    assert document["kernel"]["taps"] == make_kernel(2.0).taps.tolist()
    assert [one["border"] for one in document["influences"]] == list(BORDERS)
    assert [one["count"] for one in document["cascades"]] == [2, 3, 4]
    assert (document["shift"], document["planning"]) == (None, [])
    assert "Against the Gaussian" in done.err


def test_the_document_holds_the_plans_of_a_shape() -> None:
    document = inspect(make_kernel(size=5), "mirror", (24, 32)).document()
    assert document["shape"] == (24, 32)
    assert {"name", "plan_s", "call_s", "padded"} <= document["planning"][0].keys()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "no kernel is given"),
        (("--size", "5", "--image-size", "10"), "WIDTHxHEIGHT"),
        (("--size", "5", "--image-size", "0x9"), "WIDTHxHEIGHT"),
        (("--size", "9", "--sigma", "1e-310"), "sigma .* too small: the smallest is 0.001"),
        (("--size", "3", "--sigma", "1e308"), "sigma .* too large: the largest is 1048576"),
        (("--size", "3", "--sigma", "1e200"), "sigma .* too large: the largest is 1048576"),
        (("--size", "5", "--border", "extend"), "border 'extend' is unknown"),
        (("--size", "5", "--plot", "kernel.gif"), "no .png, .svg or .pdf"),
        (("--size", "5", "--json", "nowhere/a.json"), "does not exist"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence(
    arguments: tuple[str, ...], words: str
) -> None:
    assert re.search(words, refusal(*arguments))


@covering(
    1,
    kernel=[
        *(("--size", "1"), ("--sigma", "0.3"), ("--sigma", "30")),
        ("--size", "14", "--allow-even"),
        *(("--size", "9", "--sigma", text) for text in ("0.001", "1048576")),
    ],
    ending=["png", "svg"],
)
def test_every_kernel_can_be_drawn(kernel: tuple[str, ...], ending: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / f"kernel.{ending}"
    assert run("inspect", *kernel, "--plot", str(path)).code == 0
    assert path.stat().st_size > 1000


def test_the_picture_names_every_border_and_its_influences() -> None:
    pytest.importorskip("matplotlib")
    from matplotlib.text import Text

    from blurbench.report.plots.inspect import draw_inspection

    figure = draw_inspection(inspect(make_kernel(size=15)))
    texts = [one.get_text() for one in figure.findobj(Text)]
    assert set(BORDERS) <= set(texts)
    assert "centre 1.00\nedge 0.58\ncorner 0.33" in texts


def test_without_matplotlib_the_remedy_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert re.search(r"pip install .*'matplotlib>=", refusal("--size", "5", "--plot", "kernel.png"))
