"""The page of a run: its figures are those of the summary, and only its own code can run in it."""

from __future__ import annotations

import base64
import csv
import gzip
import hashlib
import random
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from blurbench.cli.report import MOST_RUNS
from blurbench.extras import install
from blurbench.names import BACKENDS
from blurbench.records.declared import Declared
from blurbench.records.journal import Journal, Log, load
from helpers.colours import contrast
from helpers.command import deny_gpu, measure_briefly, run
from helpers.made_runs import HOSTILE, NAMES, SIZES, back_and_forth, kept, records, run_of, usual
from helpers.pictures import noise, save
from helpers.process import work_in

pytest.importorskip("altair", reason="Altair is missing: pip install '.[report]'")
pytest.importorskip("vl_convert", reason="vl-convert is missing: pip install '.[report]'")

from blurbench.analysis.claims import CLAIMS
from blurbench.report.page.bundle import bundling
from blurbench.report.palette import COLOURS
from helpers.pages import Page, fields_of, page_of

COMMITTED = Path(__file__).parent.parent / "results" / "2026-11-28-testcard-sweep"
SCRIPT = "<script>alert(1)</script>.png"
DERIVED = {"s", "scope"}  # columns that a chart makes of two others


@pytest.fixture(scope="module")
def committed() -> Page:
    """The page of a run that was really made."""
    return page_of(load(COMMITTED))


@pytest.fixture(scope="module")
def sweep() -> Page:
    return page_of(run_of())


def summary_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "summary.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, strict=True))


def as_in_csv(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)


def on_device(sizes: tuple[int, ...] = (3, 31)) -> Log:
    """A run of which a tenth of each time is computing, the rest the way there and back."""
    run = run_of().run
    log = Log(replace(run, declared=tuple(replace(one, kind="gpu") for one in run.declared)))
    for record in records(run, usual, sizes, ((512, 512),), {}):
        assert record.elapsed_s is not None
        log.append(record)
        log.append(replace(record, scope="compute", elapsed_s=record.elapsed_s / 10))
    return log


# Figures


def test_every_cell_equals_that_of_the_summary(committed: Page) -> None:
    written = summary_of(COMMITTED)
    names = written[0].keys()  # an earlier version's: columns were added since
    rows = [{name: as_in_csv(row[name]) for name in names} for row in committed.rows("cells")]
    assert rows == written


def test_every_duration_of_the_race_is_on_the_page(committed: Page) -> None:
    names = {row["implementation"] for row in summary_of(COMMITTED)} | {"control"}
    with (COMMITTED / "samples.csv").open(encoding="utf-8", newline="") as stream:
        taken = sorted(
            float(row["elapsed_s"]) / int(row["inner_loops"])
            for row in csv.DictReader(stream, strict=True)
            if row["scope"] == "end_to_end" and row["elapsed_s"]
            if row["implementation"] in names and int(row["round"] or 1) > 0
        )
    assert sorted(row["seconds"] for row in committed.rows("samples")) == taken
    assert len(taken) > 500


def test_samples_stand_in_the_order_of_their_taking() -> None:
    run = run_of().run
    taken = list(records(run, usual, (3, 31), ((512, 512),), {}))
    log, instants = Log(run), list(range(len(taken)))
    random.Random(3).shuffle(instants)
    for instant, record in zip(instants, taken, strict=True):
        log.append(replace(record, started_at=float(instant)))
    in_order = sorted(zip(instants, taken, strict=True), key=lambda pair: pair[0])
    rows = page_of(log).rows("samples")
    assert [(row["size"], row["implementation"], row["seconds"], row["round"]) for row in rows] == [
        (record.key.size, record.key.implementation, record.seconds, record.round)
        for _, record in in_order
        if record.round > 0
    ]
    assert [row["number"] for row in rows] == list(range(1, len(rows) + 1))


def test_the_control_is_drawn_under_its_name(committed: Page) -> None:
    assert {row["implementation"] for row in committed.rows("samples")} > {"control"}
    boxes = [a["value"] for tag, a in committed.elements if tag == "input"]
    options = [a["value"] for tag, a in committed.elements if tag == "option"]
    assert boxes[-1] == "control"
    assert "control" not in options
    (chart,) = committed.charts("samples")
    assert "control is the fastest once more" in chart["says"]
    assert "left out" in chart["says"]


