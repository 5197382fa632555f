"""The built-in image: what a blur is judged by, made here, the same on every machine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

HEIGHT, WIDTH = 540, 960


def make_testcard() -> NDArray[np.uint8]:
    """A uint8 `(540, 960, 3)` card in four quarters.

    Zone plate (every frequency in every direction), 1/f noise (the spectrum of photographs),
    edges and fine lines, and a ramp through the colours.
    """
    half_height, half_width = HEIGHT // 2, WIDTH // 2
    shape = (half_height, half_width)
    y, x = np.mgrid[0:half_height, 0:half_width].astype(np.float64)
    top = np.hstack([_grey(_zone_plate(y, x)), _grey(_pink_noise(shape))])
    bottom = np.hstack([_grey(_edges(y, x)), _colour_ramp(y, x)])
    card = np.vstack([top, bottom])
    return np.rint(255 * card).astype(np.uint8)


def _grey(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.repeat(values[:, :, None], 3, axis=2)


def _zone_plate(y: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """cos(pi*d^2/w), d from the centre: d/w cycles a pixel there, 1/2 at the sides."""
    height, width = y.shape
    squared = (y - height / 2) ** 2 + (x - width / 2) ** 2
    plate: NDArray[np.float64] = 0.5 + 0.5 * np.cos(np.pi * squared / width)
    return plate


def _pink_noise(shape: tuple[int, int]) -> NDArray[np.float64]:
    """Amplitude 1/f with random phases, clipped at three standard deviations to 0..1."""
    # PCG64's raw integers are fixed for ever; the distributions of a Generator may change.
    bits = np.random.PCG64(20).random_raw(shape[0] * (shape[1] // 2 + 1))
    phase = 2 * np.pi * (bits.reshape(shape[0], -1) / 2.0**64)
    fy, fx = np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None, :]
    frequency = np.hypot(fy, fx)
    frequency[0, 0] = np.inf
    noise = np.fft.irfft2(np.exp(1j * phase) / frequency, s=shape)
    clipped: NDArray[np.float64] = np.clip(0.5 + noise / (6 * noise.std()), 0, 1)
    return clipped


def _edges(y: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """A slanted edge, line pairs from 1 to 12 pixels wide, and single dots."""
    height, width = y.shape
    card = np.where(x + 0.2 * y < 0.35 * width, 0.9, 0.1)
    left = int(0.5 * width)
    for line in (1, 2, 3, 4, 6, 8, 12):
        band = (x >= left) & (x < left + 4 * line) & (y > 0.1 * height) & (y < 0.6 * height)
        card = np.where(band & ((x - left) // line % 2 == 0), 1.0, card)
        left += 4 * line + 10
    dots = (y > 0.7 * height) & (x > 0.5 * width) & (y % 20 < 1) & (x % 20 < 1)
    return np.where(dots, 1.0, card)


def _colour_ramp(y: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Hue from left to right, from black at the top to full brightness at the bottom."""
    hue, brightness = 6 * x / x.shape[1], (y + 1) / y.shape[0]
    channels = [np.clip(np.abs((hue + shift) % 6 - 3) - 1, 0, 1) for shift in (0.0, 4.0, 2.0)]
    ramp: NDArray[np.float64] = np.stack(channels, axis=2) * brightness[:, :, None]
    return ramp
