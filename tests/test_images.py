"""Several images in one run: each has its own points, table and answer, whatever it is called."""

from __future__ import annotations

import csv
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blurbench.analysis.gate import NOT_SLOWER, SLOWER, not_comparable, rule
from blurbench.records.journal import load
from blurbench.report.sweep import by_image
from blurbench.study.question import ask_again
from helpers.command import ONE, QUICK, Ran, deny_gpu, measure_briefly, run
from helpers.pictures import noise, save
from helpers.process import work_in
from helpers.written import COMMON, Copied, Written

IMAGES = ("photo.png", "grey.png", "small.png")
SHAPES = {"photo.png": (24, 32, 3), "grey.png": (40, 30), "small.png": (5, 4, 3)}
SWEEP = ("sweep", "--sizes", "3,5", *QUICK[:4], "--backend", "numpy", "--method", "separable,fft")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder with three images and no GPU."""
    work_with_images(tmp_path, monkeypatch)


def work_with_images(place: Path, patch: pytest.MonkeyPatch) -> None:
    work_in(place, patch)
    deny_gpu(patch)
    measure_briefly(patch)
    for name in IMAGES[1:]:
        save(name, noise(*SHAPES[name]))


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ran, Path]:
    """A comparison on all images, with every export, and the folder that it ran in."""
    place = tmp_path_factory.mktemp("compared")
    exports = ("--csv", "a.csv", "--json", "a.json", "--markdown", "a.md", "--save", "blurred")
    with pytest.MonkeyPatch.context() as patch:
        work_with_images(place, patch)
        return run("compare", *IMAGES, *QUICK, *exports), place


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a sweep on all images, not to be changed."""
    place = tmp_path_factory.mktemp("swept")
    with pytest.MonkeyPatch.context() as patch:
        work_with_images(place, patch)
        assert run(*SWEEP, *IMAGES, "--out", "run").code == 0
    return place / "run"


def rows_of(path: str | Path) -> list[dict[str, str]]:
    with Path(path).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, strict=True))


def places(rows: list[dict[str, str]]) -> set[tuple[str, int, int, int]]:
    return {
        (row["image"], *(int(row[name]) for name in ("height", "width", "channels")))  # type: ignore[misc]
        for row in rows
    }


EXPECTED = {(name, *(shape if len(shape) == 3 else (*shape, 1))) for name, shape in SHAPES.items()}


def test_a_comparison_has_a_table_and_a_sentence_for_each_image(
    compared: tuple[Ran, Path],
) -> None:
    text = compared[0].out
    titles = [line for line in text.splitlines() if line.split(":")[0] in IMAGES]
    assert [line.split()[1] for line in titles[-3:]] == [*("32x24x3", "30x40", "4x5x3")]
    assert text.count("\nimplementation") == 3
    assert text.count("numpy:separable took ") == 3


def test_a_comparison_exports_the_rows_of_each_image(compared: tuple[Ran, Path]) -> None:
    assert places(rows_of(compared[1] / "a.csv")) == EXPECTED


def test_the_json_of_a_comparison_holds_the_document_of_each_image(
    compared: tuple[Ran, Path],
) -> None:
    document = json.loads((compared[1] / "a.json").read_text("utf-8"))
    assert document["schema"] == "blurbench.compare-images/1"
    assert [one["image"]["path"] for one in document["images"]] == list(IMAGES)
    assert {one["schema"] for one in document["images"]} == {"blurbench.compare/1"}


def test_the_markdown_of_a_comparison_has_a_table_for_each_image(
    compared: tuple[Ran, Path],
) -> None:
    assert (compared[1] / "a.md").read_text("utf-8").count("| implementation |") == 3


def test_the_blurred_images_are_numbered(compared: tuple[Ran, Path]) -> None:
    assert sorted(path.name for path in (compared[1] / "blurred").iterdir()) == [
        f"{number}-numpy-separable.png" for number in (1, 2, 3)
    ]


@pytest.mark.rest("processes")
def test_a_comparison_in_processes_has_every_image_in_each() -> None:
    ended = run("compare", *IMAGES[:2], *QUICK, "--processes", "2", "--csv", "a.csv", "--quiet")
    assert ended.code == 0
    assert [row["processes"] for row in rows_of("a.csv")] == ["2", "2"]


def test_a_sweep_measures_every_size_on_every_image(swept: Path) -> None:
    rows = rows_of(swept / "summary.csv")
    assert places(rows) == EXPECTED
    assert len(rows) == 3 * 2 * 2


