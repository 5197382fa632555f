"""A kernel on the terminal: plain tables."""

from __future__ import annotations

from rich.console import Console

from blurbench.inspect.inspection import Inspection
from blurbench.report.console import room_of, say, say_unbroken
from blurbench.report.table import Table
from blurbench.report.units import MISSING, brief_duration, digits, plural, rough

WIDTH = 78  # at most
MOST_TAPS = 40


def show_inspection(console: Console, found: Inspection, has_shape: bool) -> None:
    """Print all that was found of a kernel, section after section."""
    for line in (_title(found), *_taps(found, min(WIDTH, room_of(console)))):
        say(console, line)
    _show_fidelity(console, found)
    if found.shift is not None:
        _show_shift(console, found)
    _show_choices(console, found)
    _show_influences(console, found)
    _show_costs(console, found)
    if found.cascades:
        _show_cascades(console, found)
    _show_equivalents(console, found)
    if has_shape:
        _show_planning(console, found)


def _heading(console: Console, text: str) -> None:
    say(console, f"\n{text}", "bold")


def _title(found: Inspection) -> str:
    kernel = found.kernel
    return (
        f"Gaussian {kernel.size}x{kernel.size}, sigma {kernel.sigma:.4g}, radius {kernel.radius}; "
        f"border {found.problem.border}"
    )


def _taps(found: Inspection, width: int) -> list[str]:
    """The taps from the largest outwards, as many as fit into a few lines."""
    kernel = found.kernel
    half = kernel.taps[kernel.radius : len(kernel.taps) - (1 if kernel.even else 0)]
    texts = [f"{tap:.5f}" if tap >= 0.01 else f"{tap:.3g}" for tap in half[:MOST_TAPS]]
    if len(half) > MOST_TAPS:
        texts.append(f"... down to {half[-1]:.1e}")
    lines = ["Taps, from the centre to one side:"]
    line = " "
    for text in texts:
        if len(line) + 1 + len(text) > width:
            lines.append(line)
            line = " "
        line += f" {text}"
    return [*lines, line]


def _show_fidelity(console: Console, found: Inspection) -> None:
    kernel, facts = found.kernel, found.fidelity
    _heading(console, "Against the Gaussian that it samples")
    table = Table(("", "value", ""), right=(1,), prose=True)
    rows = [
        (
            "effective sigma",
            f"{facts.effective_sigma:.4f}",
            f"of the taps; asked: {kernel.sigma:.4g}",
        ),
        ("cut off", _small(facts.cut_off), "of the untruncated Gaussian lies beyond the taps"),
        ("distance", _small(facts.distance), "sum |tap - untruncated sampled Gaussian's|, a pass"),
    ]
    if kernel.even:
        centred = _small(facts.distance_from_centred)
        rows.append(("  centred", centred, "the same, from the Gaussian centred on the pixel"))
    rows += [
        (
            "aliasing",
            _small(facts.aliasing),
            "of sampling: largest |response - exp(-(sigma w)^2/2)|",
        ),
        (
            "response",
            _small(facts.response_error),
            f"the same of these taps, at w = {facts.response_error_at:.2f} pi",
        ),
        (
            "at w = pi",
            _small(facts.nyquist),
            f"response of the taps; the Gaussian's is {_small(facts.nyquist_gaussian)}",
        ),
    ]
    for row in rows:
        table.add_row(*row)
    table.show(console)


def _small(value: float) -> str:
    """Two digits; below what double precision can tell from nothing, 0."""
    if abs(value) < 1e-14:
        return "0"
    return f"{value:.2g}" if abs(value) < 1 else f"{value:.4g}"


def _show_shift(console: Console, found: Inspection) -> None:
    shift = found.shift
    assert shift is not None
    _heading(console, "An even size: the blurred image lies half a pixel down and to the right")
    table = Table(("", "shift, pixels", "bias", ""), right=(1, 2), prose=True)
    table.add_row(
        "a dot",
        f"{shift.dot_down:.4f}, {shift.dot_right:.4f}",
        f"{100 * shift.dot_bias:.1f} %",
        f"of its peak, against size {found.kernel.size + 1}",
    )
    table.add_row(
        "an edge",
        f"{shift.edge_right:.4f}",
        f"{100 * shift.edge_bias:.1f} %",
        "of its height",
    )
    table.show(console)


