"""The built-in image: the same everywhere, and in its quarters what a blur is judged by."""

from __future__ import annotations

import hashlib
from itertools import pairwise

import numpy as np
import pytest

from blurbench.testcard import make_testcard

SHA256 = "b0a47702020bad964c60eacf2a52b4a7586001dbc4c438cb7aa1ba6dc98a0450"


@pytest.fixture(scope="module")
def card() -> np.ndarray:
    return make_testcard()


@pytest.fixture(scope="module")
def zone_plate(card: np.ndarray) -> np.ndarray:
    return card[:270, :480, 0].astype(float)


@pytest.fixture(scope="module")
def pink_noise(card: np.ndarray) -> np.ndarray:
    return card[:270, 480:, 0].astype(float)


@pytest.fixture(scope="module")
def edges(card: np.ndarray) -> np.ndarray:
    return card[270:, :480, 0].astype(float)


@pytest.fixture(scope="module")
def ramp(card: np.ndarray) -> np.ndarray:
    return card[270:, 480:].astype(float)


def test_it_is_960x540_rgb_in_eight_bits(card: np.ndarray) -> None:
    assert (card.shape, card.dtype) == ((540, 960, 3), np.uint8)


def test_it_is_the_same_on_every_machine(card: np.ndarray) -> None:
    assert hashlib.sha256(card.tobytes()).hexdigest() == SHA256


def test_every_call_makes_a_card_of_its_own(card: np.ndarray) -> None:
    other = make_testcard()
    assert not np.may_share_memory(card, other)
    np.testing.assert_array_equal(card, other)


@pytest.mark.parametrize("quarter", ["zone_plate", "pink_noise", "edges", "ramp"])
def test_each_quarter_uses_the_range(quarter: str, request: pytest.FixtureRequest) -> None:
    values = request.getfixturevalue(quarter)
    assert values.max() - values.min() >= 225


def test_it_uses_the_whole_range(card: np.ndarray) -> None:
    assert (card.min(), card.max()) == (0, 255)


def test_three_quarters_are_grey(card: np.ndarray) -> None:
    grey = (card == card[..., :1]).all(axis=2)
    assert grey[:270].all()
    assert grey[270:, :480].all()


def test_the_zone_plate_is_the_same_in_every_direction(zone_plate: np.ndarray) -> None:
    right, down = zone_plate[135, 240:360], zone_plate[135:255, 240]
    np.testing.assert_array_equal(right, down)


@pytest.mark.parametrize("distance", [60, 120, 180])
def test_the_frequency_of_the_zone_plate_grows_with_the_distance(
    zone_plate: np.ndarray, distance: int
) -> None:
    line = zone_plate[135, 240 + distance - 24 : 240 + distance + 24]
    spectrum = np.abs(np.fft.rfft((line - line.mean()) * np.hanning(48), 480))
    assert spectrum.argmax() / 480 == pytest.approx(distance / 480, abs=0.01)


def test_the_amplitude_of_the_noise_falls_about_as_one_over_f(pink_noise: np.ndarray) -> None:
    amplitude = np.abs(np.fft.fft2(pink_noise - pink_noise.mean()))
    fy, fx = (np.fft.fftfreq(n) for n in pink_noise.shape)
    frequency = np.hypot(fy[:, None], fx[None, :])
    edges = np.geomspace(0.01, 0.4, 9)
    bands = [(frequency >= a) & (frequency < b) for a, b in pairwise(edges)]
    centres = [np.log(frequency[band]).mean() for band in bands]
    levels = [np.log(amplitude[band]).mean() for band in bands]
    assert np.polyfit(centres, levels, 1)[0] == pytest.approx(-1, abs=0.1)


def test_the_noise_is_hardly_clipped(pink_noise: np.ndarray) -> None:
    assert np.isin(pink_noise, (0, 255)).mean() < 0.01


@pytest.mark.parametrize("width", [1, 2, 3, 4, 6, 8, 12])
def test_there_are_lines_of_every_width(edges: np.ndarray, width: int) -> None:
    bright = edges[100, 240:] == 255
    starts = np.flatnonzero(np.diff(bright.astype(int), prepend=0, append=0))
    runs = np.diff(starts)[::2]
    assert width in runs


def test_there_are_single_dots_on_dark_ground(edges: np.ndarray) -> None:
    corner = edges[200:, 260:]
    rows, columns = np.nonzero(corner == 255)
    assert len(rows) > 10
    for row, column in zip(rows, columns, strict=True):
        around = corner[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2]
        assert np.count_nonzero(around == 255) == 1


def test_there_is_a_slanted_edge(edges: np.ndarray) -> None:
    places = [np.flatnonzero(np.diff(edges[row, :200]))[0] for row in (0, 100, 200)]
    assert places[0] > places[1] > places[2]


def test_the_ramp_grows_brighter_downwards(ramp: np.ndarray) -> None:
    brightest = ramp.max(axis=2)
    assert (np.diff(brightest, axis=0) >= 0).all()
    assert (brightest[0].max(), brightest[-1].min()) == (1, 255)


@pytest.mark.parametrize(("place", "channel"), [(0, 0), (160, 1), (320, 2)])
def test_the_ramp_goes_through_red_green_and_blue(
    ramp: np.ndarray, place: int, channel: int
) -> None:
    colour = ramp[-1, place]
    assert (colour[channel], np.delete(colour, channel).max()) == (255, 0)
