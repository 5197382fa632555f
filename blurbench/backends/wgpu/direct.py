"""The dense sum."""

from __future__ import annotations

import numpy as np

from blurbench.backends.wgpu.bands import BINDING, ROWS
from blurbench.backends.wgpu.device import WgpuDevice
from blurbench.backends.wgpu.plan import IMAGE, RESULT, Stage, WgpuPlan, check_turns, in_fours
from blurbench.errors import InputError
from blurbench.problem import Problem

TILE_ROWS = 4
# Multiply-adds of a launch: some systems end one that keeps the device busy for seconds.
MOST_AT_ONCE = 2**36


class WgpuDirectPlan(WgpuPlan):
    """The dense sum.

    Raises:
        InputError: the dense taps do not fit into a binding.
    """

    def __init__(self, device: WgpuDevice, problem: Problem) -> None:
        needed, binding = direct_bytes(problem), device.limits[BINDING]
        if needed > binding:
            raise InputError(
                f"direct of wgpu needs {needed} bytes for {problem.kernel.size} taps, and this "
                f"adapter binds {binding}: use separable"
            )
        check_turns(device, problem, direct_bytes(problem) // 12)
        # Of an even kernel too: its last tap is 0.
        taps = problem.kernel.taps
        dense = np.concatenate([in_fours(taps * tap, 6) for tap in taps])
        values = problem.width * problem.channels
        parts = f"load_{problem.dtype}", f"store_{problem.dtype}", "load_rows", "direct"
        stage = Stage(parts, IMAGE, RESULT, 0, -(-values // device.threads), TILE_ROWS)
        at_once = MOST_AT_ONCE // (values * problem.kernel.size**2) // ROWS * ROWS
        super().__init__(device, problem, dense, [stage], max(ROWS, at_once))


def direct_bytes(problem: Problem) -> int:
    """The dense taps, each column with up to 6 zeros."""
    size = 2 * problem.kernel.radius + 1
    return size * ((size + 6) // 4) * 16
