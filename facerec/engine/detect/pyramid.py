"""An image pyramid tiled into one image, with the same layout as dlib's.

dlib scores the whole tile at once, so the score of a face near the edge of its level depends on the
neighbouring levels. Only the same layout gives the same scores.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from facerec.engine.detect.detection import Pixels

# pyramid_down<6> in ``dlib/image_transforms/image_pyramid.h``: each level is 5/6 of the one before.
_RATE = (6 - 1.0) / 6
_POINT_SHIFT = 0.3
_MIN_LEVEL_HEIGHT = 5

_BLOCK_ROWS = 64
"""Number of rows resized at a time, few enough to stay in the processor's cache."""

_Tile = NDArray[np.float32] | NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Level:
    """Position and size of a level in the tile, in pixels."""

    left: int
    top: int
    width: int
    height: int

    def distance(self, x: float, y: float) -> float:
        """Return the distance of a point of the tile from this level; 0 inside it."""
        return math.hypot(
            max(self.left - x, 0, x - (self.left + self.width - 1)),
            max(self.top - y, 0, y - (self.top + self.height - 1)),
        )


@dataclass(frozen=True, slots=True)
class TileLayout:
    """Size of a tile and the positions of its levels, largest first."""

    width: int
    height: int
    levels: tuple[Level, ...]

    def to_photo(self, x: float, y: float) -> tuple[float, float, float]:
        """Map a point of the tile to the photo.

        Returns:
            X and y in pixels of the photo, and the photo pixels per tile pixel.
        """
        distances = [level.distance(x, y) for level in self.levels]
        number = distances.index(min(distances))
        level = self.levels[number]
        photo_x, photo_y, scale = x - level.left, y - level.top, 1.0
        for _ in range(number):
            # ``pyramid_down::point_up``, applied once for each level, as in dlib.
            photo_x = photo_x / _RATE + _POINT_SHIFT
            photo_y = photo_y / _RATE + _POINT_SHIFT
            scale /= _RATE
        return photo_x, photo_y, scale


def lay_out(width: int, height: int, padding: int, outer_padding: int) -> TileLayout:
    """Return the layout of dlib's ``compute_tiled_image_pyramid_details``.

    Levels are placed below each other until the remaining ones fit beside them. The remaining
    levels are placed along the right edge, upwards, as far as the bottom of the photo itself.

    Args:
        width: Width of the photo in pixels.
        height: Height of the photo in pixels.
        padding: Pixels between two levels.
        outer_padding: Pixels around all levels together.
    """
    sizes = _level_sizes(width, height)
    column, column_height = _first_column(sizes, padding)
    levels = []
    bottom = outer_padding
    for level_width, level_height in sizes[:column]:
        levels.append(Level(outer_padding, bottom, level_width, level_height))
        bottom += level_height + padding
    bottom -= padding
    right = outer_padding + width
    for level_width, level_height in sizes[column:]:
        level = Level(right - level_width, bottom - level_height, level_width, level_height)
        if level.top < outer_padding + height:
            break
        levels.append(level)
        bottom -= level_height + padding
    return TileLayout(width + 2 * outer_padding, column_height + 2 * outer_padding, tuple(levels))


def fill_tile(
    pixels: Pixels, layout: TileLayout, background: Sequence[float], dtype: DTypeLike
) -> _Tile:
    """Return the tile of a photo's pyramid: an array of shape (3, rows, columns).

    Args:
        pixels: uint8 of shape (height, width, 3).
        layout: Layout for the photo's size.
        background: The colour around the levels.
        dtype: float32, or uint8 for rounded values and a quarter of the memory.
    """
    tile: _Tile = np.empty((3, layout.height, layout.width), dtype=dtype)
    tile[:] = _to_type(np.asarray(background, dtype=np.float32), tile.dtype)[:, None, None]
    above = None
    for level in layout.levels:
        view = tile[:, level.top : level.top + level.height, level.left : level.left + level.width]
        if above is None:
            view[:] = pixels.transpose(2, 0, 1)
        else:
            _shrink(above, view)
        above = view
    return tile


def _level_sizes(width: int, height: int) -> list[tuple[int, int]]:
    sizes = [(width, height)]
    while True:
        width, height = math.floor(_RATE * width), math.floor(_RATE * height)
        if width == 0 or height < _MIN_LEVEL_HEIGHT:
            return sizes
        sizes.append((width, height))


def _first_column(sizes: list[tuple[int, int]], padding: int) -> tuple[int, int]:
    """Return the number of levels in the first column, and its height in pixels."""
    width, height = sizes[0]
    total = sum(level_height + padding for _, level_height in sizes) - 2 * padding
    column_height, above_width = 0, 0
    for number, (level_width, level_height) in enumerate(sizes):
        fits_beside = level_width <= width - above_width - padding
        if fits_beside and (column_height - height) * 2 >= total - height:
            return number, column_height - padding
        column_height += level_height + padding
        above_width = level_width
    return len(sizes), column_height - padding


def _shrink(source: _Tile, result: _Tile) -> None:
    """Resize with bilinear interpolation from corner to corner, like dlib's ``resize_image``."""
    top, bottom, below = _interpolation(source.shape[1], result.shape[1])
    left, right, beside = _interpolation(source.shape[2], result.shape[2])
    below = below[:, np.newaxis]
    for channel, target in zip(source, result, strict=True):
        for start in range(0, len(target), _BLOCK_ROWS):
            block = slice(start, start + _BLOCK_ROWS)
            first = top[start]
            # A contiguous copy: ``take`` would otherwise copy the whole channel of the tile.
            near = np.ascontiguousarray(channel[first : bottom[block][-1] + 1])
            upper, lower = top[block] - first, bottom[block] - first
            rows = _mix(near, upper, lower, below[block], axis=0)
            target[block] = _to_type(_mix(rows, left, right, beside, axis=1), target.dtype)


def _mix(
    values: NDArray[Any],
    first: NDArray[np.intp],
    second: NDArray[np.intp],
    share: NDArray[np.float32],
    axis: int,
) -> NDArray[np.float32]:
    """Return blends of pairs of lines of a plane: a share of the second, the rest of the first."""
    # ``take`` with mode "clip" is faster than indexing because it skips bounds checks.
    mixed: NDArray[np.float32] = values.take(first, axis=axis, mode="clip").astype(
        np.float32, copy=False
    )
    mixed *= 1 - share
    other = values.take(second, axis=axis, mode="clip").astype(np.float32, copy=False)
    other *= share
    mixed += other
    return mixed


def _interpolation(
    source: int, result: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Return both neighbours of each pixel of a line, and the weight of the second."""
    positions = np.arange(result) * ((source - 1) / max(result - 1, 1))
    first = np.floor(positions).astype(np.intp)
    second = np.minimum(first + 1, source - 1)
    return first, second, (positions - first).astype(np.float32)


def _to_type(values: NDArray[np.float32], dtype: np.dtype[np.generic]) -> NDArray[np.generic]:
    return values if dtype == values.dtype else np.rint(values).astype(dtype)
