from __future__ import annotations

from uuid import UUID

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from facerec.core.faces import BoundingBox
from facerec.core.ids import (
    face_id,
    group_of,
    id_bytes,
    id_of_bytes,
    id_ranges,
    image_id,
    image_key,
    photo_number,
)
from facerec.engine.detect.suppression import suppress_overlaps

KEY = image_key("staff", image_id(b"a photo"), "ann:1", "v1")
ROUNDING = 1e-6
"""What boxes were seen to differ by between processors with AVX2 and with AVX-512."""

OVERLAP, COVER = 0.338, 1.0
"""From which on dlib's detection network takes two boxes for one face."""

PIXELS = 20_000
"""Share of a photo's side: boxes are compared by whole pixels."""

sides = st.floats(0.004, 1.5)
places = st.floats(-0.5, 1.2)


def test_a_face_has_the_id_that_earlier_releases_gave_it() -> None:
    key = image_key("staff", "864df305-c97d-8617-9ab4-c2f163e2687e", "photo:0", "fake-1")
    assert face_id(key, BoundingBox(0.0, 0.1, 0.3, 0.2)) == "1f24060b-5358-86f0-aeb5-fb817a2acb3c"
    assert face_id(key, BoundingBox(0.1, 0.1, 0.29, 0.2)) == "1f24060b-5358-86f0-aeb5-36fee94565b7"


@given(places, places, sides)
def test_a_face_id_is_a_uuid_that_begins_with_its_image(
    left: float, top: float, side: float
) -> None:
    made = face_id(KEY, BoundingBox(left, top, side, side))
    assert group_of(made) == KEY
    assert UUID(made).version == 8


@given(st.lists(st.uuids(), min_size=2))
def test_the_bytes_of_ids_sort_like_the_ids(uuids: list[UUID]) -> None:
    ids = list(map(str, uuids))
    assert [id_of_bytes(content) for content in sorted(map(id_bytes, ids))] == sorted(ids)


@given(places, places, sides, st.binary())
def test_faces_have_one_number_if_they_are_of_one_photo(
    left: float, top: float, side: float, content: bytes
) -> None:
    first, second = BoundingBox(left, top, side, side), BoundingBox(left, top, 2 * side, side)
    number = photo_number(face_id(KEY, first))
    assert number == photo_number(face_id(KEY, second)) < 2**64
    other = image_key("staff", image_id(content), None, "v1")
    assert photo_number(face_id(other, first)) != number


@given(st.integers(1, 16), st.uuids())
def test_every_id_is_in_one_range(count: int, uuid: UUID) -> None:
    ranges = id_ranges(count)
    assert len(ranges) == count
    containing = [
        (after, last)
        for after, last in ranges
        if (after is None or str(uuid) > after) and (last is None or str(uuid) <= last)
    ]
    assert len(containing) == 1


@given(places, places, sides, st.floats(0.265, 2.0), st.sampled_from([(1, 0), (0, 1), (1, -1)]))
def test_faces_that_a_detector_separates_have_different_ids(
    left: float, top: float, side: float, shift: float, direction: tuple[int, int]
) -> None:
    one = BoundingBox(left, top, side, side)
    other = BoundingBox(
        left + direction[0] * shift * side, top + direction[1] * shift * side, side, side
    )
    assert face_id(KEY, one) != face_id(KEY, other)
    larger = BoundingBox(left - side / 2, top - side / 2, 2 * side, 2 * side)
    assert face_id(KEY, one) != face_id(KEY, larger)


@settings(max_examples=1_000)
@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(0.4, 2.5), places, places, sides)
def test_two_boxes_that_a_detector_keeps_have_different_ids(
    right: float, below: float, larger: float, left: float, top: float, side: float
) -> None:
    one = np.array([left, top, side, side])
    other = np.array([left + right * side, top + below * side, larger * side, larger * side])
    pixels = PIXELS * np.stack([one, other])
    kept = suppress_overlaps(pixels, np.array([1.0, 0.5]), OVERLAP, COVER)
    if len(kept) == 2:
        assert face_id(KEY, BoundingBox(*one)) != face_id(KEY, BoundingBox(*other))


def test_an_id_does_not_depend_on_rounding() -> None:
    random = np.random.default_rng(0)
    changed = 0
    for _ in range(20_000):
        box = np.array([*random.uniform(0, 0.9, 2), *[random.uniform(0.04, 0.6)] * 2])
        rounded = box + random.uniform(-ROUNDING, ROUNDING, 4)
        changed += face_id(KEY, BoundingBox(*box)) != face_id(KEY, BoundingBox(*rounded))
    assert changed < 20
