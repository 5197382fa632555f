"""Even kernels: refused unless allowed, centred as SciPy and OpenCV do, their shift reported."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.ndimage
from click.testing import CliRunner

import blurbench
from blurbench.backends.backend import Implementation
from blurbench.backends.cuda.direct import CudaDirectPlan
from blurbench.backends.cuda.separable import separable_plan
from blurbench.backends.registry import find_implementation
from blurbench.border import BORDERS
from blurbench.cli.main import cli
from blurbench.errors import InputError
from blurbench.image import write_image
from blurbench.kernel import MIN_SIGMA, GaussianKernel
from blurbench.problem import Problem
from helpers import cuda_on_cpu
from helpers.contract import reference, share_of_allowed

Array = np.ndarray[Any, Any]

SIZES = (2, 4, 8, 20, 42)
FOLDING = {
    *("numpy:direct", "numpy:separable", "numpy:dct", "scipy:dct", "numba:separable"),
    "skimage:separable",
}


def even_kernel(size: int, sigma: float | None = None) -> GaussianKernel:
    return GaussianKernel.from_size(size, sigma, allow_even=True)


def run(*arguments: str) -> Any:
    return CliRunner().invoke(cli, arguments, catch_exceptions=False)


def plain_taps(size: int, sigma: float) -> Array:
    """A Gaussian sampled at half integers, by its definition."""
    taps = np.exp(-((np.arange(size) - (size - 1) / 2) ** 2) / (2 * sigma**2))
    return np.asarray(taps / taps.sum())


@pytest.mark.parametrize("size", SIZES)
def test_the_taps_are_sampled_half_way_between_and_end_in_a_zero(size: int) -> None:
    kernel = even_kernel(size, 1.7)
    np.testing.assert_allclose(kernel.taps, [*plain_taps(size, 1.7), 0.0], rtol=1e-13)


def test_the_size_is_the_number_of_taps_without_that_zero() -> None:
    assert (even_kernel(8).size, even_kernel(8).radius, len(even_kernel(8).taps)) == (8, 4, 9)


def test_the_smallest_sigma_takes_the_mean_of_two_pixels() -> None:
    assert even_kernel(4, MIN_SIGMA).taps.tolist() == [0, 0.5, 0.5, 0, 0]


def test_an_odd_size_is_the_same_whether_even_ones_are_allowed_or_not() -> None:
    assert even_kernel(15) == GaussianKernel.from_size(15)


def test_the_kernel_notes_its_shift() -> None:
    assert "half a pixel" in str(even_kernel(14).note)


@pytest.mark.parametrize("border", BORDERS)
def test_every_implementation_keeps_the_contract_or_refuses(
    implementation: Implementation,
    border: str,
) -> None:
    rng = np.random.default_rng(5)
    for size in SIZES:
        for shape in ((1, 7), (17, 23), (16, 9, 3)):
            problem = Problem(even_kernel(size), shape, np.dtype(np.float32), border, 3.5)
            image = rng.uniform(0, 255, shape).astype(np.float32)
            if implementation.name in FOLDING:
                with pytest.raises(InputError, match=f"even size {size} .*: use an odd size"):
                    implementation.check(problem)
            else:
                implementation.check(problem)
                result = implementation.prepare(problem)(image)
                assert share_of_allowed(result, reference(image, problem), image, problem) <= 1


@pytest.mark.skipif(cuda_on_cpu.COMPILER is None, reason="needs g++")
@pytest.mark.parametrize("plan", [separable_plan, CudaDirectPlan])
def test_the_cuda_kernels_keep_the_contract(
    plan: Callable[..., Any],
) -> None:
    problem = Problem(even_kernel(8), (37, 41, 3), np.dtype(np.float32), "mirror")
    image = np.random.default_rng(6).uniform(0, 255, problem.shape).astype(np.float32)
    result = plan(cuda_on_cpu.toolkit(0), problem)(image)
    assert share_of_allowed(result, reference(image, problem), image, problem) <= 1


def test_a_folding_blur_would_be_wrong() -> None:
    problem = Problem(even_kernel(4), (9, 9), np.dtype(np.float64))
    image = np.random.default_rng(7).uniform(0, 1, (9, 9))
    folded = find_implementation("numpy", "separable").prepare(problem)(image)
    assert np.abs(folded - reference(image, problem)).max() > 0.01


def test_an_even_kernel_has_no_adjoint() -> None:
    plan = blurbench.prepare((9, 9), size=4, allow_even=True, method="fft", backend="scipy")
    with pytest.raises(InputError, match="even size 4 has no adjoint: use an odd size"):
        plan.adjoint(np.ones((9, 9), np.float32))


def test_the_blurred_image_lies_half_a_pixel_further_down_and_to_the_right() -> None:
    dot = np.zeros((41, 41))
    dot[20, 20] = 1
    blurred = blurbench.gaussian_blur(dot, size=14, allow_even=True)
    assert scipy.ndimage.center_of_mass(blurred) == pytest.approx((20.5, 20.5), abs=1e-12)


def test_the_library_refuses_an_even_size_unless_allowed() -> None:
    with pytest.raises(InputError, match="size 14 is even"):
        blurbench.gaussian_blur(np.zeros((9, 9)), size=14)


def test_compare_reports_the_shift_and_runs_its_own_code_line(tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    done = run(
        *("compare", "--size", "6", "--allow-even", "--crop", "32x24", "--backend", "scipy,numpy"),
        *("--rounds", "1", "--json", str(path)),
    )
    assert done.exit_code == 0
    assert "half a pixel" in done.stderr
    assert "allow_even=True" in done.stdout
    answer = json.loads(path.read_text("utf-8"))
    assert answer["kernel"] == {"size": 6, "sigma": 1.25, "radius": 3, "shift_pixels": 0.5}
    rows = answer["implementations"]
    status = {f"{row['backend']}:{row['method']}": row["status"] for row in rows}
    assert status == {
        "scipy:direct": "ok",
        "scipy:separable": "ok",
        "scipy:fft": "ok",
        "scipy:dct": "unsupported",
        "numpy:direct": "unsupported",
        "numpy:separable": "unsupported",
        "numpy:fft": "ok",
        "numpy:banded": "ok",
        "numpy:dct": "unsupported",
    }


def test_sweep_runs_even_sizes_and_resumes_them(tmp_path: Path) -> None:
    folder = str(tmp_path / "run")
    done = run(
        *("sweep", "--sizes", "4,5", "--allow-even", "--crop", "16x16", "--method", "fft"),
        *("--backend", "scipy", "--rounds", "1", "--budget", "20", "--out", folder),
    )
    assert done.exit_code == 0
    assert "the even ones shifted by half a pixel" in done.stdout
    assert run("sweep", "--resume", folder).exit_code == 0


def test_tiles_say_so_as_well(tmp_path: Path) -> None:
    tifffile = pytest.importorskip("tifffile")
    given, made = tmp_path / "in.tif", tmp_path / "out.tif"
    tifffile.imwrite(given, np.zeros((40, 41), np.uint8))
    how = ("-o", str(made), "--size", "6", "--allow-even", "--memory", "4GiB")
    done = run("blur", str(given), *how)
    assert (done.exit_code, done.stderr.count("half a pixel")) == (0, 1)
    assert run("blur", str(given), *how, "--quiet", "--force").stderr == ""


@pytest.mark.parametrize(("method", "more"), [("banded", 3), ("direct", 1)])
def test_verify_tries_even_sizes_where_asked_and_able(
    method: str, more: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blurbench.study.verify.SIZES", (5,))
    monkeypatch.setattr("blurbench.study.verify.EVEN_SIZES", (4, 14))
    asked = ("verify", "--backend", "numpy", "--method", method)
    plain, even = (run(*asked, *one) for one in ((), ("--allow-even",)))
    cases = [
        int(done.stdout.splitlines()[-1].partition(" of ")[2].split()[0]) for done in (plain, even)
    ]
    assert (even.exit_code, cases[1]) == (0, more * cases[0])


def test_blur_writes_the_shifted_image_and_says_so(tmp_path: Path) -> None:
    pixels = np.random.default_rng(8).integers(0, 256, (20, 21), np.uint8)
    given, made = tmp_path / "in.png", tmp_path / "out.png"
    write_image(given, pixels)
    done = run("blur", str(given), "-o", str(made), "--size", "6", "--allow-even")
    assert done.exit_code == 0
    assert "half a pixel" in done.stderr
