"""Large results on disk: a Zarr array filled in any order, or a TIFF file written in its own."""

from __future__ import annotations

import glob
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench.errors import InputError
from blurbench.files import is_another_process
from blurbench.large.extra import load
from blurbench.large.source import TIFF, LargeImage, is_tiff
from blurbench.large.tiles import CHUNK, Tiling

BUFFER = 2**24  # bytes of TIFF tiles that are compressed at a time


def check_target(path: str | os.PathLike[str]) -> None:
    """Raise InputError unless a large image can be written there."""
    target = Path(path)
    if target.suffix.lower() not in (*TIFF, ".zarr"):
        raise InputError(
            f"output {path} cannot be written in tiles: use one of .zarr, {', '.join(TIFF)}"
        )
    folder = target.absolute().parent
    if not folder.is_dir():
        raise InputError(f"output folder {folder} does not exist: make it first")
    if not os.access(folder, os.W_OK):
        raise InputError(f"output folder {folder} cannot be written to: choose another")
    if target.is_dir() == is_tiff(target) and target.exists():
        raise InputError(f"output {path} is there and of another kind: choose another name")
    if target.is_dir() and not _is_array(target):
        raise InputError(f"output {path} is a folder and no Zarr array: choose another name")


def _is_array(folder: Path) -> bool:
    """Whether it is one Zarr array; a group, which may hold many, is none."""
    if (folder / ".zarray").exists():
        return True
    try:
        return bool(json.loads((folder / "zarr.json").read_bytes())["node_type"] == "array")
    except (OSError, ValueError, LookupError, TypeError):
        return False


def clear_away(path: str | os.PathLike[str]) -> None:
    """Remove what killed processes left of an output; an array that was moved aside goes back."""
    target = Path(path).absolute()
    for left in target.parent.glob(f".{glob.escape(target.name)}.*"):
        owner, _, state = left.name.removeprefix(f".{target.name}.").partition(".")
        if owner.isdecimal() and not is_another_process(int(owner)):
            if state == "old" and not target.exists():
                os.replace(left, target)
            elif state in ("old", "partial"):
                _remove(left)


@contextmanager
def whole_or_nothing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary name in the same folder; renamed in the end, removed if anything is raised."""
    target = Path(path).absolute()
    partial, old = (
        target.with_name(f".{target.name}.{os.getpid()}.{state}") for state in ("partial", "old")
    )
    try:
        yield partial
        if target.is_dir():  # which cannot be replaced in one step
            os.replace(target, old)
        os.replace(partial, target)
    finally:
        if old.exists() and not target.exists():  # ended between the two steps
            os.replace(old, target)
        for left in (partial, old):
            _remove(left)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    with suppress(OSError):  # somebody else's, or not there
        path.unlink()


def create_zarr(path: Path, source: LargeImage, chunk: int = CHUNK) -> None:
    """An empty array of the source's shape and dtype."""
    load("zarr").create_array(
        path,
        shape=source.shape,
        dtype=source.dtype,
        chunks=(*(min(chunk, n) for n in source.shape[:2]), *source.shape[2:]),
    )


def write_to_zarr(path: Path, where: tuple[slice, slice], pixels: NDArray[Any]) -> None:
    """Fill a part that shares no chunk with another part."""
    load("zarr").open_array(path, mode="r+")[where] = pixels


def clear_litter(path: Path) -> None:
    """Remove what a worker that was killed had half written; another wrote it anew."""
    for half in path.rglob("*.partial"):
        half.unlink(missing_ok=True)


def write_tiff(
    path: Path,
    source: LargeImage,
    tiling: Tiling,
    bands: Iterable[list[NDArray[Any]]],
    chunk: int = CHUNK,
) -> None:
    """A tiled BigTIFF, compressed without loss, from the tiles of each band in turn.

    One channel is grey, and has no axis of its own there.
    """
    channels = (*source.shape, 1)[2]
    grey = "MINISBLACK" if channels < 3 else "RGB"
    more = channels - (3 if grey == "RGB" else 1)
    unknown = {"photometric": grey, "extrasamples": ["UNSPECIFIED"] * more}
    with load("tifffile").TiffWriter(path, bigtiff=True) as tiff:
        tiff.write(
            _cut(bands, chunk),
            shape=source.shape if channels > 1 else source.shape[:2],
            dtype=source.dtype,
            tile=(chunk, chunk),
            planarconfig="CONTIG" if channels > 1 else None,
            compression="zlib",
            predictor=True,
            maxworkers=tiling.threads,
            buffersize=BUFFER,
            metadata=None,
            **(source.tags or unknown),
            **_together(source.metadata),
        )


def _together(metadata: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """All that is said beside the pixels, the tags in one list."""
    parts = metadata.values()
    tags = [tag for said in parts for tag in said.get("extratags", ())]
    return {**{name: said[name] for said in parts for name in said}, "extratags": tags}


def _cut(bands: Iterable[list[NDArray[Any]]], chunk: int) -> Iterator[NDArray[Any]]:
    """The stored tiles of a file, row by row, copied so that a band can be let go of."""
    for band in bands:
        for top in range(0, band[0].shape[0], chunk):
            for tile in band:
                for left in range(0, tile.shape[1], chunk):
                    yield np.array(tile[top : top + chunk, left : left + chunk])
        del band, tile
