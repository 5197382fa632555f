"""The picture of a run: what it shows, that it can be read, and that no name can break it."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from blurbench.cli.plot import plot
from blurbench.errors import InputError
from blurbench.records.journal import Journal, Log
from blurbench.records.rows import ONCE
from helpers.figures import boxes, cut, lines_named, overlapping, smallest_text, words
from helpers.made_runs import HOSTILE, NAMES, SECONDS, SIZES, kept, run_of

pytest.importorskip("matplotlib", reason="Matplotlib is missing: pip install '.[plot]'")

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from blurbench.report.palette import METHODS
from blurbench.report.plots.data import winner_map
from blurbench.report.plots.figure import draw, save
from blurbench.report.plots.labels import BRACKET, spread_out
from blurbench.report.plots.style import (
    BACKENDS,
    SMALL,
    Looks,
    fitted,
    ink,
    luminance,
    plain,
    style,
    width_of,
    wrapped,
)
from blurbench.report.ticks import log_ticks, tick_text

TIMES, RATIOS = 1, 2  # panels below that of the best, of one column
BOTH = ("numpy:separable", "numpy:fft")


def invoke(*arguments: object) -> None:
    plot.main([str(one) for one in arguments], standalone_mode=False)


@pytest.fixture(scope="module")
def sweep() -> Figure:
    return draw([run_of()], everything=True)


@pytest.fixture(scope="module")
def images() -> Figure:
    return draw([run_of(extents=((128, 128), (256, 256), (512, 512)))], everything=True)


@pytest.fixture(scope="module")
def single() -> Figure:
    return draw([run_of(sizes=(15,))])


@pytest.fixture(scope="module")
def beside() -> Figure:
    """A sweep, a sweep with hostile names, and a comparison."""
    names = ["numpy:separable", "numpy:fft", f"{HOSTILE}:separable", f"{HOSTILE}:fft", "a:$x"]
    logs = [run_of(), run_of(names, path=HOSTILE), run_of(sizes=(15,), path=HOSTILE)]
    return draw(logs, everything=True)


@pytest.fixture(scope="module")
def many() -> Figure:
    """More implementations than a panel of the usual height has room for."""
    backends = ("numpy", "scipy", "numba", "opencv", "cupy", "cupyx", "third")
    methods = ("direct", "separable", "fft", "box")
    return draw([run_of([f"{b}:{m}" for b in backends for m in methods], (3, 31))], True)


@pytest.fixture(params=["sweep", "images", "single", "beside", "many"])
def figure(request: pytest.FixtureRequest) -> Figure:
    found: Figure = request.getfixturevalue(request.param)
    return found


def bands(axes: Axes) -> list[Any]:
    return [one for one in axes.collections if one.get_label() == "band"]


# What is shown.


def test_every_implementation_has_a_line_and_a_name_at_its_end(sweep: Figure) -> None:
    times = sweep.axes[TIMES]
    written = [one.get_text() for one in times.texts]
    for name in NAMES:
        assert len(lines_named(times, name)) == 1
        assert written.count(name) == 1


def test_both_axes_are_logarithmic(sweep: Figure) -> None:
    for axes in sweep.axes:
        assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")


def test_intervals_are_bands(sweep: Figure) -> None:
    assert len(bands(sweep.axes[TIMES])) == len(NAMES)


def test_sizes_without_an_interval_have_no_band() -> None:
    once = {("numpy:fft", size): ONCE for size in SIZES}
    axes = draw([run_of(BOTH, apart=once)], everything=True).axes[TIMES]
    assert len(bands(axes)) == 1


def test_the_brackets_stand_where_the_faster_changes(sweep: Figure) -> None:
    brackets = lines_named(sweep.axes[TIMES], BRACKET)
    ends = {(min(one.get_xdata()), max(one.get_xdata())) for one in brackets}
    assert {(15, 31), (9, 15)} <= ends
    assert "numpy: separable → fft  15 to 31" in words(sweep)
    assert "scipy: separable → fft  9 to 15" in words(sweep)


def test_there_is_no_bracket_where_nothing_changes() -> None:
    figure = draw([run_of(BOTH, sizes=(3, 5, 9))], everything=True)
    assert lines_named(figure.axes[TIMES], BRACKET) == []
    assert "Brackets" not in words(figure)


def test_the_ratio_is_that_of_separable_to_fft_with_a_line_at_1(sweep: Figure) -> None:
    ratios = sweep.axes[RATIOS]
    (numpy,) = lines_named(ratios, "numpy")
    expected = [SECONDS["separable"] * n / SECONDS["fft"] / n**0.1 for n in SIZES]
    assert list(numpy.get_ydata()) == pytest.approx(expected)
    assert set(lines_named(ratios, "one")[0].get_ydata()) == {1}
    assert [one for one in ratios.patches if one.get_label() == "same"] != []


def test_without_separable_and_fft_there_is_no_ratio() -> None:
    figure = draw([run_of(("numpy:direct", "numpy:separable"))], everything=True)
    assert len(figure.axes) == RATIOS
    assert "time of separable" not in words(figure)


def test_what_was_measured_once_has_an_open_marker() -> None:
    figure = draw([run_of(apart={("scipy:direct", 31): ONCE})], everything=True)
    (mark,) = lines_named(figure.axes[TIMES], "measured once")
    assert mark.get_markerfacecolor() == "white"
    assert "Open markers: measured once" in words(figure)


@pytest.mark.parametrize("status", ["wrong", "implausible"])
def test_what_must_not_win_is_marked_and_not_joined(status: str) -> None:
    figure = draw([run_of(apart={("numpy:fft", 31): status})], everything=True)
    times = figure.axes[TIMES]
    (mark,) = lines_named(times, status)
    assert list(mark.get_xdata()) == [31]
    (line,) = lines_named(times, "numpy:fft")
    assert 31 not in line.get_xdata()
    assert f"Crosses: {status}" in words(figure)


def test_ticks_are_the_kernel_sizes_and_times_with_their_units(sweep: Figure) -> None:
    times = sweep.axes[TIMES]
    assert [one.get_text() for one in times.get_xticklabels()] == [str(size) for size in SIZES]
    assert all(one.get_text().endswith((" us", " ms", " s")) for one in times.get_yticklabels())


def test_the_caption_says_what_was_measured_where_and_when(sweep: Figure) -> None:
    caption = words(sweep)
    for part in ("photo.png", "512x512", "reflect", "float32", "2 threads", "cache hot"):
        assert part in caption
    for part in ("Test CPU", "numpy 2.4.6", "scipy 1.17.1", "machine m1", "2026-05-04"):
        assert part in caption


def test_images_stand_side_by_side_with_the_same_axes(images: Figure) -> None:
    times = images.axes[3 * TIMES : 3 * RATIOS]
    assert len({axes.get_ylim() for axes in times}) == 1
    assert len({axes.get_xlim() for axes in times}) == 1
    assert len({axes.get_position().y0 for axes in times}) == 1


def test_many_images_are_spread_over_and_the_map_has_them_all() -> None:
    extents = tuple((n, n) for n in (100, 200, 300, 400, 500, 600, 700))
    names = BOTH
    figure = draw([run_of(names, (3, 31), extents)])
    written = words(figure)
    titles = [f"photo.png, {n}x{n}" for n, _ in extents]
    assert [title in written for title in titles] == [True, False, True, False, True, False, True]
    assert len(figure.axes[-1].get_yticklabels()) == len(extents)


def test_runs_stand_side_by_side_under_their_machines(beside: Figure) -> None:
    assert [f"[{n}] Test CPU, 2 CPUs" in words(beside) for n in (1, 2, 3)] == [True] * 3


def test_runs_are_drawn_at_the_same_image_size_where_they_have_one() -> None:
    names = BOTH
    large = run_of(names, (3, 31), ((64, 64), (512, 512), (900, 900)))
    written = words(draw([large, run_of(names, (3, 31))]))
    assert written.count("photo.png, 512x512") == 2


def test_one_kernel_size_becomes_a_dot_and_an_interval_for_each(single: Figure) -> None:
    (axes,) = single.axes
    assert {one.get_text() for one in axes.get_yticklabels()} == set(NAMES)
    assert len(bands(axes)) == len(NAMES)
    assert "fastest" in words(single)
    assert "kernel 15x15" in words(single)


# The map of winners.


def test_the_map_shows_who_wins_where(images: Figure) -> None:
    assert [one.get_text() for one in images.axes[-1].get_yticklabels()] == [
        "128x128",
        "256x256",
        "512x512",
    ]
    written = [one.get_text().replace("\n", ":") for one in images.axes[-1].texts]
    assert set(written) >= {"numpy:separable"}


def test_neighbours_with_the_same_winner_are_one_territory() -> None:
    found = winner_map(run_of(BOTH, extents=((64, 64), (128, 128))))
    assert found is not None
    places = [(one.row, one.first, one.last, one.name, one.proven) for one in found.territories]
    assert places == [
        (0, 0, 3, "numpy:separable", True),
        (0, 4, 6, "numpy:fft", True),
        (1, 0, 3, "numpy:separable", True),
        (1, 4, 6, "numpy:fft", True),
    ]


def test_a_winner_that_is_not_proven_is_hatched_and_questioned() -> None:
    def equal(name: str, size: int, extent: tuple[int, int]) -> float:
        return 1e-3

    names = BOTH
    figure = draw([run_of(names, (3, 31), ((64, 64), (128, 128)), times=equal)])
    patches = [one for one in figure.axes[-1].patches if one.get_label() in names]
    assert [one.get_hatch() for one in patches] == ["////", "////"]
    assert all(one.get_text().endswith(" ?") for one in figure.axes[-1].texts)


def test_names_that_do_not_fit_become_letters_with_a_key() -> None:
    def alternating(name: str, size: int, extent: tuple[int, int]) -> float:
        return 1e-3 if (name == "numpy:fft") == (size % 4 == 1) else 1e-2

    sizes = range(3, 101, 2)
    names = BOTH
    figure = draw([run_of(names, sizes, ((64, 64), (128, 128)), times=alternating)])
    assert {one.get_text() for one in figure.axes[-1].texts} == {"A", "B"}
    assert "A: numpy:fft   B: numpy:separable" in words(figure)


def test_one_image_has_no_map() -> None:
    assert winner_map(run_of(("numpy:fft",))) is None


# That it can be read.


def test_no_text_is_cut(figure: Figure) -> None:
    assert cut(figure) == []


def test_no_text_lies_on_another(figure: Figure) -> None:
    assert overlapping(figure) == []


def test_text_is_large_enough(figure: Figure) -> None:
    assert smallest_text(figure) >= SMALL >= 8


def test_names_of_lines_that_end_together_are_spread() -> None:
    def equal(name: str, size: int, extent: tuple[int, int]) -> float:
        return 1e-3

    figure = draw([run_of(times=equal)], everything=True)
    places = sorted(box.y0 for text, box in boxes(figure) if text in NAMES)
    assert len(places) == len(NAMES)
    assert min(b - a for a, b in pairwise(places)) >= SMALL / 72 * figure.dpi


@pytest.mark.parametrize(
    ("wanted", "places"),
    [
        ([], []),
        ([5.0], [5.0]),
        ([5.0, 5.0], [4.5, 5.5]),
        ([9.0, 1.0], [9.0, 1.0]),
        ([-3.0, 4.0], [0.0, 4.0]),
        ([10.0, 10.0, 10.0], [8.0, 9.0, 10.0]),
        ([5.0, 5.2, 5.1], [4.1, 6.1, 5.1]),
    ],
)
def test_places_are_as_near_as_they_can_be(wanted: list[float], places: list[float]) -> None:
    assert spread_out(wanted, 1.0, 0.0, 10.0) == pytest.approx(places)


def test_no_two_methods_share_a_marker_and_no_two_backends_a_dash() -> None:
    looks = Looks.of([f"new{n}:method{n}" for n in range(4)])
    assert len(set(looks.markers.values())) == len(looks.markers)
    assert len(set(looks.dashes.values())) == len(looks.dashes) == len(BACKENDS) + 4


def test_unknown_names_look_the_same_whatever_their_order() -> None:
    assert Looks.of(["a:x", "b:y"]) == Looks.of(["b:y", "a:x", "a:x"])


def test_any_number_of_unknown_names_has_a_look() -> None:
    looks = Looks.of([f"b{n}:m{n}" for n in range(50)])
    assert all(looks.colour(f"b{n}:m{n}") and looks.dash(f"b{n}") for n in range(50))


@pytest.mark.parametrize("colour", METHODS.values())
def test_names_are_dark_enough_to_read(colour: str) -> None:
    assert 1.05 / (luminance(ink(colour)) + 0.05) >= 4.5


@pytest.mark.parametrize(
    ("low", "high"),
    [
        (1e-17, 4e-14),
        (1e-6, 1e2),
        (1e-3, 2e-3),
        (4e-3, 9e-3),
        (9e-4, 2.1e-3),
        (1e-9, 1e5),
        (0.051, 0.2),
    ],
)
def test_an_axis_has_a_few_round_ticks(low: float, high: float) -> None:
    ticks = log_ticks(low, high)
    assert 3 <= len(ticks) <= 10
    assert all(low <= tick <= high for tick in ticks)


@pytest.mark.parametrize(
    ("seconds", "text"), [(1.0, "1 s"), (1e-2, "10 ms"), (1.5e-3, "1.5 ms"), (1e-4, "100 us")]
)
def test_a_tick_has_no_idle_digits(seconds: float, text: str) -> None:
    assert tick_text(seconds) == text


def test_long_text_is_fitted_and_wrapped() -> None:
    with style():
        short = fitted("x" * 500, 2.0)
        assert width_of(short) <= 2.0
        assert "…" in short
        lines = wrapped("some words " * 40 + "y" * 400, 3.0)
        assert all(width_of(line, SMALL) <= 3.0 for line in lines)
    assert fitted("brief", 2.0) == "brief"


# Files.


@pytest.mark.parametrize("ending", ["png", "svg", "SVG", "pdf"])
def test_the_same_run_gives_the_same_bytes(ending: str, tmp_path: Path) -> None:
    log = run_of(BOTH, (3, 31, 63))
    found = []
    for name in ("a", "b"):
        save(draw([log]), tmp_path / f"{name}.{ending}")
        found.append((tmp_path / f"{name}.{ending}").read_bytes())
    assert found[0] == found[1]


def test_hostile_names_are_drawn_as_they_are(beside: Figure, tmp_path: Path) -> None:
    save(beside, tmp_path / "a.png")
    save(beside, tmp_path / "a.pdf")
    save(beside, tmp_path / "a.svg")
    written = "".join(ET.parse(tmp_path / "a.svg").getroot().itertext())
    assert plain(HOSTILE)[:40] in written
    assert "\\x01\\n\\ud800" in written


def test_text_in_svg_is_text(sweep: Figure, tmp_path: Path) -> None:
    save(sweep, tmp_path / "a.svg")
    written = "".join(ET.parse(tmp_path / "a.svg").getroot().itertext())
    assert "numpy:separable" in written
    assert "scipy: separable → fft  9 to 15" in written


def test_the_users_own_settings_do_not_matter(tmp_path: Path) -> None:
    import matplotlib

    log = run_of(BOTH, (3, 31))
    save(draw([log]), tmp_path / "a.png")
    with matplotlib.rc_context({"text.usetex": True, "font.size": 30, "axes.grid": True}):
        save(draw([log]), tmp_path / "b.png")
        assert matplotlib.rcParams["font.size"] == 30
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


# The command.


def small() -> Log:
    return run_of(BOTH, (3, 31))


@pytest.mark.parametrize(
    ("name", "starts"), [("a.png", b"\x89PNG"), ("a.svg", b"<?xml"), ("a.pdf", b"%PDF")]
)
def test_the_command_writes_a_picture(name: str, starts: bytes, tmp_path: Path) -> None:
    invoke(kept(tmp_path / "run", small), "-o", tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(starts)


def names_drawn(figure: Figure) -> set[str]:
    return {one.get_label() for one in figure.axes[TIMES].get_lines()} & set(NAMES)


def test_chosen_implementations_are_drawn_and_no_others() -> None:
    figure = draw([run_of().only(["scipy:separable", "scipy:fft"])], everything=True)
    assert names_drawn(figure) == {"scipy:separable", "scipy:fft"}
    assert not {"numpy:fft", "numpy:direct"} & set(words(figure).split())


def test_the_best_are_the_best_of_those_chosen() -> None:
    figure = draw([run_of().only(["scipy:separable", "scipy:fft"])])
    assert "separable: scipy:separable" in words(figure)
    assert "FFT pays from about 10" in words(figure)


def test_what_is_chosen_wins_the_map() -> None:
    log = run_of(extents=((64, 64), (128, 128))).only(["numpy:fft", "scipy:fft"])
    found = winner_map(log)
    assert found is not None
    assert {one.name for one in found.territories} <= {"numpy:fft", "scipy:fft"}


def test_ratios_among_those_chosen_are_those_of_the_race() -> None:
    whole, part = run_of(), run_of().only(["scipy:separable", "scipy:direct"])
    for point, findings in part.points.items():
        rows = {row.name: row for row in whole.points[point].rows()}
        first, second = findings.rows()
        assert first.ratio_to_fastest == 1
        expected = rows[second.name].ratio_to_fastest / rows[first.name].ratio_to_fastest
        assert second.ratio_to_fastest == pytest.approx(expected)
        assert second.ratio_ci95_low <= expected <= second.ratio_ci95_high


def test_one_kernel_size_shows_those_chosen_alone() -> None:
    (axes,) = draw([run_of(sizes=(15,)).only(["numpy:fft", "scipy:fft"])]).axes
    assert {one.get_text() for one in axes.get_yticklabels()} == {"numpy:fft", "scipy:fft"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--backend", "numpy"), "Drawn: only backend numpy."),
        (("--method", "separable,fft"), "Drawn: only method separable, fft."),
        (("--backend", "numpy", "--method", "fft"), "Drawn: only backend numpy; method fft."),
    ],
)
def test_the_command_draws_what_is_chosen_and_says_so(
    options: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    invoke(kept(tmp_path / "run", small), "-o", tmp_path / "a.svg", *options)
    written = "".join(ET.parse(tmp_path / "a.svg").getroot().itertext())
    assert said in written
    assert ("numpy:separable" in written) == ("separable" in said or "method" not in said)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--backend", "opencv"), "backend 'opencv' is not in these runs: use one of numpy"),
        (("--method", "dct"), "method 'dct' is not in these runs: use one of separable, fft"),
    ],
)
def test_what_was_not_measured_cannot_be_chosen(
    options: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=words):
        invoke(kept(tmp_path / "run", small), "-o", tmp_path / "a.png", *options)


def test_a_run_that_lacks_what_is_chosen_is_named(tmp_path: Path) -> None:
    runs = [kept(tmp_path / "a", small), kept(tmp_path / "b", lambda: run_of(("scipy:fft",)))]
    with pytest.raises(InputError, match="b holds no times of method separable: "):
        invoke(*runs, "-o", tmp_path / "a.png", "--method", "separable")


@pytest.mark.parametrize("name", ["a.jpg", "a", "-", ".png", "a.png.txt"])
def test_another_ending_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no \.png, \.svg or \.pdf"):
        invoke(tmp_path, "-o", name)


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no run"):
        invoke(tmp_path, "-o", tmp_path / "a.png")


def test_a_run_without_times_is_refused(tmp_path: Path) -> None:
    Journal.create(tmp_path / "run", small().run).close()
    with pytest.raises(InputError, match="no times yet"):
        invoke(tmp_path / "run", "-o", tmp_path / "a.png")


def test_a_file_that_cannot_be_written_is_refused(tmp_path: Path, sweep: Figure) -> None:
    with pytest.raises(InputError, match="does not exist"):
        invoke(tmp_path, "-o", tmp_path / "missing" / "a.png")
    with pytest.raises(InputError, match="cannot be written"):
        save(sweep, tmp_path / "missing" / "a.png")


def test_too_many_runs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="too many"):
        invoke(*[tmp_path] * 9, "-o", tmp_path / "a.png")


def test_without_matplotlib_the_remedy_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(InputError, match=r"pip install .*'matplotlib>="):
        invoke(tmp_path, "-o", tmp_path / "a.png")
