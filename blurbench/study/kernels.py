"""The kernels of a question: one, those of a list, or all in a range."""

from __future__ import annotations

from collections.abc import Iterable

from blurbench.kernel import GaussianKernel, make_kernel

DEFAULT_SIZE = 15
DEFAULT_SIZES = "3:101:x1.3"
DEFAULT_RANGE = "3:255"


def kernel_of(size: int | None, sigma: float | None, allow_even: bool = False) -> GaussianKernel:
    """The kernel of a comparison; without size and sigma that of `DEFAULT_SIZE`.

    Raises:
        InputError: there is no such kernel.
    """
    size = DEFAULT_SIZE if size is None and sigma is None else size
    return make_kernel(sigma, size, allow_even=allow_even)


def kernels_of(
    sizes: Iterable[int], sigma: float | None, allow_even: bool = False
) -> tuple[GaussianKernel, ...]:
    """The kernels of a sweep, each with a sigma of its own or all with the same.

    Raises:
        InputError: there is no such kernel.
    """
    return tuple(GaussianKernel.from_size(size, sigma, allow_even=allow_even) for size in sizes)


def odd_kernels(reach: tuple[int, int], sigma: float | None) -> tuple[GaussianKernel, ...]:
    """Every odd size from the smallest to the largest, which a search may measure.

    Raises:
        InputError: there is no such kernel.
    """
    return kernels_of(range(reach[0], reach[1] + 1, 2), sigma)
