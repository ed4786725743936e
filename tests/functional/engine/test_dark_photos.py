from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from facerec.core.options import FaceOptions, QualityFilter
from facerec.core.photos import PhotoFaces
from facerec.core.protocols.engine import FaceEngine
from facerec.engine.detect.contrast import brightened
from facerec.engine.engine import open_engine
from tests.support.example_photos import EXAMPLES, load
from tests.support.shared_data import shared_data

OPTIONS = FaceOptions(quality_filter=QualityFilter.NONE, rotate=False)


@pytest.fixture(scope="module")
def engine() -> FaceEngine:
    return open_engine(threads=1)


def faces_in_the_dark(engine: FaceEngine, path: Path, brightness: float) -> int:
    file = io.BytesIO()
    with Image.open(path) as photo:
        dark = ImageEnhance.Brightness(photo.convert("RGB")).enhance(brightness)
    dark.save(file, "JPEG", quality=92)
    (result,) = engine.analyse([file.getvalue()], OPTIONS)
    assert isinstance(result, PhotoFaces)
    return len(result.faces)


def test_faces_in_low_light_are_found(engine: FaceEngine) -> None:
    paths = sorted(shared_data("fairface").rglob("*.jpg"))
    portraits = paths[:: len(paths) // 30][:30]
    assert sum(bool(faces_in_the_dark(engine, path, 0.3)) for path in portraits) >= 27


def test_a_bright_photo_is_not_searched_again() -> None:
    assert all(brightened(load(path, 400)) is None for path in EXAMPLES)


def test_a_black_photo_has_no_face() -> None:
    bright = brightened(np.zeros((200, 300, 3), dtype=np.uint8))
    assert bright is not None
    assert not bright.any()
