"""A library user's `multiprocessing.Pool`: forked processes blur, or say why they do not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import blurbench
from blurbench.backends.registry import backends, find_backend, probe
from blurbench.errors import CannotRunError
from blurbench.forks import Home
from helpers.process import PATIENCE

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")

REST = pytest.mark.rest("processes")
# Large enough for threads to be woken; the pool is forked once these have been.
USER = """
import multiprocessing, sys
import numpy as np
import blurbench

backend, method = sys.argv[1:]
image = np.random.default_rng(0).random((700, 800, 3), np.float32)

def blur(top):
    how = {"backend": backend, "method": method, "threads": 2}
    return float(blurbench.gaussian_blur(image[top:], size=15, **how).sum())

if __name__ == "__main__":
    before = [blur(top) for top in (0, 1)]
    with multiprocessing.get_context("fork").Pool(2) as pool:
        try:
            print("same" if pool.map_async(blur, (0, 1)).get(20) == before else "different")
        except multiprocessing.TimeoutError:
            print("hangs")
        except RuntimeError as error:
            print(type(error).__name__, error)
    assert blur(0) == before[0]
"""


def use(folder: Path, *arguments: str, code: str = USER) -> str:
    """What a user's program prints, in a process of its own."""
    (folder / "user.py").write_text(code, "utf-8")
    root = str(Path(blurbench.__file__).parent.parent)
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "user.py", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


EXACT = [
    pytest.param(name, one.method, marks=[REST] * (name != "scipy" or one.method != "fft"))
    for name, backend in backends().items()
    if backend.kind == "cpu" and name != "pyvips"
    for one in backend.implementations
    if one.exact
]


@pytest.mark.parametrize(("backend", "method"), EXACT)
def test_a_forked_pool_blurs_as_its_parent_did(backend: str, method: str, tmp_path: Path) -> None:
    state = probe(find_backend(backend))
    if not state.ok:
        pytest.skip(f"{backend} cannot run here: {state.explanation}")
    assert use(tmp_path, backend, method) == "same"


@pytest.mark.parametrize("backend", ["pyvips", pytest.param("wgpu", marks=REST)])
def test_what_cannot_run_in_a_fork_says_why(backend: str, tmp_path: Path) -> None:
    state = probe(find_backend(backend))
    if not state.ok:
        pytest.skip(f"{backend} cannot run here: {state.explanation}")
    assert use(tmp_path, backend, "separable") == (
        f"CannotRunError {backend} cannot run in a fork of a process where it has run, for its "
        "threads do not come along: start processes by spawn or forkserver, or take another backend"
    )


def test_a_library_is_at_home_where_it_first_ran(monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home("far")
    home.check()
    home.check()
    monkeypatch.setattr(os, "getpid", lambda: -1)
    with pytest.raises(CannotRunError, match="far cannot run in a fork"):
        home.check()


HELD = """
import os, signal, threading, time
from blurbench.cache import IdleCache

class Slow:
    nbytes = 0
    def __hash__(self):
        entered.set()
        time.sleep(0.3)
        return 1

entered, cache = threading.Event(), IdleCache(10)

def look():
    with cache.borrow(Slow(), Slow):
        pass

threading.Thread(target=look).start()
entered.wait()
child = os.fork()
if child == 0:
    signal.alarm(5)
    with cache.borrow("another", Slow):
        os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@REST
def test_a_fork_leaves_no_lock_of_another_thread_behind(tmp_path: Path) -> None:
    assert use(tmp_path, code=HELD) == "0"


PICKLED = """
import multiprocessing
import blurbench

if __name__ == "__main__":
    plan = blurbench.prepare((4, 4), size=3)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        try:
            pool.map(plan, [1, 2])
        except TypeError as error:
            print(error)
"""


@REST
def test_a_pool_that_is_given_a_plan_says_why_it_cannot_be(tmp_path: Path) -> None:
    assert use(tmp_path, code=PICKLED) == (
        "a plan holds work memory and compiled code and cannot be pickled: "
        "pickle the arguments of blurbench.prepare, and prepare it there"
    )
