"""A pipeline on a device that remembers what must come before what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from blurbench.study.point.pipeline import SLOTS, Pipeline

Array = np.ndarray[Any, Any]
IMAGE = np.arange(6, dtype=np.float32).reshape(2, 3)


@dataclass(frozen=True)
class Step:
    """A piece of queued work: what it reads and writes, and which steps are done before it."""

    kind: str
    stream: str
    reads: int
    writes: int
    before: frozenset[int]


class Streams:
    """Works off its queues at once, and keeps for every step which ones must precede it."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.page_locked: list[int] = []
        self._past: dict[str, frozenset[int]] = {}

    def empty(self, shape: tuple[int, ...], dtype: Any) -> Array:
        return np.zeros(shape, dtype)

    def pinned(self, shape: tuple[int, ...], dtype: Any) -> Array:
        array = np.zeros(shape, dtype)
        self.page_locked.append(id(array))
        return array

    def stream(self, name: str) -> str:
        return name

    def upload(self, host: Array, device: Array, stream: str = "work") -> None:
        device[...] = host
        self._queue("upload", stream, host, device)

    def download(self, device: Array, host: Array, stream: str = "work") -> None:
        host[...] = device
        self._queue("download", stream, device, host)

    def record(self, stream: str = "work") -> frozenset[int]:
        return self._past.get(stream, frozenset())

    def wait(self, event: frozenset[int], stream: str = "work") -> None:
        self._past[stream] = self._past.get(stream, frozenset()) | event

    def blur(self, image: Array, out: Array) -> None:
        out[...] = image + 1
        self._queue("blur", "work", image, out)

    def _queue(self, kind: str, stream: str, source: Array, target: Array) -> None:
        before = self._past.get(stream, frozenset())
        self._past[stream] = before | {len(self.steps)}
        self.steps.append(Step(kind, stream, id(source), id(target), before))

    def unordered(self) -> Iterator[tuple[Step, Step]]:
        """Pairs of steps that may run at the same time."""
        for (number, first), (_, second) in combinations(enumerate(self.steps), 2):
            if number not in second.before:
                yield first, second


def ran(images: int) -> tuple[Streams, Pipeline]:
    streams = Streams()
    pipeline = Pipeline(streams, streams.blur, IMAGE)  # type: ignore[arg-type]
    pipeline.run(images)
    return streams, pipeline


@pytest.mark.parametrize("images", range(1, 9))
def test_no_two_steps_that_may_overlap_touch_the_same_memory(images: int) -> None:
    clashes = [
        (first.kind, second.kind)
        for first, second in ran(images)[0].unordered()
        if first.writes in (second.reads, second.writes) or first.reads == second.writes
    ]
    assert clashes == []


@pytest.mark.parametrize("copy", ["upload", "download"])
def test_copies_may_overlap_with_blurs(copy: str) -> None:
    pairs = [{first.kind, second.kind} for first, second in ran(8)[0].unordered()]
    assert {copy, "blur"} in pairs


def test_uploads_may_overlap_with_downloads() -> None:
    pairs = [{first.kind, second.kind} for first, second in ran(8)[0].unordered()]
    assert {"upload", "download"} in pairs


def test_each_kind_of_step_has_a_stream_of_its_own() -> None:
    streams = {(step.kind, step.stream) for step in ran(8)[0].steps}
    assert len(streams) == len({stream for _, stream in streams}) == 3


def test_every_image_goes_there_is_blurred_and_comes_back() -> None:
    kinds = [step.kind for step in ran(5)[0].steps]
    assert kinds == ["upload", "blur", "download"] * 5


def test_whoever_waits_for_the_work_waits_for_every_download() -> None:
    streams, _ = ran(5)
    assert streams.record() == set(range(len(streams.steps)))


def test_nothing_arrives_before_the_work_is_done_that_may_have_used_the_memory() -> None:
    streams = Streams()
    pipeline = Pipeline(streams, streams.blur, IMAGE)  # type: ignore[arg-type]
    streams.blur(IMAGE, np.empty_like(IMAGE))
    pipeline.run(1)
    assert 0 in streams.steps[1].before


def test_both_ends_of_a_pipeline_are_page_locked() -> None:
    streams, _ = ran(3)
    hosts = {step.reads for step in streams.steps if step.kind == "upload"}
    hosts |= {step.writes for step in streams.steps if step.kind == "download"}
    assert hosts <= set(streams.page_locked)


def test_what_comes_back_is_blurred() -> None:
    outs = ran(SLOTS)[1].outs
    assert all(np.array_equal(out, IMAGE + 1) for out in outs)
