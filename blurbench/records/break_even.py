"""The break-even of a GPU: from how many blurs or images, and from how large an image, it pays.

Of blurs and of pixels, times are shares of what the CPU takes for the same image. `docs/gpu.md`
derives the formulas and says what they assume.
"""

from __future__ import annotations

import math

from blurbench.measure.stats import Estimate
from blurbench.records.summary import Row


def blurs_until_faster(end_to_end: Estimate, there: Estimate) -> Estimate:
    """How many blurs pay for one way there and back, where the data stays on the device.

    Args:
        end_to_end: of one blur there and back.
        there: of one among many, of data that stays.

    Returns:
        The count, 1 or more; infinite where no number of blurs is enough. Its ends are those of
        both intervals.
    """
    value = _blurs(end_to_end.value, there.value)
    if None in (end_to_end.low, end_to_end.high, there.low, there.high):
        return Estimate(value, None, None)
    (low, high), (there_low, there_high) = ends_of(end_to_end), ends_of(there)
    return Estimate(value, _blurs(low, there_low), _blurs(high, there_high))


def _blurs(end_to_end: float, there: float) -> float:
    if there >= 1:
        return math.inf
    return float(max(1, math.ceil((end_to_end - there) / (1 - there))))


def pixels_until_faster(pixels: int, end_to_end: Estimate, launch: float) -> tuple[float, float]:
    """Between how many pixels of an image the GPU begins to be the faster one, end to end.

    One image cannot tell which part of a GPU's time grows with the image: between nothing but the
    launching and all of it may be fixed.

    Args:
        pixels: of the image that was measured.
        end_to_end: of a blur of it there and back.
        launch: of launching, or 0 where that is not known.

    Returns:
        The least and the most; the most is infinite where even a larger image may not be enough.
    """
    low, high = ends_of(end_to_end)
    if low >= 1:  # all fixed: the larger image takes the GPU no longer
        return pixels * low, math.inf
    return pixels * launch / (1 - low + launch), math.inf if high >= 1 else pixels * high


def ends_of(one: Estimate) -> tuple[float, float]:
    """Of its interval, or the estimate itself where it has none."""
    low, high = one.low, one.high
    return one.value if low is None else low, one.value if high is None else high


def images_until_paid(first: Row, second: Row, scope: str) -> int | None:
    """After how many images the second has paid for its set-up and first call.

    None where it takes no less for an image than the first.
    """
    begin_s = [(row.setup_s or 0.0) + (row.first_call_s or 0.0) for row in (first, second)]
    per_image_s = [getattr(row, f"{scope}_median_s") for row in (first, second)]
    # The first call blurs an image already.
    extra_s = (begin_s[1] - per_image_s[1]) - (begin_s[0] - per_image_s[0])
    gain_s = per_image_s[0] - per_image_s[1]
    return max(1, math.ceil(extra_s / gain_s)) if gain_s > 0 else None
