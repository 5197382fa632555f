"""PNG files of every kind, written by hand."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping

import numpy as np

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB, PALETTE, GREY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
# Of each pass of an interlaced file: the first row and column, and the steps between them.
_ADAM7 = [
    *((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4)),
    *((2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)),
]


def chunk(kind: bytes, content: bytes) -> bytes:
    """One chunk with its length and check sum."""
    check = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + check


def png(width: int, height: int, bits: int, colour: int, rows: bytes) -> bytes:
    """A file from its header fields and unfiltered rows."""
    return _file(width, height, bits, colour, rows, {}, interlaced=False)


def encode(
    samples: np.ndarray,
    bits: int,
    colour: int,
    said: Mapping[bytes, bytes] | None = None,
    *,
    interlaced: bool = False,
) -> bytes:
    """A file of samples of so many bits; further chunks stand before the pixels."""
    height, width = samples.shape[:2]
    passes = [samples]
    if interlaced:
        passes = [samples[row::down, column::along] for row, column, down, along in _ADAM7]
    rows = b"".join(row for one in passes if one.size for row in _rows(one, bits))
    return _file(width, height, bits, colour, rows, said or {}, interlaced=interlaced)


def _file(
    width: int,
    height: int,
    bits: int,
    colour: int,
    rows: bytes,
    said: Mapping[bytes, bytes],
    *,
    interlaced: bool,
) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlaced)
    between = b"".join(chunk(kind, content) for kind, content in said.items())
    pixels = chunk(b"IDAT", zlib.compress(rows))
    return SIGNATURE + chunk(b"IHDR", header) + between + pixels + chunk(b"IEND", b"")


def _rows(samples: np.ndarray, bits: int) -> Iterator[bytes]:
    """Each row, not filtered, its samples packed."""
    for row in samples.reshape(samples.shape[0], -1):
        if bits == 16:
            yield b"\0" + row.astype(">u2").tobytes()
        else:
            single = np.unpackbits(row.astype(np.uint8)[:, None], axis=1)[:, 8 - bits :]
            yield b"\0" + np.packbits(single).tobytes()
