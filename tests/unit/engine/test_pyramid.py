from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facerec.engine.detect.pyramid import Level, fill_tile, lay_out

SIDES = st.integers(min_value=1, max_value=4000)
MEANS = (122.782, 117.001, 104.298)


def intersect(one: Level, other: Level) -> bool:
    return (
        one.left < other.left + other.width
        and other.left < one.left + one.width
        and one.top < other.top + other.height
        and other.top < one.top + one.height
    )


@given(SIDES, SIDES)
def test_levels_lie_inside_the_tile_and_apart(width: int, height: int) -> None:
    layout = lay_out(width, height, padding=10, outer_padding=11)
    assert (layout.levels[0].width, layout.levels[0].height) == (width, height)
    for level in layout.levels:
        assert level.left >= 11
        assert level.left + level.width <= layout.width - 11
        assert level.top >= 11
        assert level.top + level.height <= layout.height - 11
    assert not any(intersect(*pair) for pair in itertools.combinations(layout.levels, 2))


@given(SIDES, SIDES)
def test_each_level_is_five_sixths_of_the_one_before(width: int, height: int) -> None:
    levels = lay_out(width, height, padding=10, outer_padding=11).levels
    for above, below in itertools.pairwise(levels):
        assert below.width == above.width * 5 // 6
        assert below.height == above.height * 5 // 6


@given(SIDES.filter(lambda side: side > 30), SIDES.filter(lambda side: side > 30))
def test_the_middle_of_each_level_is_the_middle_of_the_photo(width: int, height: int) -> None:
    layout = lay_out(width, height, padding=10, outer_padding=11)
    for number, level in enumerate(layout.levels):
        x, y, scale = layout.to_photo(level.left + level.width / 2, level.top + level.height / 2)
        assert scale == pytest.approx(1.2**number)
        # Each level was rounded down to whole pixels, by less than one of its own.
        assert x == pytest.approx(width / 2, abs=4 * scale)
        assert y == pytest.approx(height / 2, abs=4 * scale)


def test_the_first_level_is_the_photo_and_the_rest_is_background() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    layout = lay_out(120, 90, padding=10, outer_padding=11)
    tile = fill_tile(photo, layout, MEANS, np.float32)
    assert tile.shape == (3, layout.height, layout.width)
    np.testing.assert_array_equal(tile[:, 11:101, 11:131], photo.transpose(2, 0, 1))
    np.testing.assert_allclose(tile[:, :11].mean(axis=(1, 2)), MEANS, rtol=1e-6)


def test_smaller_levels_keep_corners_and_even_slopes() -> None:
    slope = np.linspace(0, 255, 121).round().astype(np.uint8)
    photo = np.broadcast_to(slope[np.newaxis, :, np.newaxis], (100, 121, 3))
    layout = lay_out(121, 100, padding=10, outer_padding=11)
    tile = fill_tile(photo, layout, MEANS, np.float32)
    for level in layout.levels[:6]:
        row = tile[0, level.top, level.left : level.left + level.width]
        np.testing.assert_allclose(row, np.linspace(0, 255, level.width), atol=1.0)


def test_a_tile_of_bytes_is_the_rounded_tile() -> None:
    photo = np.random.default_rng(1).integers(0, 256, (200, 150, 3), dtype=np.uint8)
    layout = lay_out(150, 200, padding=10, outer_padding=11)
    exact = fill_tile(photo, layout, MEANS, np.float32)
    rounded = fill_tile(photo, layout, MEANS, np.uint8)
    assert rounded.dtype == np.uint8
    np.testing.assert_allclose(rounded, exact, atol=2.0)
