"""A kernel as a picture: its taps, its response, and how much each pixel counts."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure

from blurbench.inspect.fidelity import response_of
from blurbench.inspect.influence import line_influence, side
from blurbench.inspect.inspection import Inspection
from blurbench.report.plots.style import DPI, FAINT, SIZE, SMALL, style

WIDTH, HEIGHT = 9.0, 5.8  # inches
RESPONSES = (1, 0.1, 0.01, 1e-3, 1e-4, 1e-5, 1e-6)
MOST_TAPS_DOTTED = 101
CUT = 4.0  # sigmas that the curve of the Gaussian is drawn to, where the taps do not reach further
MOST_PIXELS, CORNER = 61, 40  # a side of a map: of larger images a corner is drawn
MOST_DOUBLINGS = 2.0  # of what a pixel counts, beyond which colours differ no more
TAPS, GAUSSIAN = "#0072b2", "#d55e00"


def draw_inspection(found: Inspection) -> Figure:
    """Taps and response above, a map of influence for each border below."""
    with style():
        figure = Figure((WIDTH, HEIGHT), dpi=DPI)
        FigureCanvasAgg(figure)
        kernel = found.kernel
        figure.text(
            *(0.03, 0.955),
            f"Gaussian {kernel.size}x{kernel.size}, sigma {kernel.sigma:.4g}",
            fontsize=SIZE + 2,
            fontweight="bold",
        )
        _draw_taps(figure.add_axes((0.08, 0.58, 0.40, 0.31)), found)
        _draw_response(figure.add_axes((0.57, 0.58, 0.40, 0.31)), found)
        _draw_influences(figure, found)
        return figure


def _title(axes: Axes, text: str) -> None:
    axes.set_title(text, loc="left", fontsize=SIZE, color=FAINT)


def _draw_taps(axes: Axes, found: Inspection) -> None:
    kernel = found.kernel
    _title(axes, "taps")
    count = kernel.size
    offsets = np.arange(count) - kernel.radius
    reach = max(kernel.radius, CUT * kernel.sigma)
    curve = np.linspace(-reach - kernel.shift, reach - kernel.shift, 1001)
    # Of area 1, as the taps' sum is.
    density = np.exp(-0.5 * ((curve + kernel.shift) / kernel.sigma) ** 2)
    density /= kernel.sigma * np.sqrt(2 * np.pi)
    axes.plot(curve, density, color=GAUSSIAN, linewidth=1.2, label="Gaussian")
    taps = kernel.taps[:count]
    if count <= MOST_TAPS_DOTTED:
        axes.vlines(offsets, 0, taps, color=TAPS, linewidth=1.2)
        axes.plot(offsets, taps, "o", color=TAPS, markersize=4, label="taps")
    else:
        axes.plot(offsets, taps, color=TAPS, linewidth=1.2, linestyle="--", label="taps")
    axes.axvline(0, color=FAINT, linewidth=0.7, linestyle=":", zorder=0)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("pixels from the output pixel", color=FAINT)
    axes.legend(frameon=False, fontsize=SMALL)


def _draw_response(axes: Axes, found: Inspection) -> None:
    kernel = found.kernel
    _title(axes, "frequency response, absolute")
    frequencies, response = response_of(kernel)
    gaussian = np.exp(-0.5 * (kernel.sigma * frequencies) ** 2)
    axes.plot(frequencies / np.pi, gaussian, color=GAUSSIAN, linewidth=1.2, label="Gaussian")
    axes.plot(frequencies / np.pi, np.abs(response), color=TAPS, linewidth=1.2, label="of the taps")
    axes.set_yscale("log")
    axes.set_yticks(RESPONSES, [f"{one:g}" for one in RESPONSES])
    axes.minorticks_off()
    axes.set_ylim(RESPONSES[-1], 1.5)
    axes.set_xlim(0, 1)
    axes.grid(axis="y")
    axes.set_xlabel("frequency, 1 = every other pixel", color=FAINT)
    axes.legend(frameon=False, fontsize=SMALL, loc="best")


def _draw_influences(figure: Figure, found: Inspection) -> None:
    kernel = found.kernel
    whole = side(kernel)
    part = whole if whole <= MOST_PIXELS else CORNER
    where = "each pixel" if part == whole else f"each of the {part}x{part} pixels of a corner"
    figure.text(
        *(0.03, 0.425),
        f"how much {where} of {whole}x{whole} counts in the blurred image, by border",
        fontsize=SIZE,
        color=FAINT,
    )
    # Both ends are as far from 1 in what a pixel counts, as a ratio.
    values = [abs(np.log2(value)) for one in found.influences for value in (one.edge, one.corner)]
    most = float(min(max(*values, 0.1), MOST_DOUBLINGS))
    norm = TwoSlopeNorm(0.0, -most, most)
    size, gap, bottom = 0.16, 0.012, 0.13
    left, height = 0.03, size * WIDTH / HEIGHT
    for one in found.influences:
        axes = figure.add_axes((left, bottom, size, height))
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set_visible(False)
        line = np.log2(line_influence(kernel, whole, one.border)[:part])
        picture = axes.imshow(line[:, None] + line[None, :], cmap="PuOr_r", norm=norm)
        axes.set_title(one.border, fontsize=SIZE, loc="left")
        text = f"centre {one.centre:.2f}\nedge {one.edge:.2f}\ncorner {one.corner:.2f}"
        axes.text(0, -0.03, text, transform=axes.transAxes, va="top", fontsize=SMALL)
        left += size + gap
    bar = figure.add_axes((left + 0.008, bottom, 0.012, height))
    extend = "both" if max(values) > most else "neither"
    figure.colorbar(picture, cax=bar, extend=extend)
    steps = np.linspace(-most, most, 5)
    bar.set_yticks(steps, [f"{2**step:.2g}x" for step in steps])
    bar.tick_params(length=0, labelsize=SMALL)