@pytest.mark.parametrize("name", ["committed", "sweep"])
def test_a_chart_shows_nothing_that_its_table_lacks(
    name: str, request: pytest.FixtureRequest
) -> None:
    page: Page = request.getfixturevalue(name)
    for chart in page.data["charts"]:
        columns = set(page.data["tables"][chart["table"]]["columns"])
        assert set(chart["columns"]) <= columns
        assert fields_of(chart["spec"]) <= columns | DERIVED


def test_a_page_of_ten_thousand_samples_stays_under_three_megabytes() -> None:
    log = run_of([f"{b}:{m}" for b in "abcdefgh" for m in ("separable", "fft")], range(3, 85, 2))
    page = page_of(log)
    assert len(page.rows("samples")) > 10_000
    assert len(page.source.encode()) < 3_000_000


# What is said


def test_the_answer_says_which_to_use_where_and_where_fft_overtakes(sweep: Page) -> None:
    text = " ".join(sweep.texts["p"])
    assert (
        "For 512x512 RGB float32, end to end: use numpy:direct up to 5x5 (1 of 2 sizes not "
        "proven); use numpy:separable from 9x9 to 15x15; use numpy:fft from 31x31 on (3 of 3 "
        "sizes not proven). FFT pays from about 28 (15 to 31 at 95 %): the best FFT against the "
        "best separable blur." in text
    )


def test_what_must_not_win_is_told_beside_the_charts_that_show_it() -> None:
    page = page_of(run_of(apart={("scipy:fft", 15): "wrong", ("numpy:fft", 31): "implausible"}))
    (times,) = page.charts("times")
    assert times["note"] == (
        "Hollow and joined by no line is what must not win (wrong: scipy:fft; too fast: numpy:fft)."
    )
    assert {"status", "verdict", "max_abs_error"} <= fields_of(times["spec"])
    assert {"status", "verdict", "max_abs_error"} <= set(times["columns"])
    assert page_of(run_of()).charts("times")[0]["note"] == ""


def test_first_calls_without_a_time_make_no_page_fail() -> None:
    run = run_of().run
    log = Log(run)
    for record in records(run, usual, (3, 31), ((512, 512),), {}):
        call = replace(record, scope="first_call", round=0, competitors=0, max_abs_error=1e-6)
        log.append(call)
    page = page_of(log)
    assert page.charts("errors") == page.charts("times") == []
    assert any("nothing could be ranked" in text for text in page.texts["p"])


def test_the_command_to_repeat_a_run_names_no_folder_that_holds_one() -> None:
    log = run_of()
    for words in (["--out", "there"], ["--out=there"]):
        about = {**log.run.about, "command": ["blurbench", "sweep", *words, "--rounds", "3"]}
        log.run = replace(log.run, about=about)
        assert page_of(log).texts["pre"] == ["blurbench sweep --rounds 3"]


def test_pairs_that_change_more_than_once_have_one_label() -> None:
    page = page_of(run_of(NAMES[1:3], times=back_and_forth))
    found = [row for row in page.rows("crossovers") if row["kind"] == "measured"]
    assert [(row["from_size"], row["to_size"]) for row in found] == [(5, 9), (31, 63)]
    assert {row["label"] for row in found} == {"numpy:separable → numpy:fft, 2 changes"}
    (chart,) = page.charts("crossovers")
    assert "label" in fields_of(chart["spec"])


def test_every_claim_is_told_with_whether_it_held(sweep: Page) -> None:
    rows = [row for row in sweep.rows("crossovers") if row["kind"] == "claimed"]
    assert [row["says"] for row in rows] == [
        f"{one.text}: {one.compares} ({one.source})" for one in CLAIMS
    ]
    drawn = {row["what"].partition(":")[0] for row in rows if row["from_size"] is not None}
    assert drawn >= {"over 17 in 2-D", "over 128 in 1-D", "over about 500 samples"}
    told = " ".join(sweep.texts["li"] + sweep.texts["span"])
    for row in rows:
        assert row["says"] in told
        assert row["held"] in told
    assert any(row["held"].startswith("held: ") for row in rows)
    assert any(row["held"].startswith("did not hold: ") for row in rows)


