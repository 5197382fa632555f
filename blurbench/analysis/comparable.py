"""Whether two runs can be held against each other, and in what they differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from blurbench.records.journal import Run
from blurbench.records.machine import STABLE, differences


def not_comparable(baseline: Run, run: Run) -> list[str]:
    """In what two runs differ so that their times cannot be held against each other.

    Of the versions, that of blurbench may be another: whether it became slower is the question.
    """
    versions = (
        {name: text for name, text in one.about["versions"].items() if name != "blurbench"}
        for one in (baseline, run)
    )
    return apart(baseline, run) + differences(*versions)


def apart(baseline: Run, run: Run) -> list[str]:
    """In what two runs differ, whatever the versions that they ran with."""
    there, here = baseline.about, run.about
    found = []
    if baseline.machine_id != run.machine_id:
        machines = ({name: one["machine"].get(name) for name in STABLE} for one in (there, here))
        found += differences(*machines) or ["another machine"]
    pixels = ("sha256", "height", "width", "channels")
    known, now = (
        [[one[name] for name in pixels] for one in each.images] for each in (baseline, run)
    )
    if known != now:
        before, after = (", ".join(one["path"] for one in each.images) for each in (baseline, run))
        found.append(f"image was {before} and is {after}")
    if there["image_sizes"] != here["image_sizes"]:
        found.append("image sizes are others")
    if there["kernels"] != here["kernels"]:
        found.append(f"kernel was {_kernels(there)} and is {_kernels(here)}")
    settings = ("border", "cval", "dtype", "cache")
    found += differences(
        *({name: one["options"][name] for name in settings} for one in (there, here))
    )
    if baseline.threads != run.threads:
        found.append(f"threads were {baseline.threads} and are {run.threads}")
    return found


def other_code(there: Run, here: Run) -> list[str]:
    """In what the code of two runs differs: versions, and the commit of blurbench."""
    sides = [one.about for one in (there, here)]
    return differences(*({**one["versions"], "commit": one.get("git_revision")} for one in sides))


def same_yardstick(there: Run, here: Run) -> bool:
    """Whether the yardstick, which is the work of NumPy, ran with the same code in both."""
    sides = [one.about["versions"] for one in (there, here)]
    return all(sides[0].get(name) == sides[1].get(name) for name in ("python", "numpy"))


def _kernels(about: Mapping[str, Any]) -> str:
    sizes = [f"{one['size']} (sigma {one['sigma']:.4g})" for one in about["kernels"]]
    return sizes[0] if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}, {len(sizes)} sizes"
