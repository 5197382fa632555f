"""Blur an image that need not fit in memory: read a window, blur it, write its tile.

Dask runs the tiles and does not cut them: `dask.array.map_overlap` fills borders itself, knows no
`mirror` and none that is deeper than the image, or makes windows of many shapes. Here all windows
have one shape, so that one plan serves them all, and its own border lies where the image's does.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from blurbench.backends.backend import Implementation
from blurbench.image import weighted_dtype
from blurbench.large.extra import load
from blurbench.large.listener import TilesListener
from blurbench.large.source import LargeImage, is_tiff, open_source
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
from blurbench.large.tiles import CHUNK, Tile, Tiling, choose_tiling, square_tilings
from blurbench.large.window import blur_tile, exact_implementation, settled_for, window_problem
from blurbench.large.workers import Workers, cluster_workers, local_workers
from blurbench.recipe import Recipe

LIBRARIES = 20 * 2**20  # bytes of what is loaded only with the first tile


def blur_large(
    image: str | os.PathLike[str],
    output: str | os.PathLike[str],
    recipe: Recipe,
    *,
    memory: int | None = None,
    scheduler: str | None = None,
    listener: TilesListener | None = None,
    chunk: int = CHUNK,
) -> None:
    """Blur a TIFF file or Zarr array into another, within a given memory.

    The result is what `gaussian_blur` makes of the whole image, to rounding; `output` is whole or
    not there. On a cluster the workers read the image and write Zarr themselves; a TIFF file is put
    together by this process, one band of tiles after the other.

    Args:
        image: `.tif`, `.tiff` or `.zarr`, `(H, W)` or `(H, W, C)`.
        output: the same.
        recipe: of an exact method, or `auto`.
        memory: bytes that this process, or each worker of the cluster, may take in all; default
            half of what is free.
        scheduler: address of a Dask cluster, `tcp://host:8786`; default this process's threads.
        listener: is told of the tiles; default is nobody.
        chunk: side of the stored tiles or chunks, in pixels; a multiple of 16 for TIFF.

    Raises:
        InputError: something cannot be read, written, reached or blurred; the memory is too small.
        CannotRunError: the backend cannot run there.
    """
    check_target(output)
    clear_away(output)
    source = open_source(image)
    if source.metadata and not is_tiff(output):
        lost = f"its {' and '.join(source.metadata)} cannot be kept in Zarr"
        source = replace(source, notes=(*source.notes, lost))
    recipe = settled_for(recipe, source)
    implementation = exact_implementation(recipe)
    listener = TilesListener() if listener is None else listener
    with _workers(scheduler, recipe.backend) as workers:
        workers.check_sees(Path(source.path), f"image {source.path}")
        banded = is_tiff(output)
        tiling = _tiling(
            source, recipe, implementation, workers, memory, banded and not scheduler, chunk
        )
        listener.planned(source, tiling)
        make = partial(blur_tile, recipe, source, workers.threads_of_plan(tiling.threads))
        with whole_or_nothing(output) as partial_path:
            if banded:
                bands = _computed(tiling, make, workers, listener.done)
                write_tiff(partial_path, source, tiling, bands, chunk)
            else:
                create_zarr(partial_path, source, chunk)
                workers.check_sees(partial_path, f"the folder of output {output}")
                works = [
                    partial(_blur_to_zarr, make, partial_path, tile)
                    for band in tiling.bands()
                    for tile in band
                ]
                workers.run(works, tiling.threads, listener.done)
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
    source: LargeImage,
    recipe: Recipe,
    implementation: Implementation,
    workers: Workers,
    memory: int | None,
    keeps_band: bool,
    chunk: int,
) -> Tiling:
    """Tiles that fit in the memory, workers' own included."""
    height, width = source.shape[:2]
    implementation.check(window_problem(recipe, source, (height, width)))

    def needed(tiling: Tiling) -> int:
        threads = workers.threads_of_plan(tiling.threads)
        problem = window_problem(recipe, source, tiling.window, threads)
        work = implementation.work_bytes(problem) + _bytes_of_tile(source, tiling)
        band = tiling.tile[0] * width * source.pixel_bytes + 2 * BUFFER if keeps_band else 0
        return workers.resident + LIBRARIES + tiling.threads * work + band

    def cost(tiling: Tiling) -> float:
        """The time of all tiles, in units of the implementation's own."""
        turns = -(-tiling.count // (tiling.threads * workers.count))
        return turns * implementation.effort(window_problem(recipe, source, tiling.window))

    choices = square_tilings(
        (height, width), recipe.kernel.radius, recipe.border, workers.threads, chunk
    )
    return choose_tiling(choices, workers.memory if memory is None else memory, needed, cost)


def _bytes_of_tile(source: LargeImage, tiling: Tiling) -> int:
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
