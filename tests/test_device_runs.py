"""Commands on a device, really run: a software adapter for WebGPU or OpenCL will do.

The times are those of this machine, so none is judged; what is told of them is.
"""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from helpers.command import Ran, measure_briefly, run
from helpers.devices import SHIPPED, WAYS, is_software, reach

SHAPE = (48, 64, 3)
MEASURED = ("end_to_end", "compute", "upload", "download", "launch")


class Run:
    """A command that measured numpy and a device's backend, and the folder it left.

    Attributes:
        folder: where image, exports and the run's records lie.
    """

    def __init__(self, folder: Path, backend: str, command: str, *more: str) -> None:
        self.folder, self.backend, self.records = folder, backend, folder / "run"
        self.image = folder / "photo.png"
        pixels = np.random.default_rng(4).integers(0, 256, SHAPE, np.uint8)
        PIL.Image.fromarray(pixels).save(self.image)
        self.document, self.csv = folder / "run.json", folder / "run.csv"
        chosen = ("--backend", f"numpy,{backend}", "--method", "separable", "--threads", "1")
        exports = ("--out", self.records, "--json", self.document, "--csv", self.csv)
        with pytest.MonkeyPatch.context() as patch:
            measure_briefly(patch)
            self.ran = run(command, self.image, *chosen, *exports, *more)

    @property
    def found(self) -> Any:
        return json.loads(self.document.read_text())

    @property
    def name(self) -> str:
        return f"{self.backend}:separable"

    def rows(self) -> list[dict[str, str]]:
        """What the CSV says of the device's rows, one a size."""
        rows = csv.DictReader(self.csv.read_text().splitlines())
        return [row for row in rows if row["implementation"] == self.name]


@pytest.fixture(scope="session", params=WAYS)
def backend(request: pytest.FixtureRequest) -> str:
    """The name of a backend that has a device here."""
    return reach(request.param).name


@pytest.fixture(scope="session")
def compared(backend: str, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("compare")
    return Run(folder, backend, "compare", "--size", "5", "--budget", "20", "--rounds", "4")


@pytest.fixture(scope="session")
def swept(backend: str, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("sweep")
    return Run(folder, backend, "sweep", "--sizes", "3,9", "--budget", "20", "--rounds", "4")


@pytest.fixture(scope="session")
def crossed(backend: str, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("crossover")
    return Run(folder, backend, "crossover", "--sizes", "3:5", "--budget", "60")


def ended_well(ran: Ran) -> bool:
    return ran.code == 0 and "Traceback" not in ran.err


# One image, one size.


def test_a_comparison_measures_every_part_of_the_way(compared: Run) -> None:
    assert ended_well(compared.ran)
    (row,) = compared.rows()
    assert row["status"] == "ok"
    for scope in MEASURED:
        assert 0 < float(row[f"{scope}_median_s"]) < math.inf, scope


def test_its_blur_is_within_the_contract(compared: Run) -> None:
    (row,) = compared.rows()
    assert float(row["max_abs_error"]) <= 2.55e-4


def test_its_rows_are_ranked_on_the_device_too(compared: Run) -> None:
    (entry,) = compared.found["on_device"]
    assert entry["implementation"] == compared.name


def test_a_device_is_named_in_the_record_of_the_machine(compared: Run) -> None:
    (device, *_) = SHIPPED[compared.backend].probe().devices
    assert device in json.dumps(compared.found["machine"])


def test_what_is_no_gpu_is_marked_and_said_nothing_of_a_gpu(compared: Run) -> None:
    if not is_software(SHIPPED[compared.backend]):
        pytest.skip("the device of this machine is a GPU")
    (row,) = compared.rows()
    assert row["kind"] == "software"
    assert f"{compared.name} (software)" in " ".join(compared.ran.out.split())
    assert "GPU pays" not in compared.ran.out
    assert "GPU does not pay" not in compared.ran.out


def test_a_kept_comparison_is_shown_with_the_same_figures(compared: Run, tmp_path: Path) -> None:
    again = tmp_path / "again.csv"
    assert ended_well(run("show", compared.records, "--csv", again))
    assert again.read_text() == compared.csv.read_text()


# Several sizes.


@pytest.mark.rest("commands on a device")
def test_a_sweep_measures_the_device_at_every_size(swept: Run) -> None:
    assert ended_well(swept.ran)
    assert [(row["size"], row["status"]) for row in swept.rows()] == [("3", "ok"), ("9", "ok")]


@pytest.mark.rest("commands on a device")
def test_a_report_of_a_sweep_has_the_device(swept: Run, tmp_path: Path) -> None:
    pytest.importorskip("altair", reason="Altair is missing: pip install '.[report]'")
    page = tmp_path / "page.html"
    assert ended_well(run("report", swept.records, "-o", page))
    assert swept.name in page.read_text()


@pytest.mark.rest("commands on a device")
def test_a_plot_of_a_sweep_can_be_drawn(swept: Run, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="Matplotlib is missing: pip install '.[plot]'")
    picture = tmp_path / "sweep.png"
    assert ended_well(run("plot", swept.records, "-o", picture))
    with PIL.Image.open(picture) as drawn:
        assert min(drawn.size) > 300


@pytest.mark.rest("commands on a device")
def test_a_crossover_holds_the_device_against_the_cpu(crossed: Run) -> None:
    assert ended_well(crossed.ran)
    kind = "software" if is_software(SHIPPED[crossed.backend]) else "gpu"
    pairs = [(one["first"], one["second"]) for one in crossed.found["crossovers"]]
    assert ("cpu:fastest", f"{kind}:fastest") in pairs


# Just blurring.


def test_a_file_is_blurred_on_the_device_as_on_the_cpu(backend: str, tmp_path: Path) -> None:
    pixels = np.random.default_rng(5).integers(0, 256, SHAPE, np.uint8)
    PIL.Image.fromarray(pixels).save(tmp_path / "photo.png")
    blurred = []
    for name in ("numpy", backend):
        target = tmp_path / f"{name}.png"
        ran = run("blur", tmp_path / "photo.png", "-o", target, "--size", "7", "--backend", name)
        assert ended_well(ran)
        with PIL.Image.open(target) as written:
            blurred.append(np.asarray(written).astype(int))
    assert np.abs(blurred[0] - blurred[1]).max() <= 1
