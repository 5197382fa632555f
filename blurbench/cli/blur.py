"""`blurbench blur`: one file in, one file out."""

from __future__ import annotations

from typing import Any

import click

from blurbench.cli.options import KERNEL, Number, with_options

EXAMPLES = """\b
Examples:
  blurbench blur photo.jpg -o soft.png --sigma 2.5
  blurbench blur photo.png -o soft.png --size 101 --method fft
"""


@click.command(epilog=EXAMPLES)
@click.argument("image", metavar="IN")
@click.option("-o", "--output", required=True, metavar="OUT", help="File to write.")
@with_options(KERNEL)
@click.option("--backend", default="scipy", show_default=True)
@click.option("--method", default="separable", show_default=True)
@click.option("--border", default="reflect", show_default=True)
@click.option("--cval", type=Number(float), default=0.0, help="Value of the constant border.")
def blur(
    image: str,
    output: str,
    size: int | None,
    sigma: float | None,
    allow_even: bool,
    backend: str,
    method: str,
    **border: Any,
) -> int:
    """Blur one image file; its type of pixel and its opacity are kept.

    OUT is written under a temporary name and renamed, so it is whole or not there.
    """
    from blurbench.backends.registry import find_backend, find_implementation, probe
    from blurbench.blur import blur_file_pixels
    from blurbench.border import check_border
    from blurbench.image import check_writable, read_image, write_image
    from blurbench.kernel import make_kernel
    from blurbench.plan import Problem

    kernel = make_kernel(sigma, size, allow_even=allow_even)
    check_border(**border)
    implementation = find_implementation(backend, method)

    def check_output_and_memory(shape: tuple[int, ...], dtype: Any) -> int:
        check_writable(output, shape, dtype)
        problem = Problem(kernel, shape, dtype, **border)
        return implementation.work_bytes(problem) + 2 * problem.image_bytes

    loaded = read_image(image, check_output_and_memory)
    state = probe(find_backend(backend))
    if not state.ok:
        click.echo(f"Error: {backend} cannot run: {state.explanation}", err=True)
        return 3
    for note in loaded.notes:
        click.echo(f"Note: {image}: {note}.", err=True)
    blurred = blur_file_pixels(
        loaded,
        size=kernel.size,
        sigma=kernel.sigma,
        allow_even=kernel.even,
        backend=backend,
        method=method,
        **border,
    )
    if kernel.even:
        click.echo(f"Note: {kernel.note}.", err=True)
    write_image(output, blurred)
    return 0
