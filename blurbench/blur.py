"""The library's face: one call for one image, and plans for many."""

from __future__ import annotations

import functools
from contextlib import nullcontext
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from blurbench import host
from blurbench.backends.backend import Backend
from blurbench.backends.device_loss import meaning_of
from blurbench.backends.images_on_gpu import OnDevice, adopt, library_of, lies_on_gpu
from blurbench.backends.registry import find_backend, find_implementation, place_of, probe
from blurbench.cache import IdleCache
from blurbench.choice.auto import AUTO, DEVICE, HOST, choose
from blurbench.choice.table import current
from blurbench.errors import InputError
from blurbench.image import Image, blur_with_alpha
from blurbench.kernel import make_kernel
from blurbench.plan import Plan
from blurbench.problem import Problem, check_dtype

KEPT_BYTES = 256 * 2**20


plan_cache = IdleCache(KEPT_BYTES)


def prepare(
    shape: tuple[int, ...],
    *,
    sigma: float | None = None,
    size: int | None = None,
    truncate: float = 4.0,
    allow_even: bool = False,
    border: str = "reflect",
    cval: float = 0.0,
    method: str = "separable",
    backend: str = "scipy",
    dtype: Any = np.float32,
    threads: int | None = None,
    tolerance: float | None = None,
) -> Plan:
    """A plan for many images of one shape: `plan(image, out=None)` blurs one.

    Args:
        shape: `(H, W)` or `(H, W, C)`; channels are blurred independently.
        sigma: standard deviation in pixels; with `size` it may be left out.
        size: number of taps, odd; without it `int(truncate * sigma + 0.5)` on each side.
        allow_even: let `size` be even: the result lies half a pixel further down and to the right.
        border: `reflect`, `mirror`, `nearest`, `wrap` or `constant` (of value `cval`).
        method: `direct`, `separable`, `fft`, `banded` or `dct` (for the borders that fold), or
            `auto`: what `blurbench tune` found to be the fastest here for such a problem.
        backend: `numpy`, `scipy`, `numba`, `cupy`, `cupyx`, `cuda`, ..., or of another package;
            or `auto`, for a plan: of those on the CPU.
        dtype: of the images and of the results: uint8, uint16, float16, float32 or float64.
            Values stay in their own units; integer results are rounded to nearest and clipped.
        threads: for libraries that can be told; default is the CPUs this process may use.
        tolerance: the error, of the largest value, up to which `auto` may take approximations.

    The plan takes arrays of its backend: NumPy's on a CPU, CuPy's on a GPU, tensors with
    `torch_gpu`. It owns its work buffers, so it serves one thread at a time, and on a GPU the
    device and the stream alone that were current when it was made. `plan.adjoint(gradient)` is
    its backward pass.

    Raises:
        InputError: an argument cannot be used (a ValueError with a one-line remedy).
        RuntimeError: the backend cannot run here; the message says why.
    """
    what, wanted = (sigma, size, truncate, allow_even), check_dtype(dtype)
    _check_tolerance(tolerance, backend, method)
    if AUTO in (backend, method):
        problem = _problem(tuple(shape), what, (border, cval), wanted, threads)
        one = choose(problem, backend, method, tolerance, cpu_only=backend == AUTO)
        backend, method = one.backend, one.method
    how = (border, cval, method, backend)
    return _make_plan(find_backend(backend), shape, what, how, wanted, threads)


def gaussian_blur(
    image: Any,
    *,
    sigma: float | None = None,
    size: int | None = None,
    truncate: float = 4.0,
    allow_even: bool = False,
    border: str = "reflect",
    cval: float = 0.0,
    method: str = "separable",
    backend: str = "scipy",
    dtype: Any = None,
    threads: int | None = None,
    tolerance: float | None = None,
) -> Any:
    """Blur one image with a sampled Gaussian; same shape and dtype back.

    Args:
        image: `(H, W)` or `(H, W, C)` of uint8, uint16, float16, float32 or float64. Not-a-number
            and infinite pixels are not looked for; an FFT spreads them over the whole image, and
            so it does the rounding of huge ones: beside a no-data value of -3.4e38 nothing is left.
            `direct` and `separable` spread them no further than the kernel.
        dtype: convert to this first, where no value can be lost; default is the image's own.

    The other arguments are those of `prepare`, but that `auto` may choose a GPU too: copies there
    and back count, unless the image lies there. An array on a GPU, of CuPy or of any library that
    shares it by DLPack or `__cuda_array_interface__` (PyTorch, JAX, Numba), needs a GPU backend.
    It is not copied: the blur runs on its device, on CuPy's current stream there, and comes back
    as a CuPy array, which `torch.from_dlpack` and the like take without a copy; with `torch_gpu`
    the stream is PyTorch's, and it comes back as a tensor. A NumPy array on a GPU backend is
    carried there and back through page-locked memory that is kept. So are plans used lately
    (`plan_cache`), each for its device and stream, and a repeated call costs little more than its
    plan's.

    Raises:
        InputError: an argument cannot be used (a ValueError with a one-line remedy).
        RuntimeError: the backend cannot run here, or its device was lost; the message says why.
        MemoryError: it takes more memory than the device or the host has.
    """
    there = _adopted(image, backend) if lies_on_gpu(image) else None
    if there is not None:
        image, own = there.array, there.dtype
    else:
        image = image if hasattr(image, "dtype") else np.asarray(image)
        own = image.dtype
    wanted = _wanted_dtype(own, dtype)
    what, how = (sigma, size, truncate, allow_even), (border, cval, method, backend)
    _check_tolerance(tolerance, backend, method)
    # Numbers of different types may be equal and not equally welcome: 5 is a size, 5.0 is not.
    types = type(sigma), type(size)
    try:
        if AUTO in (backend, method):
            place = HOST if there is None else DEVICE
            how = _resolve(image.shape, wanted, what, how, types, threads, (tolerance, place))
            backend = how[-1]
        key = (image.shape, wanted, what, how, types, threads)
        hash(key)
    except TypeError:  # a list, say, where a number belongs
        make_kernel(*what)
        raise
    owner = find_backend(backend)

    def make() -> Plan:
        return _make_plan(owner, image.shape, what, how, wanted, threads)

    with nullcontext() if there is None else there.device:
        if wanted != own:
            image = image.astype(wanted) if there is None else there.converted(wanted)
        try:
            with plan_cache.borrow((*key, place_of(owner)), make) as plan:
                if owner.carry is None or there is not None:
                    return plan(image)
                return owner.carry(plan, image)
        except InputError:
            raise
        except Exception as error:
            meaning = meaning_of(error, owner)
            if meaning is error:
                raise
            raise meaning from error


