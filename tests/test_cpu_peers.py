"""Other people's filters on the CPU: what they are handed, what they cannot do, and who may win.

Where a library is installed, its exact plans also take part in the exactness contract's tests.
"""

from __future__ import annotations

import _thread
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import blurbench
from blurbench.backends import halide, opencv, pillow, pyvips, skimage
from blurbench.backends.backend import Availability, Backend, Implementation
from blurbench.backends.process_settings import ProcessSetting
from blurbench.backends.registry import find_implementation
from blurbench.errors import InputError
from blurbench.extras import install
from blurbench.image import Image
from blurbench.kernel import GaussianKernel
from blurbench.measure.judge import APPROXIMATE, Rules, judge, may_lead
from blurbench.measure.rounds import Rounds
from blurbench.plan import Plan
from blurbench.problem import Problem
from blurbench.records.lead import lead_of
from blurbench.study.compare import compare
from blurbench.study.exactness import allowed_error
from blurbench.study.options import Options, chosen
from blurbench.study.session import Session
from blurbench.study.verify import verify
from helpers.command import run
from helpers.contract import EXACT_ON_CPU, noise, reference, share_of_allowed
from helpers.covering import covering

Array = np.ndarray[Any, Any]

PEERS = (opencv.backend, skimage.backend, pyvips.backend, halide.backend)
EXACT = [one for peer in PEERS for one in peer.implementations]
OWNERS = {peer.name: peer for peer in (*PEERS, pillow.backend)}


def problem_of(
    shape: tuple[int, ...],
    dtype: str = "float32",
    border: str = "reflect",
    size: int = 9,
    cval: float = 7.25,
    threads: int = 1,
) -> Problem:
    return Problem(GaussianKernel.from_size(size), shape, np.dtype(dtype), border, cval, threads)


def plan_of(name: str, problem: Problem) -> Plan:
    """The plan of an implementation by name; the test is skipped where its library is missing."""
    backend, _, method = name.partition(":")
    state = OWNERS[backend].probe()
    if not state.ok:
        pytest.skip(state.explanation)
    return find_implementation(backend, method).prepare(problem)


each_exact = pytest.mark.parametrize("name", [one.name for one in EXACT])


# What is missing.


@pytest.mark.parametrize(
    ("owner", "title", "extra"),
    [
        (opencv, "OpenCV", "peers"),
        (skimage, "scikit-image", "peers"),
        (pyvips, "pyvips", "peers"),
        (halide, "Halide", "halide"),
    ],
    ids=["opencv", "skimage", "pyvips", "halide"],
)
def test_a_missing_peer_says_so_and_what_mends_it(
    owner: Any, title: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(owner, "import_module", missing)
    state = owner.probe.__wrapped__()
    assert state.explanation == f"{title} is not installed; {install(extra)}"


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_an_installed_peer_takes_part_in_the_exactness_contract(peer: Backend) -> None:
    state = peer.probe()
    if not state.ok:
        pytest.skip(f"its part of the exactness contract was not tested: {state.explanation}")
    assert {one.name for one in peer.implementations} <= {one.name for one in EXACT_ON_CPU}


def test_no_peer_is_imported_before_it_is_needed() -> None:
    code = (
        "import sys, blurbench; from blurbench.backends.registry import backends; backends();"
        "print({'cv2', 'skimage', 'pyvips', 'halide'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


# What they compute.


@pytest.mark.parametrize("size", [opencv.FLOAT64_FROM - 2, opencv.FLOAT64_FROM, 401])
@pytest.mark.parametrize("border", ["reflect", "wrap"])
def test_opencv_sums_long_kernels_in_float64(
    size: int,
    border: str,
) -> None:
    problem = problem_of((300, 210), border=border, size=size)
    image = noise(problem) + 60000
    result = plan_of("opencv:separable", problem)(image)
    assert share_of_allowed(result, reference(image, problem), image, problem) <= 1


def test_scikit_image_makes_the_taps_that_we_do() -> None:
    for kernel in (GaussianKernel.from_size(15, 9.0), GaussianKernel.from_sigma(0.3)):
        impulse = np.zeros((1, 101))
        impulse[0, 50] = 1
        problem = Problem(kernel, impulse.shape, impulse.dtype)
        found = plan_of("skimage:separable", problem)(impulse)[0]
        expected = np.zeros(101)
        expected[50 - kernel.radius : 51 + kernel.radius] = kernel.taps
        np.testing.assert_allclose(found, expected, rtol=1e-14, atol=1e-16)


@covering(
    name=[one.name for one in EXACT],
    dtype=("float32", "uint8"),
    border=("nearest", "wrap"),
    shape=((12, 10), (12, 10, 3)),
)
def test_peers_take_views_and_fill_views(
    name: str, shape: tuple[int, ...], border: str, dtype: str
) -> None:
    problem = problem_of(shape, dtype, border)
    plan, wide = plan_of(name, problem), np.zeros((12, 20, *shape[2:]), dtype)
    image = noise(problem)[::-1]
    image.flags.writeable = False
    out = plan(image, wide[:, ::2])
    assert np.array_equal(out, plan(np.ascontiguousarray(image)))
    assert not wide[:, 1::2].any()


@each_exact
def test_a_peers_plan_leaves_no_trace_of_the_image_before(name: str) -> None:
    problem = problem_of((40, 30, 3), border="constant")
    plan, image = plan_of(name, problem), noise(problem)
    first = plan(image)
    plan(image + 100)
    assert np.array_equal(plan(image), first)


@each_exact
def test_a_peers_plan_holds_no_more_than_it_was_said_to_take(name: str) -> None:
    for size in (9, 255):
        problem = problem_of((31, 20, 3), border="wrap", size=size)
        one = find_implementation(*name.split(":"))
        assert plan_of(name, problem).nbytes <= one.work_bytes(problem)


def test_the_lengths_that_opencv_transforms_fast_are_known_without_it() -> None:
    cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed")
    lengths = range(1, 5000)
    assert [opencv.fast_length(n) for n in lengths] == [cv2.getOptimalDFTSize(n) for n in lengths]


@pytest.mark.rest("processes")
def test_what_a_peer_takes_is_known_where_it_is_missing() -> None:
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['cv2', 'skimage', 'pyvips', 'halide']));"
        "from blurbench.cli.main import main;"
        "sys.argv[1:] = 'compare --crop 8x8 --size 3 --rounds 1 --budget 20'.split(); main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0)
    for title, name in (
        ("OpenCV", "opencv, opencv_ocl"),
        ("scikit-image", "skimage"),
        ("pyvips", "pyvips"),
        ("Halide", "halide"),
    ):
        assert f"{name} ({title} is not installed)" in done.stdout


