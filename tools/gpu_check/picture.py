"""The times of the races over kernel size, as a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from gpu_check.copying import COPY
from gpu_check.races import Race


def draw_times(path: Path, races: Sequence[Race], title: str) -> None:
    """A panel for each number of channels, a line for each implementation.

    Raises:
        ImportError: Matplotlib is not installed.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    channels = sorted({one.channels for one in races})
    figure, panels = pyplot.subplots(1, len(channels), figsize=(6 * len(channels), 5), sharey=True)
    for number, panel in zip(channels, [panels] if len(channels) == 1 else panels, strict=True):
        here = sorted((one for one in races if one.channels == number), key=lambda one: one.size)
        for name in dict.fromkeys(name for one in here for name in one.seconds):
            points = {one.size: one.seconds[name] for one in here if name in one.seconds}
            finite = {size: s * 1e6 for size, s in points.items() if math.isfinite(s)}
            dashes = ":" if name == COPY else "-"
            panel.plot(list(finite), list(finite.values()), f"{dashes}.", label=name)
        panel.set(xscale="log", yscale="log", xlabel="kernel size", title=f"{number} channels")
        panel.grid(alpha=0.3)
    figure.axes[0].set_ylabel("us a call")
    figure.axes[-1].legend(fontsize="small")
    figure.suptitle(title)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
