"""What is told of a device is its own time, whatever host, queue, links and sensors do."""

from __future__ import annotations

import time

import numpy as np
import pytest

from blurbench.backends.device import HOLD_S, EventClock
from blurbench.kernel import GaussianKernel
from blurbench.problem import Problem
from blurbench.study.point.alone import time_alone
from blurbench.study.point.bandwidth import time_device_copies
from blurbench.study.point.device_cells import DeviceCell, DevicePlace
from helpers.queueing import ASLEEP_S, LAUNCH_S, HostClock, QueueingDevice, blurring

PROBLEM = Problem(GaussianKernel.from_size(5), (6, 7), np.dtype("float32"))
IMAGE = np.ones(PROBLEM.shape, PROBLEM.dtype)
KERNEL_S = 3.5e-5  # a blur of 4096x4096 pixels on a large GPU


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> HostClock:
    clock = HostClock()
    monkeypatch.setattr(time, "perf_counter", clock)
    return clock


@pytest.fixture
def device(host: HostClock) -> QueueingDevice:
    return QueueingDevice(host)


@pytest.fixture
def clock(device: QueueingDevice, host: HostClock) -> EventClock:
    return EventClock(device, host)


@pytest.fixture
def cell(device: QueueingDevice) -> DeviceCell:
    return DeviceCell(blurring(device, KERNEL_S), PROBLEM, [IMAGE], DevicePlace(device, [IMAGE]))


# The events.


@pytest.mark.parametrize("seconds", [3e-6, KERNEL_S, 1e-3])
def test_the_time_of_a_call_is_the_devices(
    clock: EventClock, device: QueueingDevice, seconds: float
) -> None:
    found = clock.measure(lambda: device.launch(seconds), 500) / 500
    assert (found, clock.stalled) == (pytest.approx(seconds, rel=0.02), False)


@pytest.mark.parametrize("stall_s", [0.005, 0.03], ids=["while it is held", "for longer"])
def test_a_host_that_stalls_while_it_queues_changes_nothing(
    clock: EventClock, device: QueueingDevice, stall_s: float
) -> None:
    device.stalls[30] = stall_s
    found = clock.measure(lambda: device.launch(KERNEL_S), 100) / 100
    assert (found, clock.stalled) == (pytest.approx(KERNEL_S, rel=0.02), False)


def test_a_first_call_that_is_slow_to_launch_costs_its_own_time_alone(
    clock: EventClock, device: QueueingDevice, host: HostClock
) -> None:
    device.stalls[1], began = 0.1, host.now
    clock.measure(lambda: device.launch(KERNEL_S), 100)
    assert host.now - began < 0.1 + HOLD_S


def test_more_launches_in_a_call_than_the_queue_takes_in_are_marked(
    clock: EventClock, device: QueueingDevice
) -> None:
    def deep() -> None:
        for _ in range(3000):
            device.launch(1e-6)

    found = clock.measure(deep, 2) / 2
    assert clock.stalled
    assert found > 3000 * 1e-6


def test_a_call_that_waits_for_the_device_is_marked_and_does_not_wait_for_long(
    clock: EventClock, device: QueueingDevice, host: HostClock
) -> None:
    def waiting() -> None:
        device.launch(KERNEL_S)
        device.synchronize()

    began = host.now
    clock.measure(waiting, 3)
    assert clock.stalled
    assert host.now - began < 5 * HOLD_S


def test_a_mark_is_of_one_measurement(clock: EventClock, device: QueueingDevice) -> None:
    clock.measure(device.synchronize, 1)
    assert clock.stalled
    clock.measure(lambda: device.launch(KERNEL_S), 1)
    assert not clock.stalled


def test_a_call_that_raises_leaves_the_device_free(
    clock: EventClock, device: QueueingDevice, host: HostClock
) -> None:
    def worn_out() -> None:
        if device.launches > 5:
            raise RuntimeError
        device.launch(KERNEL_S)

    with pytest.raises(RuntimeError):
        clock.measure(worn_out, 100)
    began = host.now
    device.synchronize()
    assert host.now - began < HOLD_S / 2


