"""Measuring how many photos a second this machine indexes."""

from __future__ import annotations

import pytest

from facerec.core.options import FaceOptions, QualityFilter
from facerec.core.photos import PhotoFaces
from facerec.engine.engine import open_engine
from facerec.estimate.measuring import generated_photos, measure_photos_per_second


def test_generated_photos_have_the_requested_faces() -> None:
    photos = generated_photos(1.0, 1.5, count=4)
    found = open_engine(threads=1).analyse(photos, FaceOptions(quality_filter=QualityFilter.NONE))
    assert all(isinstance(photo, PhotoFaces) for photo in found)
    assert sum(len(photo.faces) for photo in found if isinstance(photo, PhotoFaces)) == 6


@pytest.mark.parametrize("megapixels", [0.06, 2.0])
def test_generated_photos_have_the_requested_size(megapixels: float) -> None:
    (found,) = open_engine(threads=1).analyse(
        generated_photos(megapixels, 0, count=1), FaceOptions()
    )
    assert isinstance(found, PhotoFaces)
    assert found.width * found.height == pytest.approx(megapixels * 1e6, rel=0.02)


def test_the_speed_is_photos_per_second_of_processor_time() -> None:
    photos = generated_photos(0.06, 1, count=2)
    rate = measure_photos_per_second(open_engine(threads=1), photos, FaceOptions(), seconds=0.2)
    assert 0.1 < rate < 10_000
