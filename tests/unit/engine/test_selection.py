from __future__ import annotations

from dataclasses import replace

from facerec.core.faces import BoundingBox, Landmarks, Point, Pose, Quality
from facerec.core.options import FaceOptions, QualityFilter
from facerec.core.photos import DetectedFace, RejectionReason
from facerec.engine.describe import selection

EYE = Point(0.5, 0.5)
LIMIT = (RejectionReason.EXCEEDS_MAX_FACES,)


def face(size: float, *, confidence: float = 0.99, sharpness: float = 90.0) -> DetectedFace:
    return DetectedFace(
        box=BoundingBox(0.1, 0.1, size / 1000, size / 1000),
        confidence=confidence,
        landmarks=Landmarks(EYE, EYE, EYE, EYE, EYE),
        quality=Quality(size=size, sharpness=sharpness, brightness=50.0, pose=Pose(0, 0, 0)),
    )


def rejection_reasons(
    faces: list[DetectedFace], options: FaceOptions, min_size: float = 0.0
) -> list[tuple[RejectionReason, ...]]:
    return selection.rejection_reasons(faces, options, min_size, aspect=1.0)


def remedies(
    face: DetectedFace, reasons: tuple[RejectionReason, ...], options: FaceOptions, min_size: float
) -> tuple[str, ...]:
    return selection.remedies(face, reasons, options, min_size, aspect=1.0)


def test_good_faces_within_the_limit_are_kept() -> None:
    assert rejection_reasons([face(300), face(200)], FaceOptions()) == [(), ()]


def test_beyond_the_limit_the_smallest_are_rejected() -> None:
    faces = [face(200), face(400), face(300)]
    assert rejection_reasons(faces, FaceOptions(max_faces=2)) == [LIMIT, (), ()]


def test_beyond_the_limit_a_blurred_face_is_rejected_before_a_smaller_sharp_one() -> None:
    options = FaceOptions(max_faces=1, quality_filter=QualityFilter.NONE)
    faces = [face(400, sharpness=5), face(200)]
    assert rejection_reasons(faces, options) == [LIMIT, ()]


def test_doubtful_faces_do_not_count_against_the_limit() -> None:
    faces = [face(400, confidence=0.5), face(200)]
    assert rejection_reasons(faces, FaceOptions(max_faces=1)) == [
        (RejectionReason.LOW_CONFIDENCE,),
        (),
    ]


def test_every_reason_is_given() -> None:
    (reasons,) = rejection_reasons([face(10, confidence=0.1, sharpness=1)], FaceOptions())
    assert set(reasons) == {
        RejectionReason.LOW_CONFIDENCE,
        RejectionReason.LOW_SHARPNESS,
        RejectionReason.SMALL_BOUNDING_BOX,
    }


def advice(size: float, options: FaceOptions, min_size: float) -> tuple[str, ...]:
    small = face(size)
    (reasons,) = rejection_reasons([small], options, min_size)
    assert reasons == (RejectionReason.SMALL_BOUNDING_BOX,)
    return remedies(small, reasons, options, min_size)


def test_a_small_face_is_kept_by_the_option_that_rejected_it() -> None:
    anything = FaceOptions(quality_filter=QualityFilter.NONE)
    assert advice(30, anything, 97.5) == ("smallest_face",)
    assert advice(79, FaceOptions(quality_filter=QualityFilter.HIGH), 26) == ("quality_filter",)
    assert advice(20, FaceOptions(), 26) == ("quality_filter", "smallest_face")
    assert advice(31, FaceOptions(), 32) == ("smallest_face",)


def test_a_face_that_the_next_search_may_measure_smaller_needs_a_laxer_filter_too() -> None:
    assert advice(25, FaceOptions(), 26) == ("quality_filter", "smallest_face")


def test_an_option_at_its_limit_is_no_advice() -> None:
    finest = FaceOptions(smallest_face=20)
    assert advice(12, finest, 13) == ("quality_filter",)
    assert remedies(face(200), LIMIT, FaceOptions(), 26) == ()
    assert remedies(face(200), LIMIT, FaceOptions(max_faces=99), 26) == ("max_faces",)


def upright(*, nose_below_eyes: float, pitch: float = 0.0) -> DetectedFace:
    """Return a face whose nose is this far below its eyes, as a share of their distance."""
    across = [Point(x, 0.4) for x in (0.38, 0.42, 0.58, 0.62)]
    landmarks = Landmarks(*across, Point(0.5, 0.4 + 0.2 * nose_below_eyes))
    quality = replace(face(300).quality, pose=Pose(0, 0, pitch))
    return replace(face(300), landmarks=landmarks, quality=quality)


def test_a_face_in_a_stretched_photo_fails_every_filter_and_none_keeps_it() -> None:
    wide = [upright(nose_below_eyes=0.35)]
    stretched = (RejectionReason.LOW_FACE_QUALITY,)
    assert rejection_reasons(wide, FaceOptions()) == [stretched]
    assert remedies(wide[0], stretched, FaceOptions(), 26) == ("quality_filter",)
    assert rejection_reasons(wide, FaceOptions(quality_filter=QualityFilter.NONE)) == [()]
    assert rejection_reasons([upright(nose_below_eyes=0.7)], FaceOptions()) == [()]


def test_a_face_that_looks_up_is_not_stretched() -> None:
    assert rejection_reasons([upright(nose_below_eyes=0.4, pitch=25)], FaceOptions()) == [()]


def test_the_shape_of_the_photo_does_not_stretch_a_face() -> None:
    flat = upright(nose_below_eyes=0.35)
    assert selection.rejection_reasons([flat], FaceOptions(), aspect=0.5) == [()]


def test_a_stretched_face_is_the_first_beyond_the_limit() -> None:
    options = FaceOptions(max_faces=1, quality_filter=QualityFilter.NONE)
    faces = [upright(nose_below_eyes=0.35), face(200)]
    assert rejection_reasons(faces, options) == [LIMIT, ()]
