"""Writing TIFF files of the kinds that Pillow does not write: any number of channels and bits."""

from __future__ import annotations

from typing import IO, Any

import PIL.Image
from numpy.typing import NDArray

from blurbench.image.metadata import DESCRIBING, Metadata, Tag


def write(stream: IO[bytes], tifffile: Any, pixels: NDArray[Any], metadata: Metadata) -> None:
    """One page, not compressed, the channels together.

    Args:
        tifffile: the library.
    """
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    photometric = metadata.photometric or ("RGB" if channels > 2 else "MINISBLACK")
    further = channels - (3 if photometric == "RGB" else 1)
    tifffile.imwrite(
        stream,
        pixels,
        photometric=photometric,
        planarconfig="CONTIG" if channels > 1 else None,
        extrasamples=metadata.extrasamples or _further(further),
        iccprofile=metadata.icc_profile or None,
        resolution=metadata.dpi or None,
        resolutionunit="INCH" if metadata.dpi else None,
        software=False,
        metadata=None,
        extratags=[*_texts(metadata.exif), *map(encoded, metadata.geo)],
    )


def _texts(exif: bytes) -> list[Tag]:
    """What EXIF says in words, as tags."""
    found = PIL.Image.Exif()
    if exif:
        found.load(exif)
    texts = {code: found[code] for code in sorted(found.keys() & set(DESCRIBING))}
    return [
        encoded((int(code), 2, 0, text, True))
        for code, text in texts.items()
        if isinstance(text, str)
    ]


def encoded(tag: Tag) -> Tag:
    """The tag with its text as bytes, which need not be ASCII as tifffile asks of text."""
    code, kind, _, value, once = tag
    if not isinstance(value, str):
        return tag
    content = value.encode()
    return code, kind, len(content), content, once


def _further(count: int) -> list[str]:
    """What further channels are where nothing is said: a lone one is opacity."""
    return ["UNASSALPHA"] if count == 1 else ["UNSPECIFIED"] * count