def _show_choices(console: Console, found: Inspection) -> None:
    _heading(console, f"Sizes that others take for sigma {found.kernel.sigma:.4g}")
    table = Table(("rule", "size", "distance"), right=(1, 2))
    for choice in found.choices:
        table.add_row(choice.rule, str(choice.size), _small(choice.distance))
    table.show(console)


def _show_influences(console: Console, found: Inspection) -> None:
    _heading(console, "How much a pixel counts in the blurred image, by its place and the border")
    table = Table(("border", "centre", "edge", "corner"), right=(1, 2, 3))
    for one in found.influences:
        table.add_row(one.border, *(f"{value:.3f}" for value in (one.centre, one.edge, one.corner)))
    table.show(console)


def _show_costs(console: Console, found: Inspection) -> None:
    height, width = found.problem.shape[:2]
    _heading(console, f"Cost a pixel of {width}x{height} float32, and error on values up to 1")
    headers = ("method", "multiply-adds", "bytes", "error, float32", "error, float64")
    table = Table(headers, right=(1, 2, 3, 4), spare=headers[:2:-1])
    for one in found.costs:
        errors = (
            MISSING if error is None else f"{error:.1e}"
            for error in (one.error_float32, one.error_float64)
        )
        table.add_row(
            one.method, digits(one.operations_per_pixel), digits(one.bytes_per_pixel), *errors
        )
    table.show(console)


def _show_cascades(console: Console, found: Inspection) -> None:
    _heading(console, "The same as smaller blurs in a row")
    headers = ("blurs", "sigma of each", "taps", "cost", "together", "distance")
    table = Table(headers, right=(1, 3, 4, 5), spare=("together", "sigma of each"))
    for one in found.cascades:
        table.add_row(
            str(one.count),
            f"{one.sigma:.4f}",
            f"{one.count} x {one.size}",
            f"{one.cost:.2f}x",
            f"sigma {one.effective_sigma:.4f}",
            _small(one.distance),
        )
    table.show(console)


def _show_equivalents(console: Console, found: Inspection) -> None:
    _heading(console, "To get this kernel from another library (image: 2-D, floating point)")
    for one in found.equivalents:
        if one.code is None:
            say(console, f"{one.name}: no call does; {one.reason}.")
        else:
            say(console, f"{one.name}:")
            for line in one.code.splitlines():
                say_unbroken(console, f"    {line}", "cyan")


def _show_planning(console: Console, found: Inspection) -> None:
    height, width = found.problem.shape[:2]
    threads = plural(found.problem.threads, "thread")
    _heading(console, f"A new plan against an image of {width}x{height} float32, {threads}")
    paddings = [one.name for one in found.paddings]
    headers = ("implementation", "new plan", "a call", "ratio", *paddings)
    table = Table(headers, right=range(1, len(headers)), spare=paddings[::-1])
    table.add_row("", "", "", "", *(f"{w}x{h}" for h, w in (one.shape for one in found.paddings)))
    table.add_row("pixels", "", "", "", *(f"{one.pixels:.2f}x" for one in found.paddings))
    for row in found.planning:
        if row.call_s is None or row.plan_s is None:
            expected = f"({brief_duration(row.expected_s)})"
            table.add_row(row.name, MISSING, expected, MISSING, *(MISSING for _ in found.paddings))
            continue
        table.add_row(
            row.name,
            brief_duration(row.plan_s),
            brief_duration(row.call_s),
            rough(row.plan_s / row.call_s),
            *(f"{row.padded[one.name]:.2f}x" for one in found.paddings),
        )
    table.show(console)
    for line in (
        "Right: a call on the image with its border around it, padded to the next length",
        "that FFTs like, power of two, multiple of 256; over a call on the image.",
    ):
        say(console, line)
