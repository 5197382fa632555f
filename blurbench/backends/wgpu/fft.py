"""Overlap-save: lines of the image through their spectrum in workgroup memory, and back."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from blurbench.backends.wgpu.device import WgpuDevice
from blurbench.backends.wgpu.pipelines import MOST_THREADS
from blurbench.backends.wgpu.plan import BETWEEN, IMAGE, RESULT, Stage, WgpuPlan, check_turns
from blurbench.problem import Problem


class WgpuFFTPlan(WgpuPlan):
    """Two launches: lines down the image, then lines across it."""

    def __init__(self, device: WgpuDevice, problem: Problem) -> None:
        points = 4 * device.threads
        step, turns = turns_of(problem, points)
        check_turns(device, problem, 32 * (turns + 2))
        values, strip = problem.width * problem.channels, points - step + 1
        lanes, blocks = -(-values // 2), -(-problem.width // strip) * problem.channels
        down = f"load_{problem.dtype}", "store_float32", "fft_down", "fft"
        across = "load_float32", f"store_{problem.dtype}", "fft_across", "fft"
        super().__init__(
            device,
            problem,
            responses(problem.kernel.taps, points, step, turns),
            [
                Stage(down, IMAGE, BETWEEN, strip, lanes, strip, turns=turns, step=step),
                Stage(across, BETWEEN, RESULT, strip, blocks, 2, turns=turns, step=step),
            ],
        )


def turns_of(problem: Problem, points: int) -> tuple[int, int]:
    """Taps of a turn, and turns: one where the taps are at most half of the points."""
    taps = 2 * problem.kernel.radius + 1
    step = min(taps, points // 2)
    return step, -(-taps // step)


def responses(taps: NDArray[np.float64], points: int, step: int, turns: int) -> NDArray[np.float32]:
    """`(turns * points, 4)`: what each turn's taps do to the spectrum, then roots of unity.

    Both are complex; the responses lie in the order of reversed digits and are divided by
    `points`.
    """
    order = digits_reversed(points)
    padded = np.zeros((turns, points))
    for turn, some in enumerate(padded):
        part = taps[turn * step : (turn + 1) * step]
        some[: len(part)] = part
    spectra = np.fft.fft(padded).conj()[:, order].reshape(-1) / points
    roots = np.tile(np.exp(-2j * np.pi * np.arange(points) / points), turns)
    return np.stack([spectra.real, spectra.imag, roots.real, roots.imag], 1).astype(np.float32)


def digits_reversed(points: int) -> NDArray[np.int64]:
    """The numbers below a power of 4 with their digits to the base 4 in reverse."""
    order = np.zeros(1, np.int64)
    while len(order) < points:
        order = (4 * order[None, :] + np.arange(4)[:, None]).reshape(-1)
    return order


def operations(problem: Problem) -> float:
    """Multiply-adds that one image takes, about: `L*log2(L)` a transform of two lines of L."""
    points = 4 * MOST_THREADS
    step, turns = turns_of(problem, points)
    lines = 0.0
    for along, over in (problem.shape[:2], problem.shape[1::-1]):
        lines += math.ceil(over / 2) * math.ceil(along / (points - step + 1))
    return problem.channels * lines * (turns + 1) * 2 * points * math.log2(points)


def fft_bytes(problem: Problem) -> int:
    """The float32 image between the launches, and the responses."""
    between = problem.height * problem.width * problem.channels * 4
    return between + 64 * MOST_THREADS * turns_of(problem, 4 * MOST_THREADS)[1]
