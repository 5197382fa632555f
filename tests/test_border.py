"""What lies outside the image, held against a step-by-step walk and against numpy.pad."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given
from hypothesis import strategies as st

from blurbench.border import BORDERS, OUTSIDE, Margins, blur_matrix, check_border, source_index
from blurbench.errors import InputError
from blurbench.kernel import GaussianKernel

# numpy.pad's names for the borders.
PAD_MODES = {
    "reflect": "symmetric",
    "mirror": "reflect",
    "nearest": "edge",
    "wrap": "wrap",
    "constant": "constant",
}
LENGTHS = [1, 2, 3, 4, 7]

each_border = pytest.mark.parametrize("border", BORDERS)
each_length = pytest.mark.parametrize("n", LENGTHS)


def walk(position: int, n: int, border: str) -> int:
    """Where one arrives who walks from sample 0 to `position` in single steps."""
    here, ahead = 0, 1 if position > 0 else -1
    for _ in range(abs(position)):
        if 0 <= here + ahead < n:
            here += ahead
        elif border == "constant":
            return OUTSIDE
        elif border == "wrap":
            here = 0 if ahead > 0 else n - 1
        elif border == "reflect":  # stays for a step and turns round
            ahead = -ahead
        elif border == "mirror" and n > 1:  # turns round at once
            ahead = -ahead
            here += ahead
    return here


def pad(line: np.ndarray, width: Any, border: str, cval: float = 0.0) -> np.ndarray:
    """numpy.pad by our name of the border."""
    options = {"constant_values": cval} if border == "constant" else {}
    return np.pad(line, width, mode=PAD_MODES[border], **options)


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(3).normal(size=shape)


@each_border
@each_length
def test_every_position_comes_from_where_a_walk_arrives(n: int, border: str) -> None:
    positions = np.arange(-9 * n - 2, 10 * n + 3)
    walked = [walk(int(position), n, border) for position in positions]
    assert source_index(positions, n, border).tolist() == walked


@given(st.integers(1, 40), st.integers(-400, 400), st.sampled_from(BORDERS))
def test_any_position_on_any_line_comes_from_where_a_walk_arrives(
    n: int, position: int, border: str
) -> None:
    assert source_index(np.array([position]), n, border).tolist() == [walk(position, n, border)]


@each_border
@each_length
@pytest.mark.parametrize("lengths_outside", [1, 2, 7])
def test_the_outside_is_that_of_numpy_pad(n: int, border: str, lengths_outside: int) -> None:
    width = lengths_outside * n + 1
    expected = pad(np.arange(n), width, border, cval=OUTSIDE)
    assert source_index(np.arange(-width, n + width), n, border).tolist() == expected.tolist()


@each_border
@each_length
def test_the_inside_comes_from_itself(n: int, border: str) -> None:
    assert source_index(np.arange(n), n, border).tolist() == list(range(n))


@pytest.mark.parametrize("border", [border for border in BORDERS if border != "constant"])
def test_a_line_of_one_sample_is_everywhere_that_sample(border: str) -> None:
    assert set(source_index(np.arange(-20, 21), 1, border).tolist()) == {0}


@given(st.integers(1, 2**20), st.integers(-(2**40), 2**40), st.sampled_from(BORDERS[:4]))
def test_every_source_lies_on_the_line_however_far_outside(
    n: int, position: int, border: str
) -> None:
    assert 0 <= int(source_index(np.array([position]), n, border)[0]) < n


@each_border
def test_the_shape_of_the_positions_is_kept(border: str) -> None:
    positions = np.arange(-6, 6).reshape(2, 3, 2)
    assert source_index(positions, 4, border).shape == positions.shape


@each_border
def test_the_positions_are_not_changed(border: str) -> None:
    positions = np.arange(-6, 10)
    source_index(positions, 4, border)
    assert positions.tolist() == list(range(-6, 10))


def test_an_unknown_border_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError) as refused:
        check_border("edge")
    message = str(refused.value)
    assert [name for name in ("'edge'", *BORDERS) if name not in message] == []


@pytest.mark.parametrize("cval", [math.nan, math.inf, -math.inf])
def test_a_border_value_that_is_not_finite_is_refused(cval: float) -> None:
    with pytest.raises(InputError, match=f"border value {cval}.*finite"):
        check_border("constant", cval)


def filled(
    image: np.ndarray, axis: int, radius: int, border: str, *, spare: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """The image with margins along one axis, filled; and what stood there before."""
    n = image.shape[axis]
    shape = list(image.shape)
    shape[axis] = n + 2 * radius + spare
    line = np.full(shape, -99.0)
    inner = np.moveaxis(line, axis, 0)[radius : radius + n]
    inner[...] = np.moveaxis(image, axis, 0)
    before = line.copy()
    Margins(np, n, radius, border, 2.5).fill(line, axis)
    return line, before


@each_border
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (4, 1), (4, 5), (3, 4, 2)])
@pytest.mark.parametrize("radius", [0, 1, 3, 23])
def test_filled_margins_are_those_of_numpy_pad(
    shape: tuple[int, ...], axis: int, radius: int, border: str
) -> None:
    image = noise(*shape)
    widths = [(0, 0)] * image.ndim
    widths[axis] = (radius, radius)
    line, _ = filled(image, axis, radius, border)
    assert np.array_equal(line, pad(image, widths, border, cval=2.5))


@each_border
@pytest.mark.parametrize("axis", [0, 1])
def test_what_lies_beyond_the_margins_is_left_alone(axis: int, border: str) -> None:
    line, before = filled(noise(4, 5), axis, 2, border, spare=3)
    beyond = (slice(None),) * axis + (slice(-3, None),)
    assert np.array_equal(line[beyond], before[beyond])


@each_border
def test_margins_can_be_filled_again_for_another_image(border: str) -> None:
    margins = Margins(np, 5, 3, border, 2.5)
    line = np.zeros((2, 11))
    for image in (noise(2, 5), noise(2, 5) + 1.0):
        line[:, 3:8] = image
        margins.fill(line, 1)
        assert np.array_equal(line, pad(image, ((0, 0), (3, 3)), border, cval=2.5))


@each_border
@each_length
@pytest.mark.parametrize("size", [1, 3, 15, 41])
def test_the_blur_matrix_blurs_a_line(n: int, border: str, size: int) -> None:
    taps, line, cval = GaussianKernel.from_size(size).taps, noise(n), -3.25
    matrix, outside = blur_matrix(taps, np.arange(n), n, border)
    expected = scipy.ndimage.correlate1d(line, taps, mode=border, cval=cval)
    np.testing.assert_allclose(matrix @ line + outside * cval, expected, rtol=0, atol=1e-14)


@given(
    st.integers(1, 12),
    st.integers(0, 20),
    st.lists(st.integers(-40, 40), max_size=6),
    st.sampled_from(BORDERS),
)
def test_the_weights_of_every_row_of_the_blur_matrix_sum_to_one(
    n: int, radius: int, positions: list[int], border: str
) -> None:
    taps = GaussianKernel.from_sigma(3.0, radius=radius).taps
    matrix, outside = blur_matrix(taps, np.array(positions, dtype=np.int64), n, border)
    np.testing.assert_allclose(matrix.sum(axis=1) + outside, 1.0, rtol=0, atol=1e-14)


@each_border
def test_the_blur_matrix_has_a_row_for_each_position_asked_for(border: str) -> None:
    taps, positions = GaussianKernel.from_size(7).taps, np.array([5, 0, 5])
    whole, beyond = blur_matrix(taps, np.arange(6), 6, border)
    matrix, outside = blur_matrix(taps, positions, 6, border)
    assert np.array_equal(matrix, whole[positions])
    assert np.array_equal(outside, beyond[positions])


@pytest.mark.parametrize("border", [border for border in BORDERS if border != "constant"])
def test_only_the_constant_border_gives_the_border_value_a_weight(border: str) -> None:
    _, outside = blur_matrix(GaussianKernel.from_size(31).taps, np.arange(4), 4, border)
    assert not outside.any()
