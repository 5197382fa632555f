"""The separable blur: both passes in one launch for few taps, two launches for many."""

from __future__ import annotations

from blurbench.backends.wgpu.bands import FOUR
from blurbench.backends.wgpu.device import WgpuDevice
from blurbench.backends.wgpu.plan import (
    BETWEEN,
    IMAGE,
    RESULT,
    Stage,
    WgpuPlan,
    check_turns,
    in_fours,
)
from blurbench.errors import InputError
from blurbench.problem import Problem

# Of the columns in workgroup memory, those of the strip itself. The vertical sums under its margins
# are made by its neighbours as well; where these are more, a second launch with its 8 bytes a pixel
# costs less, on a GPU that takes in 12 to 27 multiply-adds in the time of a byte.
LEAST_SHARE = 0.6


class WgpuSeparablePlan(WgpuPlan):
    """Both passes of the separable blur.

    Raises:
        InputError: the image has more channels than a workgroup can take side by side.
    """

    def __init__(self, device: WgpuDevice, problem: Problem) -> None:
        check_turns(device, problem, problem.kernel.radius * 2 + 64)
        taps = in_fours(problem.kernel.taps, 10)
        super().__init__(device, problem, taps, stages(problem, device.threads))


def stages(problem: Problem, threads: int) -> list[Stage]:
    """The launches for a problem, by workgroups of so many threads."""
    held = 2 * threads // problem.channels  # pixels in workgroup memory
    if held < FOUR:
        raise InputError(
            f"an image of {problem.channels} channels is too much for separable of wgpu, which "
            f"takes {threads // 2}: use direct or another backend"
        )
    load, store = f"load_{problem.dtype}", f"store_{problem.dtype}"
    inner = held // FOUR * FOUR - -(-2 * problem.kernel.radius // FOUR) * FOUR
    if inner >= max(FOUR, LEAST_SHARE * held):
        return [_along(problem, (load, store, "load_rows", "down", "fill_blurred"), IMAGE, inner)]
    lanes = -(-problem.width * problem.channels // threads)
    return [
        Stage((load, "store_float32", "load_rows", "down", "columns"), IMAGE, BETWEEN, 0, lanes),
        _along(problem, ("load_float32", store, "fill_loaded"), BETWEEN, held),
    ]


def _along(problem: Problem, fill: tuple[str, ...], source: str, most: int) -> Stage:
    """The stage over strips of up to `most` pixels, in fours, filled by these parts."""
    parts = *fill, "strip", f"store_tile_{problem.dtype}"
    strips = -(-problem.width // (most // FOUR * FOUR))
    strip = -(-problem.width // (FOUR * strips)) * FOUR
    return Stage(parts, source, RESULT, strip, strips, touched=strip * strips)


def separable_bytes(problem: Problem) -> int:
    """The float32 image between two launches, at most."""
    return problem.height * problem.width * problem.channels * 4