# Their threads.


@pytest.mark.parametrize("method", ["direct", "separable", "fft"])
def test_opencv_takes_the_threads_of_the_problem_and_leaves_the_users(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(f"opencv:{method}", problem_of((12, 10), threads=1))
    import cv2

    set_threads, seen = cv2.setNumThreads, []
    monkeypatch.setattr(cv2, "setNumThreads", lambda n: (seen.append(n), set_threads(n)))
    users = cv2.getNumThreads()
    plan(noise(plan.problem))
    assert seen == [1, users]
    assert cv2.getNumThreads() == users


def test_pyvips_takes_the_threads_of_the_problem_and_leaves_the_users_settings() -> None:
    plan = plan_of("pyvips:separable", problem_of((12, 10), threads=3))
    import pyvips as library

    settings = library.vips_lib

    def now() -> tuple[int, int]:
        return settings.vips_concurrency_get(), settings.vips_cache_get_max()

    users = now()
    with pyvips.settings.to((3, 0)):
        assert now() == (3, 0)
    assert now() == users
    plan(noise(plan.problem))
    assert now() == users


def test_an_interrupt_while_libvips_is_at_work_is_not_lost() -> None:
    plan = plan_of("pyvips:direct", problem_of((900, 900), size=31))
    image = noise(plan.problem)
    interrupt = threading.Timer(0.05, _thread.interrupt_main)

    def blur_for_long() -> None:  # the interrupt comes in here, however slow the machine
        interrupt.start()
        for _ in range(20):
            plan(image)
        interrupt.join()

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have it ignored
    try:
        with pytest.raises(KeyboardInterrupt):
            blur_for_long()
    finally:
        signal.signal(signal.SIGINT, before)


def test_plans_that_run_at_the_same_time_leave_the_users_setting() -> None:
    now = [8]
    setting = ProcessSetting(lambda: now[0], lambda value: now.__setitem__(0, value))
    first, second = setting.to(1), setting.to(2)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert now == [2]
    second.__exit__(None, None, None)
    assert now == [8]


# Pillow, which does another thing.


@pytest.mark.parametrize("shape", [(60, 50), (60, 50, 1), (60, 50, 3), (60, 50, 4)], ids=str)
def test_pillow_comes_near_the_blur(
    shape: tuple[int, ...],
) -> None:
    problem = problem_of(shape, "uint8", "nearest", size=31)
    image = noise(problem)
    error = np.abs(plan_of("pillow:extended_box", problem)(image) - reference(image, problem))
    inside = error[12:-12, 12:-12]  # nearer to a side its passes repeat an edge of their own
    assert inside.max() < 4


@pytest.mark.parametrize(
    ("dtype", "border", "reason"),
    [("float32", "nearest", "dtype 'float32'"), ("uint8", "reflect", "border 'reflect'")],
)
def test_what_pillow_cannot_do_is_refused_in_one_line(dtype: str, border: str, reason: str) -> None:
    image = np.zeros((5, 5), dtype)
    with pytest.raises(InputError, match=f"^{reason} does not go with .* of pillow: use [^\n]*$"):
        blurbench.gaussian_blur(
            image, size=3, border=border, backend="pillow", method="extended_box"
        )


def test_pillow_refuses_more_channels_than_a_picture_has() -> None:
    with pytest.raises(InputError, match="5 channels"):
        plan_of("pillow:extended_box", problem_of((4, 4, 5), "uint8", "nearest"))


def test_the_approximate_are_chosen_only_by_name() -> None:
    def names(**given: Any) -> set[str]:
        return {one.name for _, one in chosen(Options(**given))}

    assert "pillow:extended_box" not in names()
    assert "pillow:extended_box" in names(backends=("pillow",))
    assert "pillow:extended_box" in names(methods=("extended_box", "fft"))
    assert "pillow:extended_box" in names(tolerance=0.01)
    assert "numpy:extended_box" not in names(backends=("numpy",))


def test_the_approximate_are_held_to_no_contract() -> None:
    said = "pillow:extended_box is approximate and claims no exactness.\n"
    assert run("verify", "--backend", "pillow").out == said


def times(**seconds: float) -> Rounds:
    each = {name: [own] for name, own in seconds.items()}
    return Rounds(pilot=[each] * 3, measured=[each] * 16)


def test_the_approximate_never_win_and_never_lead() -> None:
    names = ["rough", "good", "slow"]
    assert may_lead(names, {"rough"}) == ["good", "slow"]
    assert may_lead(["rough"], {"rough"}) == ["rough"]
    rounds = times(rough=1.0, good=2.0, slow=4.0)
    result = judge(rounds, names, "good", Rules(), {"rough": APPROXIMATE})
    verdicts = {name: standing.verdict for name, standing in result.standings.items()}
    assert verdicts == {"rough": "approximate", "good": "fastest", "slow": "slower"}
    assert result.standings["rough"].ratio.value == pytest.approx(0.5)


def test_in_a_comparison_the_fastest_is_exact() -> None:
    image = Image("noise", np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8))
    options = Options(
        backends=("scipy", "pillow"),
        methods=("direct", "extended_box"),
        border="nearest",
        dtype="uint8",
        budget=60.0,
        rounds=2,
    )
    answer = compare(image, GaussianKernel.from_size(41), options)
    rows = {row.name: row for row in answer.rows}
    rough, exact = rows["pillow:extended_box"], rows["scipy:direct"]
    assert (rough.status, rough.verdict, rough.exact, rough.own_kernel) == (
        *("ok", "approximate"),
        *(False, True),
    )
    assert rough.ratio_to_fastest < 1
    assert exact.verdict == "fastest"
    lead = lead_of(answer.rows)
    assert lead is not None
    assert lead.first is exact


