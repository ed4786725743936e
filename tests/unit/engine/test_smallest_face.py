from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facerec.core.options import MIN_SMALLEST_FACE, FaceOptions
from facerec.engine.smallest_face import effective_smallest_face
from facerec.errors import InvalidInputError

sides = st.integers(32, 30_000)


def test_a_requested_smallest_face_is_kept() -> None:
    assert effective_smallest_face(4000, 3000, 33) == 33


@given(sides, sides)
def test_the_default_follows_from_the_size_of_the_photo(width: int, height: int) -> None:
    size = effective_smallest_face(width, height, None)
    assert size == effective_smallest_face(height, width, None)
    assert size == 40 or size <= max(width, height) / 50 + 0.5


@pytest.mark.parametrize(
    ("width", "height", "size"),
    [
        (250, 250, 40),
        (800, 533, 40),
        (1920, 1080, 40),
        (4000, 3000, 80),
        (8160, 6120, 163),
        (30_000, 2_000, 80),
    ],
)
def test_the_default_is_two_percent_of_the_longer_side_from_40_pixels_on(
    width: int, height: int, size: int
) -> None:
    assert effective_smallest_face(width, height, None) == size


@pytest.mark.parametrize("size", [-1, 0, MIN_SMALLEST_FACE - 1])
def test_a_smallest_face_that_no_detector_sees_is_refused(size: int) -> None:
    with pytest.raises(InvalidInputError, match=f"at least {MIN_SMALLEST_FACE} pixels"):
        FaceOptions(smallest_face=size)
