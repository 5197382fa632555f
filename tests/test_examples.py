"""What the documents show in Python runs as it stands."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import PIL.Image
import pytest

from helpers.command import measure_briefly
from helpers.document import examples_in
from helpers.process import work_in

BRIEFLY = re.compile(r"budget=\d+")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    work_in(tmp_path, monkeypatch)
    return tmp_path


@pytest.mark.rest("documents")
def test_the_examples_in_python_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    measure_briefly(monkeypatch)
    names: dict[str, Any] = {}
    for example in examples_in("docs/python.md"):
        exec(BRIEFLY.sub("budget=20, rounds=3", example), names)
    printed = capsys.readouterr().out
    assert "blurbench.gaussian_blur(img, size=15" in printed
    assert "image gone.png does not exist" in printed
    with PIL.Image.open("sweep.png") as picture:
        assert picture.width > 500
    assert names["again"].rows == names["result"].rows
    assert {"float32", "float64"} == set(names["runs"])


@pytest.mark.rest("documents")
def test_the_lines_for_notebooks_run_in_a_kernel(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    monkeypatch.setenv("IPYTHONDIR", str(folder / "ipython"))
    briefly = [
        BRIEFLY.sub("budget=20, rounds=3, backend='numpy,scipy', crop=(96, 64)", one)
        for one in examples_in("docs/notebook.md")
    ]
    cells = [nbformat.v4.new_code_cell(one) for one in briefly]
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    shown = [_shown(cell) for cell in notebook.cells]
    comparison, picture, table, answer = shown
    assert "<table" in comparison["text/html"]
    assert "numpy:separable" in comparison["text/html"]
    assert picture["image/png"]
    assert "separable" in table["text/html"]
    assert "Use " in answer["text/plain"]
    assert "15x15" in json.dumps(comparison)


def _shown(cell: Any) -> dict[str, Any]:
    """The value of a cell; what was shown meanwhile has been emptied."""
    progress = [one for one in cell.outputs if one.output_type == "display_data"]
    assert all(one["data"].get("text/plain", "") == "" for one in progress), progress
    (value,) = [one for one in cell.outputs if one.output_type == "execute_result"]
    data: dict[str, Any] = value["data"]
    return data