def blur_file_pixels(image: Image, **how: Any) -> NDArray[Any]:
    """The pixels of an image file blurred as `gaussian_blur` does; colour weighted by opacity."""
    if image.alpha:
        return blur_with_alpha(image.pixels, lambda weighted: gaussian_blur(weighted, **how))
    blurred: NDArray[Any] = gaussian_blur(image.pixels, **how)
    return blurred


def _adopted(image: Any, backend: str) -> OnDevice:
    """An image on a GPU as the backend takes it, or CuPy's, among which `auto` chooses.

    Raises:
        InputError: the backend is one on the CPU, or cannot take it.
        RuntimeError: what would take it cannot run here.
    """
    if backend == AUTO:
        return adopt(image)
    owner = find_backend(backend)
    if owner.kind == "cpu":
        _refuse_on_cpu(image, backend)
    if owner.adopt is None:
        return adopt(image)
    _check_runs(owner)
    taken: OnDevice = owner.adopt(image)
    return taken


def _refuse_on_cpu(image: Any, backend: str) -> NoReturn:
    library, other = library_of(image), "cupy"
    if library == "cupy":
        given, remedy = "a CuPy image", "image.get() first"
    else:
        given, remedy = f"an image of {library} on a GPU", "copy it to the host first"
        other = "torch_gpu" if library == "torch" else other
    raise InputError(
        f"{given} cannot go to the CPU backend {backend!r}: use backend={other!r}, or {remedy}"
    )


def _check_runs(owner: Backend) -> None:
    state = probe(owner)
    if not state.ok:
        raise RuntimeError(f"backend {owner.name!r} cannot run here: {state.explanation}")


def _wanted_dtype(image_dtype: Any, dtype: Any) -> np.dtype[Any]:
    own = check_dtype(image_dtype)
    if dtype is None:
        return own
    wanted = check_dtype(dtype)
    if wanted.kind != "f" and not np.can_cast(own, wanted):
        raise InputError(
            f"dtype {wanted} cannot hold every {own} value: round and clip the image yourself"
        )
    return wanted


def _check_tolerance(tolerance: float | None, backend: str, method: str) -> None:
    if tolerance is not None and AUTO not in (backend, method):
        raise InputError(
            f"tolerance {tolerance!r} is for what auto may choose: use method='auto', or name an "
            "approximate method"
        )


def _problem(
    shape: tuple[int, ...],
    what: tuple[float | None, int | None, float, bool],
    border: tuple[str, float],
    dtype: np.dtype[Any],
    threads: int | None,
) -> Problem:
    threads = host.usable_cpus() if threads is None else threads
    return Problem(make_kernel(*what), tuple(shape), dtype, *border, threads)


@functools.lru_cache(maxsize=1024)
def _resolve(
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    what: tuple[float | None, int | None, float, bool],
    how: tuple[str, float, str, str],
    types: tuple[type, type],
    threads: int | None,
    among: tuple[float | None, str],
) -> tuple[str, float, str, str]:
    """`how` with the method and backend that `auto` stands for.

    Args:
        among: the tolerance, and the place of the image: see `choose`.
    """
    border, cval, method, backend = how
    tolerance, place = among
    problem = _problem(shape, what, (border, cval), dtype, threads)
    one = choose(problem, backend, method, tolerance, place)
    return border, cval, one.method, one.backend


def forget_choices() -> None:
    """Choose anew from now on, by the table as it is now."""
    current.cache_clear()
    _resolve.cache_clear()


def _make_plan(
    owner: Backend,
    shape: tuple[int, ...],
    what: tuple[float | None, int | None, float, bool],
    how: tuple[str, float, str, str],
    dtype: np.dtype[Any],
    threads: int | None,
) -> Plan:
    border, cval, method, backend = how
    implementation = find_implementation(backend, method)
    problem = _problem(tuple(shape), what, (border, cval), dtype, threads)
    implementation.check(problem)
    _check_runs(owner)
    plan = implementation.prepare(problem)
    plan.prepare = implementation.prepare_sibling if implementation.exact else None
    return plan
