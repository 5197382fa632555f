"""One window of a large image: the problem that it poses, and its blur."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench.backends.backend import Implementation
from blurbench.backends.registry import find_backend, find_implementation
from blurbench.blur import borrow_plan
from blurbench.errors import InputError
from blurbench.image import blur_with_alpha
from blurbench.large.source import LargeImage
from blurbench.large.tiles import Tile
from blurbench.lost import check_blurred, unwarned
from blurbench.problem import Problem
from blurbench.recipe import Recipe

# A device has memory of its own: one plan is made there, and one window at a time goes there.
_on_device = threading.Lock()

CHOSEN_FOR = 2048  # pixels along a tile's side, for which `auto` chooses


def window_problem(
    recipe: Recipe, source: LargeImage, sides: tuple[int, int], threads: int = 1
) -> Problem:
    """The problem for a window of an image, whose sides are its height and width."""
    return recipe.problem((*sides, *source.shape[2:]), source.blurred_dtype, threads)


def settled_for(recipe: Recipe, source: LargeImage) -> Recipe:
    """The recipe with the names that `auto` stands for in tiles of such an image."""
    height, width = (min(CHOSEN_FOR, n) for n in source.shape[:2])
    return recipe.settled(window_problem(recipe, source, (height, width)))


def exact_implementation(recipe: Recipe) -> Implementation:
    """The implementation that a settled recipe names.

    Raises:
        InputError: it is unknown, or approximate: tiles would not fit together.
    """
    found = find_implementation(recipe.backend, recipe.method)
    if not found.exact:
        raise InputError(
            f"method {recipe.method!r} is approximate and would leave seams between tiles: "
            "use an exact one, such as separable"
        )
    return found


def bytes_as_a_whole(recipe: Recipe, source: LargeImage) -> int:
    """Bytes that the image takes if it is blurred as a whole: image, result and work."""
    height, width = source.shape[:2]
    problem = window_problem(recipe, source, (height, width))
    return recipe.implementation(problem).work_bytes(problem) + 2 * problem.image_bytes


def blur_tile(recipe: Recipe, source: LargeImage, threads: int, tile: Tile) -> NDArray[Any]:
    """Read the tile's window, and blur it; an array of the shape of the tile."""
    window = source.read(tile.rows, tile.columns)
    carry = find_backend(recipe.backend).carry
    borrowed = borrow_plan(recipe, window.shape, source.blurred_dtype, threads)
    with nullcontext() if carry is None else _on_device, unwarned(), borrowed as plan:
        blur = plan if carry is None else partial(carry, plan)
        blurred = blur_with_alpha(window, blur) if source.alpha else blur(window)
    if not source.alpha:
        by = f"{recipe.backend}:{recipe.method}"
        check_blurred(source.path, window, blurred, plan.problem, by)
    return np.ascontiguousarray(blurred[tile.inside])
