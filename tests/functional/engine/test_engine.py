from __future__ import annotations

import io
import os
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facerec.core.faces import BoundingBox
from facerec.core.options import FaceOptions, QualityFilter
from facerec.core.photos import (
    PhotoFaces,
    RejectionReason,
    UnreadablePhoto,
    UnreadableReason,
)
from facerec.core.protocols.engine import FaceEngine
from facerec.engine.dlib.weights import Weights, find_weights
from facerec.engine.engine import Engine, open_engine
from facerec.errors import InvalidInputError, WeightsError
from tests.support.example_photos import EXAMPLES, load
from tests.support.shared_data import shared_data


def png(image: Image.Image) -> bytes:
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()


OPTIONS = FaceOptions()
# Reduced, since the time to find faces grows with the photo.
PORTRAITS = {path.stem: png(Image.fromarray(load(path, 640))) for path in EXAMPLES}
OBAMA = PORTRAITS["barack-obama-1"]
SAME_PERSON = 0.6
"""The distance of descriptors below which dlib's author calls two faces the same person."""


@pytest.fixture(scope="module")
def engine() -> FaceEngine:
    return open_engine(threads=1)


def analyse(engine: FaceEngine, photo: bytes, options: FaceOptions = OPTIONS) -> PhotoFaces:
    (result,) = engine.analyse([photo], options)
    assert isinstance(result, PhotoFaces)
    return result


def side_by_side(*names: str) -> bytes:
    """Return a photo that shows several portraits, each smaller than the one before."""
    images = [Image.open(io.BytesIO(PORTRAITS[name])) for name in names]
    for number, image in enumerate(images):
        image.thumbnail((500 - 120 * number, 600 - 120 * number))
    sheet = Image.new("RGB", (sum(image.width for image in images), 600))
    left = 0
    for image in images:
        sheet.paste(image, (left, 0))
        left += image.width
    return png(sheet)


def share(one: BoundingBox, other: BoundingBox) -> float:
    """Return the intersection over union of two boxes."""
    right = min(one.left + one.width, other.left + other.width)
    bottom = min(one.top + one.height, other.top + other.height)
    width = max(0.0, right - max(one.left, other.left))
    height = max(0.0, bottom - max(one.top, other.top))
    return width * height / (one.area + other.area - width * height)


def test_a_portrait_holds_one_face_with_all_that_is_known_of_it(engine: FaceEngine) -> None:
    found = analyse(engine, OBAMA)
    assert (found.width, found.height) == Image.open(io.BytesIO(OBAMA)).size
    (face,) = found.faces
    assert face.confidence > 0.95
    assert face.embedding.shape == (128,)
    assert face.embedding.dtype == np.float32
    # Measured by hand: the middle of the face.
    assert face.box.left + face.box.width / 2 == pytest.approx(0.53, abs=0.05)
    assert face.box.top + face.box.height / 2 == pytest.approx(0.24, abs=0.05)
    assert face.box.left < face.landmarks.nose.x < face.box.left + face.box.width
    assert abs(face.quality.pose.yaw) < 20


def test_descriptors_distinguish_people(engine: FaceEngine) -> None:
    names = ["barack-obama-1", "barack-obama-2", "joe-biden-1", "eileen-collins-1"]
    one, again, *others = (analyse(engine, PORTRAITS[name]).faces[0].embedding for name in names)
    assert np.linalg.norm(one - again) < SAME_PERSON
    assert all(np.linalg.norm(one - other) > SAME_PERSON for other in others)


def test_photos_in_one_call_give_what_they_give_alone(engine: FaceEngine) -> None:
    photos = [*PORTRAITS.values(), b"", OBAMA]
    together = engine.analyse(photos, OPTIONS)
    assert len(together) == len(photos)
    for photo, result in zip(photos, together, strict=True):
        (alone,) = engine.analyse([photo], OPTIONS)
        if isinstance(alone, UnreadablePhoto):
            assert result == alone
            continue
        assert isinstance(result, PhotoFaces)
        assert [face.box for face in result.faces] == [face.box for face in alone.faces]
        for face, same in zip(result.faces, alone.faces, strict=True):
            np.testing.assert_allclose(face.embedding, same.embedding, atol=1e-6)


