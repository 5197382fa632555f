"""A large image through `blurbench blur`: peak memory, time, and windows held against a reference.

    python tools/large_image.py [--side 40000] [--sigma 30] [--memory 1GiB] [--folder DIR]
                                [--from tif,zarr,rows.tif] [--to zarr,tif,zarr]
                                [--dask tcp://...]
    python tools/large_image.py --against [--side 6000]     ratios to dask_image, in rounds,
                                                            after pip install dask-image

dask_image works chunk by chunk, so it is given chunks of several sides, and the best counts.
Linux only: the peak is what the kernel reports of the process. The files are removed afterwards.
"""

from __future__ import annotations

import argparse
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import scipy.ndimage
import tifffile
import zarr

from blurbench.kernel import GaussianKernel
from blurbench.large.listener import TilesListener
from blurbench.large.run import blur_large
from blurbench.large.source import LargeImage, open_source
from blurbench.large.tiles import Tiling
from blurbench.recipe import Recipe

BAND = 512  # rows made at a time


def rows_of(side: int, top: int) -> np.ndarray:
    """Noise on slopes and circles, whatever the band, so that no two tiles look alike."""
    rows, columns = np.arange(top, min(top + BAND, side))[:, None], np.arange(side)[None, :]
    noise = np.random.default_rng(top).integers(0, 2**14, (len(rows), side))
    far = np.hypot(rows - side / 3, columns - side / 2)
    values = noise + 24000 * (1 + np.sin(far / 40)) + 3000 * (rows + columns) / (2 * side)
    return np.minimum(values, 65535).astype(np.uint16)


def tiles_of(side: int) -> Iterator[np.ndarray]:
    for top in range(0, side, BAND):
        band = rows_of(side, top)
        for left in range(0, side, BAND):
            yield np.ascontiguousarray(band[:, left : left + BAND])


def make(path: Path, side: int) -> None:
    """A Zarr array or TIFF file of uint16, `side` squared; `.rows.tif` has rows, not tiles."""
    if path.suffix == ".tif" and ".rows" not in path.suffixes:
        tifffile.imwrite(
            path,
            tiles_of(side),
            shape=(side, side),
            dtype=np.uint16,
            tile=(BAND, BAND),
            bigtiff=True,
            photometric="minisblack",
        )
        return
    what = {"shape": (side, side), "dtype": np.uint16}
    if path.suffix == ".tif":
        array = tifffile.memmap(path, **what, bigtiff=True, photometric="minisblack")
    else:
        array = zarr.create_array(path, **what, chunks=(BAND, BAND))
    for top in range(0, side, BAND):
        array[top : top + BAND] = rows_of(side, top)


