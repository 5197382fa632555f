"""Blur an image that need not fit in memory: read a window, blur it, write its tile.

Dask runs the tiles and does not cut them: `dask.array.map_overlap` fills borders itself, knows no
`mirror` and none that is deeper than the image, or makes windows of many shapes. Here all windows
have one shape, so that one plan serves them all, and its own border lies where the image's does.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench.backends.backend import Implementation
from blurbench.backends.registry import find_backend, find_implementation, place_of
from blurbench.blur import plan_cache, prepare
from blurbench.choice.auto import find_or_choose
from blurbench.errors import InputError
from blurbench.image import blur_with_alpha, weighted_dtype
from blurbench.kernel import GaussianKernel
from blurbench.large.extra import load
from blurbench.large.source import Source, is_tiff, open_source
from blurbench.large.target import (
    BUFFER,
    check_target,
    clear_away,
    clear_litter,
    create_zarr,
    whole_or_nothing,
    write_tiff,
    write_to_zarr,
)
from blurbench.large.tiles import CHUNK, Tile, Tiling, choose_tiling
from blurbench.large.workers import Workers, cluster_workers, local_workers
from blurbench.lost import check_blurred, unwarned
from blurbench.problem import Problem

# A device has memory of its own: one plan is made there, and one window at a time goes there.
_on_device = threading.Lock()

LIBRARIES = 20 * 2**20  # bytes of what is loaded only with the first tile
CHOSEN_FOR = 2048  # pixels along a tile's side, for which `auto` chooses


@dataclass(frozen=True)
class TileBlur:
    """What every tile of an image is blurred with."""

    kernel: GaussianKernel
    border: str = "reflect"
    cval: float = 0.0
    backend: str = "scipy"
    method: str = "separable"

    def __call__(self, source: Source, threads: int, tile: Tile) -> NDArray[Any]:
        """Read the tile's window, and blur it; an array of the tile's own extent."""
        window = source.read(tile.rows, tile.columns)
        dtype = weighted_dtype(source.dtype) if source.alpha else source.dtype
        make = partial(
            prepare,
            window.shape,
            sigma=self.kernel.sigma,
            size=self.kernel.size,
            allow_even=self.kernel.even,
            border=self.border,
            cval=self.cval,
            method=self.method,
            backend=self.backend,
            dtype=dtype,
            threads=threads,
        )
        owner = find_backend(self.backend)
        carry, key = owner.carry, (self, window.shape, dtype, threads, place_of(owner))
        turn = nullcontext() if carry is None else _on_device
        with turn, unwarned(), plan_cache.borrow(key, make) as plan:
            blur = plan if carry is None else partial(carry, plan)
            blurred = blur_with_alpha(window, blur) if source.alpha else blur(window)
        if not source.alpha:
            by = f"{self.backend}:{self.method}"
            check_blurred(source.path, window, blurred, plan.problem, by)
        return np.ascontiguousarray(blurred[tile.inside])

    def named(self, source: Source) -> TileBlur:
        """The same, with what `auto` stands for in tiles of such an image."""
        height, width = (min(CHOSEN_FOR, n) for n in source.shape[:2])
        one = find_or_choose(self.problem(source, (height, width)), self.backend, self.method)
        return replace(self, backend=one.backend, method=one.method)

    def implementation(self) -> Implementation:
        """What runs.

        Raises:
            InputError: it is unknown, or approximate: tiles would not fit together.
        """
        found = find_implementation(self.backend, self.method)
        if not found.exact:
            raise InputError(
                f"method {self.method!r} is approximate and would leave seams between tiles: "
                "use an exact one, such as separable"
            )
        return found

    def problem(self, source: Source, extent: tuple[int, int], threads: int = 1) -> Problem:
        """Of one window."""
        shape = (*extent, *source.shape[2:])
        dtype = weighted_dtype(source.dtype) if source.alpha else source.dtype
        return Problem(self.kernel, shape, dtype, self.border, self.cval, threads)

    def bytes_in_one(self, source: Source) -> int:
        """What the image takes if it is blurred as a whole: image, result and work."""
        height, width = source.shape[:2]
        problem = self.problem(source, (height, width))
        work = find_or_choose(problem, self.backend, self.method).work_bytes(problem)
        return work + 2 * problem.image_bytes


def blur_large(
    image: str | os.PathLike[str],
    output: str | os.PathLike[str],
    blur: TileBlur,
    *,
    memory: int | None = None,
    scheduler: str | None = None,
    planned: Callable[[Source, Tiling], None] = lambda source, tiling: None,
    done: Callable[[], None] = lambda: None,
    chunk: int = CHUNK,
) -> None:
    """Blur a TIFF file or Zarr array into another, within a given memory.

    The result is what `gaussian_blur` makes of the whole image, to rounding; `output` is whole or
    not there. On a cluster the workers read the image and write Zarr themselves; a TIFF file is put
    together by this process, one band of tiles after the other.

    Args:
        image: `.tif`, `.tiff` or `.zarr`, `(H, W)` or `(H, W, C)`.
        output: the same.
        memory: bytes that this process, or each worker of the cluster, may take in all; default
            half of what is free.
        scheduler: address of a Dask cluster, `tcp://host:8786`; default this process's threads.
        planned: called with what was decided, before the first tile.
        done: called after each tile.
        chunk: side of the stored tiles or chunks, in pixels; a multiple of 16 for TIFF.

    Raises:
        InputError: something cannot be read, written, reached or blurred; the memory is too small.
        CannotRunError: the backend cannot run there.
    """
    check_target(output)
    clear_away(output)
    source = open_source(image)
    if source.about and not is_tiff(output):
        lost = f"its {' and '.join(source.about)} cannot be kept in Zarr"
        source = replace(source, notes=(*source.notes, lost))
    blur = blur.named(source)
    implementation = blur.implementation()
    with _workers(scheduler, blur.backend) as workers:
        workers.check_sees(Path(source.path), f"image {source.path}")
        banded = is_tiff(output)
        tiling = _tiling(
            source, blur, implementation, workers, memory, banded and not scheduler, chunk
        )
        planned(source, tiling)
        make = partial(blur, source, workers.threads_of_plan(tiling.threads))
        with whole_or_nothing(output) as partial_path:
            if banded:
                bands = _computed(tiling, make, workers, done)
                write_tiff(partial_path, source, tiling, bands, chunk)
            else:
                create_zarr(partial_path, source, chunk)
                workers.check_sees(partial_path, f"the folder of output {output}")
                works = [
                    partial(_blur_to_zarr, make, partial_path, tile)
                    for band in tiling.bands()
                    for tile in band
                ]
                workers.run(works, tiling.threads, done)
                clear_litter(partial_path)


def _workers(scheduler: str | None, backend: str) -> AbstractContextManager[Workers]:
    if scheduler is None:
        return nullcontext(local_workers(backend))
    return cluster_workers(scheduler, backend)


def _blur_to_zarr(make: Callable[[Tile], NDArray[Any]], path: Path, tile: Tile) -> None:
    write_to_zarr(path, tile.target, make(tile))


def _computed(
    tiling: Tiling,
    make: Callable[[Tile], NDArray[Any]],
    workers: Workers,
    done: Callable[[], None],
) -> Iterator[list[NDArray[Any]]]:
    for band in tiling.bands():
        yield workers.run([partial(make, tile) for tile in band], tiling.threads, done)


def _tiling(
    source: Source,
    blur: TileBlur,
    implementation: Implementation,
    workers: Workers,
    memory: int | None,
    keeps_band: bool,
    chunk: int,
) -> Tiling:
    """Tiles that fit in the memory, workers' own included."""
    height, width = source.shape[:2]
    if memory is None:
        memory = workers.memory
    implementation.check(blur.problem(source, (height, width)))

    def needed(tiling: Tiling) -> int:
        threads = workers.threads_of_plan(tiling.threads)
        problem = blur.problem(source, tiling.window, threads)
        work = implementation.work_bytes(problem) + _bytes_of_tile(source, tiling)
        band = tiling.tile[0] * width * source.pixel_bytes + 2 * BUFFER if keeps_band else 0
        return workers.resident + LIBRARIES + tiling.threads * work + band

    return choose_tiling(
        (height, width),
        blur.kernel.radius,
        blur.border,
        workers.threads,
        workers.count,
        memory,
        needed,
        lambda tiling: implementation.effort(blur.problem(source, tiling.window)),
        chunk,
    )


def _bytes_of_tile(source: Source, tiling: Tiling) -> int:
    """Bytes of one tile on its way, beside its plan's."""
    height, width = tiling.window
    stored = math.prod(source.stored)
    chunks = math.prod(-(-n // k) + 1 for n, k in zip(tiling.window, source.stored, strict=True))
    # Zarr decodes so many chunks at a time; each is there packed and unpacked.
    decoded = 2 * min(chunks, load("zarr").config.get("async.concurrency")) * stored
    # The window twice, as it is put together and later with its blur; then the tile, cut out.
    pixels: int = 2 * height * width + decoded + math.prod(tiling.tile)
    weighted = 5 * weighted_dtype(source.dtype).itemsize * math.prod(source.shape[2:])
    return pixels * source.pixel_bytes + (weighted * height * width if source.alpha else 0)