# What a cell tells of its costs, and of its samples.


def test_compute_costs_what_the_device_takes_and_not_the_way_there(cell: DeviceCell) -> None:
    cost = cell.costs["compute"]
    assert cost.call_s == pytest.approx(KERNEL_S, rel=0.1)
    assert cost.launch_s == pytest.approx(LAUNCH_S, rel=0.1)
    assert cell.cost_s > 10 * KERNEL_S


def test_a_stall_while_costs_are_learnt_is_not_taken_for_one(device: QueueingDevice) -> None:
    place, blur = DevicePlace(device, [IMAGE]), blurring(device, KERNEL_S)
    DeviceCell(blur, PROBLEM, [IMAGE], place)
    needed = device.launches
    for launch in range(needed // 2, needed, 3):
        device.stalls[needed + launch] = 0.002
    cost = DeviceCell(blur, PROBLEM, [IMAGE], place).costs["compute"]
    assert cost.call_s == pytest.approx(KERNEL_S, rel=0.1)


@pytest.mark.parametrize("loops", [1, 300])
@pytest.mark.parametrize("scope", ["compute", "end_to_end"])
def test_the_costs_of_a_scope_tell_what_measuring_it_takes(
    device: QueueingDevice, host: HostClock, scope: str, loops: int
) -> None:
    cell = DeviceCell(blurring(device, KERNEL_S), PROBLEM, [IMAGE], DevicePlace(device, [IMAGE]))
    cost, began = cell.costs[scope], host.now
    cell.scopes[scope](loops)
    expected = loops * (cost.call_s + cost.launch_s) + cost.untimed_s
    assert host.now - began == pytest.approx(expected, rel=0.1)


def test_a_way_there_that_has_fallen_asleep_is_woken_before_the_sample(
    cell: DeviceCell, host: HostClock
) -> None:
    awake = cell.scopes["end_to_end"](1)
    host.now += 2 * ASLEEP_S
    assert cell.scopes["end_to_end"](1) == pytest.approx(awake, rel=0.1)


@pytest.mark.parametrize(("launches", "stalled"), [(1, False), (3000, True)])
def test_a_sample_of_compute_tells_whether_the_device_waited(
    device: QueueingDevice, launches: int, stalled: bool
) -> None:
    blur = blurring(device, KERNEL_S, launches)
    cell = DeviceCell(blur, PROBLEM, [IMAGE], DevicePlace(device, [IMAGE]))
    cell.scopes["compute"](2)
    assert cell.conditions["stalled"] is stalled


def test_a_sample_end_to_end_says_nothing_of_that(cell: DeviceCell) -> None:
    cell.scopes["end_to_end"](2)
    assert "stalled" not in cell.conditions


# What cells share, and what is copied.


def test_a_second_cell_takes_no_more_memory_for_what_arrives_and_results(
    device: QueueingDevice,
) -> None:
    place = DevicePlace(device, [IMAGE])
    before = device.arrays
    for _ in range(2):
        DeviceCell(blurring(device, KERNEL_S), PROBLEM, [IMAGE], place)
    assert device.arrays == before


@pytest.mark.parametrize("ways", [(4e-5, 3.5e-5), (3.5e-5, 4e-5)])
def test_the_yardstick_is_the_faster_way_to_copy(
    device: QueueingDevice, ways: tuple[float, float]
) -> None:
    device.ways = ways
    samples = list(time_device_copies(DevicePlace(device, [IMAGE]), done=0))
    found = min(one.elapsed_s / one.loops for one in samples)
    assert found == pytest.approx(3.5e-5, rel=0.02)


def test_a_graph_that_is_slow_at_first_is_repeated_as_often_as_any(
    cell: DeviceCell, device: QueueingDevice, host: HostClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "capture", lambda call: call)
    device.stalls[device.launches + 8] = 0.01  # once it is seen that it blurs
    samples = list(time_alone(cell, "compute_graph", 0, host, end=host.now + 10))
    assert min(one.loops for one in samples) > 30
