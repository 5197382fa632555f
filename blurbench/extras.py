"""The optional extras, and the command that installs one into the Python that runs."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from blurbench.errors import InputError

# Those of pyproject.toml for users, nested ones spelled out: no index has this package, and a
# bare tree has no metadata to ask.
_CUDA12 = (
    "cupy-cuda12x>=14",
    "cuda-toolkit[cublas,cudart,cufft,nvrtc]==12.*",
    "nvidia-ml-py>=12",
)
_CUDA13 = (
    "cupy-cuda13x>=14",
    "cuda-toolkit[cublas,cudart,cufft,nvrtc]==13.0.*",
    "nvidia-ml-py>=12",
)
_IMAGES = ("tifffile[codecs]>=2025.6",)
EXTRAS: dict[str, tuple[str, ...]] = {
    "cuda12": _CUDA12,
    "cuda13": _CUDA13,
    "numba": ("numba>=0.61",),
    "cucim12": (*_CUDA12, "cucim-cu12>=25.10"),
    "cucim13": (*_CUDA13, "cucim-cu13>=25.10"),
    "torch": ("torch>=2.9",),
    "wgpu": ("wgpu>=0.32",),
    "peers": (
        "opencv-python-headless>=4.10",
        "scikit-image>=0.25",
        "pyvips>=3.0",
        "pyvips-binary>=8.16",
    ),
    "halide": ("halide>=21",),
    "threads": ("threadpoolctl>=3.5",),
    "plot": ("matplotlib>=3.9",),
    "report": ("altair>=5.5", "jinja2>=3.1", "vl-convert-python>=1.7"),
    "images": _IMAGES,
    "dask": (*_IMAGES, "dask[array]>=2025.7", "distributed>=2025.7", "zarr>=3.0.8"),
}


def load_extra(module: str, extra: str, who: str) -> Any:
    """Import a library that an extra installs.

    Args:
        who: what needs it, with its verb: `large images need`.

    Raises:
        InputError: it is not installed, or broken.
    """
    try:
        return import_module(module)
    except ImportError as error:
        root = module.partition(".")[0]
        missing = isinstance(error, ModuleNotFoundError) and error.name == root
        said = "is not installed" if missing else f"cannot be imported: {error}"
        command = install(extra, upgrade=not missing)
        raise InputError(f"{who} {root}, which {said}: {command}") from None


def install(wanted: str, *, upgrade: bool = False, instead_of: Sequence[str] = ()) -> str:
    """The command that installs what is wanted, to be run in a shell as it stands.

    Args:
        wanted: an extra or, of a package that the core needs, the requirement itself.
        upgrade: whether to take the newest versions where others are installed.
        instead_of: packages to uninstall first.
    """
    options = ["--upgrade"] if upgrade else []
    command = _pip("install", *options, *EXTRAS.get(wanted, (wanted,)))
    return f"{uninstall(*instead_of)} && {command}" if instead_of else command


def uninstall(*packages: str) -> str:
    """The command that takes packages away."""
    asks_first = ["-y"] if find_spec("pip") is not None else []
    return _pip("uninstall", *asks_first, *packages)


def _pip(action: str, *words: str) -> str:
    python = _interpreter()
    if find_spec("pip") is not None:
        command = [python, "-m", "pip", action]
    else:  # the tool that made this environment without pip
        command = ["uv", "pip", action, "--python", python]
    return " ".join(map(quoted, [*command, *words]))


def _interpreter() -> str:
    """The running Python as a shell here finds it: by a short path if it lies below this folder.

    Links are kept: it is the link in a virtual environment that makes it one.
    """
    try:
        below = Path(sys.executable).relative_to(Path.cwd())
    except (ValueError, OSError):  # it lies elsewhere, or this folder is gone
        return sys.executable
    # A bare name would be looked up along PATH.
    return str(below) if len(below.parts) > 1 else sys.executable


def quoted(word: str) -> str:
    """A word of a command as the shell of this machine takes it."""
    if sys.platform != "win32":
        return shlex.quote(word)
    return word if re.fullmatch(r"[\w.:\\/-]+", word) else f'"{word}"'