def test_an_interrupted_bundling_says_nothing_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("blurbench.report.page.bundle.BUNDLE", "raise KeyboardInterrupt")
    bundling.cache_clear()
    with pytest.raises(RuntimeError, match="KeyboardInterrupt"):
        bundling().result()
    bundling.cache_clear()
    assert capfd.readouterr().err == ""


def test_images_of_the_same_name_stay_apart() -> None:
    log = Log(run_of().run)
    for path in ("a/photo.png", "b/photo.png"):
        for record in records(run_of(path=path).run, usual, (3, 31), ((512, 512),), {}):
            log.append(record)
    pictures = {row["picture"] for row in page_of(log).rows("cells")}
    assert pictures == {"a/photo.png 512x512", "b/photo.png 512x512"}


def test_the_answer_at_one_size_is_one_name() -> None:
    text = " ".join(page_of(run_of(sizes=(15,))).texts["p"])
    assert "For 512x512 RGB float32, end to end: use numpy:separable at 15x15." in text


def test_the_answer_at_one_size_says_from_where_on_a_gpu_pays() -> None:
    def on_gpu(one: Declared) -> Declared:
        return replace(one, kind="gpu" if one.backend == "scipy" else "cpu")

    page = page_of(run_of(sizes=(15,), declare=on_gpu))
    (answer,) = [text for text in page.texts["p"] if text.startswith("For ")]
    assert "No image below " in answer


def test_each_image_has_its_answer() -> None:
    text = " ".join(page_of(run_of(extents=((128, 128), (512, 512)))).texts["p"])
    assert "For 128x128 RGB" in text
    assert "For 512x512 RGB" in text


def test_a_run_without_a_time_says_that_nothing_could_be_ranked() -> None:
    page = page_of(Log(run_of().run))
    assert page.charts("times") == []


def test_the_page_tells_machine_versions_and_the_command(committed: Page) -> None:
    run = load(COMMITTED).run
    assert run.about["machine"]["cpu"] in " ".join(committed.texts["p"])
    assert f"numpy {run.about['versions']['numpy']}" in " ".join(committed.texts["dd"])
    assert "blurbench sweep" in " ".join(committed.texts["pre"])


def test_brackets_stand_beside_the_claims_of_others(sweep: Page) -> None:
    rows = sweep.rows("crossovers")
    brackets = {
        (row["what"], row["from_size"], row["to_size"]) for row in rows if row["kind"] == "measured"
    }
    assert ("numpy:separable → numpy:fft", 15, 31) in brackets
    assert any(row["kind"] == "claimed" and "49" in row["says"] for row in rows)


def test_a_chart_of_computing_alone_appears_where_it_differs() -> None:
    assert page_of(run_of(sizes=(3, 31))).charts("device") == []
    assert len(page_of(on_device()).charts("device")) == 1


def test_at_one_size_shapes_tell_computing_from_there_and_back() -> None:
    (chart,) = page_of(on_device((15,))).charts("device")
    shape = chart["spec"]["encoding"]["shape"]
    assert (shape["field"], shape["scale"]["range"]) == ("scope", ["circle", "triangle"])


def test_the_first_chart_is_that_of_the_best_of_each_group(sweep: Page) -> None:
    chart = sweep.data["charts"][0]
    assert chart["name"] == "best"
    assert "separable from 3.02 ms (numpy:separable at 3x3)" in chart["answer"]
    assert "FFT pays from about 28" in chart["answer"]


def test_at_each_size_each_group_has_one_best(sweep: Page) -> None:
    bests = [(row["size"], row["best_of"]) for row in sweep.rows("cells") if row["best_of"]]
    assert sorted(bests) == sorted(
        (size, group) for size in SIZES for group in ("direct", "separable", "FFT")
    )


def test_the_size_from_which_on_fft_pays_stands_with_the_best_fft_of_that_size(
    sweep: Page,
) -> None:
    (row,) = [row for row in sweep.rows("cells") if row["payoff"]]
    assert (row["implementation"], row["size"]) == ("numpy:fft", 31)
    assert row["pays_from"] == pytest.approx(28, abs=0.5)