def windows(side: int, size: int = 200) -> Iterator[tuple[slice, slice]]:
    """Corners, places around the seams of tiles of any multiple of 512, and the last pixels."""
    places = [0, *(512 * k - size // 2 for k in (1, 4, 8, 9, 16, 32, 60)), side - size]
    for top in places:
        for left in places:
            if 0 <= top <= side - size and 0 <= left <= side - size:
                yield slice(top, top + size), slice(left, left + size)


def largest_difference(image: Path, output: Path, sigma: float) -> tuple[float, int]:
    """Against scipy.ndimage in float64, and the number of windows looked at."""
    kernel = GaussianKernel.from_sigma(sigma)
    source, result = open_source(image), open_source(output)
    side, radius, worst, count = source.shape[0], kernel.radius, 0.0, 0
    for rows, columns in windows(side):
        around = [
            slice(max(0, s.start - radius), min(side, s.stop + radius)) for s in (rows, columns)
        ]
        blurred = source.read((around[0],), (around[1],)).astype(np.float64)
        for axis in (0, 1):
            blurred = scipy.ndimage.correlate1d(blurred, kernel.taps, axis, mode="reflect")
        inside = tuple(
            slice(one.start - far.start, one.stop - far.start)
            for one, far in zip((rows, columns), around, strict=True)
        )
        got = result.read((rows,), (columns,)).astype(np.float64)
        worst, count = max(worst, float(np.abs(got - blurred[inside]).max())), count + 1
    return worst, count


# getrusage counts what a process's parent had taken before, so the process tells of itself.
TELLING = """
import atexit, pathlib, re, runpy, sys
status = pathlib.Path("/proc/self/status")
atexit.register(lambda: print(re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1]))
runpy.run_module("blurbench", run_name="__main__")
"""


def peak_of(arguments: list[str]) -> tuple[float, float]:
    """Seconds and the largest resident MiB of a command."""
    started = time.perf_counter()
    told = subprocess.check_output([sys.executable, "-c", TELLING, *arguments])
    return time.perf_counter() - started, int(told) / 1024


def blur_all(given: argparse.Namespace) -> None:
    print(
        f"{given.side}x{given.side} uint16 ({given.side**2 * 2 / 1e9:.2f} GB), sigma "
        f"{given.sigma:g}, --memory {given.memory}\n"
    )
    print("| from | to | seconds | peak, MiB | largest difference | windows |")
    print("| --- | --- | ---: | ---: | ---: | ---: |", flush=True)
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        for source, target in zip(given.sources.split(","), given.targets.split(","), strict=True):
            image, output = Path(folder) / f"big.{source}", Path(folder) / f"soft.{target}"
            make(image, given.side)
            command = ["blur", str(image), "-o", str(output)]
            command += ["--sigma", str(given.sigma), "--memory", given.memory]
            command += ["--backend", given.backend]
            command += ["--dask", given.dask] if given.dask else []
            seconds, peak = peak_of(command)
            worst, count = largest_difference(image, output, given.sigma)
            print(
                f"| {source} | {target} | {seconds:.0f} | {peak:.0f} | {worst:.4f} | {count} |",
                flush=True,
            )
            for path in (image, output):
                subprocess.run(["rm", "-r", path], check=True)


def tile_side(image: Path, sigma: float) -> int:
    """Of the tiles that we cut the image into."""

    class TilesCounter(TilesListener):
        side = 0

        def planned(self, source: LargeImage, tiling: Tiling) -> None:
            self.side = tiling.side

    listener, recipe = TilesCounter(), Recipe(GaussianKernel.from_sigma(sigma))
    blur_large(image, image.with_name("ours.zarr"), recipe, listener=listener)
    return listener.side


def race(given: argparse.Namespace) -> None:
    """Ours and dask_image's on the same Zarr array and chunks, in rounds of changing order."""
    import dask
    import dask.array
    from dask_image.ndfilters import gaussian_filter

    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        image = Path(folder) / "big.zarr"
        make(image, given.side)

        def ours(backend: str) -> None:
            recipe = Recipe(GaussianKernel.from_sigma(given.sigma), backend=backend)
            blur_large(image, Path(folder) / "ours.zarr", recipe)

        def theirs(side: int) -> None:
            pixels = dask.array.from_zarr(str(image), chunks=(side, side))
            soft = gaussian_filter(pixels.astype(np.float32), given.sigma, truncate=4.0)
            whole = dask.array.rint(soft).clip(0, 65535).astype(np.uint16)
            with dask.config.set(scheduler="threads"):
                whole.to_zarr(str(Path(folder) / "theirs.zarr"), overwrite=True)

        sides = sorted({BAND, 2048, tile_side(image, given.sigma)})
        runs: dict[str, Any] = {
            **{f"dask_image, chunks of {side}": partial(theirs, side) for side in sides},
            "scipy:separable": partial(ours, "scipy"),
            "numba:separable": partial(ours, "numba"),
        }
        taken: dict[str, list[float]] = {name: [] for name in runs}
        for turn in range(given.rounds + 1):
            first = turn % len(runs)
            order = list(runs)[first:] + list(runs)[:first]
            for name in order:
                started = time.perf_counter()
                runs[name]()
                if turn:  # the first compiles
                    taken[name].append(time.perf_counter() - started)
        ours_, theirs_ = (
            zarr.open_array(Path(folder) / f"{name}.zarr")[:].astype(int)
            for name in ("ours", "theirs")
        )
    print(
        f"{given.side}x{given.side} uint16, sigma {given.sigma:g}, {given.rounds} rounds; "
        f"largest difference {np.abs(ours_ - theirs_).max()}\n"
    )
    best = min(
        (name for name in taken if name.startswith("dask_image")),
        key=lambda name: statistics.median(taken[name]),
    )
    print(f"| | median, s | {best}, over it |\n| --- | ---: | ---: |")
    for name, seconds in taken.items():
        ratios = [math.log(b / a) for a, b in zip(seconds, taken[best], strict=True)]
        ratio = math.exp(statistics.median(ratios))
        print(f"| {name} | {statistics.median(seconds):.2f} | {ratio:.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--side", type=int, default=40000)
    parser.add_argument("--sigma", type=float, default=30.0)
    parser.add_argument("--memory", default="1GiB")
    parser.add_argument("--backend", default="scipy")
    parser.add_argument("--folder", default=tempfile.gettempdir())
    parser.add_argument("--from", dest="sources", default="tif,zarr,rows.tif")
    parser.add_argument("--to", dest="targets", default="zarr,tif,zarr")
    parser.add_argument("--dask")
    parser.add_argument("--against", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    race(given) if given.against else blur_all(given)


if __name__ == "__main__":
    main()