# What is declared.


def test_who_takes_no_taps_is_declared_so() -> None:
    session = Session(Options(backends=("skimage", "opencv")))
    assert {one.name for one in session.declared if one.own_kernel} == {"skimage:separable"}


def test_an_integer_of_fixed_point_may_be_off_by_a_unit() -> None:
    assert allowed_error(np.dtype("uint8"), 100.0, 1.0) == pytest.approx(1.0001)
    assert allowed_error(np.dtype("float32"), 100.0, 1.0) == pytest.approx(1e-4)


def test_a_verification_allows_what_an_implementation_declares() -> None:
    class Off(Plan):
        def _run(self, image: Array, out: Array) -> None:
            exact(self.problem)(image, out)
            out[...] = np.where(out > 0, out - 1, out + 1)

    exact = find_implementation("numpy", "separable").prepare
    honest = Implementation(
        "peer",
        "separable",
        "library",
        lambda problem: Off(np, problem),
        lambda problem: 1.0,
        lambda problem: 0,
        borders=("nearest",),
        dtypes=("uint8",),
    )

    def share(one: Implementation) -> float:
        owner = Backend("peer", "cpu", (one,), Availability)
        (check,) = verify([(owner, one)])
        assert check.dtype == "uint8"
        return check.worst

    strict, lenient = share(honest), share(replace(honest, integer_error=1.0))
    assert strict > 2
    assert lenient == pytest.approx(strict / 2, rel=0.01)