def test_a_run_of_one_size_has_no_chart_over_the_sizes() -> None:
    assert page_of(run_of(sizes=(15,))).charts("best") == []


def test_several_runs_have_each_chart_side_by_side_and_one_together() -> None:
    page = page_of(run_of(), run_of(sizes=(3, 31)))
    assert [one["run"] for one in page.charts("times")] == [1, 2]
    assert len(page.charts("machines")) == 1
    assert [text for text in page.texts["h2"] if text.startswith("[")] == [
        "[1] Test CPU, 2 CPUs",
        "[2] Test CPU, 2 CPUs",
    ]


# For everybody


def test_every_chart_has_a_text_alternative_and_a_table(sweep: Page) -> None:
    charts = {
        attributes["id"]: attributes["aria-label"] or ""
        for tag, attributes in sweep.elements
        if tag == "div" and attributes.get("class") == "chart"
    }
    tables = {attributes["data-chart"] for tag, attributes in sweep.elements if tag == "details"}
    assert set(charts) == tables == {one["id"] for one in sweep.data["charts"]}
    assert all(len(text) > 60 for text in charts.values())


def looks(page: Page) -> dict[str, tuple[str | None, str | None]]:
    """Colour and shape of each name in the list of names."""
    names = [a["value"] or "" for tag, a in page.elements if tag == "input"]
    found = [(a["fill"], a["d"]) for tag, a in page.elements if tag == "path" and "fill" in a]
    return dict(zip(names, found, strict=True))


def test_every_name_has_a_look_of_its_own() -> None:
    names = [f"{b}:{m}" for b in BACKENDS for m in ("direct", "separable", "fft", "box")]
    found = looks(page_of(run_of(names, (3, 31))))
    assert len(set(found.values())) == len(found) == len(names)


def test_a_name_looks_the_same_whoever_wins_and_whoever_else_runs() -> None:
    def reversed_times(name: str, size: int, extent: tuple[int, int]) -> float:
        return 1 / usual(name, size, extent)

    every, some = run_of(times=reversed_times), run_of(NAMES[1:3])
    assert looks(page_of(some)).items() <= looks(page_of(every)).items()


def test_tables_and_downloads_are_told_apart_by_their_names() -> None:
    page = page_of(run_of(), run_of(sizes=(3, 31)))
    for tag in ("summary", "button"):
        names = [a["aria-label"] for one, a in page.elements if one == tag and "aria-label" in a]
        assert len(set(names)) == len(names) >= 2 * len(page.charts("times"))
    assert "Download CSV: Time against kernel size [2]" in names


def test_the_text_alternative_has_figures(sweep: Page) -> None:
    labels = {
        a["id"]: a["aria-label"] or "" for _, a in sweep.elements if "aria-label" in a and "id" in a
    }
    assert "512x512: numpy:direct from 3 to 5, numpy:separable from 9 to 15" in labels["winners-1"]
    assert "(numpy:direct at 3x3)" in labels["times-1"]
    assert "numpy:fft overtakes numpy:separable between 15 and 31" in labels["crossovers-1"]


def grounds(page: Page) -> list[dict[str, str]]:
    """The page's colours: light, dark and in print."""
    blocks = re.findall(r":root \{(.*?)\}", page.texts["style"][0], re.DOTALL)
    return [dict(re.findall(r"--(\w+): (#\w{6})", block)) for block in blocks]


def test_text_can_be_read_and_marks_can_be_seen_on_light_and_on_dark(sweep: Page) -> None:
    for colours in grounds(sweep):
        for name in ("text", "faint", "warn", "accent"):
            assert contrast(colours[name], colours["ground"]) >= 4.5
        for colour in COLOURS:
            assert contrast(colour, colours["ground"]) >= 3


# Safety


