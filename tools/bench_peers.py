"""Every exact blur on the CPU, ours and the libraries': `make bench-peers [BUDGET=60] [OUT=...]`.

Sixteen sweeps below OUT (a grey and a colour image, two dtypes, two borders, all threads and one)
share BUDGET minutes; of each, five seconds a minute go into starting. Ended at any moment, it goes
on where it was when called again. At the end stands the best library over the best of ours.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path

from blurbench.backends.registry import backends
from blurbench.image import testcard_image, write_image

COLOUR_SIZES, GREY_SIZES = "1920x1080", "512,1024,4096"
SIZES = "3,5,7,9,15,21,31,49,63,101,151,255"
SHARES = {"grey": 3 / 32, "colour": 1 / 32}  # of the time, for each of 8 sweeps
MEASURING_S = 55  # of each minute


def blurbench(*arguments: str) -> int:
    """The exit code of a command: 1 says that some rows are missing."""
    return subprocess.run([sys.executable, "-m", "blurbench", *arguments], check=False).returncode


def sweep_of(
    run: Path, image: str, dtype: str, border: str, threads: str, budget_s: float
) -> list[str]:
    """The arguments of `sweep` that begin a run or go on with it."""
    if (run / "run.json").exists():
        return ["--resume", str(run)]
    names = [
        name
        for name, backend in backends().items()
        if backend.kind == "cpu" and any(one.exact for one in backend.implementations)
    ]
    grey = [str(run.parent / "grey.png")] if image == "grey" else []
    return [
        *grey,
        *("--image-sizes", GREY_SIZES if grey else COLOUR_SIZES, "--sizes", SIZES),
        *("--budget", str(int(budget_s * SHARES[image])), "--keep", "3", "--out", str(run)),
        *("--backend", ",".join(names), "--dtype", dtype, "--border", border),
        *(("--threads", "1") if threads == "1" else ()),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--budget", type=float, default=60, help="minutes")
    parser.add_argument("--out", type=Path, default=Path("results/peers"))
    given = parser.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    if not (given.out / "grey.png").exists():
        write_image(str(given.out / "grey.png"), testcard_image().pixels[..., 0])
    for threads, dtype, border, image in product(
        ("all", "1"), ("float32", "uint8"), ("reflect", "mirror"), SHARES
    ):
        run = given.out / f"{image}-{dtype}-{border}-{threads}"
        budget_s = given.budget * MEASURING_S
        code = blurbench("sweep", *sweep_of(run, image, dtype, border, threads, budget_s))
        if code > 1:
            return code
    runs = sorted(str(run) for run in given.out.glob("*-*-*-*") if run.is_dir())
    return blurbench("show", *runs, "--against", "peers")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
