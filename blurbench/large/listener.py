"""Who is told how the tiles of a large image go on."""

from __future__ import annotations

from blurbench.large.source import LargeImage
from blurbench.large.tiles import Tiling


class TilesListener:
    """Is told how the tiles of an image go on. This one ignores it all."""

    def planned(self, source: LargeImage, tiling: Tiling) -> None:
        """The tiles are decided; none is begun."""

    def done(self) -> None:
        """One more tile is done."""
