"""Which CuPy is installed, and the command that puts the right one there."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from blurbench.backends.driver import this_driver
from blurbench.extras import install, quoted

OLDEST = 14  # earlier ones lack parts of the array standard
WHEELS = {f"cupy-cuda{cuda}": cuda[:2] for cuda in ("13x", "12x", "11x", "112", "111", "110")}


def installed() -> tuple[str, ...]:
    """The packages that provide the module; more than one are in each other's way."""
    return tuple(name for name in (*WHEELS, "cupy") if _is_installed(name))


def cuda() -> str:
    """The major version of CUDA to install for: that of the CuPy that is here, else the driver's.

    Where neither tells, the newest.
    """
    of_wheels = (WHEELS.get(name) for name in installed())
    made_for = next((found for found in of_wheels if found in ("12", "13")), None)
    return made_for or this_driver().cuda or "13"


def command(cuda: str, *, upgrade: bool = False) -> str:
    """The command that installs CuPy for this CUDA and the libraries it needs.

    A CuPy of another kind is taken away first; one from conda or from source stays what it is.

    Args:
        cuda: the major version, 12 or 13.
        upgrade: whether the CuPy that is here has to give way to a newer one.
    """
    here = installed()
    if here == ("cupy",):
        if by_conda("cupy"):
            wanted = (quoted(f"cupy>={OLDEST}"), quoted(f"cuda-version={cuda}"))
            return " ".join(("conda install -c conda-forge", *wanted))
        return install(f"cupy>={OLDEST}", upgrade=True)
    wheel = f"cupy-cuda{cuda}x"
    others = here if len(here) > 1 else [name for name in here if name != wheel]
    return install(f"cuda{cuda}", upgrade=upgrade, instead_of=others)


def by_conda(package: str) -> bool:
    """Whether conda installed a package here."""
    return any(Path(sys.prefix, "conda-meta").glob(f"{package}-[0-9]*.json"))


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True
