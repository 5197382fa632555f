"""A plugin for pytest: runs one test in so many, and tells as it goes what became of each.

A run that is stopped then leaves the names of the tests that it finished, and of those that it
did not.
"""

from __future__ import annotations

from pathlib import Path

import pytest

COLLECTED, STARTED = "collected", "started"
MADE_ONCE = {"compared", "swept", "crossed"}  # fixtures of test_device_runs.py that take long


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--shard", default="0/1", help="NUMBER/OF: the tests of this shard alone")
    parser.addoption("--told", type=Path, help="the file that tells what became of each test")


class Teller:
    """Writes a line for whatever happens to a test."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def tell(self, what: str, test: str) -> None:
        with self._path.open("a", encoding="utf-8") as told:
            told.write(f"{what}\t{test}\n")

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.tell(STARTED, nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or not report.passed:
            self.tell(report.outcome, report.nodeid)


def pytest_configure(config: pytest.Config) -> None:
    path = config.getoption("--told")
    if path is not None:
        config.pluginmanager.register(Teller(path), "teller")


@pytest.hookimpl(trylast=True)  # of what others leave
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Neighbours, which take about as long, go to different shards, but for what they share."""
    number, of = map(int, config.getoption("--shard").split("/"))
    units: dict[str, list[pytest.Item]] = {}
    for item in items:
        shared = MADE_ONCE.intersection(getattr(item, "fixturenames", ()))
        units.setdefault(min(shared, default=item.nodeid), []).append(item)
    items[:] = [item for unit in list(units.values())[number::of] for item in unit]
    teller = config.pluginmanager.get_plugin("teller")
    if teller is not None:
        for item in items:
            teller.tell(COLLECTED, item.nodeid)
