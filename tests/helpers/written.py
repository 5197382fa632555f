"""Logs that are written by hand."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from blurbench.analysis.crossing import Crossover, find_crossovers
from blurbench.analysis.ordering import Ordering
from blurbench.measure.judge import Rules
from blurbench.measure.stats import Estimate
from blurbench.records.declared import Declared
from blurbench.records.journal import Journal, Log, Run
from blurbench.records.record import Record
from blurbench.records.summary import Key
from blurbench.study.crossover import points_of

SAME = 0.03
COMMON = {
    "image": "a picture",
    "height": 24,
    "width": 32,
    "channels": 3,
    "border": "mirror",
    "cval": 0.0,
    "dtype": "float32",
    "cache": "hot",
}


def declared_of(*names: str) -> tuple[Declared, ...]:
    """Implementations by name; backends whose names begin with `gpu` are GPUs, `mine` is yours."""
    parts = [name.split(":") for name in names]
    return tuple(
        Declared(
            backend,
            method,
            "yours" if backend == "mine" else "ours",
            method not in ("deriche", "vyv"),
            "gpu" if backend.startswith("gpu") else "cpu",
        )
        for backend, method in parts
    )


class Written:
    """A log that is written by hand: what was measured at each size, in rounds without chance.

    Args:
        names: of the implementations; `fake:` goes without saying.
        about: the run's description, in part.
    """

    def __init__(
        self,
        *names: str,
        rules: Rules | None = None,
        threads: int = 2,
        machine_id: str = "abc",
        common: Mapping[str, Any] = COMMON,
        sizes: Iterable[int] = (3, 255),
        sigma: float | None = None,
        **about: Any,
    ) -> None:
        self.names = [name if ":" in name else f"fake:{name}" for name in names]
        self.common, self.sigma = dict(common), sigma
        height, width, channels = (common[name] for name in ("height", "width", "channels"))
        described: dict[str, Any] = {
            "study": "crossover",
            "started_at_utc": "2026-01-01T00:00:00.000000+00:00",
            "images": [
                {
                    "path": common["image"],
                    "absolute_path": None,
                    "resized": None,
                    "cropped": None,
                    "height": height,
                    "width": width,
                    "channels": channels,
                    "dtype": "uint8",
                    "sha256": "0123",
                }
            ],
            "kernels": [{"size": size, "sigma": self._sigma(size)} for size in sizes],
            "image_sizes": [],
            "options": {name: common[name] for name in ("border", "cval", "dtype", "cache")},
            "seed": 1,
            "machine": {"cpu": "Z80", "cpus": 1, "usable_cpus": 1, "gpus": []},
            "versions": {"blurbench": "1", "numpy": "2"},
            "unavailable": {},
            **about,
        }
        run = Run("run", threads, declared_of(*self.names), rules or Rules(), machine_id, described)
        self.log = Log(run)

    def _sigma(self, size: int) -> float:
        return self.sigma or 0.15 * size + 0.35

    def _full(self, name: str) -> str:
        return name if ":" in name or name in ("control", "yardstick") else f"fake:{name}"

    def record(
        self, size: int, name: str, scope: str | None, seconds: float | None = None, **more: Any
    ) -> Written:
        """Anything at all."""
        key = Key(
            implementation=self._full(name),
            size=size,
            sigma=self._sigma(size),
            threads=self.log.run.threads,
            **{**self.common, **more.pop("key", {})},
        )
        self.log.append(Record(key, scope, seconds, **more))
        return self

    def race(
        self,
        size: int,
        seconds: Mapping[str, float],
        *,
        rounds: int = 16,
        spread: float = 0.001,
        control: float | None = 1.0,
        scope: str = "end_to_end",
        process: int = 1,
        **more: Any,
    ) -> Written:
        """Rounds of those that are named, whose times go up and down in turns.

        Args:
            control: the ratio of the reference to itself; None races without a control.
        """
        reference = min(seconds, key=lambda name: seconds[name])
        for number in range(-2 if process == 1 else 1, rounds + 1):
            times = dict(seconds)
            if number > 0 and control is not None:
                times["control"] = seconds[reference] * control
            for position, (name, expected) in enumerate(times.items()):
                wave = math.exp(spread * (position + 1) * (-1) ** number)
                self.record(
                    size,
                    name,
                    scope,
                    expected * wave,
                    round=number,
                    position=position,
                    competitors=len(times),
                    process=process,
                    **more,
                )
        return self

    def begins(
        self, size: int, name: str, setup_s: float, first_call_s: float, **more: Any
    ) -> Written:
        """What the making of a plan and its first call took."""
        self.record(size, name, "setup", setup_s, **more)
        return self.record(size, name, "first_call", first_call_s, max_abs_error=0.0, **more)

    def out(self, size: int, name: str, status: str, reason: str = "so it is") -> Written:
        """One that is out of the running."""
        return self.record(size, name, "end_to_end", status=status, reason=reason)

    def closes(self, size: int, process: int = 1) -> Written:
        """The last word on every implementation."""
        for name in self.names:
            self.record(size, name, None, process=process)
        return self

    def crossovers(self) -> dict[tuple[str, str, str], Crossover]:
        """By the methods, or names, of the two, and the scope."""
        return {
            (one.first.removeprefix("fake:"), one.second.removeprefix("fake:"), one.scope): one
            for one in find_crossovers(points_of(self.log))
        }

    def only(self) -> Crossover:
        (one,) = find_crossovers(points_of(self.log))
        return one


def exact(ratio: float) -> Estimate:
    """A ratio that is known to a thousandth."""
    return Estimate(ratio, ratio / 1.001, ratio * 1.001)


def vague(ratio: float) -> Estimate:
    """A ratio that may lie on either side of 1."""
    return Estimate(ratio, min(ratio, 1.0) / 1.2, max(ratio, 1.0) * 1.2)


def unknown(ratio: float) -> Estimate:
    """A ratio from rounds too few for an interval."""
    return Estimate(ratio, None, None)


def order(ratios: Mapping[int, Estimate | float]) -> Ordering:
    """Numbers are known exactly."""
    return Ordering(
        {size: exact(one) if isinstance(one, float) else one for size, one in ratios.items()}, SAME
    )


class Copied(Written):
    """A log whose records go to a folder too."""

    def __init__(self, folder: str, *names: str, **more: Any) -> None:
        options = {**COMMON, **more.get("common", {}), "backends": (), "methods": ()}
        super().__init__(*names, **{"study": "sweep", "options": options, **more})
        self.folder = Path(folder)
        self.log: Log = Journal.create(self.folder, self.log.run)

    def done(self) -> str:
        for findings in list(self.log.points.values()):
            for name in self.names:
                self.record(findings.point.size, name, None, key=sides(findings.point))
        assert isinstance(self.log, Journal)
        self.log.finish()
        return str(self.folder)


def sides(point: Any) -> dict[str, int]:
    return {"width": point.width, "height": point.height}
