from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from benchmarks.support.labelled import labelled_photos
from facerec.core.options import FaceOptions, QualityFilter
from facerec.core.photos import PhotoFaces
from facerec.core.protocols.engine import FaceEngine
from facerec.engine.engine import open_engine
from tests.support.example_photos import EXAMPLES
from tests.support.long import mostly_long, rarely_short
from tests.support.shared_data import shared_data

PORTRAIT = next(path for path in EXAMPLES if path.stem == "barack-obama-1")
SMALL_PORTRAIT = next(path for path in EXAMPLES if path.stem == "barack-obama-2")
OPTIONS = FaceOptions(quality_filter=QualityFilter.NONE)
SAME_FACE = 0.2
"""Distance of descriptors below which two differ by less than two photos of a person do."""


@pytest.fixture(scope="module")
def engine() -> FaceEngine:
    return open_engine(threads=1)


def photo_turned(
    path: Path, degrees: int, orientation: int | None = None, longest_side: int | None = None
) -> bytes:
    """Return a photo turned clockwise, without any EXIF data but the orientation."""
    file = io.BytesIO()
    with Image.open(path) as photo:
        turned = photo.convert("RGB").rotate(-degrees, expand=True)
    if longest_side is not None:
        turned.thumbnail((longest_side, longest_side))
    exif = Image.Exif()
    if orientation is not None:
        exif[ExifTags.Base.Orientation] = orientation
    turned.save(file, "JPEG", quality=95, exif=exif)
    return file.getvalue()


def analyse(engine: FaceEngine, content: bytes, options: FaceOptions = OPTIONS) -> PhotoFaces:
    (result,) = engine.analyse([content], options)
    assert isinstance(result, PhotoFaces)
    return result


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_face_in_a_turned_photo_is_found_as_in_the_upright_one(
    engine: FaceEngine, degrees: int
) -> None:
    (upright,) = analyse(engine, photo_turned(PORTRAIT, 0)).faces
    result = analyse(engine, photo_turned(PORTRAIT, degrees))
    (face,) = result.faces
    assert result.rotation == (360 - degrees) % 360
    assert np.linalg.norm(face.embedding - upright.embedding) < SAME_FACE
    # Where the face is refers to the photo as it is stored.
    x, y = upright.box.left + upright.box.width / 2, upright.box.top + upright.box.height / 2
    for _ in range(degrees // 90):
        x, y = 1 - y, x
    assert face.box.left + face.box.width / 2 == pytest.approx(x, abs=0.02)
    assert face.box.top + face.box.height / 2 == pytest.approx(y, abs=0.02)
    assert face.landmarks.nose.x == pytest.approx(x, abs=face.box.width / 3)
    assert face.landmarks.nose.y == pytest.approx(y, abs=face.box.height / 3)
    leaning = upright.quality.pose.roll + degrees
    assert (face.quality.pose.roll - leaning + 180) % 360 - 180 == pytest.approx(0, abs=5)


@pytest.mark.parametrize("detector", ["cnn", "cnn-exact"])
@pytest.mark.parametrize("degrees", [90, 270])
def test_a_sideways_face_that_only_the_exact_detector_sees_is_turned(
    engine: FaceEngine, degrees: int, detector: str
) -> None:
    small = photo_turned(SMALL_PORTRAIT, degrees, longest_side=320)
    stored = analyse(engine, small, replace(OPTIONS, detector=detector, rotate=False))
    assert len(stored.faces) == 1
    result = analyse(engine, small, replace(OPTIONS, detector=detector))
    assert result.rotation == (360 - degrees) % 360
    assert len(result.faces) == 1


@pytest.mark.parametrize("degrees", mostly_long([90, 180, 270], 1))
def test_small_photos_on_their_side_are_turned(engine: FaceEngine, degrees: int) -> None:
    photos = sorted((shared_data("lfw") / "images").glob("*/*.jpg"))[::150]
    results = [analyse(engine, photo_turned(path, degrees)) for path in photos]
    turned = [result.rotation == (360 - degrees) % 360 for result in results]
    assert sum(turned) >= 0.9 * len(photos)
    # A face that is kept on its side resembles those of strangers.
    assert sum(bool(r.faces) and not ok for r, ok in zip(results, turned, strict=True)) <= 1


@pytest.mark.parametrize("degrees", mostly_long([90, 180, 270], 1))
def test_a_group_of_small_faces_on_its_side_is_turned(engine: FaceEngine, degrees: int) -> None:
    shared_data("groups")
    for name in ("masked_face__imgs__img5.jpeg", "2008_004176.jpg"):
        (path,) = (photo.path for photo in labelled_photos() if photo.path.name == name)
        upright = analyse(engine, photo_turned(path, 0))
        turned = analyse(engine, photo_turned(path, degrees))
        assert turned.rotation == (360 - degrees) % 360
        assert len(turned.faces) >= 0.9 * len(upright.faces) > 5


@pytest.mark.parametrize("detector", rarely_short(["cnn", "cnn-exact", "hog"], "cnn"))
def test_an_upright_photo_is_not_turned(engine: FaceEngine, detector: str) -> None:
    options = replace(OPTIONS, detector=detector, smallest_face=80)
    for path in EXAMPLES:
        assert analyse(engine, path.read_bytes(), options).rotation == 0


def test_the_better_of_the_upright_and_the_turned_faces_are_kept(engine: FaceEngine) -> None:
    images = shared_data("lfw") / "images"
    # Upright, its face is clear, but its proposal weak; turned, another place looks like a face.
    result = analyse(engine, (images / "John_Richardson" / "John_Richardson_0001.jpg").read_bytes())
    assert result.rotation == 0
    assert result.faces[0].confidence > 0.99


def test_a_photo_that_states_its_orientation_is_not_turned(engine: FaceEngine) -> None:
    sideways = photo_turned(PORTRAIT, 90, orientation=1)
    assert analyse(engine, sideways).rotation == 0


def test_a_photo_is_not_turned_unless_asked_for(engine: FaceEngine) -> None:
    sideways = photo_turned(PORTRAIT, 90)
    assert analyse(engine, sideways, replace(OPTIONS, rotate=False)).rotation == 0


@pytest.mark.parametrize("format_name", ["GIF", "WEBP", "PNG"])
def test_the_first_frame_of_an_animated_file_is_searched(
    engine: FaceEngine, format_name: str
) -> None:
    with Image.open(PORTRAIT) as photo:
        frame = photo.convert("RGB").resize((256, 320))
    blank = Image.new("RGB", frame.size)
    for frames, is_animated in (([blank], True), ([], False)):
        file = io.BytesIO()
        frame.save(file, format_name, save_all=True, append_images=frames)
        result = analyse(engine, file.getvalue())
        assert result.is_animated is is_animated
        assert len(result.faces) == 1