def test_a_sweep_has_a_table_for_each_image_called_by_the_files_name() -> None:
    Path("deep").mkdir()
    os.replace("grey.png", "deep/grey.png")
    lines = run(*SWEEP, "photo.png", "deep/grey.png", "--out", "run").out.splitlines()
    assert [line for line in lines if line.endswith(":")] == ["grey.png 30x40:", "photo.png 32x24:"]


def test_a_sweep_cuts_each_image_to_each_extent() -> None:
    one = ("sweep", "--sizes", "3", *QUICK[:4], *ONE)
    ended = run(*one, *IMAGES[::2], "--image-sizes", "8,16x12", "--out", "run")
    assert ended.code == 0
    extents = {(name, h, w) for name, h, w, _ in places(rows_of("run/summary.csv"))}
    assert extents == {(name, h, w) for name in IMAGES[::2] for h, w in ((8, 8), (12, 16))}


def test_an_ended_sweep_goes_on_with_the_images_that_are_left(swept: Path) -> None:
    shutil.copytree(swept, "run")
    lines = Path("run/samples.csv").read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if b"small.png" not in line]
    Path("run/samples.csv").write_bytes(b"".join(kept))
    assert run("sweep", "--resume", "run").code == 0
    assert places(rows_of("run/summary.csv")) == EXPECTED


def test_a_run_of_several_images_is_asked_again_image_by_image(swept: Path) -> None:
    question = ask_again(load(swept).run.about)
    assert [image.name for image in question.originals] == list(IMAGES)
    np.testing.assert_array_equal(question.originals[2].pixels, noise(*SHAPES["small.png"]))


def test_an_image_that_is_given_twice_is_refused() -> None:
    ended = run("compare", "photo.png", "grey.png", "photo.png", *QUICK)
    assert (ended.code, ended.err) == (
        2,
        "Error: image photo.png is given twice: name it once\n",
    )


def test_one_bad_image_among_others_is_refused_before_anything_is_measured() -> None:
    Path("small.png").write_bytes(b"no image")
    ended = run("compare", *IMAGES, *QUICK)
    assert (ended.code, ended.out) == (2, "")
    assert "small.png" in ended.err


def test_a_run_of_an_earlier_version_which_took_but_one_image_is_read() -> None:
    folder = Path(Copied("run", "separable", "fft").race(15, {"separable": 1, "fft": 2}).done())
    told = json.loads((folder / "run.json").read_text("utf-8"))
    (told["image"],) = told.pop("images")
    (folder / "run.json").write_text(json.dumps(told), encoding="utf-8")
    assert load(folder).run.images == [told["image"]]


# Two images of the same size, held against a baseline.


def two_images(names: tuple[str, str], fft_s: tuple[float, float] = (0.009, 0.009)) -> Written:
    (about,) = Written("fft").log.run.images
    log = Written(
        *("separable", "fft"),
        study="sweep",
        sizes=(15,),
        images=[{**about, "path": name, "sha256": Path(name).name} for name in names],
    )
    for process in range(1, 6):
        for name, seconds in zip(names, fft_s, strict=True):
            times = {"separable": 0.004, "fft": seconds, "yardstick": 0.001}
            key: dict[str, Any] = {**COMMON, "image": name}
            log.race(15, times, rounds=4, process=process, control=None, key=key)
            for implementation in log.names:
                log.record(15, implementation, None, process=process, key=key)
    return log


def test_images_of_one_size_have_points_of_their_own() -> None:
    labels = [label for label, _ in by_image(two_images(("a.png", "b.png")).log)]
    assert [label.split()[0] for label in labels] == ["a.png", "b.png"]


def test_the_images_are_told_apart_by_their_place_and_not_by_their_name() -> None:
    before = two_images(("a.png", "b.png"), (0.009, 0.018))
    now = two_images(("moved/a.png", "moved/b.png"), (0.009, 0.018))
    assert rule(before.log, now.log, 0.05).code == NOT_SLOWER


def test_the_image_on_which_it_is_slower_is_named() -> None:
    before, now = two_images(("a.png", "b.png")), two_images(("a.png", "b.png"), (0.009, 0.012))
    found = rule(before.log, now.log, 0.05)
    assert found.code == SLOWER
    assert "of b.png" in "\n".join(found.reasons)
    assert "of a.png" not in "\n".join(found.reasons)


def test_the_same_images_in_another_order_are_not_comparable() -> None:
    before, now = two_images(("a.png", "b.png")), two_images(("b.png", "a.png"))
    assert not_comparable(before.log.run, now.log.run) == [
        "image was a.png, b.png and is b.png, a.png"
    ]