def test_an_unreadable_photo_is_an_outcome_among_others(engine: FaceEngine) -> None:
    first, broken, last = engine.analyse([OBAMA, b"no photo", OBAMA], OPTIONS)
    assert isinstance(broken, UnreadablePhoto)
    assert broken.reason is UnreadableReason.UNSUPPORTED_FORMAT
    assert isinstance(first, PhotoFaces)
    assert isinstance(last, PhotoFaces)
    assert len(first.faces) == len(last.faces) == 1


def test_no_photos_have_no_results(engine: FaceEngine) -> None:
    assert engine.analyse([], OPTIONS) == []


def test_a_photo_without_people_has_no_faces(engine: FaceEngine) -> None:
    found = analyse(engine, PORTRAITS["rocket"])
    assert found.faces == ()


def test_faces_come_largest_first(engine: FaceEngine) -> None:
    photo = side_by_side("barack-obama-1", "eileen-collins-1")
    areas = [face.box.area for face in analyse(engine, photo).faces]
    assert len(areas) == 2
    assert areas == sorted(areas, reverse=True)


def test_faces_over_the_limit_are_reported_as_rejected(engine: FaceEngine) -> None:
    photo = side_by_side("barack-obama-1", "eileen-collins-1")
    found = analyse(engine, photo, replace(OPTIONS, max_faces=1))
    (face,), (rejected,) = found.faces, found.rejected
    assert rejected.reasons == (RejectionReason.EXCEEDS_MAX_FACES,)
    assert share(face.box, rejected.box) == 0


def test_doubtful_faces_are_reported_as_rejected(engine: FaceEngine) -> None:
    confidence = analyse(engine, OBAMA).faces[0].confidence
    found = analyse(engine, OBAMA, replace(OPTIONS, min_confidence=(1 + confidence) / 2))
    assert found.faces == ()
    (rejected,) = found.rejected
    assert rejected.reasons == (RejectionReason.LOW_CONFIDENCE,)
    assert rejected.confidence == pytest.approx(confidence)


def test_a_blurred_face_is_rejected_by_the_quality_filter_only(engine: FaceEngine) -> None:
    small = Image.open(io.BytesIO(OBAMA)).resize((51, 64)).resize((512, 640))
    photo = png(small)
    strict = replace(OPTIONS, quality_filter=QualityFilter.HIGH, min_confidence=0.5)
    (rejected,) = analyse(engine, photo, strict).rejected
    assert RejectionReason.LOW_SHARPNESS in rejected.reasons
    lenient = replace(strict, quality_filter=QualityFilter.NONE)
    assert len(analyse(engine, photo, lenient).faces) == 1


def test_a_face_in_strong_grain_is_rejected_by_the_quality_filter_only(engine: FaceEngine) -> None:
    (size,) = (face.quality.size for face in analyse(engine, OBAMA).faces)
    portrait = Image.open(io.BytesIO(OBAMA))
    portrait.thumbnail([side * 100 / size for side in portrait.size])
    noise = np.random.default_rng(0).normal(0, 80, (portrait.height, portrait.width, 3))
    grainy = np.clip(np.asarray(portrait) + noise, 0, 255).astype(np.uint8)
    photo = png(Image.fromarray(grainy))
    options = replace(OPTIONS, min_confidence=0.0)
    found = analyse(engine, photo, options)
    (rejected,) = (face for face in found.rejected if face.confidence > 0.5)
    assert rejected.reasons == (RejectionReason.LOW_SHARPNESS,)
    assert rejected.remedies == ("quality_filter",)
    assert len(analyse(engine, photo, replace(OPTIONS, quality_filter=QualityFilter.NONE)).faces)


def test_a_face_in_a_stretched_photo_is_rejected_by_the_quality_filter_only(
    engine: FaceEngine,
) -> None:
    portrait = Image.open(io.BytesIO(PORTRAITS["joe-biden-1"]))
    portrait.thumbnail((250, 250))
    photo = png(portrait.resize((2 * portrait.width, portrait.height)))
    (rejected,) = analyse(engine, photo).rejected
    assert rejected.reasons == (RejectionReason.LOW_FACE_QUALITY,)
    assert rejected.remedies == ("quality_filter",)
    assert len(analyse(engine, photo, replace(OPTIONS, quality_filter=QualityFilter.NONE)).faces)


