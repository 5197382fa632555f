"""The library's face: one call for one image, and plans for many."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from blurbench.backends.backend import Backend, Implementation
from blurbench.backends.device_loss import meaning_of
from blurbench.backends.images_on_gpu import OnDevice, adopt, library_of, lies_on_gpu
from blurbench.backends.registry import find_backend, place_of, probe
from blurbench.cache import IdleCache
from blurbench.choice.auto import AUTO, DEVICE, HOST
from blurbench.errors import InputError, text_of
from blurbench.image import Image, blur_with_alpha
from blurbench.kernel import make_kernel
from blurbench.plan import Plan
from blurbench.problem import Problem, check_dtype
from blurbench.recipe import Recipe

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
    """A plan for many images of one shape: `plan(image, out=None)` blurs one, `plan.stack` N.

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
    kernel = make_kernel(sigma, size, truncate, allow_even)
    recipe = Recipe(kernel, border, cval, backend, method, tolerance)
    problem = recipe.problem(_sides_of(shape), check_dtype(dtype), threads)
    return _make_plan(recipe.implementation(problem, cpu_only=backend == AUTO), problem)


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
    stack: bool = False,
) -> Any:
    """Blur an image, or a stack of them, with a sampled Gaussian; same shape and dtype back.

    Args:
        image: `(H, W)` or `(H, W, C)` of uint8, uint16, float16, float32 or float64. Not-a-number
            and infinite pixels are not looked for; an FFT spreads them over the whole image, and
            so it does the rounding of huge ones: beside a no-data value of -3.4e38 nothing is left.
            `separable` spreads them no further than the kernel, and so does SciPy's `direct`. What
            multiplies blocks, as `banded` and NumPy's `direct` do, spreads NaN and infinity up to
            31 pixels further; OpenCV's `direct` is an FFT from about 11x11 taps.
        dtype: convert to this first, where no value can be lost; default is the image's own.
        stack: whether `image` is N equal images, `(N, H, W)` or `(N, H, W, C)`, which no shape
            tells from one image of channels. Each is blurred as it would be alone, all by one plan;
            N may be 0.

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
    try:
        kernel = _make_kernel(sigma, size, truncate, allow_even)
        recipe = _make_recipe(kernel, border, cval, backend, method, tolerance)
        return blur_array(image, recipe, dtype, threads, stack)
    except TypeError:  # a list, say, where a number belongs: no cache can look for it
        recipe = Recipe(
            make_kernel(sigma, size, truncate, allow_even), border, cval, backend, method, tolerance
        )
        recipe.implementation(recipe.problem((1, 1), np.dtype(np.float32), threads))
        raise


def blur_array(
    image: Any,
    recipe: Recipe,
    dtype: Any = None,
    threads: int | None = None,
    stack: bool = False,
) -> Any:
    """Blur an image, or a stack of them, by a recipe, as `gaussian_blur` does."""
    there = _adopted(image, recipe.backend) if lies_on_gpu(image) else None
    if there is not None:
        image, own = there.array, there.dtype
    else:
        image = image if hasattr(image, "dtype") else _array_of(image)
        own = image.dtype
    wanted = _wanted_dtype(own, dtype)
    shape = _shape_of_one(image.shape) if stack else image.shape
    if recipe.is_open:
        place = HOST if there is None else DEVICE
        recipe = settle(recipe, shape, wanted, threads, place)
    owner = find_backend(recipe.backend)
    with nullcontext() if there is None else there.device:
        if wanted != own:
            image = image.astype(wanted) if there is None else there.converted(wanted)
        try:
            with borrow_plan(recipe, shape, wanted, threads) as plan:
                if owner.carry is None or there is not None:
                    return plan.stack(image) if stack else plan(image)
                if stack:
                    return _carry_stack(owner.carry, plan, image)
                return owner.carry(plan, image)
        except InputError:
            raise
        except Exception as error:
            meaning = meaning_of(error, owner)
            if meaning is error:
                raise
            raise meaning from error


def blur_file_pixels(image: Image, recipe: Recipe, threads: int | None = None) -> NDArray[Any]:
    """The pixels of an image file blurred as `gaussian_blur` does; colour weighted by opacity."""

    def blur(pixels: NDArray[Any]) -> NDArray[Any]:
        blurred: NDArray[Any] = blur_array(pixels, recipe, threads=threads)
        return blurred

    return blur_with_alpha(image.pixels, blur) if image.alpha else blur(image.pixels)


def borrow_plan(
    recipe: Recipe, shape: tuple[int, ...], dtype: np.dtype[Any], threads: int | None
) -> AbstractContextManager[Plan]:
    """A plan of the cache for images of a shape and type; it works where the calling thread does.

    Args:
        recipe: names what runs, `auto` is settled.
    """

    def make() -> Plan:
        problem = recipe.problem(shape, dtype, threads)
        return _make_plan(recipe.implementation(problem), problem)

    place = place_of(find_backend(recipe.backend))
    return plan_cache.borrow((recipe, shape, dtype, threads, type(threads), place), make)


def _array_of(image: Any) -> NDArray[Any]:
    try:
        return np.asarray(image)
    except (TypeError, ValueError) as error:  # of rows that differ in length
        raise InputError(
            f"image is a {type(image).__name__}, which is no array: {text_of(error)}"
        ) from None


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


def _sides_of(shape: Any) -> tuple[Any, ...]:
    """A shape as a tuple, whose sides the problem looks at."""
    try:
        return tuple(shape)
    except TypeError:
        raise InputError(f"image shape {shape!r} is not usable: give (H, W) or (H, W, C)") from None


def _shape_of_one(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of one image of a stack."""
    if len(shape) not in (3, 4):
        raise InputError(
            f"stack shape {tuple(shape)} is not usable: give (N, H, W) or (N, H, W, C)"
        )
    return tuple(shape[1:])


def _carry_stack(
    carry: Callable[[Plan, NDArray[Any]], NDArray[Any]], plan: Plan, images: NDArray[Any]
) -> NDArray[Any]:
    """Blur a stack on the host by a device, which then has to hold one image at a time."""
    blurred = np.empty(images.shape, images.dtype)
    for number, image in enumerate(np.asarray(images)):
        blurred[number] = carry(plan, image)
    return blurred


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


# Numbers of different types may be equal and not equally welcome: 5 is a size, or a number of
# threads, and 5.0 is not. So what is kept is found by their types, too.
_make_kernel = functools.lru_cache(maxsize=256, typed=True)(make_kernel)
_make_recipe = functools.lru_cache(maxsize=256)(Recipe)


@functools.lru_cache(maxsize=1024, typed=True)
def settle(
    recipe: Recipe, shape: tuple[int, ...], dtype: np.dtype[Any], threads: int | None, place: str
) -> Recipe:
    """The recipe with the names that `auto` stands for with such an image."""
    return recipe.settled(recipe.problem(shape, dtype, threads), place)


def _make_plan(implementation: Implementation, problem: Problem) -> Plan:
    implementation.check(problem)
    _check_runs(find_backend(implementation.backend))
    plan = implementation.prepare(problem)
    plan.prepare = implementation.prepare_sibling if implementation.exact else None
    return plan