def test_the_policy_lets_the_pages_own_code_run_and_nothing_else(sweep: Page) -> None:
    policy = next(a["content"] for tag, a in sweep.elements if tag == "meta" and "content" in a)
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    scripts = re.findall(r'<script type="module">(.*?)</script>', sweep.source, re.DOTALL)
    packed = re.findall(
        r'<script type="application/gzip" id="library">(.*?)</script>', sweep.source
    )
    scripts = [*(gzip.decompress(base64.b64decode(one)).decode() for one in packed), *scripts]
    styles = re.findall(r"<style>(.*?)</style>", sweep.source, re.DOTALL)
    allowed = re.findall(r"'sha256-([^']+)'", policy)
    own = [hashlib.sha256(text.encode()).digest() for text in (*scripts, *styles)]
    assert allowed == [base64.b64encode(one).decode() for one in own]
    assert len(scripts) == 2


def test_nothing_in_the_page_points_outside(sweep: Page) -> None:
    named = ("src", "href", "action", "data", "srcset")
    links = [a[name] for _, a in sweep.elements for name in named if name in a]
    assert links == ["#charts"]


@pytest.mark.parametrize("name", [SCRIPT, HOSTILE, "=1+1.png", "</style><b>", "]]><!--"])
def test_a_name_is_data_and_never_markup(name: str, sweep: Page) -> None:
    page = page_of(run_of([*NAMES, f"{name}:fft"], path=name))
    assert [tag for tag, _ in page.elements if tag in ("script", "style", "b", "meta")] == [
        tag for tag, _ in sweep.elements if tag in ("script", "style", "b", "meta")
    ]
    assert len(page.texts["script"]) == len(sweep.texts["script"])


# The command


def test_a_page_is_made_without_the_slowest_imports() -> None:
    told = "import sys, blurbench.report.page.build; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert {"scipy.signal", "scipy.stats", "matplotlib"}.isdisjoint(done.stdout.split())


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a run."""
    work_in(tmp_path, monkeypatch)
    deny_gpu(monkeypatch)
    measure_briefly(monkeypatch)
    return kept(tmp_path / "run")


def test_report_writes_the_page_of_a_folder(made: Path) -> None:
    assert run("report", "run", "-o", "page.html").out == ""
    assert Page(Path("page.html").read_text("utf-8")).rows("cells") == page_of(load(made)).rows(
        "cells"
    )


def test_report_takes_several_folders(made: Path) -> None:
    shutil.copytree(made, "again")
    run("report", "run", "again", "-o", "page.html")
    rows = Page(Path("page.html").read_text("utf-8")).rows("cells")
    assert {row["run"] for row in rows} == {1, 2}


@pytest.mark.parametrize(
    "command",
    [
        ("compare", "--size", "3"),
        ("sweep", "--sizes", "3,5"),
        ("crossover", "--sizes", "3:9"),
    ],
)
def test_what_measures_writes_a_page_if_asked_for(made: Path, command: tuple[str, ...]) -> None:
    save("photo.png", noise(24, 32, 3))
    own = ("--backend", "numpy", "--method", "separable,fft", "--report", "page.html")
    run(command[0], "photo.png", *command[1:], "--budget", "5", "--rounds", "1", *own)
    names = {
        row["implementation"] for row in Page(Path("page.html").read_text("utf-8")).rows("cells")
    }
    assert names == {"numpy:separable", "numpy:fft"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "-o", "page.pdf"), "-o page.pdf is no .html: name a file that ends so"),
        (("none", "-o", "page.html"), "none"),
        (("run", "-o", "none/page.html"), "none"),
        (("run",) * (MOST_RUNS + 1) + ("-o", "page.html"), f"name {MOST_RUNS}"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    made: Path, arguments: tuple[str, ...], message: str
) -> None:
    result = run("report", *arguments)
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert message in result.err


def test_a_run_without_times_is_refused(made: Path) -> None:
    Journal.create(Path("empty"), run_of().run).close()
    result = run("report", "empty", "-o", "page.html")
    assert (result.code, "empty holds no times yet" in result.err) == (2, True)


def test_without_altair_the_page_is_refused_before_anything_is_measured(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blurbench.cli.outputs.find_spec", lambda name: None)
    result = run("compare", "--report", "page.html")
    assert (result.code, result.out) == (2, "")
    assert result.err == f"Error: report needs Altair: {install('report')}\n"