@pytest.mark.parametrize("photo", ["20632", "13111", "37268"])
def test_wrinkles_and_beards_are_not_taken_for_grain(engine: FaceEngine, photo: str) -> None:
    content = (shared_data("fairface") / "images" / f"{photo}.jpg").read_bytes()
    found = analyse(engine, content)
    assert [face.reasons for face in found.rejected if face.quality.size > 100] == []
    assert max(face.quality.size for face in found.faces) > 100


def test_faces_of_two_percent_of_the_photo_are_found_and_larger_ones_can_be_asked_for(
    engine: FaceEngine,
) -> None:
    small = Image.open(io.BytesIO(OBAMA))
    small.thumbnail((180, 180))
    wide = Image.new("RGB", (900, 900), (128, 128, 128))
    wide.paste(small, (400, 400))
    options = replace(OPTIONS, quality_filter=QualityFilter.NONE)
    assert analyse(engine, png(wide), replace(options, smallest_face=120)).faces == ()
    (face,) = analyse(engine, png(wide), options).faces
    (large,) = analyse(engine, OBAMA, options).faces
    assert 400 < 900 * face.box.left < 400 + small.width
    assert np.linalg.norm(face.embedding - large.embedding) < SAME_PERSON


@pytest.mark.parametrize("side", [5_000, 10**21])
def test_a_photo_smaller_than_the_smallest_face_is_too_small(engine: FaceEngine, side: int) -> None:
    outcome = engine.analyse([OBAMA], replace(OPTIONS, smallest_face=side))[0]
    assert isinstance(outcome, UnreadablePhoto)
    assert outcome.reason is UnreadableReason.TOO_SMALL
    assert str(side) in outcome.detail


def test_a_panorama_is_searched_for_faces_of_four_percent_of_its_height(
    engine: FaceEngine,
) -> None:
    portrait = Image.open(io.BytesIO(OBAMA)).resize((410, 512))
    panorama = Image.new("RGB", (12_000, 1_000), (128, 128, 128))
    panorama.paste(portrait, (11_000, 300))
    (face,) = analyse(engine, png(panorama), OPTIONS).faces
    assert 11_000 < 12_000 * face.box.left < 11_410


def test_faces_of_a_large_photo_are_found_at_the_same_place(engine: FaceEngine) -> None:
    large = Image.open(io.BytesIO(OBAMA)).resize((2048, 2560))
    content = io.BytesIO()
    large.save(content, "JPEG", quality=90)
    found = analyse(engine, content.getvalue())
    (face,), (original,) = found.faces, analyse(engine, OBAMA).faces
    assert (found.width, found.height) == (2048, 2560)
    assert share(face.box, original.box) > 0.6
    assert face.quality.size == pytest.approx(4 * original.quality.size, rel=0.25)
    assert np.linalg.norm(face.embedding - original.embedding) < 0.3


@pytest.mark.parametrize("side", [900, 1800])
def test_a_small_face_of_a_large_jpeg_keeps_the_detail_its_descriptor_needs(
    engine: FaceEngine, side: int
) -> None:
    """The large JPEG is searched at half its size; the PNG is always decoded in full."""
    portrait = Image.open(io.BytesIO(OBAMA))
    portrait.thumbnail((side, side))
    wide = Image.new("RGB", (1900, 1100), (128, 128, 128))
    wide.paste(portrait, (700, 150))
    content = io.BytesIO()
    wide.save(content, "JPEG", quality=98)
    (face,) = analyse(engine, content.getvalue()).faces
    (expected,) = analyse(engine, png(wide)).faces
    assert share(face.box, expected.box) > 0.8
    assert np.linalg.norm(face.embedding - expected.embedding) < 0.1


def test_both_kinds_of_detectors_work(engine: FaceEngine) -> None:
    by_name = {
        name: analyse(engine, OBAMA, replace(OPTIONS, detector=name)).faces
        for name in ("cnn", "cnn-exact", "hog")
    }
    assert all(len(faces) == 1 for faces in by_name.values())
    assert share(by_name["hog"][0].box, by_name["cnn-exact"][0].box) > 0.5


