"""Kinds of pixel that TIFF files hold: what is stored, and what is right to read of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from helpers.pictures import noise

HEIGHT, WIDTH = 35, 50


@dataclass(frozen=True)
class Kind:
    """A kind of pixel.

    Attributes:
        stored: `(H, W)` or `(H, W, C)`, as tifffile writes it with the options.
        right: what is to be read; None where the file is to be refused.
        alpha: whether its last channel is opacity.
        light: whether Pillow alone reads it right, and does not have to refuse it.
        within: how far from right an integer may be.
    """

    name: str
    stored: np.ndarray
    right: np.ndarray | None
    options: dict[str, Any] = field(default_factory=dict)
    alpha: bool = False
    light: bool = False
    within: int = 0

    @property
    def packed(self) -> bool:
        """Whether its samples fill no whole bytes, and so cannot be compressed here."""
        return self.stored.dtype == bool or "bitspersample" in self.options


GREY, RGB = {"photometric": "minisblack"}, {"photometric": "rgb"}
WHITE_AT_0 = {"photometric": "miniswhite"}
STRAIGHT, WEIGHTED = {"extrasamples": ["unassalpha"]}, {"extrasamples": ["assocalpha"]}
UNSAID = {"extrasamples": ["unspecified"]}


def _noise(*channels: int, dtype: Any = np.uint8) -> np.ndarray:
    return noise(HEIGHT, WIDTH, *channels, dtype=dtype)


def _floats(*channels: int, dtype: Any = np.float32) -> np.ndarray:
    """Within the range of half precision, and not all of them positive."""
    return ((_noise(*channels, dtype=np.uint16) / 65535 - 0.25) * 8).astype(dtype)


def _few_bits(bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Values of so many bits, and those over the whole range of their type."""
    dtype = np.dtype(np.uint8 if bits < 8 else np.uint16)
    stored = _noise(dtype=np.uint16) >> (16 - bits)
    full = np.rint(stored * (np.iinfo(dtype).max / (2**bits - 1)))
    return stored.astype(dtype), full.astype(dtype)


def _weighted(dtype: Any) -> tuple[np.ndarray, np.ndarray]:
    """Colour weighted by its opacity, and the colour itself; opacity is never small."""
    straight, top = _noise(4, dtype=dtype), np.iinfo(dtype).max
    straight[..., 3] |= top // 2 + 1
    weighted = straight.astype(np.float64)
    weighted[..., :3] *= weighted[..., 3:] / top
    return np.rint(weighted).astype(dtype), straight


def _weighted_floats() -> tuple[np.ndarray, np.ndarray]:
    straight = np.abs(_floats(4, dtype=np.float64))
    straight[..., 3] = straight[..., 3] / 8 + 0.1
    weighted = straight.copy()
    weighted[..., :3] *= weighted[..., 3:]
    return weighted, straight


def _kinds() -> list[Kind]:
    deep = np.uint16
    small = noise(HEIGHT, WIDTH, dtype=deep)
    bits = {count: _few_bits(count) for count in (2, 4, 10, 12, 14)}
    packed = [
        Kind(f"{count}-bit grey", *pair, {**GREY, "bitspersample": count}, light=count < 8)
        for count, pair in bits.items()
    ]
    plain = [
        Kind(f"{np.dtype(dtype)} {name}", pixels, pixels, options, light=light)
        for name, options, channels, light_dtypes in [
            ("grey", GREY, (), ("uint8", "uint16", "float32")),
            ("RGB", RGB, (3,), ("uint8",)),
            ("RGB and two more", {**RGB, "extrasamples": ["unspecified"] * 2}, (5,), ()),
            ("RGB and one more", {**RGB, **UNSAID}, (4,), ()),
            ("three greys", {**GREY, "extrasamples": ["unspecified"] * 2}, (3,), ()),
        ]
        for dtype in ("uint8", "uint16", "float16", "float32", "float64")
        for light in [dtype in light_dtypes]
        for pixels in [
            _floats(*channels, dtype=dtype)
            if dtype.startswith("f")
            else _noise(*channels, dtype=dtype)
        ]
    ]
    straight = [
        Kind(f"{dtype} {name} with opacity", pixels, pixels, {**options, **STRAIGHT}, True, light)
        for name, options, channels in [("grey", GREY, 2), ("RGB", RGB, 4)]
        for dtype in ("uint8", "uint16", "float32", "float64")
        for light in [dtype == "uint8"]
        for pixels in [
            _floats(channels, dtype=dtype)
            if dtype.startswith("f")
            else _noise(channels, dtype=dtype)
        ]
    ]
    weighted = [
        Kind("uint8 RGB, weighted", *_weighted(np.uint8), {**RGB, **WEIGHTED}, True, True, 1),
        Kind("uint16 RGB, weighted", *_weighted(deep), {**RGB, **WEIGHTED}, True, within=1),
        Kind("float64 RGB, weighted", *_weighted_floats(), {**RGB, **WEIGHTED}, True),
    ]
    white_at_0 = [
        Kind("uint8 grey, white at 0", 255 - _noise(), _noise(), WHITE_AT_0, light=True),
        Kind("uint16 grey, white at 0", 65535 - small, small, WHITE_AT_0),
        Kind("float32 grey, white at 0", _floats(), None, WHITE_AT_0),
    ]
    integers = [
        Kind("int16 grey", (small // 2).astype(np.int16), small // 2, GREY, light=True),
        Kind("int32 grey", small.astype(np.int32), small, GREY, light=True),
        Kind("uint32 grey", small.astype(np.uint32), small, GREY),
        Kind("uint32 RGB", _noise(3, dtype=deep).astype(np.uint32), _noise(3, dtype=deep), RGB),
        Kind("int8 grey", (_noise() // 2).astype(np.int8), (_noise() // 2).astype(deep), GREY),
        Kind("uint32 grey, too large", small.astype(np.uint32) + 65536, None, GREY),
        Kind("int16 grey, below 0", -1 - (small // 2).astype(np.int16), None, GREY),
    ]
    cmyk = {"photometric": "separated"}
    others = [
        Kind("uint16 CMYK", _noise(4, dtype=deep), None, cmyk),
        Kind("complex64 grey", _floats().astype(np.complex64), None, GREY),
        Kind(
            "uint8 RGB with opacity and more",
            _noise(5),
            None,
            {**RGB, "extrasamples": ["unassalpha", "unspecified"]},
        ),
    ]
    bits1 = _noise() > 127
    bilevel = Kind("1-bit grey", bits1, bits1 * np.uint8(255), GREY, light=True)
    return [
        *(bilevel, *packed, *plain, *straight, *weighted),
        *(*white_at_0, *integers, *others),
    ]


KINDS = {kind.name: kind for kind in _kinds()}
