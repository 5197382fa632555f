"""What a run is about, and where it was made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blurbench.files import shown_name
from blurbench.kernel import GaussianKernel
from blurbench.records.journal import Run
from blurbench.report.units import plural


def run_lines(run: Run) -> list[str]:
    """What a run is about, in two lines."""
    options, kernels = run.about["options"], run.about["kernels"]
    sizes = [one["size"] for one in kernels]
    reach = f"{sizes[0]}x{sizes[0]}"
    if len(sizes) > 1:
        reach += f" to {sizes[-1]}x{sizes[-1]}"
        if run.about["study"] == "sweep":
            reach += f" ({plural(len(sizes), 'size')})"
    if any(size % 2 == 0 for size in sizes):
        reach += ", the even ones shifted by half a pixel"
    border = options["border"]
    if border == "constant":
        border += f" {options['cval']:g}"
    images = "; ".join(_image_text(one, run.about["image_sizes"]) for one in run.images)
    return [
        f"{images} {options['dtype']}",
        f"Gaussian {reach}; border {border}; {plural(run.threads, 'thread')}; "
        f"cache {options['cache']}",
    ]


def _image_text(image: Mapping[str, Any], extents: Sequence[Sequence[int]]) -> str:
    """Its name, and the extents that it is cut to, or its own."""
    extents = extents or [(image["width"], image["height"])]
    shapes = ", ".join(f"{width}x{height}" for width, height in extents)
    channels = f", {image['channels']} channels" if image["channels"] > 1 else ""
    return f"{shown_name(image['path'])}: {shapes}{channels}"


def machine_line(run: Run) -> str:
    """The machine and the versions behind a run."""
    text = machine_text(run.about["machine"], run.about["versions"])
    return f"{text}; machine {run.machine_id}"


def machine_text(machine: Mapping[str, Any], versions: Mapping[str, str]) -> str:
    """A machine, and the versions of the libraries that everything runs on."""
    parts = [f"{machine['cpu']}, {plural(machine['usable_cpus'], 'CPU')}", *machine["gpus"]]
    libraries = ("numpy", "scipy", *(("cupy", "wgpu") if machine["gpus"] else ()))
    parts += [f"{name} {versions[name]}" for name in libraries if name in versions]
    return "; ".join(parts)


def cut_note(kernels: Sequence[GaussianKernel]) -> str | None:
    """How short the kernels of a run cut the Gaussian that was asked for, if any does."""
    cut = [one for one in kernels if one.is_cut]
    if len(cut) < 2:
        return cut[0].note if cut else None
    first, last = cut[0], cut[-1]
    return (
        f"sizes {first.size} to {last.size} cut sigma {first.sigma:g} short: "
        f"the effective sigma is {first.effective_sigma:.3g} to {last.effective_sigma:.3g}"
    )


def device_lines(devices: Mapping[str, str]) -> list[str]:
    """A line for each device: which backends run on it.

    Args:
        devices: names of devices, by backend.
    """
    backends: dict[str, list[str]] = {}
    for backend, device in devices.items():
        backends.setdefault(device, []).append(backend)
    return [f"Device of {', '.join(own)}: {device}" for device, own in backends.items()]
