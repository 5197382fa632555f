"""What a comparison found, and the document that says so to other programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from blurbench.kernel import GaussianKernel
from blurbench.measure.judge import Result, Rules
from blurbench.problem import Problem
from blurbench.records.copies import CopySpeed
from blurbench.records.evidence import Difference
from blurbench.records.gpu_pays import gpu_pays
from blurbench.records.journal import Log, Run
from blurbench.records.lead import lead_of
from blurbench.records.scopes import RANKING_SCOPE
from blurbench.records.summary import Key, Row, as_written


@dataclass
class Answer:
    """What a comparison found on one image.

    Attributes:
        image: its name.
        file_type: of the pixels in its file; empty where an earlier version did not keep it.
        rows: one an implementation, fastest first, then those that did not run.
        race: how they ranked end to end; None where nothing could race.
        on_device: how the GPU's implementations ranked on data that is already there.
        control_failure: why no control could run, if none could.
        devices: the name of the device that each GPU backend ran on.
        difference: of separable and direct on the sampled pixels; None where not computed.
        same: ratios within 1/(1+same)..1+same are the same speed.
        seconds: that it took, from when the first thing was measured.
    """

    image: str
    file_type: str
    problem: Problem
    rows: list[Row]
    race: Result | None = None
    on_device: Result | None = None
    control_failure: str | None = None
    difference: Difference | None = None
    copy: CopySpeed | None = None
    machine: Mapping[str, Any] = field(default_factory=dict)
    devices: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    risks: Sequence[str] = ()
    unavailable: Mapping[str, str] = field(default_factory=dict)
    cache: str = "hot"
    same: float = Rules.same
    seed: int = 0
    seconds: float = 0.0
    interrupted: bool = False

    def document(self) -> dict[str, Any]:
        """The answer as `blurbench.compare/1`; the entries have the names of `summary.csv`."""
        problem, kernel = self.problem, self.problem.kernel
        return {
            "schema": "blurbench.compare/1",
            "image": {
                "path": self.image,
                "height": problem.height,
                "width": problem.width,
                "channels": problem.channels,
                "dtype": self.file_type or None,
            },
            "kernel": {
                "size": kernel.size,
                "sigma": as_written(kernel.sigma),
                "radius": kernel.radius,
                "shift_pixels": kernel.shift,
            },
            "border": problem.border,
            "cval": problem.cval,
            "dtype": problem.dtype.name,
            "threads": problem.threads,
            "cache": self.cache,
            "seed": self.seed,
            "machine": self.machine,
            "devices": self.devices,
            "versions": self.versions,
            "risks": self.risks,
            "copy_median_s": self.copy.median_s if self.copy else None,
            "ranking_scope": RANKING_SCOPE,
            "control": _control(self.race),
            "lead": _lead(self.rows),
            "gpu": _gpu(self.rows),
            "separable_direct_max_abs_difference": self.difference and self.difference.absolute,
            "interrupted": self.interrupted,
            "implementations": [row.as_told() for row in self.rows],
            "on_device": _on_device(self.on_device),
        }


def answers_of(log: Log) -> list[Answer]:
    """What the records of a comparison say of each image that was begun; of all if none was."""
    kernels = log.run.about["kernels"]
    places = [
        (told, _point(log.run, told, kernel)) for told in log.run.images for kernel in kernels
    ]
    begun = [one for one in places if one[1] in log.points]
    return [_answer(log, *one) for one in begun or places]


def _point(run: Run, image: Mapping[str, Any], kernel: Mapping[str, Any]) -> Key:
    """What all cells of an image share."""
    options = run.about["options"]
    return Key(
        implementation="",
        image=image["path"],
        height=image["height"],
        width=image["width"],
        channels=image["channels"],
        size=kernel["size"],
        sigma=kernel["sigma"],
        border=options["border"],
        cval=options["cval"],
        dtype=options["dtype"],
        threads=0,
        cache=options["cache"],
    )


def _answer(log: Log, image: Mapping[str, Any], point: Key) -> Answer:
    run, findings = log.run, log.at(point)
    channels = (point.channels,) if point.channels > 1 else ()
    problem = Problem(
        GaussianKernel.from_size(point.size, point.sigma, allow_even=True),
        (point.height, point.width, *channels),
        np.dtype(point.dtype),
        point.border,
        point.cval,
        run.threads,
    )
    processes = range(1, run.about["options"].get("processes", 1) + 1)
    return Answer(
        image["path"],
        image.get("dtype", ""),
        problem,
        findings.rows(),
        race=findings.race(RANKING_SCOPE),
        on_device=findings.race("compute"),
        control_failure=findings.control_failure,
        difference=findings.difference,
        copy=findings.copies.speed(),
        machine=run.about["machine"],
        devices=run.about.get("devices", {}),
        versions=run.about["versions"],
        risks=run.risks,
        unavailable=run.about["unavailable"],
        cache=point.cache,
        same=run.rules.same,
        seed=run.about["seed"],
        interrupted=not all(map(findings.closed, processes)),
    )


def document(answers: Sequence[Answer]) -> dict[str, Any]:
    """The answer; of several images, what is said of each."""
    documents = [answer.document() for answer in answers]
    if len(documents) == 1:
        return documents[0]
    return {"schema": "blurbench.compare-images/1", "images": documents}


def _gpu(rows: Sequence[Row]) -> dict[str, Any] | None:
    """Whether a GPU pays, and from where on; see `docs/gpu.md`."""
    found = gpu_pays(rows)
    return None if found is None else found.as_dict()


def _lead(rows: Sequence[Row]) -> dict[str, Any] | None:
    """Who is the fastest, how sure that is, and who comes next; of all intervals at once."""
    lead = lead_of(rows)
    if lead is None:
        return None
    return {
        "implementation": lead.first.name,
        "claim": lead.claim,
        "next": lead.second.name if lead.second else None,
        "ratio_of_next": lead.ratio.value if lead.second else None,
        "ratio_ci95_low": lead.ratio.low,
        "ratio_ci95_high": lead.ratio.high,
    }


def _control(race: Result | None) -> dict[str, Any] | None:
    if race is None or race.control is None:
        return None
    return {
        "implementation": race.reference,
        "ratio": race.control.value,
        "ratio_ci95_low": race.control.low,
        "ratio_ci95_high": race.control.high,
        "noise_floor": race.noise_floor,
        "passed": race.control_passed,
        "rounds": race.control_rounds,
    }


def _on_device(race: Result | None) -> list[dict[str, Any]] | None:
    """The ranking by `compute` of the GPU's implementations."""
    if race is None:
        return None
    return [
        {
            "implementation": name,
            "rounds": standing.rounds,
            "ratio_to_fastest": standing.ratio.value,
            "ratio_ci95_low": standing.ratio.low,
            "ratio_ci95_high": standing.ratio.high,
            "verdict": standing.verdict,
        }
        for name, standing in race.standings.items()
    ]
