"""What goes wrong on a device ends in the status of its rows, not in a dead run.

Devices are lost, full or hang at every moment: made-up ones, on a simulated clock that passes while
somebody waits in vain, and really on whatever adapter WebGPU finds.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import PIL.Image
import pytest

from blurbench import gaussian_blur, plan_cache
from blurbench.backends import staging
from blurbench.backends.backend import Backend
from blurbench.backends.lanes import CUDA, Lanes
from blurbench.backends.nvml import is_shared
from blurbench.backends.registry import find_implementation
from blurbench.backends.wgpu.adapters import probe
from blurbench.backends.wgpu.device import WgpuDevice, open_device
from blurbench.backends.wgpu.memory import Memory
from blurbench.backends.wgpu.separable import WgpuSeparablePlan
from blurbench.errors import DeviceLostError
from blurbench.kernel import GaussianKernel
from blurbench.plan import Plan
from blurbench.problem import Problem
from blurbench.records.journal import Journal, Log, Run, load
from blurbench.records.summary import Row
from blurbench.study.compare import compare
from blurbench.study.devices import Devices
from blurbench.study.listener import Listener
from blurbench.study.options import Options
from blurbench.study.patience import PATIENCE_S, HungError, any_left_behind, within
from blurbench.study.processes import LOST
from blurbench.study.question import Question
from blurbench.study.run import measure_part
from blurbench.study.session import Session
from blurbench.study.source import ImageSource
from blurbench.study.sweep import sweep
from helpers.command import Ran, measure_briefly, run
from helpers.fake_cupy import FakeStream
from helpers.fake_cupy import cupy as cupy
from helpers.planted import (
    SMALL,
    Behaviour,
    Planted,
    add_half,
    backend_of,
    failing_after,
    planted,
    raising,
    then,
)
from helpers.process import COMMAND, PATIENCE, posix
from helpers.simulated import Clock, FakeDevice, gpu_of

if sys.platform == "linux":
    import resource

linux = pytest.mark.skipif(sys.platform != "linux", reason="limits of memory as Linux has them")

KERNEL = GaussianKernel.from_size(5)
SAID = "cudaErrorIllegalAddress: an illegal memory access was encountered"
TRIED = pytest.mark.parametrize("calls", [0, 8, 60], ids=["predicting", "preparing", "racing"])


class Fragile(FakeDevice):
    """A device that may be lost: then nothing on it comes to an end."""

    lost = False

    def synchronize(self) -> None:
        if self.lost:
            raise RuntimeError(SAID)
        super().synchronize()

    def breaks(self, calls: int, error: Exception | None = None) -> Behaviour:
        """A blur that takes the device along after so many calls."""
        left, behave = iter(range(calls)), self.takes(0.002)

        def break_later(blur: Plan, image: Any, out: Any) -> None:
            if next(left, None) is None:
                self.lost = True
                raise error or RuntimeError(SAID)
            behave(blur, image, out)

        return break_later


class Late(FakeDevice):
    """A device that tells an error when it is next waited for, and works again."""

    pending: Exception | None = None

    def synchronize(self) -> None:
        error, self.pending = self.pending, None
        if error is not None:
            raise error
        super().synchronize()


class Card:
    """A card that is opened anew where it was lost, if its library can do that."""

    def __init__(self, clock: Clock, mends: bool = True) -> None:
        self._clock, self._mends = clock, mends
        self.opened = [Fragile(clock)]

    def open(self, number: int) -> Fragile:
        if self.opened[-1].lost and self._mends:
            self.opened.append(Fragile(self._clock))
        return self.opened[-1]

    def takes(self, seconds: float, lost: int = 0) -> Behaviour:
        """A blur that takes along the devices that are opened first, so many."""

        def behave(blur: Plan, image: Any, out: Any) -> None:
            device = self.opened[-1]
            breaks = len(self.opened) <= lost
            now = device.breaks(0) if breaks else device.takes(seconds)
            now(blur, image, out)

        return behave


@pytest.fixture
def device(clock: Clock) -> Fragile:
    return Fragile(clock)


@pytest.fixture
def host(clock: Clock) -> Backend:
    """A blur on the CPU."""
    return backend_of(planted("host", clock.takes(0.006)))


def asking(*sizes: int, **given: Any) -> Question:
    options = Options(
        **{"backends": ("fake", "gpu"), "threads": 1, "seed": 1, "budget": 60.0, **given}
    )
    kernels = tuple(GaussianKernel.from_size(size) for size in sizes)
    return Question("sweep", (ImageSource(),), (SMALL,), kernels, options)


def compared(make_log: Callable[[Run], Log] = Log, **given: Any) -> dict[str, Row]:
    """The rows of a comparison on the small image, by method."""
    question = asking(KERNEL.size, **given)
    session = Session(question.options)
    log = make_log(question.describe(session, [], question.options.rules))
    answer = compare(SMALL, KERNEL, question.options, None, log, session)
    return {row.method: row for row in answer.rows}


def statuses(rows: dict[str, Row]) -> dict[str, str]:
    return {name: row.status for name, row in rows.items()}


def swept(*sizes: int) -> list[str]:
    """The status at each size of the one that breaks nothing."""
    question = asking(*sizes, backends=("gpu",))
    session = Session(question.options)
    log = Log(question.describe(session, [], question.options.rules))
    assert sweep(question, session, log)
    return [row.status for row in log.rows() if row.method == "good"]


# A device that is lost.


@TRIED
def test_a_lost_device_ends_its_rows_and_no_others(
    plant, host: Backend, device: Fragile, calls: int
) -> None:
    plant(host, gpu_of(device, bad=device.breaks(calls), good=device.takes(0.003)))
    found = statuses(compared())
    assert found == {"host": "ok", "bad": "device_lost", "good": "device_lost"}


def test_the_rows_of_a_lost_device_tell_what_happened_and_what_to_do(
    plant, device: Fragile
) -> None:
    plant(gpu_of(device, bad=device.breaks(60), good=device.takes(0.003)))
    assert {row.reason for row in compared(backends=("gpu",)).values()} == {
        f"the device was lost while gpu:bad ran ({SAID}): leave it out, or update the driver"
    }


def second_backend(device: FakeDevice, **more: Any) -> Backend:
    other = planted("other", device.takes(0.003), backend="second")
    return backend_of(
        other, **{"name": "second", "kind": "gpu", "open_device": lambda number: device, **more}
    )


def test_all_backends_on_a_lost_device_are_out(plant, device: Fragile) -> None:
    plant(gpu_of(device, bad=device.breaks(60)), second_backend(device))
    found = statuses(compared(backends=("gpu", "second")))
    assert found == {"bad": "device_lost", "other": "device_lost"}


def test_another_device_goes_on(plant, clock: Clock, device: Fragile) -> None:
    plant(gpu_of(device, bad=device.breaks(60)), second_backend(FakeDevice(clock)))
    found = statuses(compared(backends=("gpu", "second")))
    assert found == {"bad": "device_lost", "other": "ok"}


def test_a_row_that_is_wrong_stays_wrong_on_a_lost_device(plant, device: Fragile) -> None:
    wrong = then(device.takes(0.001), add_half)
    plant(gpu_of(device, wrong=wrong, bad=device.breaks(60), good=device.takes(0.003)))
    found = statuses(compared(backends=("gpu",)))
    assert found == {"wrong": "wrong", "bad": "device_lost", "good": "device_lost"}


def test_a_device_that_the_control_takes_along_ends_its_rows(plant, device: Fragile) -> None:
    whole: list[Problem] = []

    def prepare(problem: Problem) -> Plan:
        if problem.shape == SMALL.pixels.shape:
            whole.append(problem)
        device.lost = len(whole) > 2  # the prediction's, the row's and now the control's
        if device.lost:
            raise RuntimeError(SAID)
        return Planted(problem, device.takes(0.002))

    one = planted("one", backend="gpu", prepare=prepare)
    two = planted("two", device.takes(0.003), backend="gpu")
    plant(backend_of(one, two, name="gpu", kind="gpu", open_device=lambda number: device))
    found = compared(backends=("gpu",))
    assert statuses(found) == {"one": "device_lost", "two": "device_lost"}
    assert "while gpu:one ran" in str(found["two"].reason)


def test_a_device_that_is_lost_while_it_copies_ends_its_rows(
    plant, host: Backend, device: Fragile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(source: Any, target: Any) -> None:
        device.lost = True
        raise RuntimeError(SAID)

    monkeypatch.setattr(device, "copies", lambda: [lose])
    plant(host, gpu_of(device, one=device.takes(0.002)))
    assert statuses(compared()) == {"host": "ok", "one": "device_lost"}


def test_a_device_that_is_lost_beside_the_ranking_ends_its_rows(
    plant, host: Backend, device: Fragile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(call: Any) -> Any:
        device.lost = True
        raise RuntimeError(SAID)

    monkeypatch.setattr(device, "capture", lose)
    plant(host, gpu_of(device, one=device.takes(0.002), two=device.takes(0.003)))
    found = statuses(compared())
    assert found == {"host": "ok", "one": "device_lost", "two": "device_lost"}


def test_the_record_of_a_run_that_lost_a_device_is_whole(
    plant, host: Backend, device: Fragile, tmp_path: Path
) -> None:
    plant(host, gpu_of(device, bad=device.breaks(60), good=device.takes(0.003)))
    journals: list[Journal] = []

    def begin(about: Run) -> Journal:
        journals.append(Journal.create(tmp_path, about))
        return journals[0]

    shown = statuses(compared(begin))
    journals[0].finish()
    assert {row.method: row.status for row in load(tmp_path).rows()} == shown


def test_an_error_that_a_device_tells_late_is_one_rows_alone(plant, clock: Clock) -> None:
    device = Late(clock)
    behave = device.takes(0.002)
    left = iter(range(8))

    def fail_late(blur: Plan, image: Any, out: Any) -> None:
        behave(blur, image, out)
        if next(left, None) == 7:
            device.pending = RuntimeError("worn out")

    plant(gpu_of(device, bad=fail_late, good=device.takes(0.003)))
    assert statuses(compared(backends=("gpu",))) == {"bad": "failed", "good": "ok"}


@pytest.mark.parametrize(
    ("mends", "lost", "found"),
    [
        pytest.param(True, 1, ["device_lost", "ok", "ok"], id="once"),
        pytest.param(True, 9, ["device_lost", "device_lost", "device_lost"], id="again"),
        pytest.param(False, 1, ["device_lost", "device_lost", "device_lost"], id="for good"),
    ],
)
def test_what_was_lost_is_opened_once_more_for_the_next_size(
    plant, clock: Clock, mends: bool, lost: int, found: list[str]
) -> None:
    card = Card(clock, mends)
    bad = planted("bad", card.takes(0.002, lost), backend="gpu")
    good = planted("good", card.takes(0.003), backend="gpu")
    plant(backend_of(bad, good, name="gpu", kind="gpu", open_device=card.open))
    assert swept(3, 5, 7) == found
    assert len(card.opened) <= 2


# Memory.


def test_what_ran_out_of_memory_tells_what_it_needs_and_what_is_free(
    plant, device: Fragile
) -> None:
    full = failing_after(60, device.takes(0.002), MemoryError("cannot allocate 3 bytes"))
    greedy = planted("greedy", full, backend="gpu", work_bytes=3 * 2**30)
    plant(backend_of(greedy, name="gpu", kind="gpu", open_device=lambda number: device))
    assert compared(backends=("gpu",))["greedy"].reason == (
        "cannot allocate 3 bytes: it needs 3.00 GiB of work buffers, "
        "1024.00 GiB of the device is free"
    )


def test_what_takes_the_device_along_for_lack_of_memory_is_told_from_the_others(
    plant, device: Fragile
) -> None:
    greedy = device.breaks(8, MemoryError("cannot allocate 3 bytes"))
    plant(gpu_of(device, greedy=greedy, good=device.takes(0.003)))
    found = statuses(compared(backends=("gpu",)))
    assert found == {"greedy": "out_of_memory", "good": "device_lost"}


# A driver that hangs.


class Stuck:
    """Where calls do not return, and the patience of those who wait for them.

    Attributes:
        waited_s: how long somebody waited in vain.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._reached, self._over = threading.Event(), threading.Event()
        self._threads: list[threading.Thread] = []
        self.waited_s: list[float] = []

    def hang(self, *_: Any) -> Any:
        """What never returns."""
        self._threads.append(threading.current_thread())
        self._reached.set()
        self._over.wait(PATIENCE)

    def comes(self, ended: threading.Event, seconds: float) -> bool:
        """In place of waiting: the time is up as soon as the call hangs."""
        while not ended.wait(1e-3):
            if self._reached.is_set():
                self._reached.clear()
                self._clock.now += seconds
                self.waited_s.append(seconds)
                return False
        return True

    def end(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(PATIENCE)


@pytest.fixture
def stuck(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stuck]:
    stuck = Stuck(clock)
    monkeypatch.setattr("blurbench.study.patience.comes", stuck.comes)
    yield stuck
    stuck.end()


def hanging_after(plans: int, behave: Behaviour, stuck: Stuck) -> Callable[[Problem], Plan]:
    """Makes so many plans, and then hangs as the next is compiled."""
    left = iter(range(plans))

    def prepare(problem: Problem) -> Plan:
        if next(left, None) is None:
            stuck.hang()
        return Planted(problem, behave)

    return prepare


@pytest.mark.parametrize("plans", [0, 4], ids=["predicting", "preparing"])
def test_what_hangs_as_it_is_compiled_times_out_and_the_cpus_rows_go_on(
    plant, host: Backend, device: Fragile, stuck: Stuck, plans: int
) -> None:
    hangs = hanging_after(plans, device.takes(0.002), stuck)
    bad = planted("bad", backend="gpu", prepare=hangs)
    good = planted("good", device.takes(0.003), backend="gpu")
    plant(host, backend_of(bad, good, name="gpu", kind="gpu", open_device=lambda number: device))
    found = statuses(compared(budget=400.0))
    assert found == {"host": "ok", "bad": "timed_out", "good": "device_lost"}


def test_what_hangs_at_its_first_call_times_out(
    plant, host: Backend, device: Fragile, stuck: Stuck
) -> None:
    plant(host, gpu_of(device, bad=stuck.hang))
    found = compared(budget=400.0)
    assert statuses(found) == {"host": "ok", "bad": "timed_out"}
    assert found["bad"].reason == (
        "it did not return within 120 s: leave it out, or update the driver"
    )


def test_a_hang_is_waited_for_once(plant, host: Backend, device: Fragile, stuck: Stuck) -> None:
    others = {name: device.takes(0.003) for name in ("one", "two", "three")}
    plant(host, gpu_of(device, bad=stuck.hang, **others))
    compared(budget=400.0)
    assert stuck.waited_s == [PATIENCE_S]


def test_what_takes_long_is_waited_for_longer(plant, device: Fragile, stuck: Stuck) -> None:
    plant(gpu_of(device, bad=stuck.hang))
    devices = Devices()
    devices.open("gpu")
    with pytest.raises(HungError):
        devices.call("gpu", "bad", stuck.hang, expected_s=3.0)
    assert stuck.waited_s == [PATIENCE_S + 30.0]


def test_a_device_on_which_an_upload_hangs_ends_its_rows(
    plant, host: Backend, device: Fragile, stuck: Stuck, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blurbench.study.point.ceilings.place_on", stuck.hang)
    plant(host, gpu_of(device, one=device.takes(0.002), two=device.takes(0.003)))
    found = statuses(compared(budget=400.0))
    assert found == {"host": "ok", "one": "device_lost", "two": "device_lost"}


def test_a_device_that_cannot_be_waited_for_after_an_error_ends_its_rows(
    plant, host: Backend, device: Fragile, stuck: Stuck, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(blur: Plan, image: Any, out: Any) -> None:
        monkeypatch.setattr(device, "synchronize", stuck.hang)
        raise RuntimeError("worn out")

    plant(host, gpu_of(device, bad=fail, good=device.takes(0.003)))
    found = statuses(compared(budget=400.0))
    assert found == {"host": "ok", "bad": "device_lost", "good": "device_lost"}


def test_a_device_whose_opening_hangs_is_unavailable_and_asked_no_more(
    plant, host: Backend, device: Fragile, stuck: Stuck
) -> None:
    lanes = Lanes(threading.get_ident, lambda: None, lambda: 0)  # type: ignore[arg-type, return-value]
    first = planted("first", device.takes(0.002), backend="gpu")
    gpu = backend_of(first, name="gpu", kind="gpu", open_device=stuck.hang, lanes=lanes)
    plant(host, gpu, second_backend(device, open_device=stuck.hang, lanes=lanes))
    found = compared(backends=("fake", "gpu", "second"))
    assert statuses(found) == {"host": "ok", "first": "unavailable", "other": "unavailable"}
    assert found["first"].reason == ("device 0 cannot be opened: it did not return within 120 s")
    assert stuck.waited_s == [PATIENCE_S]


def test_a_driver_that_hangs_when_it_is_asked_makes_its_rows_unavailable(
    plant, host: Backend, device: Fragile, stuck: Stuck
) -> None:
    plant(host, second_backend(device, probe=stuck.hang))
    found = compared(backends=("fake", "second"))
    assert statuses(found) == {"host": "ok", "other": "unavailable"}
    assert found["other"].reason == "its driver hangs: it did not return within 120 s"


def test_a_call_that_never_returned_is_known_until_it_does(stuck: Stuck) -> None:
    with pytest.raises(HungError):
        within(1.0, stuck.hang)
    assert any_left_behind()
    stuck.end()
    assert not any_left_behind()


def test_what_a_call_raises_is_raised() -> None:
    with pytest.raises(KeyboardInterrupt):
        within(PATIENCE, lambda: (_ for _ in ()).throw(KeyboardInterrupt))


# The exit code.


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with eight small images in `in`."""
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    for number in range(8):
        PIL.Image.new("L", (16, 16), number).save(f"in/{number}.png")
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_a_run_that_lost_a_device_shows_the_rows_and_ends_with_1(
    plant, host: Backend, device: Fragile
) -> None:
    plant(host, gpu_of(device, bad=device.breaks(60), good=device.takes(0.003)))
    ran = run("compare", "in/3.png", "--size", "5", "--backend", "fake,gpu", "--budget", "60")
    assert ran.code == 1
    ends = [line for line in ran.out.splitlines() if line.endswith("device lost")]
    assert [line.split()[0] for line in ends] == ["gpu:bad", "gpu:good"]
    assert f"gpu:bad, gpu:good: the device was lost while gpu:bad ran ({SAID})" in " ".join(
        ran.out.split()
    )


# A library that ends the process.


@posix
@pytest.mark.usefixtures("folder")
def test_a_run_whose_process_a_library_ends_goes_on_without_devices(
    plant, host: Backend, device: Fragile, monkeypatch: pytest.MonkeyPatch
) -> None:
    crashes = iter([-signal.SIGABRT])

    def call(command: list[str], env: dict[str, str], **_: Any) -> int:
        for code in crashes:
            return code
        monkeypatch.setenv(LOST, env[LOST])
        folder = Path(command[command.index("--resume") + 1])
        return 0 if measure_part(folder, 1, lambda question: Listener()) else 130

    plant(host, gpu_of(device, one=device.takes(0.002)))
    monkeypatch.setattr(Session, "may_be_ended", True)
    monkeypatch.setattr("blurbench.study.processes.subprocess.call", call)
    ran = run("compare", "in/3.png", "--size", "5", "--backend", "fake,gpu", "--json", "-", "-q")
    assert ran.code == 1
    rows = {row["method"]: row for row in json.loads(ran.out)["implementations"]}
    found = {name: row["status"] for name, row in rows.items()}
    assert found == {"host": "ok", "one": "device_lost"}
    assert rows["one"]["reason"] == (
        "the device was lost as its library ended the process (SIGABRT): "
        "leave it out, or update the driver"
    )


# Blurs beside any run.


@pytest.fixture
def far(plant: Callable[..., None], cupy: ModuleType) -> Iterator[Callable[..., None]]:
    """Plants the GPU backend `far`, which carries images as is asked for, on CuPy's streams."""

    def offer(carry: Callable[[Plan, Any], Any] = staging.carry) -> None:
        one = find_implementation("numpy", "separable")
        made = planted("separable", backend="far", prepare=one.prepare)
        plant(backend_of(made, name="far", kind="gpu", carry=carry, lanes=CUDA))

    plan_cache.clear()
    yield offer
    plan_cache.clear()


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From now on no stream of CuPy's comes to an end."""

    def break_all() -> None:
        monkeypatch.setattr(FakeStream, "synchronize", raising_on_call)

    return break_all


def raising_on_call(*_: Any) -> None:
    raise RuntimeError(SAID)


def blurred() -> Any:
    return gaussian_blur(np.ones((9, 8), np.float32), size=5, backend="far")


def test_a_blur_on_a_lost_device_says_so_in_one_line(
    far: Callable[..., None], broken: Callable[[], None]
) -> None:
    far(raising_on_call)
    broken()
    with pytest.raises(DeviceLostError) as raised:
        blurred()
    assert str(raised.value) == (
        f"the device of far was lost ({SAID}): begin again, and if that happens again, update "
        "its driver or use another backend"
    )


def test_an_error_of_a_device_that_works_is_raised_as_it_is(far: Callable[..., None]) -> None:
    far(raising_on_call)
    with pytest.raises(RuntimeError, match="illegal") as raised:
        blurred()
    assert type(raised.value) is RuntimeError


def test_a_librarys_own_word_for_too_little_memory_becomes_the_usual_one(
    far: Callable[..., None],
) -> None:
    error = type("OutOfMemoryError", (RuntimeError,), {})("CUDA out of memory")
    far(lambda plan, image: raising(error)(plan, image, image))
    with pytest.raises(MemoryError, match="CUDA out of memory"):
        blurred()


def blur(*arguments: str) -> Ran:
    return run("blur", *arguments, "--sigma", "1", "--backend", "far")


@pytest.mark.usefixtures("folder")
def test_blurring_a_file_on_a_lost_device_is_refused_in_one_line(
    far: Callable[..., None], broken: Callable[[], None]
) -> None:
    far(raising_on_call)
    broken()
    ran = blur("in/3.png", "-o", "out.png")
    assert (ran.code, ran.out, ran.err.count("\n")) == (3, "", 1)
    assert ran.err.startswith("Error: the device of far was lost")


def test_blurring_a_folder_ends_where_the_device_is_lost_and_goes_on_later(
    far: Callable[..., None],
    broken: Callable[[], None],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("blurbench.host.usable_cpus", lambda: 1)
    left = iter(range(3))

    def carry(plan: Plan, image: Any) -> Any:
        if next(left, None) is None:
            broken()
            raise RuntimeError(SAID)
        return plan(image)

    far(carry)
    ran = blur("in", "-o", "out")
    assert (ran.code, len(list(Path("out").iterdir()))) == (1, 3)
    error, summary = ran.err.splitlines()
    assert error.startswith("Error: the device of far was lost")
    assert summary == ("Stopped: 3 blurred, 0 kept, 0 failed, 5 left. The same command goes on.")


# The same, really, on whatever adapter there is.


@pytest.fixture
def adapter(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], WgpuDevice]]:
    """What opens a device of this test's own, or gives the one that is open."""
    if not probe().ok:
        pytest.skip(probe().explanation)
    measure_briefly(monkeypatch)
    monkeypatch.setattr("blurbench.study.point.alone.SAMPLES", 1)
    monkeypatch.setattr("blurbench.backends.wgpu.device._opened", {})
    gc.freeze()  # it is collected often, and passes over what earlier tests left
    yield open_device
    gc.unfreeze()
    plan_cache.clear()


ON_ADAPTER = {"backends": ("numpy", "wgpu"), "methods": ("separable", "fft"), "rounds": 1}


def by_name(log: Log, *sizes: int) -> dict[tuple[int, str], str]:
    return {(row.key.size, row.name): row.status for row in log.rows() if row.key.size in sizes}


class Destroying(Listener):
    """Destroys the device as the first race begins."""

    def __init__(self, adapter: Callable[[], WgpuDevice]) -> None:
        self._adapter, self.destroyed = adapter, False

    def stage(self, text: str) -> None:
        if text == "racing" and not self.destroyed:
            self.destroyed = True
            destroy(self._adapter())


def destroy(device: WgpuDevice) -> None:
    device._gpu.destroy()


def test_an_adapter_that_is_lost_ends_its_rows_and_is_opened_for_the_next_size(
    adapter: Callable[[], WgpuDevice],
) -> None:
    question = asking(3, 5, **ON_ADAPTER)
    session = Session(question.options)
    log = Log(question.describe(session, [], question.options.rules))
    assert sweep(question, session, log, Destroying(adapter))
    assert by_name(log, 3) == {
        (3, "numpy:separable"): "ok",
        (3, "numpy:fft"): "ok",
        (3, "wgpu:separable"): "device_lost",
        (3, "wgpu:fft"): "device_lost",
    }
    assert set(by_name(log, 5).values()) == {"ok"}
    reasons = {row.reason for row in log.rows() if row.status == "device_lost"}
    assert all(str(one).count("was lost") == 1 for one in reasons)


def test_a_blur_on_an_adapter_that_is_lost_says_so_and_the_next_one_works(
    adapter: Callable[[], WgpuDevice],
) -> None:
    image = np.ones((20, 30), np.float32)
    expected = gaussian_blur(image, size=5, backend="wgpu")
    destroy(adapter())
    with pytest.raises(DeviceLostError, match="Parent device is lost") as raised:
        gaussian_blur(image, size=5, backend="wgpu")
    assert len(str(raised.value).splitlines()) == 1
    assert np.array_equal(gaussian_blur(image, size=5, backend="wgpu"), expected)


def test_a_new_plan_on_an_adapter_that_is_lost_says_so_too(
    adapter: Callable[[], WgpuDevice],
) -> None:
    destroy(adapter())
    with pytest.raises(DeviceLostError):
        gaussian_blur(np.ones((20, 31), np.float32), size=5, backend="wgpu")


@contextmanager
def little_memory() -> Iterator[None]:
    """64 MiB more than this process has."""
    limits, more = resource.getrlimit(resource.RLIMIT_AS), 64 * 2**20
    has = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (has + more, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)


@linux
def test_an_adapter_without_memory_ends_the_row_that_asks_for_it(
    adapter: Callable[[], WgpuDevice], monkeypatch: pytest.MonkeyPatch
) -> None:
    blur = WgpuSeparablePlan._run

    def ask(self: WgpuSeparablePlan, image: Any, out: Any) -> None:
        if self.problem.shape == SMALL.pixels.shape:
            with little_memory():
                self.device.empty((2**13, 2**13), np.dtype(np.float32))
        blur(self, image, out)

    monkeypatch.setattr(WgpuSeparablePlan, "_run", ask)
    question = asking(5, **ON_ADAPTER)
    session = Session(question.options)
    log = Log(question.describe(session, [], question.options.rules))
    assert sweep(question, session, log)
    found = by_name(log, 5)
    assert (found[5, "wgpu:separable"], found[5, "wgpu:fft"]) == ("out_of_memory", "ok")
    reasons = {row.name: row.reason for row in log.rows()}
    assert "268435456 bytes are asked for" in str(reasons["wgpu:separable"])


def test_software_is_not_asked_for_more_memory_than_the_host_has(
    adapter: Callable[[], WgpuDevice], monkeypatch: pytest.MonkeyPatch
) -> None:
    device = adapter()
    memory = Memory(device._gpu, device.queue, device.name, 2**30, on_host=True)
    monkeypatch.setattr("blurbench.host.available_memory", lambda: 1000)
    with pytest.raises(MemoryError, match="1024 bytes are asked for and 1000 are free"):
        memory.buffer(1024)


HANGING = """
import sys, wgpu
from blurbench.backends.wgpu.separable import WgpuSeparablePlan
from blurbench.cli.main import main
from blurbench.study import devices

devices.PATIENCE_S = 2.0
LONG = '''
@group(0) @binding(0) var<storage, read_write> out: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  var x = f32(id.x);
  for (var turn = 0u; turn < 60000u; turn++) { x = x * 0.999 + 1.0; }
  out[id.x & 63u] = x;
}'''

def hang(self, image, out):
    gpu = self.device._gpu
    module = gpu.create_shader_module(code=LONG)
    pipeline = gpu.create_compute_pipeline(
        layout="auto", compute={"module": module, "entry_point": "main"}
    )
    buffer = gpu.create_buffer(size=256, usage=wgpu.BufferUsage.STORAGE)
    bindings = gpu.create_bind_group(
        layout=pipeline.get_bind_group_layout(0),
        entries=[{"binding": 0, "resource": {"buffer": buffer, "offset": 0, "size": 256}}],
    )
    with self.device.queue.commands() as encoder:
        work = encoder.begin_compute_pass()
        work.set_pipeline(pipeline)
        work.set_bind_group(0, bindings)
        work.dispatch_workgroups(65535)
        work.end()

WgpuSeparablePlan._run = hang
main()
"""
CRASHING = """
import os
from blurbench.backends.wgpu.separable import WgpuSeparablePlan

def crash(self, image, out):
    os.abort()

if "BLURBENCH_PARENT_PIPE" in os.environ and "BLURBENCH_LOST" not in os.environ:
    WgpuSeparablePlan._run = crash
"""
ASKED = ("in/3.png", "--size", "5", "--backend", "numpy,wgpu", "--method", "separable,fft")
BRIEF = ("--budget", "20", "--rounds", "1", "--quiet", "--json", "-")
REALLY = pytest.mark.rest("processes")
LOST_ON_ADAPTER = {
    "numpy:separable": "ok",
    "numpy:fft": "ok",
    "wgpu:fft": "device_lost",
}


def statuses_of(written: str) -> dict[str, str]:
    found = json.loads(written)["implementations"]
    return {row["implementation"]: row["status"] for row in found}


@REALLY
@pytest.mark.usefixtures("adapter", "folder")
def test_a_launch_without_an_end_times_out_and_the_process_ends() -> None:
    command = [sys.executable, "-c", HANGING, "compare", *ASKED, *BRIEF]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, env=here())
    assert ended.returncode == 1
    assert statuses_of(ended.stdout) == {**LOST_ON_ADAPTER, "wgpu:separable": "timed_out"}


@REALLY
@posix
@pytest.mark.usefixtures("adapter")
def test_a_process_that_ends_with_its_device_leaves_the_rows_of_the_cpu(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "sitecustomize.py").write_text(CRASHING)
    monkeypatch.setenv("PYTHONPATH", here(str(folder))["PYTHONPATH"])
    monkeypatch.setattr(Session, "may_be_ended", True)
    ran = run("compare", *ASKED, *BRIEF)
    assert ran.code == 1
    assert statuses_of(ran.out) == {**LOST_ON_ADAPTER, "wgpu:separable": "device_lost"}


@REALLY
@pytest.mark.usefixtures("adapter", "folder")
def test_two_processes_share_an_adapter() -> None:
    command, pipe = [*COMMAND, "compare", *ASKED, *BRIEF], subprocess.PIPE
    both = [subprocess.Popen(command, stdout=pipe, text=True, env=here()) for _ in range(2)]
    written = [one.communicate(timeout=PATIENCE)[0] for one in both]
    assert [one.returncode for one in both] == [0, 0]
    for text in written:
        assert set(statuses_of(text).values()) == {"ok"}


def here(*first: str) -> dict[str, str]:
    """The environment, in which processes import what this one does."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([*first, *filter(None, sys.path)])}


# Two processes on a device.


def nvml(*pids: int) -> SimpleNamespace:
    return SimpleNamespace(
        nvmlInit=lambda: None,
        nvmlDeviceGetHandleByPciBusId=lambda bus_id: bus_id,
        nvmlDeviceGetComputeRunningProcesses=lambda handle: [
            SimpleNamespace(pid=pid) for pid in pids
        ],
    )


OURS, PARENTS, STRANGERS = os.getpid(), os.getppid(), 10**9


@pytest.mark.parametrize(
    ("pids", "shared"),
    [
        pytest.param((OURS, STRANGERS), True, id="a stranger"),
        pytest.param((OURS, PARENTS), False, id="who began this process"),
        pytest.param((OURS,), False, id="nobody"),
        pytest.param((STRANGERS,), False, id="in a container, perhaps this process"),
    ],
)
def test_a_device_on_which_others_compute_is_shared(pids: tuple[int, ...], shared: bool) -> None:
    assert is_shared("0000:3B:00.0", lambda: nvml(*pids)) is shared


def test_where_nvml_does_not_tell_a_device_is_not_called_shared() -> None:
    assert not is_shared("0000:3B:00.0", lambda: SimpleNamespace(nvmlInit=raising_on_call))