def test_an_unknown_detector_is_refused(engine: FaceEngine) -> None:
    with pytest.raises(InvalidInputError, match="'eyes'"):
        engine.analyse([OBAMA], replace(OPTIONS, detector="eyes"))


def test_boxes_are_upright_for_any_orientation_tag(engine: FaceEngine) -> None:
    image = Image.open(io.BytesIO(OBAMA))
    upright = analyse(engine, OBAMA).faces[0]
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by 90 degrees clockwise
    content = io.BytesIO()
    image.transpose(Image.Transpose.ROTATE_90).save(content, "JPEG", quality=95, exif=exif)
    found = analyse(engine, content.getvalue())
    (face,) = found.faces
    assert (found.width, found.height) == image.size
    assert share(face.box, upright.box) > 0.8
    assert face.landmarks.left_eye_outer.x < face.landmarks.right_eye_outer.x


def test_one_photo_under_four_orientations_has_the_same_faces(engine: FaceEngine) -> None:
    # The others keep their orientation in a file beside them, which is not read.
    paths = sorted(shared_data("odd/exif_faces").glob("*.embedded.jpg"))
    assert len(paths) == 3
    options = replace(OPTIONS, quality_filter=QualityFilter.NONE)
    results = [analyse(engine, path.read_bytes(), options) for path in paths]
    first = results[0]
    assert first.faces
    for other in results[1:]:
        assert (other.width, other.height) == (first.width, first.height)
        for face, same in zip(first.faces, other.faces, strict=True):
            assert share(face.box, same.box) > 0.7


def test_the_model_version_names_weights_alignment_and_recipe(engine: FaceEngine) -> None:
    assert engine.model_version == "dlib-resnet-v1:55533b28/5pt:c4b1e980/pad0.25/single"


def test_missing_weights_are_reported_when_they_are_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACEREC_MODELS", str(tmp_path))
    engine = Engine()
    with pytest.raises(WeightsError):
        engine.analyse([OBAMA], OPTIONS)
    assert isinstance(engine.analyse([b""], OPTIONS)[0], UnreadablePhoto)


def test_nothing_but_the_three_files_is_opened(tmp_path: Path) -> None:
    for weights in Weights:
        (tmp_path / weights.value).symlink_to(find_weights(weights))
    # Reading it would block, since nobody writes to it.
    os.mkfifo(tmp_path / "shape_predictor_68_face_landmarks.dat")
    program = textwrap.dedent(
        f"""
        import sys
        opened = []
        sys.addaudithook(lambda event, args: event == "open" and opened.append(str(args[0])))
        from pathlib import Path
        from facerec.engine.engine import open_engine
        from facerec.core.options import FaceOptions
        photo = Path({str(EXAMPLES[0])!r}).read_bytes()
        for detector in ("cnn", "hog"):
            (found,) = open_engine(threads=1).analyse([photo], FaceOptions(detector=detector))
            assert len(found.faces) == 1
        assert "face_recognition_models" not in sys.modules
        assert not [path for path in opened if "68_face" in path]
        """
    )
    environment = os.environ | {
        "FACEREC_MODELS": str(tmp_path),
        "PYTHONPATH": str(Path(__file__).parents[3]),
    }
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=120)


def test_importing_the_engine_loads_no_runtime() -> None:
    program = textwrap.dedent(
        """
        import sys
        import facerec.engine.engine
        assert not {"dlib", "onnx", "onnxruntime", "boto3"} & set(sys.modules)
        """
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=60)


def test_faces_that_are_smaller_than_asked_for_are_rejected_with_the_reason(
    engine: FaceEngine,
) -> None:
    with Image.open(io.BytesIO(OBAMA)) as photo:
        options = replace(OPTIONS, quality_filter=QualityFilter.NONE)
        (face,) = analyse(engine, OBAMA, options).faces
        scale = 60 / face.quality.size
        small = photo.convert("RGB").resize((*[round(side * scale) for side in photo.size],))
    canvas = Image.new("RGB", (900, 700), (128, 128, 128))
    canvas.paste(small, (200, 200))
    result = analyse(engine, png(canvas), replace(options, smallest_face=100))
    assert result.faces == ()
    assert [face.reasons for face in result.rejected] == [(RejectionReason.SMALL_BOUNDING_BOX,)]
