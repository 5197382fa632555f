"""What a comparison found, and the document that says so to other programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from blurbench.image import Image
from blurbench.measure.judge import Result
from blurbench.plan import Problem
from blurbench.records.findings import RANKING_SCOPE, CopySpeed
from blurbench.records.gpu_pays import gpu_pays
from blurbench.records.lead import lead_of
from blurbench.records.summary import Row
from blurbench.study.options import Options


@dataclass
class Answer:
    """What a comparison found.

    Attributes:
        rows: one an implementation, fastest first, then those that did not run.
        race: how they ranked end to end; None where nothing could race.
        on_device: how the GPU's implementations ranked on data that is already there.
        control_failure: why no control could run, if none could.
        difference: largest |separable - direct| on the sampled pixels; None where not computed.
        devices: the name of the device that each GPU backend ran on.
    """

    image: Image
    problem: Problem
    options: Options
    rows: list[Row]
    race: Result | None = None
    on_device: Result | None = None
    control_failure: str | None = None
    difference: float | None = None
    copy: CopySpeed | None = None
    machine: dict[str, Any] = field(default_factory=dict)
    devices: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    risks: list[str] = field(default_factory=list)
    unavailable: dict[str, str] = field(default_factory=dict)
    seed: int = 0
    seconds: float = 0.0
    interrupted: bool = False

    def document(self) -> dict[str, Any]:
        """The answer as `blurbench.compare/1`; the entries have the names of `summary.csv`."""
        problem, kernel = self.problem, self.problem.kernel
        return {
            "schema": "blurbench.compare/1",
            "image": {
                "path": self.image.name,
                "height": problem.height,
                "width": problem.width,
                "channels": problem.channels,
                "dtype": self.image.pixels.dtype.name,
            },
            "kernel": {
                "size": kernel.size,
                "sigma": kernel.sigma,
                "radius": kernel.radius,
                "shift_pixels": kernel.shift,
            },
            "border": problem.border,
            "cval": problem.cval,
            "dtype": problem.dtype.name,
            "threads": problem.threads,
            "cache": self.options.cache,
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
            "separable_direct_max_abs_difference": self.difference,
            "interrupted": self.interrupted,
            "implementations": [row.as_dict() for row in self.rows],
            "on_device": _on_device(self.on_device),
        }


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
