"""Threads that help with a compiled blur; here blurs are plain functions that take turns."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from blurbench.backends import numba as owner
from blurbench.backends.numba.team import Team

STATE = owner.backend.probe()

# Its members listen in compiled code; `make test` installs what compiles it.
pytestmark = pytest.mark.skipif(not STATE.ok, reason=STATE.explanation)
LONG = 30.0  # seconds after which a test has failed


@pytest.fixture
def team() -> Iterator[Team]:
    team = Team()
    yield team
    team.dismiss()


def test_one_thread_does_all_where_no_more_are_asked_for(team: Team) -> None:
    called = []
    team.run(lambda turns, thread: called.append((thread, threading.get_ident())), 1, 1)
    assert called == [(0, threading.get_ident())]


def test_each_thread_that_helps_has_a_number_of_its_own(team: Team) -> None:
    met = threading.Barrier(3, timeout=LONG)
    numbers = []

    def blur(turns: Any, thread: int) -> None:
        numbers.append(thread)
        met.wait()

    team.run(blur, 1, 3)
    assert sorted(numbers) == [0, 1, 2]


def test_members_help_again_and_again_also_after_they_fell_asleep(team: Team) -> None:
    for pause in (0, 0, 0.3):
        met = threading.Barrier(2, timeout=LONG)
        threading.Event().wait(pause)
        team.run(lambda turns, thread, met=met: met.wait(), 1, 2)


def test_nobody_is_waited_for_who_is_not_at_work(team: Team) -> None:
    held, let_go = threading.Event(), threading.Event()

    def hold(turns: Any, thread: int) -> None:
        if thread:
            held.set()
            let_go.wait(LONG)
        else:
            held.wait(LONG)

    team.run(hold, 1, 2)  # the helper has not counted itself
    team.run(lambda turns, thread: None, 1, 2)
    let_go.set()


def test_whoever_is_at_work_is_waited_for(team: Team) -> None:
    begun, done = threading.Event(), []

    def blur(turns: Any, thread: int) -> None:
        if not thread:
            begun.wait(LONG)
            return
        turns[2][1] += 1
        begun.set()
        threading.Event().wait(0.1)
        done.append(thread)
        turns[2][1] -= 1

    team.run(blur, 1, 2)
    assert done == [1]


def test_what_a_helper_raises_reaches_the_caller(team: Team) -> None:
    begun = threading.Event()

    def blur(turns: Any, thread: int) -> None:
        if thread:
            turns[2][1] += 1
            begun.set()
            raise MemoryError("no room")
        begun.wait(LONG)

    with pytest.raises(MemoryError, match="no room"):
        team.run(blur, 1, 2)


def test_after_an_interrupt_no_more_turns_are_taken(team: Team) -> None:
    boards = []

    def blur(turns: Any, thread: int) -> None:
        boards.append(turns[2])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        team.run(blur, 1, 2)
    assert boards[0][0] >= 2**62


BLUR = """
import numpy as np, os, sys
from blurbench import gaussian_blur
image = np.ones((900, 900), np.float32)
blur = lambda: gaussian_blur(image, size=9, backend="numba", threads=3)
blur()
"""


def test_a_process_ends_that_has_a_team() -> None:
    subprocess.run([sys.executable, "-c", BLUR], check=True, timeout=120)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_a_forked_child_has_a_team_of_its_own() -> None:
    fork = "child = os.fork()\nblur()\nif child: sys.exit(os.waitpid(child, 0)[1])\n"
    subprocess.run([sys.executable, "-c", BLUR + fork], check=True, timeout=120)


def test_several_callers_at_once_get_what_each_gets_alone() -> None:
    from blurbench import prepare

    images = np.random.default_rng(0).random((4, 600, 700), np.float32)
    plans = [prepare(images[0].shape, size=9, backend="numba", threads=3) for _ in images]
    expected = [prepare(one.shape, size=9, backend="numba", threads=1)(one) for one in images]
    wrong = []

    def blur(number: int) -> None:
        for _ in range(20):
            if not np.array_equal(plans[number](images[number]), expected[number]):
                wrong.append(number)

    callers = [threading.Thread(target=blur, args=(number,)) for number in range(len(images))]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert wrong == []
