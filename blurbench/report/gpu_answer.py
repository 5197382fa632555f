"""Whether a GPU pays, in the sentences that a comparison ends in; a line each, of 80 columns."""

from __future__ import annotations

import math

from blurbench.measure.stats import Estimate
from blurbench.records.gpu_pays import GpuPays
from blurbench.report.units import digits, either, megapixels

FARTHER = 16.0  # times the pixels of an image: as far as one is looked for that is large enough
SIDES = 5, 13  # powers of 2, between which image sizes are named


def gpu_lines(found: GpuPays) -> list[str]:
    """End to end, from how large an image on, and with the data already there."""
    says = either(found.ratio, "GPU does not pay end to end", "GPU pays end to end")
    times = f"{digits(found.ratio.value)}x {found.cpu.label}'s time"
    paid = ""
    if found.images is not None and found.images > 1:
        paid = f"; {found.images} images pay for its set-up and first call"
    lines = [f"{says}: {found.gpu.label} takes {times}{paid}.", _image_line(found)]
    if found.there is not None:
        there = found.there
        takes = f"{there.row.label} takes {digits(there.ratio.value)}x"
        lines.append(f"With the data there {takes}, paying {_blurs_text(there.blurs)}.")
    return lines


def _blurs_text(blurs: Estimate) -> str:
    """How many blurs of an image that stays there make a GPU pay."""
    if math.isinf(blurs.value):
        return "for no number of blurs"
    low, high = (blurs.value if end is None else end for end in (blurs.low, blurs.high))
    if low == high == 1:
        return "from the first blur on"
    return f"from {_reach(low, high)} blurs on"


def _reach(low: float, high: float) -> str:
    if low == high:
        return f"{low:.0f}"
    return f"{low:.0f} or more" if math.isinf(high) else f"{low:.0f} to {high:.0f}"


def _image_line(found: GpuPays) -> str:
    """From how large an image on a GPU pays, as far as one size can tell, and what tells more."""
    least, most = found.pixels
    pixels = found.gpu.key.height * found.gpu.key.width
    if math.isfinite(most):
        reach = f"{megapixels(least)} to {megapixels(most)}"
        return f"It begins to pay at {reach} (see sweep --image-sizes {_sides(least, most)})."
    if least < pixels:
        more = f"sweep --image-sizes {_sides(pixels / FARTHER, FARTHER * pixels)}"
        return f"From how large an image on it pays, see {more}."
    more = f"sweep --image-sizes {_sides(least, FARTHER * least)}"
    return f"No image below {megapixels(least)} pays; beyond see {more}."


def _sides(least: float, most: float) -> str:
    """The sides of three square images from the least to the most pixels, in powers of 2."""
    low = math.floor(math.log2(max(1.0, least)) / 2)
    low = min(max(low, SIDES[0]), SIDES[1] - 2)
    high = min(max(math.ceil(math.log2(most) / 2), low + 2), SIDES[1])
    return ",".join(str(2**one) for one in (low, (low + high) // 2, high))
