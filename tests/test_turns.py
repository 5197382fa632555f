"""Turns on a device: how many blurs at a time, on which streams, in how much of its memory."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

from blurbench.backends.lanes import Lanes
from blurbench.backends.registry import find_implementation
from blurbench.folders.turns import AT_ONCE, Turns, TurnsOf
from blurbench.plan import Plan
from blurbench.problem import Problem
from helpers.command import run
from helpers.planted import backend_of
from helpers.process import PATIENCE


class Card:
    """A device that notes how many work on its lanes, and refuses two on one lane."""

    def __init__(self, free: int = 10**9) -> None:
        self.free, self.opened, self.most = free, 0, 0
        self.busy: set[int] = set()
        self.lock = threading.Lock()
        self.lanes = Lanes(threading.get_ident, self._open, lambda: self.free)

    def _open(self) -> AbstractContextManager[None]:
        self.opened += 1
        return Lane(self, self.opened)


class Lane(AbstractContextManager[None]):
    def __init__(self, card: Card, number: int) -> None:
        self._card, self._number = card, number

    def __enter__(self) -> None:
        card = self._card
        with card.lock:
            assert self._number not in card.busy
            card.busy.add(self._number)

    def __exit__(self, *_: object) -> None:
        with self._card.lock:
            self._card.busy.remove(self._number)


def work_in_threads(card: Card, nbytes: int, meeting: int) -> int:
    """How many of eight threads had a turn at the same time; the first few wait for one another."""
    turns, met, lock = Turns(card.lanes), threading.Barrier(meeting), threading.Lock()
    inside, most = [0], [0]
    left_to_meet = [meeting]

    def work(number: int) -> None:
        with turns.take(nbytes):
            with lock:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                meets = left_to_meet[0] > 0
                left_to_meet[0] -= 1
            if meets:
                met.wait(PATIENCE)
            with lock:
                inside[0] -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    return most[0]


def test_as_many_have_a_turn_as_there_are_lanes() -> None:
    card = Card()
    assert work_in_threads(card, 1, meeting=AT_ONCE) == AT_ONCE
    assert (card.opened, card.busy) == (AT_ONCE, set())


def test_two_that_do_not_fit_in_half_of_the_memory_go_one_after_the_other() -> None:
    assert work_in_threads(Card(free=200), 51, meeting=1) == 1


def test_two_that_fit_go_together() -> None:
    assert work_in_threads(Card(free=200), 50, meeting=2) == 2


def test_one_that_is_larger_than_the_memory_is_let_in_alone() -> None:
    assert work_in_threads(Card(free=200), 10_000, meeting=1) == 1


def test_who_fails_gives_his_lane_and_memory_back() -> None:
    card = Card(free=200)
    turns = Turns(card.lanes)
    for _ in range(2 * AT_ONCE):
        with pytest.raises(MemoryError), turns.take(100):
            raise MemoryError
    assert card.busy == set()


def test_backends_on_the_same_devices_share_turns() -> None:
    turns_of, card, other = TurnsOf(), Card(), Card()
    assert turns_of(card.lanes) is turns_of(card.lanes)
    assert turns_of(card.lanes) is not turns_of(other.lanes)
    assert card.opened == AT_ONCE


# A folder.


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """A folder `in` of so many images, and more CPUs than a device has lanes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("blurbench.host.usable_cpus", lambda: 6)
    Path("in").mkdir()
    for number in range(8):
        PIL.Image.new("RGB", (16, 12), (number, 5, 9)).save(f"in/{number}.png")
    return 8


class Blurs:
    """How many of a GPU backend's blurs ran at the same time, of which `meeting` wait."""

    def __init__(self, card: Card, meeting: int) -> None:
        self.most = 0
        self.card, self._met, self._left = card, threading.Barrier(meeting), meeting

    def carry(self, plan: Plan, image: Any) -> Any:
        with self.card.lock:
            self.most = max(self.most, len(self.card.busy))
            meets, self._left = self._left > 0, self._left - 1
        if meets:
            self._met.wait(PATIENCE)
        return plan(image)


@pytest.fixture
def blurs(plant: Callable[..., None]) -> Callable[[int, int], Blurs]:
    """Plants the backend `far` on a card with so much free memory."""
    one = find_implementation("numpy", "separable")

    def offer(free: int, meeting: int) -> Blurs:
        blurs = Blurs(Card(free), meeting)
        far = replace(one, backend="far", work_bytes=work_bytes)
        lanes = blurs.card.lanes
        plant(backend_of(far, name="far", kind="gpu", carry=blurs.carry, lanes=lanes))
        return blurs

    return offer


def work_bytes(problem: Problem) -> int:
    return 10 * problem.image_bytes


def blur_folder() -> None:
    ran = run("blur", "in", "-o", "out", "--sigma", "1", "--backend", "far")
    assert (ran.code, len(list(Path("out").iterdir()))) == (0, 8), ran.err


@pytest.mark.usefixtures("folder")
def test_a_folder_is_blurred_on_every_lane_of_a_gpu(blurs: Callable[[int, int], Blurs]) -> None:
    counted = blurs(10**9, AT_ONCE)
    blur_folder()
    assert counted.most == AT_ONCE


@pytest.mark.usefixtures("folder")
def test_a_folder_is_blurred_as_the_memory_of_the_gpu_allows(
    blurs: Callable[[int, int], Blurs],
) -> None:
    one = 12 * 16 * 3 * (2 + 10)  # image, result and work
    counted = blurs(3 * one, 1)
    blur_folder()
    assert counted.most == 1
